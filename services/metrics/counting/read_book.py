"""The rows that a span of time needs, read from the tables: cases with their items, sessions, messages, places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from sys import intern
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.counting.book import Book, Message, PlacesTaken, SafeguardingItem, Session
from services.metrics.counting.cases import CHILDRENS_SOCIAL_CARE, SUPPORT, Case, ClockChange, Item
from services.metrics.spans import Span
from shared.database import sql
from shared.events import PlaceKind
from shared.policy import WorkingTime
from shared.working_time import day_in_london

SLACK_DAYS: Final = 45
"""Beyond twice the working days of a deadline: Christmas, Easter and the days on which a clock stood still."""

PORTION: Final = 500
"""Rows fetched and taken in at once: the service answers in between, and memory holds no second copy of a year."""

_WANTED: Final = """
    WITH wanted AS (
        SELECT id FROM referral WHERE received_at >= :before AND received_at < :until
        UNION SELECT id FROM referral WHERE released_at >= :before AND released_at < :until
        UNION SELECT id FROM referral WHERE withdrawn_at >= :since AND withdrawn_at < :until
        UNION SELECT id FROM referral WHERE declined_at >= :since AND declined_at < :until
        UNION SELECT id FROM referral WHERE support_ends_on >= :first_day AND support_ends_on < :next_day
        UNION SELECT referral_id FROM clock_change asked JOIN clock_change went_on USING (referral_id)
            WHERE asked.stops AND NOT went_on.stops AND went_on.at >= :before AND went_on.at < :until
        UNION SELECT referral_id FROM work_item
            WHERE accepted_at >= :since AND accepted_at < :until
                OR first_contact_on >= :first_day AND first_contact_on < :next_day
    )
"""
_CASES: Final = """
    SELECT r.*, a.turned_away_at FROM wanted JOIN referral r USING (id)
    LEFT JOIN LATERAL (
        SELECT max(ended_at) AS turned_away_at FROM (
            SELECT o.id, least(
                o.withdrawn_at,
                CASE WHEN coalesce(max(w.opened_at) <= max(w.declined_at), true) THEN max(w.declined_at) END,
                CASE WHEN bool_and(coalesce(w.ended_at, w.declined_at) IS NOT NULL)
                    THEN max(coalesce(w.ended_at, w.declined_at)) END) AS ended_at
            FROM referral o LEFT JOIN work_item w ON w.referral_id = o.id
            WHERE o.family_id = r.family_id AND o.id <> r.id AND o.received_at < r.received_at
                AND coalesce(o.withdrawal_reason, '') NOT IN ('sent_in_error', 'duplicate')
            GROUP BY o.id HAVING count(w.first_contact_on) = 0
        ) earlier WHERE ended_at < r.received_at
    ) a ON r.family_id IS NOT NULL
    WHERE r.received_at IS NOT NULL
    ORDER BY r.received_at, r.id
"""
_ITEMS: Final = """
    SELECT i.* FROM wanted JOIN work_item i ON i.referral_id = wanted.id
    WHERE i.opened_at IS NOT NULL ORDER BY i.opened_at, i.id
"""
_CLOCKS: Final = """
    SELECT c.* FROM wanted JOIN clock_change c ON c.referral_id = wanted.id
    WHERE EXISTS (SELECT 1 FROM clock_change asked WHERE asked.referral_id = wanted.id AND asked.stops)
"""
_ERASED: Final = """
    SELECT EXISTS (
        SELECT 1 FROM referral r WHERE erased_at > :at AND kind = 'family' AND (
            received_at IS NULL OR id IN (SELECT id FROM wanted)
            OR received_at BETWEEN :since - interval '3 years' AND :until
            AND coalesce(least(withdrawn_at, declined_at) >= :since, true)
            AND coalesce((
                SELECT max(coalesce(w.ended_at, w.declined_at)) >= :since
                    AND coalesce(min(w.first_contact_on) >= :first_day, true)
                FROM work_item w WHERE w.referral_id = r.id), true)
        )
    )
"""
"""The last conditions: it may have become too old while it waited, and the day of that went with its birth date.

Support ends at two and begins before birth, so that nobody waits for three years.
"""
_SAFEGUARDING: Final = """
    SELECT opened_at, accepted_at, ended_at, end_reason FROM work_item
    WHERE route = ANY(:routes) AND opened_at >= :before AND opened_at < :until
"""
_SESSIONS: Final = """
    SELECT route, held_on, coalesce(attendees, 0) AS attendees FROM work_item
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
_MONITORED: Final = ("baby_ethnicity", "mother_ethnicity", "father_ethnicity", "language")


async def read_book(tx: AsyncConnection, span: Span, working_time: WorkingTime) -> Book:
    """Everything that a report on the span counts; for a longer span `places` are those at its very end.

    Several statements: a transaction that sees one moment (`shared.database.one_moment`) keeps them in step.
    """
    window = _window(span, working_time)
    return Book(
        span=span,
        cases=await _cases(tx, window, working_time),
        safeguarding=[
            SafeguardingItem(row.opened_at, _acknowledged_at(row), _fell_away_at(row), working_time)
            async for row in _each(tx, _SAFEGUARDING, window | {"routes": sorted(CHILDRENS_SOCIAL_CARE)})
        ],
        sessions=[Session(row.route, row.held_on, row.attendees) async for row in _each(tx, _SESSIONS, window)],
        messages=[Message(day_in_london(row.at), row.is_undeliverable) async for row in _each(tx, _MESSAGES, window)],
        places=await _places(tx, window, span),
        agencies={row.id: (row.slug, row.name) async for row in _each(tx, _AGENCIES, {})},
    )


