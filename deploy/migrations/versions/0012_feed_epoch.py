"""The feed survives a restore: its cursors name an epoch, which the deploy step renews in a new cluster."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE referral.feed_epoch (id UUID PRIMARY KEY, renewed_in BIGINT NOT NULL)")
    op.execute("""
        INSERT INTO referral.feed_epoch
        VALUES ('00000000-0000-0000-0000-000000000000', CAST(CAST(pg_current_xact_id() AS text) AS bigint))
    """)
