"""Digests of whole copies that another copy has replaced since: an old one that comes late undoes nothing."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referral.referral ADD COLUMN earlier_copies BYTEA[] NOT NULL DEFAULT '{}'")
