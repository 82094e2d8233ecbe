"""What triage decides and what the teams do: decisions, items from opened to ended, talks held, places to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.handlers.once import count_once, end_erased, families, latest, mark_once, moments
from services.metrics.handlers.referrals import change_clock
from shared.database import sql
from shared.events import (
    AboutWorkItem,
    CapacityChanged,
    DecidedBy,
    Envelope,
    Mode,
    ReferralTriaged,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
    opened_by,
)
from shared.working_time import day_in_london

_TYPES: Final = {
    "opened_at": "timestamptz",
    "claimed_at": "timestamptz",
    "asked_at": "timestamptz",
    "listed_at": "timestamptz",
    "accepted_at": "timestamptz",
    "first_contact_on": "date",
    "declined_at": "timestamptz",
    "ended_at": "timestamptz",
    "place": "text",
    "decline_reason": "text",
    "end_reason": "text",
    "held_on": "date",
    "attendees": "integer",
}
"""Columns that an event fills once, with their types."""


async def count_opened(events: Sequence[Envelope[WorkItemOpened]], tx: AsyncConnection) -> None:
    """A referral is routed when the first item of it is on a team's list."""
    await count_once("routed_at", "routed", moments(families(events)), tx)
    await _fill(events, {"opened_at": _times(events)}, tx)
    await change_clock(events, tx, stops=False)


def _items(events: Sequence[Envelope[Any]]) -> dict[str, list[Any]]:
    return {
        "ids": [event.data.work_item_id for event in events],
        "referrals": [event.key for event in events],
        "abouts": [event.data.about.value for event in events],
        "routes": [event.data.route.value for event in events],
    }


async def _fill(
    events: Sequence[Envelope[AboutWorkItem]], columns: Mapping[str, Sequence[Any]], tx: AsyncConnection
) -> None:
    """Fill columns of the items, each once: the first event of an item that has something to say is kept.

    How a team ended it goes before its having been erased.
    """
    if not events:
        return
    names = list(columns)
    arrays = ", ".join(f"CAST(:{name} AS {_TYPES[name]}[])" for name in names)
    await tx.execute(
        sql(f"""
            INSERT INTO work_item AS w (id, referral_id, about, route, {", ".join(names)})
            SELECT DISTINCT ON (id) id, referral, about, route, {", ".join(names)}
            FROM unnest(CAST(:ids AS uuid[]), CAST(:referrals AS uuid[]), CAST(:abouts AS text[]),
                        CAST(:routes AS text[]), {arrays})
                WITH ORDINALITY AS t(id, referral, about, route, {", ".join(names)}, row_place)
            ORDER BY id, row_place
            ON CONFLICT (id) DO UPDATE SET about = excluded.about,
                {", ".join(f"{name} = {_first_told(name)}" for name in names)}
        """),  # noqa: S608  the columns are those of _TYPES
        {**_items(events), **columns},
    )
    await end_erased(events, tx)


def _first_told(column: str) -> str:
    told = f"coalesce(w.{column}, excluded.{column})"
    ends = column in ("ended_at", "end_reason")
    return f"CASE WHEN w.end_reason = 'erased' THEN excluded.{column} ELSE {told} END" if ends else told


def _times(events: Sequence[Envelope[Any]]) -> list[Any]:
    return [event.occurred_at for event in events]


async def count_claimed(events: Sequence[Envelope[WorkItemClaimed]], tx: AsyncConnection) -> None:
    await _fill(events, {"claimed_at": _times(events)}, tx)
    await change_clock(events, tx, stops=False)


async def count_waiting(events: Sequence[Envelope[WorkItemWaiting]], tx: AsyncConnection) -> None:
    """A question stops the clock of the referral, unless it is about safety work; a place on a list does not."""
    asked = [event for event in events if event.data.waiting_for is WaitingFor.REFERRER]
    listed = [event for event in events if event.data.waiting_for is WaitingFor.PLACE]
    await _fill(listed, {"listed_at": _times(listed)}, tx)
    await _fill(asked, {"asked_at": _times(asked)}, tx)
    await change_clock(listed, tx, stops=False)
    await change_clock([event for event in asked if event.data.stops_clock], tx, stops=True)


async def count_accepted(events: Sequence[Envelope[WorkItemAccepted]], tx: AsyncConnection) -> None:
    places = [event.data.place.value if event.data.place else None for event in events]
    await _fill(events, {"accepted_at": _times(events), "place": places}, tx)
    await change_clock(events, tx, stops=False)


