"""Which item a change of a clock belongs to, the day of a first contact, and whether what is counted may be published.

Rows from before are brought along. A question is given the item that was asked at that moment, or the only one that had
been asked by then; a step the one item to which something happened at that moment. Where that is not clear the item
stays empty, and any step ends any question of the referral, as it was counted until now. What nobody recorded (a place
on the waiting list that ended a question) is taken from the items. A rebuild makes all of it exact (docs/operations.md).

So a database in which something was counted is not ready to publish; an empty one is.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = [
    """SET LOCAL search_path TO metrics""",
    """ALTER TABLE clock_change ADD COLUMN work_item_id UUID""",
    """UPDATE clock_change c SET work_item_id = coalesce(
    (SELECT min(w.id::text)::uuid FROM work_item w WHERE w.referral_id = c.referral_id AND w.asked_at = c.at
     HAVING count(*) = 1),
    (SELECT min(w.id::text)::uuid FROM work_item w WHERE w.referral_id = c.referral_id AND w.asked_at <= c.at
     HAVING count(*) = 1))
WHERE c.stops""",
    """UPDATE clock_change c SET work_item_id = (
    SELECT min(w.id::text)::uuid FROM work_item w
    WHERE w.referral_id = c.referral_id AND c.at IN (w.claimed_at, w.accepted_at, w.declined_at, w.ended_at)
    HAVING count(*) = 1)
WHERE NOT c.stops""",
    """INSERT INTO clock_change (event_id, referral_id, work_item_id, at, stops)
SELECT gen_random_uuid(), referral_id, id, listed_at, false FROM work_item
WHERE listed_at > asked_at AND about = 'family'""",
    """CREATE INDEX clock_question ON clock_change (referral_id) WHERE stops""",
    """ALTER TABLE work_item ADD COLUMN first_contact_on DATE""",
    """UPDATE work_item SET first_contact_on = (first_contact_at AT TIME ZONE 'Europe/London')::date
WHERE first_contact_at IS NOT NULL""",
    """ALTER TABLE work_item DROP COLUMN first_contact_at, DROP COLUMN due_at, DROP COLUMN opened_sequence""",
    """CREATE TABLE counting (
    is_ready BOOLEAN NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (is_ready),
    CONSTRAINT counting_ready CHECK (is_ready)
)""",
    """INSERT INTO counting SELECT true, now()
WHERE NOT EXISTS (SELECT 1 FROM referral) AND NOT EXISTS (SELECT 1 FROM inbox)""",
    """SET LOCAL search_path TO public""",
]
