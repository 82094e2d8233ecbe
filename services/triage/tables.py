"""The tables of the triage service, in its schema `triage`; nobody else reads them.

No identity is stored here. What staff write may name people: it is sealed in `staff_text` under a key per referral.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import tables as common

SCHEMA: Final = "triage"
metadata: Final = sa.MetaData()

event, outbox_table = common.outbox_tables(metadata)
inbox_table, parked_table = common.inbox_tables(metadata)
audit_table = common.audit_table(metadata)
key_check_table = common.key_check_table(metadata)

_TIME: Final = sa.DateTime(timezone=True)


def _columns(kind: Any, *names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    """Columns of one type."""
    return [sa.Column(name, kind, nullable=nullable) for name in names]


referral = sa.Table(
    "referral",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    *_columns(sa.Text, "kind"),
    *_columns(sa.Integer, "version"),
    *_columns(sa.Uuid, "agency_id", "family_id", "correlation_id"),
    *_columns(sa.Uuid, "proposal_id", nullable=True),
    *_columns(_TIME, "received_at", "decided_as_of"),
    *_columns(_TIME, "released_at", "withdrawn_at", "erased_at", "restricted_at", nullable=True),
    *_columns(JSONB, "facts", "linked", "gaps"),
    sa.Column("stops", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    *_columns(BYTEA, "wrapped_key", nullable=True),
    sa.Index("referral_received", "received_at"),
    sa.Index("referral_family", "family_id"),
)

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    *_columns(sa.Integer, "version"),
    *_columns(sa.Text, "decided_by", "actor_id"),
    *_columns(_TIME, "decided_at"),
    *_columns(JSONB, "facts", "decision"),
    sa.Column("is_proposal", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("decision_once", "referral_id", "version", unique=True, postgresql_where=sa.text("actor_id = 'rules'")),
)

work_item = sa.Table(
    "work_item",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("reference", sa.Text, nullable=False, index=True),
    *_columns(sa.Uuid, "decision_id", "agency_id"),
    *_columns(sa.Uuid, "reopens", nullable=True),
    *_columns(sa.Text, "about", "route", "urgency", "state"),
    *_columns(sa.Text, "tier", "assignee", "held_before", "place", "interim_offer", nullable=True),
    *_columns(sa.Text, "end_reason", "ended_by", nullable=True),
    *_columns(JSONB, "marks"),
    *_columns(_TIME, "received_at", "counts_from", "base_due_at", "due_at"),
    *_columns(_TIME, "opened_first_at", "escalate_at", "waiting_since", "arranged_for", nullable=True),
    *_columns(_TIME, "accepted_at", "first_contact_at", "ended_at", nullable=True),
    *_columns(sa.Date, "age_out_warning_on", "first_contact_on", nullable=True),
    *_columns(sa.Integer, "attendees", nullable=True),
    sa.Column("clock_stands", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("escalations", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index(
        "work_item_current",
        "referral_id",
        "route",
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND route <> 'review'"),
    ),
    sa.Index("work_item_queue", "route", "due_at", "id", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("work_item_place", "route", postgresql_where=sa.text("ended_at IS NULL AND place IS NOT NULL")),
    sa.Index("work_item_list", "route", postgresql_where=sa.text("ended_at IS NULL AND marks ? 'waiting_list'")),
    sa.Index("work_item_reopens", "reopens", postgresql_where=sa.text("reopens IS NOT NULL")),
    sa.Index("work_item_escalation", "escalate_at", postgresql_where=sa.text("escalate_at IS NOT NULL")),
    sa.Index("work_item_age_out", "age_out_warning_on", postgresql_where=sa.text("age_out_warning_on IS NOT NULL")),
)

staff_text = sa.Table(
    "staff_text",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    *_columns(sa.Uuid, "work_item_id"),
    *_columns(sa.Text, "kind", "author"),
    *_columns(_TIME, "at"),
    *_columns(BYTEA, "sealed"),
)

capacity = sa.Table(
    "capacity",
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    *_columns(sa.Integer, "individual", "group"),
    *_columns(_TIME, "changed_at"),
    *_columns(sa.Text, "changed_by"),
)

colleague = sa.Table(
    "colleague",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    *_columns(sa.Text, "name", "role"),
    sa.Column("routes", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    *_columns(_TIME, "seen_at"),
    *_columns(sa.Date, "away_until", nullable=True),
)

policy_version = sa.Table(
    "policy_version",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    *_columns(sa.Text, "policy", "state", "content", "kept_by"),
    *_columns(sa.Integer, "version"),
    *_columns(_TIME, "kept_at"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("state IN ('draft', 'live', 'retired')", name="policy_version_state"),
    sa.Index("policy_version_once", "policy", "version", unique=True, postgresql_where=sa.text("state <> 'draft'")),
)

session = common.session_table(metadata)
kept = common.kept_table(metadata)
logout_token = common.logout_token_table(metadata)


_JSON: Final = (list, dict)
"""Asked of some 40 values for each referral: `list | dict` would be made anew for each."""


async def insert(tx: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the same columns, in one statement however many; JSON as a value or written already."""
    if rows:
        names = tuple(rows[0])
        await tx.execute(_insert(table, names), {name: [_written(row[name]) for row in rows] for name in names})


def _written(value: Any) -> Any:
    return json.dumps(value) if type(value) in _JSON else value


_POSTGRESQL: Final[sa.Dialect] = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's


@cache
def _insert(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    """A column comes as an array: the statement is the same for any number of rows."""
    types = {name: table.c[name].type.compile(dialect=_POSTGRESQL) for name in names}
    arrays = ", ".join(f"CAST(:{name} AS {'TEXT' if kind == 'JSONB' else kind}[])" for name, kind in types.items())
    values = ", ".join(f"CAST({name} AS {kind})" for name, kind in types.items())
    columns = ", ".join(names)
    return sa.text(f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM unnest({arrays}) AS t({columns})")  # noqa: S608  names of this module
