"""Messages to families: work that was closed because of a death, and which words a person read before a release."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referral.route_state ADD COLUMN is_loss BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE notify.message ADD COLUMN words_digest BYTEA")
