"""What the referral service tells: referrals with their codes, what becomes of them there, enquiries, agencies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.handlers.once import count_once, end_erased, families, latest, mark_once, moments
from shared.database import sql
from shared.events import (
    AboutReferral,
    AgencyUpdated,
    EnquiryReceived,
    Envelope,
    Link,
    ReferralAmended,
    ReferralErased,
    ReferralInformed,
    ReferralReceived,
    ReferralWithdrawn,
)
from shared.messaging.dispatch import Handler
from shared.working_time import months_later


def received(support_ends_months: int) -> Handler:
    """A referral: its codes for the counts to come, and one more received."""

    async def count_received(events: Sequence[Envelope[ReferralReceived]], tx: AsyncConnection) -> None:
        await count_once("received_at", "received", [(event.key, event.data.received_at) for event in events], tx)
        await _keep_codes(events, tx, support_ends_months)

    return count_received


def amended(support_ends_months: int) -> Handler:
    """The codes as they are now; whether the referral was whole is told by how it first came."""

    async def keep_amended(events: Sequence[Envelope[ReferralAmended]], tx: AsyncConnection) -> None:
        await _keep_codes(events, tx, support_ends_months)

    return keep_amended


async def _keep_codes(
    events: Sequence[Envelope[ReferralReceived]], tx: AsyncConnection, support_ends_months: int
) -> None:
    """The latest version wins by its number in the stream, whenever it comes; what was erased stays empty."""
    told = latest(events)
    await tx.execute(
        sql("""
            INSERT INTO referral AS r (id, kind, agency_id, source, ward, authority, carer, carer_age,
                support_ends_on, family_id, monitoring, is_re_referral, is_incomplete, facts_sequence, heard_at)
            SELECT id, 'family', agency, source, ward, authority, carer, age, ends_on, family,
                CAST(monitoring AS jsonb), is_re_referral, CASE WHEN first THEN gaps END, number, heard_at
            FROM unnest(CAST(:ids AS uuid[]), CAST(:agencies AS uuid[]),
                        CAST(:sources AS text[]), CAST(:wards AS text[]), CAST(:authorities AS text[]),
                        CAST(:carers AS text[]), CAST(:ages AS smallint[]), CAST(:ends AS date[]),
                        CAST(:families AS uuid[]), CAST(:monitorings AS text[]), CAST(:back AS boolean[]),
                        CAST(:gaps AS boolean[]), CAST(:first AS boolean[]), CAST(:numbers AS integer[]),
                        CAST(:heard AS timestamptz[]))
                AS t(id, agency, source, ward, authority, carer, age, ends_on, family, monitoring,
                     is_re_referral, gaps, first, number, heard_at)
            ON CONFLICT (id) DO UPDATE SET
                kind = 'family', agency_id = excluded.agency_id,
                source = excluded.source, ward = excluded.ward, authority = excluded.authority,
                carer = excluded.carer, carer_age = excluded.carer_age, support_ends_on = excluded.support_ends_on,
                family_id = excluded.family_id, monitoring = excluded.monitoring,
                is_re_referral = excluded.is_re_referral,
                is_incomplete = coalesce(excluded.is_incomplete, r.is_incomplete),
                facts_sequence = excluded.facts_sequence, heard_at = coalesce(r.heard_at, excluded.heard_at)
            WHERE r.erased_at IS NULL AND (r.facts_sequence IS NULL OR r.facts_sequence < excluded.facts_sequence)
        """),
        {
            "ids": [event.key for event in told],
            "agencies": [event.data.agency_id for event in told],
            "sources": [event.data.facts.source for event in told],
            "wards": [event.data.facts.place.ward for event in told],
            "authorities": [event.data.facts.place.authority for event in told],
            "carers": [event.data.facts.carer.value for event in told],
            "ages": [event.data.facts.carer_age for event in told],
            "ends": [_support_ends_on(event.data.facts.infant.born_on, support_ends_months) for event in told],
            "families": [event.data.family_id for event in told],
            "monitorings": [event.data.monitoring.model_dump_json() for event in told],
            "back": [Link.RE_REFERRAL in event.data.facts.links for event in told],
            "gaps": [bool(event.data.gaps) for event in told],
            "first": [not isinstance(event.data, ReferralAmended) for event in told],
            "numbers": [event.sequence for event in told],
            "heard": [event.heard_at for event in told],
        },
    )


def _support_ends_on(born_on: date | None, months: int) -> date | None:
    """The first day without support; None before birth."""
    return months_later(born_on, months) if born_on else None


async def start_clock(events: Sequence[Envelope[ReferralInformed]], tx: AsyncConnection) -> None:
    """The referrer has answered: the clock runs again."""
    await change_clock(events, tx, stops=False)


async def change_clock(events: Sequence[Envelope[AboutReferral]], tx: AsyncConnection, *, stops: bool) -> None:
    """A question, an answer, or a step on an item, of families: each a row, so that their order does not matter."""
    if told := families(events):
        await tx.execute(
            sql("""
                INSERT INTO clock_change (event_id, referral_id, work_item_id, at, stops)
                SELECT *, CAST(:stops AS boolean)
                FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS uuid[]), CAST(:items AS uuid[]),
                            CAST(:times AS timestamptz[]))
                ON CONFLICT DO NOTHING
            """),
            {
                "ids": [event.id for event in told],
                "keys": [event.key for event in told],
                "items": [getattr(event.data, "work_item_id", None) for event in told],
                "times": [event.occurred_at for event in told],
                "stops": stops,
            },
        )


async def count_withdrawn(events: Sequence[Envelope[ReferralWithdrawn]], tx: AsyncConnection) -> None:
    told = families(events)
    await count_once("withdrawn_at", "withdrawn", moments(told), tx)
    await tx.execute(
        sql("""
            UPDATE referral r SET withdrawal_reason = t.reason
            FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS t(id, reason)
            WHERE r.id = t.id AND r.withdrawal_reason IS NULL
        """),
        {"ids": [event.key for event in told], "reasons": [event.data.reason.value for event in told]},
    )


async def forget(events: Sequence[Envelope[ReferralErased]], tx: AsyncConnection) -> None:
    """Erased: the counts stay, what was known of the family goes, and nobody works on it any more.

    Built again from events the referral is not counted at all, as its events are gone (docs/operations.md).
    """
    await mark_once("erased_at", moments(events), tx)
    await tx.execute(
        sql("""
            UPDATE referral r SET kind = t.kind, agency_id = NULL, source = NULL, ward = NULL, authority = NULL,
                carer = NULL, carer_age = NULL, support_ends_on = NULL, family_id = NULL, monitoring = NULL
            FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[])) AS t(id, kind) WHERE r.id = t.id
        """),
        {"ids": [event.key for event in events], "kinds": [event.data.about.value for event in events]},
    )
    await end_erased(events, tx)


async def count_enquiries(events: Sequence[Envelope[EnquiryReceived]], tx: AsyncConnection) -> None:
    """Enquiries are counted apart: none of the referral totals moves."""
    await tx.execute(
        sql("""
            INSERT INTO totals AS t (name, total) VALUES ('enquiries', :count)
            ON CONFLICT (name) DO UPDATE SET total = t.total + excluded.total
        """),
        {"count": len(events)},
    )


async def keep_agencies(events: Sequence[Envelope[AgencyUpdated]], tx: AsyncConnection) -> None:
    """What each agency is called; no inbox, no person."""
    told = latest(events)
    await tx.execute(
        sql("""
            INSERT INTO agency AS a (id, slug, name, sequence)
            SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:slugs AS text[]), CAST(:names AS text[]),
                                 CAST(:numbers AS integer[]))
            ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, sequence = excluded.sequence
            WHERE a.sequence < excluded.sequence
        """),
        {
            "ids": [event.key for event in told],
            "slugs": [event.data.slug for event in told],
            "names": [event.data.name for event in told],
            "numbers": [event.sequence for event in told],
        },
    )
