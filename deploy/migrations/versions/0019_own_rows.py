"""A second wall for what an agency reads: the database itself leaves out the rows of other agencies.

`pir.agency` says for whom a connection or transaction acts: an agency's id, or `*` for work on all (shared/database.py).
Without it nothing is seen. Superusers, who make backups, see all.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE referral.referral ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE referral.referral FORCE ROW LEVEL SECURITY")
    op.execute("""
        CREATE POLICY own_rows ON referral.referral USING (
            current_setting('pir.agency', true) = '*'
            OR CAST(agency_id AS text) = current_setting('pir.agency', true)
        )
    """)
