"""Erasure that is whole: who was erased, in all four services; holds; a second person who confirms.

What earlier versions left of erased families goes: receipts, histories, routes, links, answers that were kept.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LEFT: tuple[str, ...] = (
    """INSERT INTO referral.erased SELECT r.id, coalesce(
        (SELECT max(at) FROM referral.audit a WHERE a.referral_id = r.id AND a.action = 'referral.erased'), now())
    FROM referral.referral r WHERE r.wrapped_key IS NULL""",
    "INSERT INTO notify.erased SELECT * FROM referral.erased",
    "INSERT INTO metrics.erased SELECT * FROM referral.erased",
    "INSERT INTO triage.erased SELECT * FROM referral.erased",
    "DELETE FROM referral.history WHERE referral_id IN (SELECT key FROM referral.erased)",
    "DELETE FROM referral.route_state WHERE referral_id IN (SELECT key FROM referral.erased)",
    """DELETE FROM referral.kin
    WHERE referral_id IN (SELECT key FROM referral.erased) OR other_id IN (SELECT key FROM referral.erased)""",
    """UPDATE referral.request q SET answer = jsonb_build_object('reference', r.reference)
    FROM referral.referral r WHERE r.wrapped_key IS NULL AND q.location = '/referrals/' || r.reference""",
    """UPDATE referral.referral SET receipt = jsonb_build_object('reference', reference), family_id = id,
        body_digest = '', facts = '{}', gaps = '[]', profile = '{}', decision = NULL, decided_by = NULL,
        decided_version = NULL, decided_at = NULL, declined_at = NULL, challenged_at = NULL, withdrawn_at = NULL,
        withdrawal_reason = NULL, ended_at = NULL
    WHERE wrapped_key IS NULL""",
    """UPDATE triage.work_item SET age_out_warning_on = NULL, marks = '[]', tier = NULL, interim_offer = NULL
    WHERE referral_id IN (SELECT key FROM triage.erased)""",
    "UPDATE triage.referral SET family_id = id, linked = '[]' WHERE id IN (SELECT key FROM triage.erased)",
    "DELETE FROM triage.decision WHERE referral_id IN (SELECT key FROM triage.erased)",
    "DELETE FROM notify.event WHERE key IN (SELECT key FROM notify.erased)",
    *(
        f"""UPDATE {schema}.parked SET value = NULL, headers = '[]', resolved_at = coalesce(resolved_at, now()),
        resolution = coalesce(resolution, 'erased'), resolved_by = coalesce(resolved_by, 'erased')
    WHERE key IN (SELECT key FROM {schema}.erased)"""  # noqa: S608  the names stand below
        for schema in ("referral", "triage", "notify", "metrics")
    ),
)


def upgrade() -> None:
    for schema in ("referral", "triage", "notify", "metrics"):
        op.execute(f"CREATE TABLE {schema}.erased (key UUID PRIMARY KEY, at TIMESTAMP WITH TIME ZONE NOT NULL)")
    op.execute("""
        CREATE TABLE referral.hold (
            id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, referral_id UUID NOT NULL REFERENCES referral.referral (id),
            reason TEXT NOT NULL, review_on DATE NOT NULL, set_by TEXT NOT NULL, set_at TIMESTAMP WITH TIME ZONE NOT NULL,
            ended_by TEXT, ended_at TIMESTAMP WITH TIME ZONE)
    """)
    op.execute("CREATE INDEX ix_hold_referral_id ON referral.hold (referral_id)")
    op.execute("""
        CREATE TABLE referral.erasure_request (
            referral_id UUID PRIMARY KEY REFERENCES referral.referral (id), asked_by TEXT NOT NULL,
            asked_at TIMESTAMP WITH TIME ZONE NOT NULL)
    """)
    for statement in _LEFT:
        op.execute(statement)