async def count_first_contact(events: Sequence[Envelope[WorkItemFirstContact]], tx: AsyncConnection) -> None:
    """On the day on which it was made, which may be before that of the event."""
    days = [event.data.on or day_in_london(event.occurred_at) for event in events]
    await _fill(events, {"first_contact_on": days}, tx)


async def count_declined(events: Sequence[Envelope[WorkItemDeclined]], tx: AsyncConnection) -> None:
    await count_once("declined_at", "declined", moments(families(events)), tx)
    reasons = [event.data.reason.value for event in events]
    await _fill(events, {"declined_at": _times(events), "decline_reason": reasons}, tx)
    await change_clock(events, tx, stops=False)


async def count_closed(events: Sequence[Envelope[WorkItemClosed]], tx: AsyncConnection) -> None:
    await _fill(
        events,
        {
            "ended_at": _times(events),
            "end_reason": [event.data.reason.value for event in events],
            "held_on": [event.data.held_on for event in events],
            "attendees": [event.data.attendees for event in events],
        },
        tx,
    )
    await change_clock(events, tx, stops=False)


async def keep_places(events: Sequence[Envelope[CapacityChanged]], tx: AsyncConnection) -> None:
    """Every change is a row of its own: how many there were at a month's end can be told at any time."""
    await tx.execute(
        sql("""
            INSERT INTO places (event_id, route, at, individual, "group")
            SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:routes AS text[]), CAST(:times AS timestamptz[]),
                                 CAST(:individuals AS integer[]), CAST(:groups AS integer[]))
            ON CONFLICT DO NOTHING
        """),
        {
            "ids": [event.id for event in events],
            "routes": [event.data.route.value for event in events],
            "times": _times(events),
            "individuals": [event.data.individual for event in events],
            "groups": [event.data.group for event in events],
        },
    )


PRIORITY: Final = "M1"
"""The mark of the rules for late pregnancy and young babies: the first contact is due sooner."""


async def count_triaged(events: Sequence[Envelope[ReferralTriaged]], tx: AsyncConnection) -> None:
    """The first decision counts as triaged; the latest in the stream gives tier, mode and urgency.

    Priority, once a decision gave it, stays: triage counts the first contact likewise.
    """
    told = families(events)
    by_person = [event for event in told if event.data.decided_by is DecidedBy.PERSON]
    standing = [event for event in told if event in by_person or event.data.decision.mode is Mode.AUTO_ROUTE]
    proposed = [
        event
        for event in told
        if event.data.decision.mode is Mode.PROPOSE_DECLINE and event.data.decided_by is DecidedBy.MACHINE
    ]
    await count_once("triaged_at", "triaged", moments(told), tx)
    await count_once("decline_proposed_at", "declined_proposed", moments(proposed), tx)
    await mark_once("decided_at", moments(standing), tx)
    await mark_once("person_decided_at", moments(by_person), tx)
    await mark_once("released_at", moments([event for event in told if event.data.is_release]), tx)
    soon = [event.key for event in told if PRIORITY in event.data.decision.rules]
    await tx.execute(sql("UPDATE referral SET is_priority = TRUE WHERE id = ANY(:ids)"), {"ids": soon})
    await _keep_latest(latest(told), tx)
    await count_opened(opened_by(events), tx)


async def _keep_latest(told: Sequence[Envelope[ReferralTriaged]], tx: AsyncConnection) -> None:
    if not told:
        return
    decisions = [event.data.decision for event in told]
    await tx.execute(
        sql("""
            UPDATE referral r SET tier = t.tier, mode = t.mode, eligibility = t.eligibility, urgency = t.urgency,
                decision_sequence = t.number
            FROM unnest(CAST(:ids AS uuid[]), CAST(:tiers AS text[]), CAST(:modes AS text[]),
                        CAST(:eligibilities AS text[]), CAST(:urgencies AS text[]), CAST(:numbers AS integer[]))
                AS t(id, tier, mode, eligibility, urgency, number)
            WHERE r.id = t.id AND coalesce(r.decision_sequence, 0) < t.number
        """),
        {
            "ids": [event.key for event in told],
            "tiers": [decision.tier for decision in decisions],
            "modes": [decision.mode.value for decision in decisions],
            "eligibilities": [decision.eligibility.value for decision in decisions],
            "urgencies": [decision.urgency.value for decision in decisions],
            "numbers": [event.sequence for event in told],
        },
    )
