"""Messages to families: who wants them (codes), where nobody does (digests), and how often one was taken on."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE referral.contact_key (id UUID PRIMARY KEY, wrapped_key BYTEA NOT NULL)")
    op.execute("""
        CREATE TABLE referral.contact_stop (digest BYTEA PRIMARY KEY, at TIMESTAMP WITH TIME ZONE NOT NULL)
    """)
    op.execute("""
        CREATE TABLE referral.contact_given (
            message_id UUID PRIMARY KEY,
            referral_id UUID NOT NULL,
            digest BYTEA NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL
        )
    """)
    for column in ("referral_id", "digest", "at"):
        op.execute(f"CREATE INDEX ix_contact_given_{column} ON referral.contact_given ({column})")
    op.execute("""
        CREATE TABLE notify.household (
            referral_id UUID PRIMARY KEY,
            channel TEXT NOT NULL,
            language TEXT,
            sequence INTEGER NOT NULL
        )
    """)
    op.execute("""
        ALTER TABLE notify.message ADD COLUMN accepted SMALLINT NOT NULL DEFAULT 0,
            ADD COLUMN is_released BOOLEAN NOT NULL DEFAULT false
    """)
