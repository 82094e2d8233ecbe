"""Which keys something may be stored under, and which index keys made the digests of a row.

`index_key` has four bytes of each key, the current one first; null is the first key that a database ever had.
"""

from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema in ("referral", "triage"):
        op.execute(f"""
            CREATE TABLE {schema}.key_check (
                use TEXT NOT NULL,
                key_id BYTEA NOT NULL,
                wrapped BYTEA NOT NULL,
                since TIMESTAMP WITH TIME ZONE NOT NULL,
                PRIMARY KEY (use, key_id)
            )
        """)
    for table in ("referral", "member", "request"):
        op.execute(f"ALTER TABLE referral.{table} ADD COLUMN index_key BYTEA")
    op.execute("ALTER TABLE referral.sign_in_code ADD COLUMN email_digest_before BYTEA")
    for schema in ("triage", "metrics"):
        op.execute(f"ALTER TABLE {schema}.session ADD COLUMN provider_session TEXT")
        op.execute(f"CREATE INDEX session_staff ON {schema}.session (staff_id)")
        op.execute(f"""
            CREATE TABLE {schema}.logout_token (
                issuer TEXT NOT NULL,
                jti TEXT NOT NULL,
                until TIMESTAMP WITH TIME ZONE NOT NULL,
                PRIMARY KEY (issuer, jti)
            )
        """)
