"""The rows that a span of time needs, read from the tables: cases with their items, sessions, messages, places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.counting.cases import (
    SAFEGUARDING,
    SUPPORT,
    Book,
    Case,
    Item,
    Message,
    PlacesTaken,
    SafeguardingItem,
    Session,
)
from services.metrics.spans import Span
from shared.database import sql
from shared.events import PlaceKind
from shared.policy import WorkingTime
from shared.working_time import day_in_london

SLACK_DAYS: Final = 45
"""Beyond twice the working days of a deadline: Christmas, Easter and the days on which a clock stood still."""

_CASES: Final = """
    WITH wanted AS (
        SELECT id FROM referral WHERE received_at >= :before AND received_at < :until
        UNION SELECT id FROM referral WHERE withdrawn_at >= :since AND withdrawn_at < :until
        UNION SELECT id FROM referral WHERE declined_at >= :since AND declined_at < :until
        UNION SELECT id FROM referral WHERE support_ends_on >= :first_day AND support_ends_on < :next_day
        UNION SELECT referral_id FROM clock_change WHERE at >= :before AND at < :until
        UNION SELECT referral_id FROM work_item
            WHERE accepted_at >= :since AND accepted_at < :until
                OR first_contact_at >= :since AND first_contact_at < :until
    )
    SELECT r.*, a.turned_away_at FROM wanted JOIN referral r USING (id)
    LEFT JOIN LATERAL (
        SELECT max(ended_at) AS turned_away_at FROM (
            SELECT o.id, least(o.withdrawn_at, o.declined_at, CASE WHEN bool_and(coalesce(w.ended_at, w.declined_at)
                       IS NOT NULL) THEN max(coalesce(w.ended_at, w.declined_at)) END) AS ended_at
            FROM referral o LEFT JOIN work_item w ON w.referral_id = o.id
            WHERE o.family_id = r.family_id AND o.id <> r.id AND o.received_at < r.received_at
            GROUP BY o.id HAVING count(w.first_contact_at) = 0
        ) earlier WHERE ended_at < r.received_at
    ) a ON r.family_id IS NOT NULL
    WHERE r.received_at IS NOT NULL
    ORDER BY r.received_at, r.id
"""
_ITEMS: Final = "SELECT * FROM work_item WHERE referral_id = ANY(:ids) AND opened_at IS NOT NULL ORDER BY opened_at, id"
_CLOCKS: Final = "SELECT referral_id, at, stops FROM clock_change WHERE referral_id = ANY(:ids) ORDER BY at"
_SAFEGUARDING: Final = """
    SELECT opened_at, accepted_at, ended_at, end_reason FROM work_item
    WHERE route = ANY(:routes) AND about = 'family' AND opened_at >= :before AND opened_at < :until
"""
_SESSIONS: Final = """
    SELECT about, held_on, coalesce(attendees, 0) AS attendees FROM work_item
    WHERE held_on >= :first_day AND held_on < :next_day AND end_reason = 'completed'
"""
_MESSAGES: Final = """
    SELECT coalesce(undeliverable_at, sent_at) AS at, undeliverable_at IS NOT NULL AS is_undeliverable FROM message
    WHERE coalesce(undeliverable_at, sent_at) >= :since AND coalesce(undeliverable_at, sent_at) < :until
"""
_TAKEN: Final = """
    SELECT route, place, count(*) AS taken FROM work_item
    WHERE accepted_at < :until AND (ended_at IS NULL OR ended_at >= :until) AND place IS NOT NULL
    GROUP BY route, place
"""
_THERE: Final = """
    SELECT DISTINCT ON (route) route, individual, "group" FROM places WHERE at < :until
    ORDER BY route, at DESC, event_id DESC
