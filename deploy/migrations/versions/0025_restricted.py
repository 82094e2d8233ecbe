"""A hold may also restrict: the family's records are kept and not used."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referral.hold ADD COLUMN restricts BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE triage.referral ADD COLUMN restricted_at TIMESTAMP WITH TIME ZONE")
    op.execute("""
        CREATE TABLE notify.restricted (referral_id UUID PRIMARY KEY, since TIMESTAMP WITH TIME ZONE NOT NULL)
    """)
    op.execute("ALTER TABLE metrics.referral ADD COLUMN is_restricted BOOLEAN, ADD COLUMN restriction_sequence INTEGER")
