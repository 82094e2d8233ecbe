"""Nothing that is counted needs the reference by which people name a referral: it leaves the metrics service."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE metrics.referral DROP COLUMN reference")
