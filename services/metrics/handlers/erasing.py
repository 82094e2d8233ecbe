"""What becomes of an erased family here: it is counted, and nothing is known of it (deploy/erasure.toml)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql
from shared.events import Envelope, ReferralErased


async def erase(events: Sequence[Envelope[ReferralErased]], tx: AsyncConnection) -> None:
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