async def was_erased_since(tx: AsyncConnection, span: Span, at: datetime, working_time: WorkingTime) -> bool:
    """Whether a family that a report on the span counts was erased after `at`.

    Built again from events nothing is left of such a family but that it was erased: then it may have been in any span.
    """
    return bool(await tx.scalar(sql(_WANTED + _ERASED), _window(span, working_time) | {"at": at}))


def _window(span: Span, working_time: WorkingTime) -> dict[str, Any]:
    longest = max(working_time.first_contact_days, working_time.decision_days, working_time.safeguarding_days)
    return {
        "since": span.starts_at,
        "until": span.ends_at,
        "first_day": span.first_day,
        "next_day": span.next_day,
        "before": span.starts_at - timedelta(days=2 * longest + SLACK_DAYS),
    }


async def _each(tx: AsyncConnection, statement: str, values: Mapping[str, Any]) -> AsyncIterator[sa.Row[Any]]:
    async with tx.stream(sql(statement), _named(statement, values)) as found:
        async for rows in found.partitions(PORTION):
            for row in rows:
                yield row


def _named(statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if f":{name}" in statement}


async def _cases(tx: AsyncConnection, window: Mapping[str, Any], working_time: WorkingTime) -> list[Case]:
    items: defaultdict[UUID, list[Item]] = defaultdict(list)
    async for row in _each(tx, _WANTED + _ITEMS, window):
        items[row.referral_id].append(_item(row))
    clocks: defaultdict[UUID, list[ClockChange]] = defaultdict(list)
    async for row in _each(tx, _WANTED + _CLOCKS, window):
        clocks[row.referral_id].append(ClockChange(row.at, row.work_item_id, row.stops))
    return [
        _case(row, items.pop(row.id, ()), clocks.pop(row.id, ()), working_time)
        async for row in _each(tx, _WANTED + _CASES, window)
    ]


def _item(row: sa.Row[Any]) -> Item:
    return Item(
        route=intern(row.route),
        opened_at=row.opened_at,
        claimed_at=row.claimed_at,
        asked_at=row.asked_at,
        listed_at=row.listed_at,
        accepted_at=row.accepted_at,
        first_contact_on=row.first_contact_on,
        declined_at=row.declined_at,
        decline_reason=_word(row.decline_reason),
        ended_at=row.ended_at,
        end_reason=_word(row.end_reason),
    )


def _case(row: sa.Row[Any], items: Sequence[Item], clock: Sequence[ClockChange], working_time: WorkingTime) -> Case:
    told = row.monitoring or {}
    return Case(
        id=row.id,
        received_at=row.received_at,
        working_time=working_time,
        agency_id=row.agency_id,
        source=_word(row.source),
        ward=_word(row.ward),
        authority=_word(row.authority),
        carer=_word(row.carer),
        carer_age=row.carer_age,
        support_ends_on=row.support_ends_on,
        family_id=row.family_id,
        **{name: _word(told.get(name)) for name in _MONITORED},
        parent_was_asked=told.get("parent_was_asked"),
        deprivation=told.get("deprivation_decile"),
        is_re_referral=bool(row.is_re_referral),
        has_gaps=bool(row.is_incomplete),
        tier=_word(row.tier),
        eligibility=_word(row.eligibility),
        is_priority=bool(row.is_priority),
        urgency=_word(row.urgency),
        withdrawn_at=row.withdrawn_at,
        withdrawal_reason=_word(row.withdrawal_reason),
        acknowledged_at=row.acknowledged_at,
        decided_at=row.decided_at,
        person_decided_at=row.person_decided_at,
        released_at=row.released_at,
        declined_at=row.declined_at,
        is_erased=row.erased_at is not None,
        is_restricted=bool(row.is_restricted),
        was_turned_away_at=row.turned_away_at,
        items=tuple(items),
        clock=tuple(clock),
    )


def _word(code: str | None) -> str | None:
    """The same code as the same object: a year has 60,000 of each."""
    return None if code is None else intern(code)


def _fell_away_at(row: sa.Row[Any]) -> datetime | None:
    """When the referral was withdrawn, decided again or erased, before anybody had taken the item up."""
    item = Item(route="", ended_at=row.ended_at, end_reason=row.end_reason)
    return row.ended_at if row.accepted_at is None and item.ended_by_a_person_at is None else None


def _acknowledged_at(row: sa.Row[Any]) -> datetime | None:
    ended = Item(route="", ended_at=row.ended_at, end_reason=row.end_reason).ended_by_a_person_at
    return min((at for at in (row.accepted_at, ended) if at), default=None)


async def _places(tx: AsyncConnection, window: Mapping[str, Any], span: Span) -> list[PlacesTaken]:
    """By route and kind at the end of the span, where there is a number of places."""
    taken = {(row.route, row.place): row.taken async for row in _each(tx, _TAKEN, window)}
    return [
        PlacesTaken(span.last_day, kind, taken.get((row.route, kind), 0), count)
        async for row in _each(tx, _THERE, window)
        for kind, count in ((PlaceKind.INDIVIDUAL.value, row.individual), (PlaceKind.GROUP.value, row.group))
        if row.route in SUPPORT and count
    ]
