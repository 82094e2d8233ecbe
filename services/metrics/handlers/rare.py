"""What is rare and no part of the ordinary batch: erasures, enquiries, agencies, places to take."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql
from shared.events import AgencyUpdated, CapacityChanged, EnquiryReceived, Envelope, ReferralErased


async def forget(events: Sequence[Envelope[ReferralErased]], tx: AsyncConnection) -> None:
    """Erased: the counts stay, what was known of the family goes, and nobody works on it any more.

    Built again from events the referral is not counted at all, as its events are gone (docs/operations.md).
    """
    await tx.execute(
        sql("""
            INSERT INTO referral AS r (id, kind, erased_at)
            SELECT DISTINCT ON (id) * FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]),
                                                  CAST(:times AS timestamptz[])) AS t(id, kind, at) ORDER BY id, at
            ON CONFLICT (id) DO UPDATE SET
                kind = excluded.kind, erased_at = coalesce(r.erased_at, excluded.erased_at), agency_id = NULL,
                source = NULL, ward = NULL, authority = NULL, carer = NULL, carer_age = NULL, support_ends_on = NULL,
                family_id = NULL, monitoring = NULL, is_restricted = NULL
        """),
        {
            "ids": [event.key for event in events],
            "kinds": [event.data.about.value for event in events],
            "times": [event.occurred_at for event in events],
        },
    )
    await end_erased({event.key for event in events}, tx)


async def end_erased(referrals: Collection[UUID], tx: AsyncConnection) -> None:
    """End what is open of referrals that were erased, whichever is heard of first: the work or the erasure."""
    if referrals:
        await tx.execute(
            sql("""
                UPDATE work_item w SET ended_at = r.erased_at, end_reason = 'erased' FROM referral r
                WHERE r.id = ANY(:ids) AND r.erased_at IS NOT NULL AND w.referral_id = r.id AND w.ended_at IS NULL
            """),
            {"ids": list(referrals)},
        )


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
