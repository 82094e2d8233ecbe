"""Webhooks: where agencies want to be called, what is to be delivered there, and the key that their secrets need."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE notify.key_check (
    use TEXT NOT NULL,
    key_id BYTEA NOT NULL,
    wrapped BYTEA NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (use, key_id)
);

CREATE TABLE notify.webhook_endpoint (
    id UUID PRIMARY KEY,
    agency_id UUID NOT NULL UNIQUE,
    part SMALLINT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    why_off TEXT,
    wrapped_key BYTEA NOT NULL,
    secret BYTEA NOT NULL,
    secret_before BYTEA,
    before_until TIMESTAMPTZ,
    cursor TEXT NOT NULL,
    set_at TIMESTAMPTZ NOT NULL,
    last_success_at TIMESTAMPTZ,
    last_error TEXT,
    failing_since TIMESTAMPTZ,
    paused_until TIMESTAMPTZ,
    mail_due_at TIMESTAMPTZ,
    CONSTRAINT webhook_endpoint_state CHECK (state IN ('checking', 'active', 'off'))
);

CREATE TABLE notify.webhook_delivery (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    endpoint_id UUID NOT NULL REFERENCES notify.webhook_endpoint (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    referral_id UUID,
    reference TEXT,
    version INTEGER,
    made_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_tried_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    last_error TEXT,
    CONSTRAINT webhook_delivery_state CHECK (state IN ('due', 'delivered', 'given_up'))
);
CREATE INDEX webhook_delivery_due ON notify.webhook_delivery (endpoint_id, due_at, position) WHERE state = 'due';
CREATE INDEX webhook_delivery_of_referral ON notify.webhook_delivery (referral_id, endpoint_id, position);
CREATE INDEX webhook_delivery_latest ON notify.webhook_delivery (endpoint_id, position);
CREATE INDEX webhook_delivery_ended ON notify.webhook_delivery (ended_at) WHERE state <> 'due';
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n")[:-1]:
        op.execute(statement)
