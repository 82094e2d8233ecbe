"""The tables that more than one service has, each in its own schema: outbox, inbox, parked, audit, sessions, keys."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


def outbox_tables(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    """The tables `event` and `outbox` in the schema of `metadata`."""
    event = sa.Table(
        "event",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("key", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correlation_id", sa.Uuid, nullable=False),
        sa.Column("causation_id", sa.Uuid),
        sa.Column("traceparent", sa.Text),
        sa.Column("value", sa.Text, nullable=False),
        sa.UniqueConstraint("key", "sequence", name="event_key_sequence"),
    )
    outbox = sa.Table(
        "outbox",
        metadata,
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("part", sa.SmallInteger, nullable=False),
        sa.Column("event_id", sa.Uuid, sa.ForeignKey(event.c.id, ondelete="CASCADE"), nullable=False, unique=True),
        sa.Column("set_aside", sa.Text),
        sa.Index("outbox_set_aside", "position", postgresql_where=sa.text("set_aside IS NOT NULL")),
    )
    return event, outbox


def inbox_tables(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    """The tables `inbox` and `parked` (and `erased`, which only dispatch asks) in the schema of `metadata`."""
    sa.Table(
        "erased",
        metadata,
        sa.Column("key", sa.Uuid, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    inbox = sa.Table(
        "inbox",
        metadata,
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    return inbox, parked_table(metadata)


def parked_table(metadata: sa.MetaData) -> sa.Table:
    """The table `parked` in the schema of `metadata`; resolved rows stay, without their value, as evidence."""
    return sa.Table(
        "parked",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Uuid),
        sa.Column("event_id", sa.Uuid),
        sa.Column("type", sa.Text),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("value", sa.LargeBinary),
        sa.Column("raw_key", sa.LargeBinary),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("resolution", sa.Text),
        sa.Column("resolved_by", sa.Text),
        sa.Column("reason", sa.Text),
        sa.UniqueConstraint("topic", "partition", "offset", "recorded_at", name="parked_record"),
        sa.Index("parked_open_key", "key", postgresql_where=sa.text("resolved_at IS NULL")),
    )


def audit_table(metadata: sa.MetaData) -> sa.Table:
    """The table `audit` (and `audit_seal`, the chain over it) in the schema of `metadata`."""
    sa.Table(
        "audit_seal",
        metadata,
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ids", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("digests", sa.LargeBinary, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
    )
    return sa.Table(
        "audit",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("referral_id", sa.Uuid),
        sa.Column("detail", sa.Text),
        sa.Index("audit_referral", "referral_id"),
        sa.Index("audit_actor", "actor_id", "at"),
        sa.Index("audit_time", "at", "id"),
    )


def session_table(metadata: sa.MetaData) -> sa.Table:
    """Who is signed in to the pages: `digest` is of the token in their cookie, which is kept nowhere."""
    return sa.Table(
        "session",
        metadata,
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("csrf", sa.Text, nullable=False),
        sa.Column("id_token", sa.Text),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_session", sa.Text),
        sa.Index("session_seen", "seen_at"),
        sa.Index("session_staff", "staff_id"),
    )


def logout_token_table(metadata: sa.MetaData) -> sa.Table:
    """By which the identity provider ended sessions: each is taken once."""
    return sa.Table(
        "logout_token",
        metadata,
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("jti", sa.Text, primary_key=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )


def kept_table(metadata: sa.MetaData) -> sa.Table:
    """What was typed, or a page, for an hour: `digest` is of its id, the key that opens `sealed` is kept nowhere."""
    return sa.Table(
        "kept",
        metadata,
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("staff_id", sa.Text, nullable=False),
        sa.Column("session", sa.LargeBinary),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Index("kept_of", "staff_id", "kept_at"),
    )


def key_check_table(metadata: sa.MetaData) -> sa.Table:
    """The keys that something may be stored under, each by a known value that it wrapped (encryption_keys.py)."""
    return sa.Table(
        "key_check",
        metadata,
        sa.Column("use", sa.Text, primary_key=True),
        sa.Column("key_id", sa.LargeBinary, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
