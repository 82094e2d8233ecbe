"""An agency's own reference is shown to it: sealed, like all that it sent, so that only the referral service reads it.

Referrals from before get theirs by `reindex`.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referral.referral ADD COLUMN external_sealed BYTEA")
