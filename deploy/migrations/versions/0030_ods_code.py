"""An agency may have an ODS code: a FHIR message is taken from the organisation that its key stands for, and no other."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referral.agency ADD COLUMN ods_code TEXT")