"""
_AGENCIES: Final = "SELECT id, slug, name FROM agency"
_MONITORED: Final = ("baby_ethnicity", "mother_ethnicity", "father_ethnicity", "language", "parent_was_asked")


async def read_book(tx: AsyncConnection, span: Span, working_time: WorkingTime) -> Book:
    """Everything that a report on the span counts; for a longer span `places` are those at its very end."""
    longest = max(working_time.first_contact_days, working_time.decision_days, working_time.safeguarding_days)
    window: dict[str, Any] = {
        "since": span.starts_at,
        "until": span.ends_at,
        "first_day": span.first_day,
        "next_day": span.next_day,
        "before": span.starts_at - timedelta(days=2 * longest + SLACK_DAYS),
    }
    return Book(
        span=span,
        cases=await _cases(tx, window, working_time),
        safeguarding=[
            SafeguardingItem(row.opened_at, _acknowledged_at(row), working_time)
            for row in await _rows(tx, _SAFEGUARDING, window | {"routes": sorted(SAFEGUARDING)})
            if not _fell_away(row)
        ],
        sessions=[Session(row.about, row.held_on, row.attendees) for row in await _rows(tx, _SESSIONS, window)],
        messages=[Message(day_in_london(row.at), row.is_undeliverable) for row in await _rows(tx, _MESSAGES, window)],
        places=await _places(tx, window, span),
        agencies={row.id: (row.slug, row.name) for row in await _rows(tx, _AGENCIES, {})},
    )


async def _rows(tx: AsyncConnection, statement: str, values: Mapping[str, Any]) -> Sequence[sa.Row[Any]]:
    named = {name: value for name, value in values.items() if f":{name}" in statement}
    return (await tx.execute(sql(statement), named)).all()


async def _cases(tx: AsyncConnection, window: Mapping[str, Any], working_time: WorkingTime) -> list[Case]:
    rows = await _rows(tx, _CASES, window)
    ids = {"ids": [row.id for row in rows]}
    items: defaultdict[UUID, list[Item]] = defaultdict(list)
    for row in await _rows(tx, _ITEMS, ids):
        items[row.referral_id].append(_item(row))
    clocks: defaultdict[UUID, list[tuple[Any, bool]]] = defaultdict(list)
    for row in await _rows(tx, _CLOCKS, ids):
        clocks[row.referral_id].append((row.at, row.stops))
    return [_case(row, items[row.id], clocks[row.id], working_time) for row in rows]


def _item(row: sa.Row[Any]) -> Item:
    return Item(
        route=row.route,
        opened_at=row.opened_at,
        claimed_at=row.claimed_at,
        asked_at=row.asked_at,
        accepted_at=row.accepted_at,
        place=row.place,
        first_contact_at=row.first_contact_at,
        declined_at=row.declined_at,
        decline_reason=row.decline_reason,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
    )


def _case(
    row: sa.Row[Any], items: Sequence[Item], clock: Sequence[tuple[Any, bool]], working_time: WorkingTime
) -> Case:
    told = row.monitoring or {}
    return Case(
        id=row.id,
        received_at=row.received_at,
        working_time=working_time,
        agency_id=row.agency_id,
        source=row.source,
        ward=row.ward,
        authority=row.authority,
        carer=row.carer,
        carer_age=row.carer_age,
        support_ends_on=row.support_ends_on,
        family_id=row.family_id,
        **{name: told.get(name) for name in _MONITORED},
        deprivation=told.get("deprivation_decile"),
        is_re_referral=bool(row.is_re_referral),
        has_gaps=bool(row.is_incomplete),
        tier=row.tier,
        is_priority=bool(row.is_priority),
        urgency=row.urgency,
        withdrawn_at=row.withdrawn_at,
        withdrawal_reason=row.withdrawal_reason,
        acknowledged_at=row.acknowledged_at,
        decided_at=row.decided_at,
        person_decided_at=row.person_decided_at,
        declined_at=row.declined_at,
        is_erased=row.erased_at is not None,
        heard_at=row.heard_at,
        was_turned_away_at=row.turned_away_at,
        items=tuple(items),
        clock=tuple(clock),
    )


def _fell_away(row: sa.Row[Any]) -> bool:
    """Ended because the referral was withdrawn or decided again, before anybody took it up."""
    item = Item(route="", ended_at=row.ended_at, end_reason=row.end_reason)
    return row.accepted_at is None and row.ended_at is not None and item.ended_by_a_person_at is None


def _acknowledged_at(row: sa.Row[Any]) -> Any:
    ended = Item(route="", ended_at=row.ended_at, end_reason=row.end_reason).ended_by_a_person_at
    return min((at for at in (row.accepted_at, ended) if at), default=None)


async def _places(tx: AsyncConnection, window: Mapping[str, Any], span: Span) -> list[PlacesTaken]:
    """By route and kind at the end of the span, where there is a number of places."""
    taken = {(row.route, row.place): row.taken for row in await _rows(tx, _TAKEN, window)}
    there = await _rows(tx, _THERE, window)
    return [
        PlacesTaken(span.last_day, kind, taken.get((row.route, kind), 0), count)
        for row in there
        for kind, count in ((PlaceKind.INDIVIDUAL.value, row.individual), (PlaceKind.GROUP.value, row.group))
        if row.route in SUPPORT and count
    ]
