"""What somebody typed, or a page that answered their form, for an hour: sealed with a key that is in no database."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema in ("triage", "metrics"):
        op.execute(f"""
            CREATE TABLE {schema}.kept (
                digest BYTEA NOT NULL,
                staff_id TEXT NOT NULL,
                session BYTEA,
                sealed BYTEA NOT NULL,
                kept_at TIMESTAMP WITH TIME ZONE NOT NULL,
                PRIMARY KEY (digest)
            )
        """)
        op.execute(f"CREATE INDEX kept_of ON {schema}.kept (staff_id, kept_at)")
