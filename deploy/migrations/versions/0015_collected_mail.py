"""What is too much mail for one day is collected into one. Messages of before stay as they are: to be sent one by one."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notify.message ADD COLUMN collected_on DATE")
    op.execute("ALTER TABLE notify.message DROP CONSTRAINT message_state")
    op.execute("""
        ALTER TABLE notify.message ADD CONSTRAINT message_state CHECK (
            state IN ('due', 'collected', 'sent', 'delivered', 'failed', 'undeliverable', 'held'))
    """)
    op.execute("""
        CREATE INDEX message_collected ON notify.message (part, due_at)
        WHERE state IN ('collected', 'failed') AND collected_on IS NOT NULL
    """)
    op.execute("CREATE INDEX message_of_day ON notify.message (agency_id, kind, created_at)")
