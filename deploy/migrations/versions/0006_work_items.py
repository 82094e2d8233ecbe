"""What happens after the first decision: clocks of referrals, deadlines without what the clock stood, proposals, undo.

Existing rows are brought along. A deadline that was moved before keeps its day: it is the base from now on. Work that
waits for the referrer stands still, and with it the referral's other work, but safety work.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SAFETY = """(
    w.route IN ('mash', 'mash_home_la', 'emergency_call', 'safeguarding_lead', 'social_worker_link', 'pnmh_emergency',
                'bereavement_review', 'review_birth_outcome')
    OR w.urgency IN ('now', '4h') OR w.route = 'review' AND w.marks ? 'safety_words')"""


def upgrade() -> None:
    op.execute("""
        ALTER TABLE triage.referral ADD COLUMN released_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN decided_as_of TIMESTAMP WITH TIME ZONE, ADD COLUMN stops JSONB NOT NULL DEFAULT '[]'::jsonb,
            ADD COLUMN proposal_id UUID
    """)
    op.execute("ALTER TABLE triage.decision ADD COLUMN is_proposal BOOLEAN NOT NULL DEFAULT false")
    op.execute("""
        ALTER TABLE triage.work_item ADD COLUMN held_before TEXT, ADD COLUMN counts_from TIMESTAMP WITH TIME ZONE,
            ADD COLUMN base_due_at TIMESTAMP WITH TIME ZONE, ADD COLUMN clock_stands BOOLEAN NOT NULL DEFAULT false,
            ADD COLUMN first_contact_on DATE, ADD COLUMN ended_by TEXT, ADD COLUMN reopens UUID
    """)
    # As of when a referral was decided last: its release, a birth told since, or its receipt
    op.execute("""
        UPDATE triage.referral r SET
            released_at = (SELECT max(decided_at) FROM triage.decision d
                           WHERE d.referral_id = r.id AND d.actor_id = 'clock')
    """)
    op.execute("""
        UPDATE triage.referral r SET decided_as_of = greatest(r.received_at, r.released_at, (
            SELECT min(d.decided_at) FROM triage.decision d
            WHERE d.referral_id = r.id AND d.facts -> 'infant' ->> 'born_on' = r.facts -> 'infant' ->> 'born_on'
              AND CAST(r.facts -> 'infant' ->> 'born_on' AS date) > (r.received_at AT TIME ZONE 'Europe/London')::date))
    """)
    op.execute("UPDATE triage.work_item SET counts_from = received_at, base_due_at = due_at")
    op.execute("""
        UPDATE triage.work_item SET first_contact_on = (first_contact_at AT TIME ZONE 'Europe/London')::date
        WHERE first_contact_at IS NOT NULL
    """)
    op.execute("""
        UPDATE triage.work_item w SET marks = w.marks || '["safety_words"]' FROM triage.decision d
        WHERE d.id = w.decision_id AND w.route = 'review' AND d.decision -> 'rules' ? 'A1'
            AND NOT w.marks ? 'undeliverable'
    """)
    op.execute(f"""
        UPDATE triage.work_item w SET clock_stands = true
        WHERE w.ended_at IS NULL AND NOT {_SAFETY} AND w.first_contact_at IS NULL AND EXISTS (
            SELECT 1 FROM triage.work_item q WHERE q.referral_id = w.referral_id AND q.ended_at IS NULL
                AND q.waiting_since <= w.due_at)
    """)  # noqa: S608  a constant
    op.execute("ALTER TABLE triage.referral ALTER COLUMN decided_as_of SET NOT NULL")
    op.execute("""
        ALTER TABLE triage.work_item ALTER COLUMN counts_from SET NOT NULL, ALTER COLUMN base_due_at SET NOT NULL
    """)
    op.execute("DROP INDEX triage.work_item_place")
    op.execute("""
        CREATE INDEX work_item_place ON triage.work_item (route) WHERE ended_at IS NULL AND place IS NOT NULL
    """)
    op.execute("""
        CREATE INDEX work_item_list ON triage.work_item (route) WHERE ended_at IS NULL AND marks ? 'waiting_list'
    """)
    op.execute("CREATE INDEX work_item_reopens ON triage.work_item (reopens) WHERE reopens IS NOT NULL")
