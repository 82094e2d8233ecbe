"""Families: profiles as blind indexes, links that are replaced, what a person said of two referrals.

What agencies read of links before goes: they hear of a link once a person has confirmed it. `reindex` makes the
profiles, tokens and links of the referrals that are there (docs/operations.md).
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE referral.referral ADD COLUMN profile JSONB NOT NULL DEFAULT '{}', DROP COLUMN is_baby_named"
    )
    op.execute("ALTER TABLE referral.referral ALTER COLUMN profile DROP DEFAULT")
    op.execute("ALTER TABLE referral.family_token DROP COLUMN is_baby")
    op.execute("ALTER TABLE referral.kin ALTER COLUMN link DROP NOT NULL")
    op.execute("ALTER TABLE referral.kin ADD COLUMN is_told BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE referral.kin ADD COLUMN is_answered BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE referral.kin ADD COLUMN in_facts BOOLEAN NOT NULL DEFAULT false")
    op.execute("UPDATE referral.kin SET in_facts = other_id < referral_id")
    for column in ("is_told", "is_answered", "in_facts"):
        op.execute(f"ALTER TABLE referral.kin ALTER COLUMN {column} DROP DEFAULT")
    op.execute("UPDATE referral.kin SET is_told = true WHERE link = 'repeat'")
    op.execute("DELETE FROM referral.history WHERE what = 'linked'")
    op.execute("""
        CREATE TABLE referral.family_judgment (
            one_id UUID NOT NULL, other_id UUID NOT NULL, is_same BOOLEAN NOT NULL, at TIMESTAMP WITH TIME ZONE NOT NULL,
            PRIMARY KEY (one_id, other_id))
    """)
    op.execute("CREATE INDEX ix_family_judgment_other_id ON referral.family_judgment (other_id)")
    op.execute("CREATE INDEX referral_family ON referral.referral (family_id)")
    op.execute("CREATE INDEX ix_kin_other_id ON referral.kin (other_id)")
