"""Each event says on which topic it goes, and one that can't be sent is set aside alone."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema in ("referral", "triage", "notify"):
        op.execute(f"ALTER TABLE {schema}.event ADD COLUMN topic TEXT NOT NULL DEFAULT 'pir.{schema}.v1'")
        op.execute(f"ALTER TABLE {schema}.event ALTER COLUMN topic DROP DEFAULT")
        op.execute(f"ALTER TABLE {schema}.outbox ADD COLUMN set_aside TEXT")
        op.execute(f"CREATE INDEX outbox_set_aside ON {schema}.outbox (position) WHERE set_aside IS NOT NULL")
