"""What a batch says, folded to one change of each row, and the one statement that writes it.

It needs no inbox row, because each change is one that a repeat can't make twice:

- what is filled once stays, whichever event comes first, and a total grows only by what was empty before;
- codes and decision are settled by the event's number in the stream of its service;
- a change of a clock is a row of its own, with the id of its event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.handlers.erasing import end_erased
from services.metrics.measures import TIME_TO
from shared.database import sql
from shared.events import Envelope, Event

COUNTED: Final = {
    "received_at": "received",
    "triaged_at": "triaged",
    "routed_at": "routed",
    "acknowledged_at": "acknowledged",
    "decline_proposed_at": "declined_proposed",
    "declined_at": "declined",
    "undeliverable_at": "undeliverable",
    "withdrawn_at": "withdrawn",
}
"""Times of a referral that are in a total, with its name."""
_ONCE: Final = (
    *COUNTED,
    *("decided_at", "person_decided_at", "released_at", "withdrawal_reason", "is_priority"),
    *("kind", "is_incomplete", "heard_at"),
)
_FACTS: Final = (
    *("agency_id", "source", "ward", "authority", "carer", "carer_age", "support_ends_on", "family_id"),
    *("is_re_referral", "facts_sequence"),
)
_MONITORED: Final = ("monitoring", "monitoring_sequence")
_RESTRICTION: Final = ("is_restricted", "restriction_sequence")
_DECISION: Final = ("tier", "mode", "eligibility", "urgency", "decision_sequence")
_ITEM_ONCE: Final = (
    *("about", "opened_at", "claimed_at", "asked_at", "listed_at", "accepted_at", "place", "first_contact_on"),
    *("declined_at", "decline_reason", "held_on", "attendees"),
)
_ITEM_ENDS: Final = ("ended_at", "end_reason")


def _once(columns: Iterable[str]) -> list[str]:
    """What a row has goes before what is told."""
    return [f"{name} = coalesce(its.{name}, excluded.{name})" for name in columns]


def _when(condition: str, columns: Iterable[str]) -> list[str]:
    return [f"{name} = CASE WHEN {condition} THEN excluded.{name} ELSE its.{name} END" for name in columns]


_REFERRAL: Final = [
    *_once(_ONCE),
    *_when("its.erased_at IS NULL AND coalesce(its.facts_sequence, 0) < excluded.facts_sequence", _FACTS),
    *_when("its.erased_at IS NULL AND coalesce(its.monitoring_sequence, 0) < excluded.monitoring_sequence", _MONITORED),
    *_when(
        "its.erased_at IS NULL AND coalesce(its.restriction_sequence, 0) < excluded.restriction_sequence", _RESTRICTION
    ),
    *_when("coalesce(its.decision_sequence, 0) < excluded.decision_sequence", _DECISION),
]
_ITEM: Final = [
    *_once(_ITEM_ONCE),  # how a team ended it goes before its having been erased
    *_when("excluded.ended_at IS NOT NULL AND (its.ended_at IS NULL OR its.end_reason = 'erased')", _ITEM_ENDS),
]
_NEWS: Final = [f"CASE WHEN old.{at} IS NULL AND new.{at} IS NOT NULL THEN '{COUNTED[at]}' END" for at in COUNTED]
_TOLD: Final = ("erased_at", "received_at", *TIME_TO)

_WRITE: Final = f"""
    WITH heard AS (
        INSERT INTO referral AS its
        SELECT * FROM json_populate_recordset(CAST(NULL AS referral), CAST(:referrals AS json)) ORDER BY id
        ON CONFLICT (id) DO UPDATE SET {", ".join(_REFERRAL)}
        RETURNING {", ".join(f"new.{name}" for name in _TOLD)}, array_remove(ARRAY[{", ".join(_NEWS)}], NULL) AS news
    ), counted AS (
        INSERT INTO totals AS its
        SELECT name, count(*) FROM heard CROSS JOIN unnest(news) AS name GROUP BY name ORDER BY name
        ON CONFLICT (name) DO UPDATE SET total = its.total + excluded.total
    ), items AS (
        INSERT INTO work_item AS its
        SELECT * FROM json_populate_recordset(CAST(NULL AS work_item), CAST(:items AS json)) ORDER BY id
        ON CONFLICT (id) DO UPDATE SET {", ".join(_ITEM)}
    ), clocks AS (
        INSERT INTO clock_change
        SELECT * FROM json_populate_recordset(CAST(NULL AS clock_change), CAST(:clocks AS json)) ORDER BY event_id
        ON CONFLICT DO NOTHING
    ), messages AS (
        INSERT INTO message AS its
        SELECT * FROM json_populate_recordset(CAST(NULL AS message), CAST(:messages AS json)) ORDER BY id
        ON CONFLICT (id) DO UPDATE SET {", ".join(_once(("sent_at", "undeliverable_at")))}
    )
    SELECT * FROM heard
