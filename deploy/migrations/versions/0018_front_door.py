"""The front door: members of agencies, their sessions and sign-in codes, drafts, calls, and who sent which referral."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE referral.member (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES referral.agency (id),
    email_digest BYTEA NOT NULL,
    wrapped_key BYTEA NOT NULL,
    identity BYTEA NOT NULL,
    staff_id TEXT,
    is_keeper BOOLEAN NOT NULL,
    added_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX member_email ON referral.member (email_digest) WHERE ended_at IS NULL;
CREATE INDEX ix_member_agency_id ON referral.member (agency_id);

CREATE TABLE referral.member_session (
    digest BYTEA PRIMARY KEY,
    member_id UUID NOT NULL REFERENCES referral.member (id),
    csrf TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX ix_member_session_member_id ON referral.member_session (member_id);

CREATE TABLE referral.sign_in_code (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    browser BYTEA NOT NULL,
    email_digest BYTEA NOT NULL,
    code_digest BYTEA NOT NULL,
    tries SMALLINT NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    page TEXT NOT NULL
);
CREATE INDEX ix_sign_in_code_browser ON referral.sign_in_code (browser);
CREATE INDEX ix_sign_in_code_email_digest ON referral.sign_in_code (email_digest);

CREATE TABLE referral.draft (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL REFERENCES referral.agency (id),
    member_id UUID REFERENCES referral.member (id),
    wrapped_key BYTEA,
    sealed BYTEA,
    begun_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    sent_as TEXT
);
CREATE INDEX ix_draft_member_id ON referral.draft (member_id);
CREATE INDEX ix_draft_until ON referral.draft (until);

CREATE TABLE referral.call_ticket (
    digest BYTEA PRIMARY KEY,
    draft_id UUID NOT NULL REFERENCES referral.draft (id) ON DELETE CASCADE,
    until TIMESTAMPTZ NOT NULL
);
CREATE INDEX ix_call_ticket_draft_id ON referral.call_ticket (draft_id);

CREATE TABLE referral.author (
    referral_id UUID PRIMARY KEY REFERENCES referral.referral (id),
    member_id UUID NOT NULL REFERENCES referral.member (id),
    looked_in BIGINT NOT NULL
);
CREATE INDEX ix_author_member_id ON referral.author (member_id);
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n")[:-1]:
        op.execute(statement)
