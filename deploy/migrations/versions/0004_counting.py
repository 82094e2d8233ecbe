"""What counting needs: all that a KPI leans on, the published reports, and who is signed in to read them.

Rows that were counted before lack the new columns: `python -m services.metrics rebuild` and a republish of the three
services that speak fill them (docs/operations.md).
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = [
    """SET LOCAL search_path TO metrics""",
    """ALTER TABLE referral
    ADD COLUMN reference TEXT,
    ADD COLUMN authority TEXT,
    ADD COLUMN carer_age SMALLINT,
    ADD COLUMN support_ends_on DATE,
    ADD COLUMN is_re_referral BOOLEAN,
    ADD COLUMN is_incomplete BOOLEAN,
    ADD COLUMN facts_sequence INTEGER,
    ADD COLUMN withdrawal_reason TEXT,
    ADD COLUMN decided_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN person_decided_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN decision_sequence INTEGER,
    ADD COLUMN urgency TEXT,
    ADD COLUMN is_priority BOOLEAN,
    ADD COLUMN erased_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN heard_at TIMESTAMP WITH TIME ZONE""",
    """CREATE INDEX referral_received ON referral (received_at)""",
    """CREATE INDEX referral_undecided ON referral (received_at) WHERE triaged_at IS NULL""",
    """CREATE INDEX referral_family ON referral (family_id)""",
    """ALTER TABLE work_item
    ADD COLUMN about TEXT,
    ADD COLUMN opened_sequence INTEGER,
    ADD COLUMN asked_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN place TEXT,
    ADD COLUMN decline_reason TEXT,
    ADD COLUMN held_on DATE,
    ADD COLUMN attendees INTEGER""",
    """CREATE TABLE clock_change (
    event_id UUID NOT NULL,
    referral_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    stops BOOLEAN NOT NULL,
    PRIMARY KEY (event_id)
)""",
    """CREATE INDEX ix_clock_change_referral_id ON clock_change (referral_id)""",
    """CREATE TABLE message (
    id UUID NOT NULL,
    referral_id UUID NOT NULL,
    kind TEXT NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    undeliverable_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
)""",
    """CREATE TABLE agency (
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (id)
)""",
    """CREATE TABLE places (
    event_id UUID NOT NULL,
    route TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    individual INTEGER NOT NULL,
    "group" INTEGER NOT NULL,
    PRIMARY KEY (event_id)
)""",
    """CREATE TABLE report (
    kind TEXT NOT NULL,
    period TEXT NOT NULL,
    version INTEGER NOT NULL,
    first_day DATE NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    document TEXT NOT NULL,
    is_practice BOOLEAN DEFAULT false NOT NULL,
    PRIMARY KEY (kind, period, version),
    CONSTRAINT report_kind CHECK (kind IN ('contract', 'equality', 'need'))
)""",
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% rows are never changed', TG_TABLE_NAME; END $$""",
    """CREATE TRIGGER report_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON report FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    action TEXT NOT NULL,
    referral_id UUID,
    detail TEXT,
    PRIMARY KEY (id)
)""",
    """CREATE INDEX audit_actor ON audit (actor_id, at)""",
    """CREATE INDEX audit_referral ON audit (referral_id)""",
    """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE session (
    digest BYTEA NOT NULL,
    staff_id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    csrf TEXT NOT NULL,
    id_token TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (digest)
)""",
    """CREATE INDEX session_seen ON session (seen_at)""",
    """SET LOCAL search_path TO public""",
]