"""  # noqa: S608  all columns are named above
UNLESS_ERASED: Final = "SELECT *, 1 / CAST(erased_at IS NULL AS integer) AS is_kept FROM heard"
"""Fails, by a division by zero, when an erasure was committed while the statement waited for the referral's row."""


class Said:
    """The rows of a batch as its events tell them, in their order: of each row one change."""

    def __init__(self) -> None:
        self.referrals: dict[UUID, dict[str, Any]] = {}
        self.items: dict[UUID, dict[str, Any]] = {}
        self.messages: dict[UUID, dict[str, Any]] = {}
        self.clocks: list[dict[str, Any]] = []

    def of_referral(self, event: Envelope[Any], **columns: Any) -> None:
        _fill(self.referrals, event.key, columns)

    def latest_of_referral(self, event: Envelope[Any], number: str, **columns: Any) -> None:
        """Columns that stand and fall together; `number` is the column with that of the event that gave them."""
        row = self.referrals[event.key]
        if row.get(number, 0) < event.sequence:
            row |= {number: event.sequence, **columns}

    def of_item(self, event: Envelope[Any], **columns: Any) -> None:
        about = {"referral_id": event.key, "about": event.data.about, "route": event.data.route}
        _fill(self.items, event.data.work_item_id, about | columns)

    def of_message(self, event: Envelope[Any], **columns: Any) -> None:
        about = {"referral_id": event.key, "kind": event.data.kind}
        _fill(self.messages, event.data.message_id, about | columns)

    def clock_of(self, event: Envelope[Any], *, stops: bool) -> None:
        """A question, an answer, or a step on an item: each a row, so that their order does not matter."""
        item = getattr(event.data, "work_item_id", None)
        row = {"event_id": event.id, "referral_id": event.key, "work_item_id": item, "at": event.occurred_at}
        self.clocks.append(row | {"stops": stops})

    def columns(self) -> dict[str, str]:
        """For the statement."""
        rows = {"referrals": self.referrals, "items": self.items, "messages": self.messages}
        lists = {name: list(each.values()) for name, each in rows.items()} | {"clocks": self.clocks}
        return {name: to_json(each).decode() for name, each in lists.items()}


def _fill(rows: dict[UUID, dict[str, Any]], row_id: UUID, columns: Mapping[str, Any]) -> None:
    """What was told before stays; None tells nothing."""
    row = rows.setdefault(row_id, {"id": row_id})
    for name, value in columns.items():
        if row.get(name) is None:
            row[name] = value


Reading = Callable[[Envelope[Any], Said], None]
Readings = Mapping[type[Event], Reading]


async def count(events: Sequence[Envelope[Any]], tx: AsyncConnection, *, readings: Readings) -> None:
    """Make true what these events say, in one statement; then end what is open of referrals that were erased."""
    said = Said()
    for event in events:
        readings[type(event.data)](event, said)
    observe(await tx.execute(sql(_WRITE), said.columns()))
    await end_erased({row["referral_id"] for row in said.items.values()}, tx)


def observe(rows: Iterable[Any]) -> None:
    """How long it took from receipt, once of each referral: when the later told of the two times was set."""
    for row in rows:
        for column, histogram in TIME_TO.items():
            at = getattr(row, column)
            if row.received_at and at and not {COUNTED["received_at"], COUNTED[column]}.isdisjoint(row.news):
                histogram.observe(max(0.0, (at - row.received_at).total_seconds()))
