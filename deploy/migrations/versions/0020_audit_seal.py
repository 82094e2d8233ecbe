"""Seals over the audit trail, in a chain: insert-only, as the trail itself."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema in ("referral", "triage", "notify", "metrics"):
        op.execute(f"""
            CREATE TABLE {schema}.audit_seal (
                number BIGINT NOT NULL,
                sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
                ids BIGINT[] NOT NULL,
                digests BYTEA NOT NULL,
                head BYTEA NOT NULL,
                PRIMARY KEY (number)
            )
        """)
        op.execute(f"""
            CREATE OR REPLACE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION '% rows are never changed', TG_TABLE_NAME; END $$
        """)
        op.execute(f"""
            CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.audit_seal
            FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change()
        """)
