"""Setting a time of a row once, whichever event comes first, and counting what was set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.measures import TIME_TO
from shared.database import sql
from shared.events import Envelope, Kind

_NEWS: Final = """
    WITH news AS (
        SELECT DISTINCT ON (id) id, at FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS t(id, at)
        ORDER BY id, at
    ), marked AS (
        INSERT INTO referral AS r (id, {column}) SELECT id, at FROM news ORDER BY id
        ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column} WHERE r.{column} IS NULL
        RETURNING r.id, r.received_at
    )"""
_COUNTED: Final = (
    _NEWS  # noqa: S608  the column is one of _COLUMNS
    + """, counted AS (
        INSERT INTO totals AS t (name, total)
        SELECT :name, count(*) FROM marked HAVING count(*) > 0
        ON CONFLICT (name) DO UPDATE SET total = t.total + excluded.total
    )
    SELECT marked.received_at, news.at FROM marked JOIN news USING (id)
"""
)
_COLUMNS: Final = (
    "received_at",
    "triaged_at",
    "routed_at",
    "acknowledged_at",
    "declined_at",
    "undeliverable_at",
    "withdrawn_at",
    "decline_proposed_at",
    "decided_at",
    "person_decided_at",
    "released_at",
    "erased_at",
)
_COUNT: Final = {column: sql(_COUNTED.format(column=column)) for column in _COLUMNS}
_MARK: Final = {column: sql(_NEWS.format(column=column) + " SELECT 1 FROM marked") for column in _COLUMNS}  # noqa: S608  those above

Moments = Sequence[tuple[UUID, datetime]]
"""Referral and when it happened to it."""


async def count_once(column: str, name: str, moments: Moments, tx: AsyncConnection) -> None:
    """Set one time of each referral, once, and add those that were set to the total `name`."""
    if not moments:
        return
    set_now = await tx.execute(_COUNT[column], {**_columns(moments), "name": name})
    if (histogram := TIME_TO.get(column)) is not None:
        for received_at, at in set_now:
            if received_at is not None:
                histogram.observe(max(0.0, (at - received_at).total_seconds()))


async def mark_once(column: str, moments: Moments, tx: AsyncConnection) -> None:
    """Set one time of each referral, once; it is in no total."""
    if moments:
        await tx.execute(_MARK[column], _columns(moments))


async def end_erased(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
    """End what is open of referrals that were erased, whichever is heard of first: the work or the erasure."""
    await tx.execute(
        sql("""
            UPDATE work_item w SET ended_at = r.erased_at, end_reason = 'erased' FROM referral r
            WHERE r.id = ANY(:ids) AND r.erased_at IS NOT NULL AND w.referral_id = r.id AND w.ended_at IS NULL
        """),
        {"ids": [event.key for event in events]},
    )


def _columns(moments: Moments) -> dict[str, Any]:
    return {"ids": [key for key, _ in moments], "times": [at for _, at in moments]}


def families(events: Sequence[Envelope[Any]]) -> list[Envelope[Any]]:
    """Without those about enquiries, which are counted apart."""
    return [event for event in events if event.data.about is Kind.FAMILY]


def moments(events: Sequence[Envelope[Any]]) -> list[tuple[UUID, datetime]]:
    """When each happened, by the clock of the service that said so."""
    return [(event.key, event.occurred_at) for event in events]


def latest(events: Sequence[Envelope[Any]]) -> list[Envelope[Any]]:
    """The last event of each key by its number in the stream; one statement can set a row once only."""
    found: dict[UUID, Envelope[Any]] = {}
    for event in events:
        if event.key not in found or event.sequence > found[event.key].sequence:
            found[event.key] = event
    return [found[key] for key in sorted(found)]
