"""What earlier events say of ethnicity, language and deprivation moves to events of their own, in the journal too.

Or a republish would say it again to services that may not hear it. The metrics service hears the new events.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

SAID = "type IN ('referral.received.v1', 'referral.amended.v1') AND jsonb_exists(CAST(value AS jsonb), 'monitoring')"


def upgrade() -> None:
    op.execute(f"""
        WITH last AS (
            SELECT DISTINCT ON (key) key, occurred_at, correlation_id, CAST(value AS jsonb) AS told
            FROM referral.event WHERE {SAID} ORDER BY key, sequence DESC
        ), moved AS (
            INSERT INTO referral.event (id, key, sequence, type, topic, occurred_at, correlation_id, value)
            SELECT uuidv7(), key, 1 + (SELECT max(sequence) FROM referral.event e WHERE e.key = last.key),
                'referral.monitored.v1', 'pir.referral.equality.v1', occurred_at, correlation_id,
                CAST(jsonb_build_object('reference', told -> 'reference', 'agency_id', told -> 'agency_id',
                    'about', 'family', 'monitoring', told -> 'monitoring') AS text)
            FROM last WHERE jsonb_strip_nulls(told -> 'monitoring') <> '{{}}' AND NOT EXISTS (
                SELECT FROM referral.event m WHERE m.key = last.key AND m.type = 'referral.monitored.v1')
            RETURNING id, key
        )
        INSERT INTO referral.outbox (part, event_id)
        SELECT CAST(mod(('x' || right(replace(CAST(key AS text), '-', ''), 8))::bit(32)::bigint, 12) AS smallint), id
        FROM moved
    """)  # noqa: S608  a constant
    without = "CAST(CAST(value AS jsonb) - 'monitoring' AS text)"
    op.execute(f"UPDATE referral.event SET value = {without} WHERE {SAID}")  # noqa: S608  as above
