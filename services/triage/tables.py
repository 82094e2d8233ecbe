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

_TIME: Final = sa.DateTime(timezone=True)

referral = sa.Table(
    "referral",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("reference", sa.Text, nullable=False, unique=True),
    sa.Column("agency_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("received_at", _TIME, nullable=False),
    sa.Column("released_at", _TIME),
    sa.Column("decided_as_of", _TIME, nullable=False),
    sa.Column("stops", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("proposal_id", sa.Uuid),
    sa.Column("family_id", sa.Uuid, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("linked", JSONB, nullable=False),
    sa.Column("gaps", JSONB, nullable=False),
    sa.Column("correlation_id", sa.Uuid, nullable=False),
    sa.Column("wrapped_key", BYTEA),
    sa.Column("withdrawn_at", _TIME),
    sa.Column("erased_at", _TIME),
    sa.Index("referral_received", "received_at"),
    sa.Index("referral_family", "family_id"),
)

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("decided_at", _TIME, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("decision", JSONB, nullable=False),
    sa.Column("is_proposal", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("decision_once", "referral_id", "version", unique=True, postgresql_where=sa.text("actor_id = 'rules'")),
)

work_item = sa.Table(
    "work_item",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("referral_id", sa.Uuid, nullable=False, index=True),
    sa.Column("decision_id", sa.Uuid, nullable=False),
    sa.Column("reference", sa.Text, nullable=False, index=True),
    sa.Column("agency_id", sa.Uuid, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("tier", sa.Text),
    sa.Column("urgency", sa.Text, nullable=False),
    sa.Column("marks", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("assignee", sa.Text),
    sa.Column("held_before", sa.Text),
    sa.Column("received_at", _TIME, nullable=False),
    sa.Column("counts_from", _TIME, nullable=False),
    sa.Column("base_due_at", _TIME, nullable=False),
    sa.Column("due_at", _TIME, nullable=False),
    sa.Column("clock_stands", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("opened_first_at", _TIME),
    sa.Column("escalate_at", _TIME),
    sa.Column("escalations", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("age_out_warning_on", sa.Date),
    sa.Column("waiting_since", _TIME),
    sa.Column("place", sa.Text),
    sa.Column("interim_offer", sa.Text),
    sa.Column("arranged_for", _TIME),
    sa.Column("attendees", sa.Integer),
    sa.Column("accepted_at", _TIME),
    sa.Column("first_contact_at", _TIME),
    sa.Column("first_contact_on", sa.Date),
    sa.Column("ended_at", _TIME),
    sa.Column("end_reason", sa.Text),
    sa.Column("ended_by", sa.Text),
    sa.Column("reopens", sa.Uuid),
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
    sa.Column("work_item_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
)

capacity = sa.Table(
    "capacity",
    metadata,
    sa.Column("route", sa.Text, primary_key=True),
    sa.Column("individual", sa.Integer, nullable=False),
    sa.Column("group", sa.Integer, nullable=False),
    sa.Column("changed_at", _TIME, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)

colleague = sa.Table(
    "colleague",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("routes", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("seen_at", _TIME, nullable=False),
)

policy_version = sa.Table(
    "policy_version",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("kept_at", _TIME, nullable=False),
    sa.Column("kept_by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("state IN ('draft', 'live', 'retired')", name="policy_version_state"),
    sa.Index("policy_version_once", "policy", "version", unique=True, postgresql_where=sa.text("state <> 'draft'")),
)

session = common.session_table(metadata)


async def insert(tx: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the same columns, in one statement however many; JSON as a value or written already."""
    if rows:
        names = tuple(rows[0])
        await tx.execute(_insert(table, names), {name: [_written(row[name]) for row in rows] for name in names})


def _written(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


_POSTGRESQL: Final[sa.Dialect] = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's


@cache
def _insert(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    """A column comes as an array: the statement is the same for any number of rows."""
    types = {name: table.c[name].type.compile(dialect=_POSTGRESQL) for name in names}
    arrays = ", ".join(f"CAST(:{name} AS {'TEXT' if kind == 'JSONB' else kind}[])" for name, kind in types.items())
    values = ", ".join(f"CAST({name} AS {kind})" for name, kind in types.items())
    columns = ", ".join(names)
    return sa.text(f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM unnest({arrays}) AS t({columns})")  # noqa: S608  names of this module
