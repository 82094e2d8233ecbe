"""The provider of an agency can end the sessions of its people."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE referral.member_session
        ADD COLUMN provider TEXT, ADD COLUMN subject TEXT, ADD COLUMN provider_session TEXT
    """)
    op.execute("""
        CREATE INDEX member_session_provider ON referral.member_session (provider) WHERE provider IS NOT NULL
    """)
    op.execute("""
        CREATE TABLE referral.logout_token (
            issuer TEXT NOT NULL,
            jti TEXT NOT NULL,
            until TIMESTAMP WITH TIME ZONE NOT NULL,
            PRIMARY KEY (issuer, jti)
        )
    """)
