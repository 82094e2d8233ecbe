"""Until when a colleague is away; and families that wait for their ward are looked at again, not late for ever.

The first look is due three months after their work began to count, or three months from now where that has passed: at
17:00 of a day that may be no working day.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE triage.colleague ADD COLUMN away_until DATE")
    op.execute("""
        UPDATE triage.work_item SET base_due_at = looked.again, due_at = looked.again
        FROM (
            SELECT id, (date_trunc('day', since AT TIME ZONE 'Europe/London') + interval '3 months 17 hours')
                AT TIME ZONE 'Europe/London' AS again
            FROM (SELECT id, CASE WHEN counts_from + interval '3 months' > now() THEN counts_from ELSE now() END AS since
                  FROM triage.work_item
                  WHERE route = 'phase_hold' AND ended_at IS NULL AND urgency NOT IN ('now', '4h')) held
        ) looked
        WHERE looked.id = work_item.id
    """)
