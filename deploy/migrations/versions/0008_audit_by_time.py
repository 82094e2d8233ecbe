"""The audit trail is read by time: page after page of all services, and what was looked at within a day."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema in ("referral", "triage", "notify", "metrics"):
        op.execute(f"CREATE INDEX audit_time ON {schema}.audit (at, id)")
