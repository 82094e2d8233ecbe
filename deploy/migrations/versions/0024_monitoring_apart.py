"""What equality counts need has an event of its own: which of them is the latest is told by its own number."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE metrics.referral ADD COLUMN monitoring_sequence INTEGER")
    op.execute("UPDATE metrics.referral SET monitoring_sequence = facts_sequence WHERE monitoring IS NOT NULL")
