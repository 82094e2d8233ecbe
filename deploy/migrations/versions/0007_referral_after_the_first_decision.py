"""A decline that was challenged; by when a team meets the family, and whether it has; which event said so last.

Work that was opened before has no due date here: the `first_contact_by` of its referral is null.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referral.referral ADD COLUMN challenged_at TIMESTAMP WITH TIME ZONE")
    op.execute("""
        ALTER TABLE referral.route_state ADD COLUMN sequence INTEGER,
            ADD COLUMN due_at TIMESTAMP WITH TIME ZONE, ADD COLUMN contacted_at TIMESTAMP WITH TIME ZONE
    """)
