"""When the database was last copied: written by deploy/backup.sh, read by metrics, which an alert watches."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE public.pir_backup (ended_at TIMESTAMPTZ PRIMARY KEY, bytes BIGINT NOT NULL)")
