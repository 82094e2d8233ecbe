"""What is heard seldom, and is no part of the ordinary batch: enquiries, agencies, places to take."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql
from shared.events import AgencyUpdated, CapacityChanged, EnquiryReceived, Envelope


async def count_enquiries(events: Sequence[Envelope[EnquiryReceived]], tx: AsyncConnection) -> None:
    """Enquiries are counted apart: none of the referral totals moves. No row tells a repeat: the inbox does."""
    await tx.execute(
        sql("""
            INSERT INTO totals AS t (name, total) VALUES ('enquiries', :count)
            ON CONFLICT (name) DO UPDATE SET total = t.total + excluded.total
        """),
        {"count": len(events)},
    )


async def keep_agencies(events: Sequence[Envelope[AgencyUpdated]], tx: AsyncConnection) -> None:
    """What each agency is called, as its latest event in the stream says; no inbox, no person."""
    told = {event.key: event for event in sorted(events, key=lambda event: event.sequence)}
    await tx.execute(
        sql("""
            INSERT INTO agency AS a (id, slug, name, sequence)
            SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:slugs AS text[]), CAST(:names AS text[]),
                                 CAST(:numbers AS integer[])) AS t(id) ORDER BY id
            ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, sequence = excluded.sequence
            WHERE a.sequence < excluded.sequence
        """),
        {
            "ids": list(told),
            "slugs": [event.data.slug for event in told.values()],
            "names": [event.data.name for event in told.values()],
            "numbers": [event.sequence for event in told.values()],
        },
    )


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
            "times": [event.occurred_at for event in events],
            "individuals": [event.data.individual for event in events],
            "groups": [event.data.group for event in events],
        },
    )
