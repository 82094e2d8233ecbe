"""The tables of the notify service, in its schema `notify`; nobody else reads them.

A message is a row from the moment there is something to say; its text is made from `content` (codes and dates) when
it is sent. `collected_on` is the day of the mail that it goes in with others, of one agency and so of one part. Of
addresses there are the agencies' team inboxes only, and those of their systems (webhooks/). Of a message to a family,
`accepted` counts how often GOV.UK Notify took it on (each is charged); `is_released`: a person let it go, after reading
the words on safe contact of `words_digest` (keyed by the referral service, which compares it). `household` are the
codes of who wants messages.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from shared import tables as common

SCHEMA: Final = "notify"
metadata: Final = sa.MetaData()

event, outbox_table = common.outbox_tables(metadata)
inbox_table, parked_table = common.inbox_tables(metadata)
audit_table = common.audit_table(metadata)
key_check_table = common.key_check_table(metadata)

_TIME: Final = sa.DateTime(timezone=True)

agency = sa.Table(
    "agency",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("team_inbox", sa.Text, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
)

restricted = sa.Table(
    "restricted",
    metadata,
    sa.Column("referral_id", sa.Uuid, primary_key=True),
    sa.Column("since", _TIME, nullable=False),
)

household = sa.Table(
    "household",
    metadata,
    sa.Column("referral_id", sa.Uuid, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("language", sa.Text),
    sa.Column("sequence", sa.Integer, nullable=False),
)

message = sa.Table(
    "message",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("part", sa.SmallInteger, nullable=False),
    sa.Column("referral_id", sa.Uuid, nullable=False),
    sa.Column("reference", sa.Text, nullable=False, index=True),
    sa.Column("agency_id", sa.Uuid, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("message_id_header", sa.Text, nullable=False),
    sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("due_at", _TIME, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("first_tried_at", _TIME),
    sa.Column("sent_at", _TIME),
    sa.Column("last_error", sa.Text),
    sa.Column("collected_on", sa.Date),
    sa.Column("accepted", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("is_released", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("words_digest", BYTEA),
    sa.Column("correlation_id", sa.Uuid, nullable=False),
    sa.Column("causation_id", sa.Uuid),
    sa.Column("traceparent", sa.Text),
    sa.CheckConstraint(
        "state IN ('due', 'collected', 'sent', 'delivered', 'failed', 'undeliverable', 'held')", name="message_state"
    ),
    sa.Index("message_due", "part", "due_at", "id", postgresql_where=sa.text("state IN ('due', 'failed')")),
    sa.Index(
        "message_collected",
        "part",
        "due_at",
        postgresql_where=sa.text("state IN ('collected', 'failed') AND collected_on IS NOT NULL"),
    ),
    sa.Index("message_of_day", "agency_id", "kind", "created_at"),
)

# Where an agency's system wants to be called (webhooks/); the secrets are sealed, `cursor` is of the agency's feed.
webhook_endpoint = sa.Table(
    "webhook_endpoint",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("agency_id", sa.Uuid, nullable=False, unique=True),
    sa.Column("part", sa.SmallInteger, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("why_off", sa.Text),
    sa.Column("wrapped_key", BYTEA, nullable=False),
    sa.Column("secret", BYTEA, nullable=False),
    sa.Column("secret_before", BYTEA),
    sa.Column("before_until", _TIME),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("set_at", _TIME, nullable=False),
    sa.Column("last_success_at", _TIME),
    sa.Column("last_error", sa.Text),
    sa.Column("failing_since", _TIME),
    sa.Column("paused_until", _TIME),
    # When its team is to be told by mail that it is off; null once they are.
    sa.Column("mail_due_at", _TIME),
    sa.CheckConstraint("state IN ('checking', 'active', 'off')", name="webhook_endpoint_state"),
)

# One call to be, or one that was: `id` is its webhook-id, `position` its place in the order of the feed.
webhook_delivery = sa.Table(
    "webhook_delivery",
    metadata,
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("id", sa.Uuid, nullable=False, unique=True),
    sa.Column("endpoint_id", sa.Uuid, sa.ForeignKey("webhook_endpoint.id", ondelete="CASCADE"), nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Uuid),
    sa.Column("reference", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("made_at", _TIME, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", _TIME, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("first_tried_at", _TIME),
    sa.Column("ended_at", _TIME),
    sa.Column("last_error", sa.Text),
    sa.CheckConstraint("state IN ('due', 'delivered', 'given_up')", name="webhook_delivery_state"),
    sa.Index("webhook_delivery_due", "endpoint_id", "due_at", "position", postgresql_where=sa.text("state = 'due'")),
    sa.Index("webhook_delivery_of_referral", "referral_id", "endpoint_id", "position"),
    sa.Index("webhook_delivery_latest", "endpoint_id", "position"),
    sa.Index("webhook_delivery_ended", "ended_at", postgresql_where=sa.text("state <> 'due'")),
)
