"""What each event adds to the rows and the totals. One function per event, inside an open transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.measures import TIME_TO
from shared.database import sql
from shared.dispatch import Handlers
from shared.events import (
    AboutWorkItem,
    DecidedBy,
    EnquiryReceived,
    Envelope,
    Kind,
    MessageKind,
    MessageSent,
    MessageUndeliverable,
    Mode,
    ReferralErased,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
)

_ONCE: Final = """
    WITH news AS (
        SELECT DISTINCT ON (id) id, at FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS t(id, at)
        ORDER BY id, at
    ), marked AS (
        INSERT INTO referral AS r (id, {column}) SELECT id, at FROM news ORDER BY id
        ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column} WHERE r.{column} IS NULL
        RETURNING r.id, r.received_at
    ), counted AS (
        INSERT INTO totals AS t (name, total)
        SELECT :name, count(*) FROM marked HAVING count(*) > 0
        ON CONFLICT (name) DO UPDATE SET total = t.total + excluded.total
    )
    SELECT marked.received_at, news.at FROM marked JOIN news USING (id)
"""
"""Sets one time of each referral, once, and counts those it set."""

_MOMENTS: Final = {
    column: sql(_ONCE.format(column=column))
    for column in (
        "received_at",
        "triaged_at",
        "routed_at",
        "acknowledged_at",
        "declined_at",
        "undeliverable_at",
        "withdrawn_at",
        "decline_proposed_at",
    )
}


async def _once(column: str, name: str, moments: Sequence[tuple[UUID, datetime]], tx: AsyncConnection) -> None:
    if not moments:
        return
    set_now = await tx.execute(
        _MOMENTS[column], {"ids": [key for key, _ in moments], "times": [at for _, at in moments], "name": name}
    )
    if (histogram := TIME_TO.get(column)) is not None:
        for received_at, at in set_now:
            if received_at is not None:
                histogram.observe(max(0.0, (at - received_at).total_seconds()))


def _families(events: Sequence[Envelope[Any]]) -> list[Envelope[Any]]:
    """Without those about enquiries, which are counted apart."""
    return [event for event in events if event.data.about is Kind.FAMILY]


def _moments(events: Sequence[Envelope[Any]]) -> list[tuple[UUID, datetime]]:
    return [(event.key, event.occurred_at) for event in events]


async def count_received(events: Sequence[Envelope[ReferralReceived]], tx: AsyncConnection) -> None:
    """A referral: its codes for the counts to come, and one more received."""
    await _once("received_at", "received", [(event.key, event.data.received_at) for event in events], tx)
    await tx.execute(
        sql("""
            UPDATE referral SET kind = 'family', agency_id = t.agency, source = t.source, ward = t.ward,
                carer = t.carer, family_id = t.family, monitoring = CAST(t.monitoring AS jsonb)
            FROM unnest(CAST(:ids AS uuid[]), CAST(:agencies AS uuid[]), CAST(:sources AS text[]),
                        CAST(:wards AS text[]), CAST(:carers AS text[]), CAST(:families AS uuid[]),
                        CAST(:monitorings AS text[])) AS t(id, agency, source, ward, carer, family, monitoring)
            WHERE referral.id = t.id
        """),
        {
            "ids": [event.key for event in events],
            "agencies": [event.data.agency_id for event in events],
            "sources": [event.data.facts.source for event in events],
            "wards": [event.data.facts.place.ward for event in events],
            "carers": [event.data.facts.carer.value for event in events],
            "families": [event.data.family_id for event in events],
            "monitorings": [event.data.monitoring.model_dump_json() for event in events],
        },
    )


async def count_enquiries(events: Sequence[Envelope[EnquiryReceived]], tx: AsyncConnection) -> None:
    """Enquiries are counted apart: none of the referral totals moves."""
    await tx.execute(
        sql("""
            INSERT INTO totals AS t (name, total) VALUES ('enquiries', :count)
            ON CONFLICT (name) DO UPDATE SET total = t.total + excluded.total
        """),
        {"count": len(events)},
    )


async def count_triaged(events: Sequence[Envelope[ReferralTriaged]], tx: AsyncConnection) -> None:
    """The first decision counts as triaged; the latest gives tier and mode."""
    families = _families(events)
    await _once("triaged_at", "triaged", _moments(families), tx)
    proposed = [
        event
        for event in families
        if event.data.decision.mode is Mode.PROPOSE_DECLINE and event.data.decided_by is DecidedBy.MACHINE
    ]
    await _once("decline_proposed_at", "declined_proposed", _moments(proposed), tx)
    latest = {event.key: event.data.decision for event in families}
    if not latest:
        return
    await tx.execute(
        sql("""
            UPDATE referral SET tier = t.tier, mode = t.mode, eligibility = t.eligibility
            FROM unnest(CAST(:ids AS uuid[]), CAST(:tiers AS text[]), CAST(:modes AS text[]),
                        CAST(:eligibilities AS text[])) AS t(id, tier, mode, eligibility)
            WHERE referral.id = t.id
        """),
        {
            "ids": list(latest),
            "tiers": [decision.tier for decision in latest.values()],
            "modes": [decision.mode.value for decision in latest.values()],
            "eligibilities": [decision.eligibility.value for decision in latest.values()],
        },
    )


async def count_acknowledged(events: Sequence[Envelope[MessageSent]], tx: AsyncConnection) -> None:
    """A referral is acknowledged when its first receipt was handed to the mail system."""
    receipts = [event for event in _families(events) if event.data.kind is MessageKind.RECEIPT]
    await _once("acknowledged_at", "acknowledged", _moments(receipts), tx)


async def count_undeliverable(events: Sequence[Envelope[MessageUndeliverable]], tx: AsyncConnection) -> None:
    await _once("undeliverable_at", "undeliverable", _moments(_families(events)), tx)


async def count_withdrawn(events: Sequence[Envelope[ReferralWithdrawn]], tx: AsyncConnection) -> None:
    await _once("withdrawn_at", "withdrawn", _moments(_families(events)), tx)


async def count_declined(events: Sequence[Envelope[WorkItemDeclined]], tx: AsyncConnection) -> None:
    await _once("declined_at", "declined", _moments(_families(events)), tx)
    await _move("declined_at", events, tx)


async def count_opened(events: Sequence[Envelope[WorkItemOpened]], tx: AsyncConnection) -> None:
    """A referral is routed when the first item of it is on a team's list."""
    await _once("routed_at", "routed", _moments(_families(events)), tx)
    await tx.execute(
        sql("""
            INSERT INTO work_item AS w (id, referral_id, route, opened_at, due_at)
            SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:referrals AS uuid[]), CAST(:routes AS text[]),
                                 CAST(:times AS timestamptz[]), CAST(:dues AS timestamptz[]))
            ON CONFLICT (id) DO UPDATE SET opened_at = least(w.opened_at, excluded.opened_at),
                due_at = excluded.due_at
        """),
        {**_items(events), "dues": [event.data.due_at for event in events]},
    )


def _items(events: Sequence[Envelope[Any]]) -> dict[str, list[Any]]:
    return {
        "ids": [event.data.work_item_id for event in events],
        "referrals": [event.key for event in events],
        "routes": [event.data.route.value for event in events],
        "times": [event.occurred_at for event in events],
    }


async def _move(column: str, events: Sequence[Envelope[AboutWorkItem]], tx: AsyncConnection) -> None:
    """The first time something happened to each work item."""
    for event in events:
        await tx.execute(
            sql(f"""
                INSERT INTO work_item AS w (id, referral_id, route, {column}) VALUES (:id, :referral, :route, :at)
                ON CONFLICT (id) DO UPDATE SET {column} = coalesce(w.{column}, excluded.{column})
            """),  # noqa: S608  the column is one of this module's own
            {
                "id": event.data.work_item_id,
                "referral": event.key,
                "route": event.data.route.value,
                "at": event.occurred_at,
            },
        )


async def count_claimed(events: Sequence[Envelope[WorkItemClaimed]], tx: AsyncConnection) -> None:
    await _move("claimed_at", events, tx)


async def count_accepted(events: Sequence[Envelope[WorkItemAccepted]], tx: AsyncConnection) -> None:
    await _move("accepted_at", events, tx)


async def count_first_contact(events: Sequence[Envelope[WorkItemFirstContact]], tx: AsyncConnection) -> None:
    await _move("first_contact_at", events, tx)


async def count_closed(events: Sequence[Envelope[WorkItemClosed]], tx: AsyncConnection) -> None:
    await _move("ended_at", events, tx)
    for event in events:
        await tx.execute(
            sql("UPDATE work_item SET end_reason = :reason WHERE id = :id"),
            {"reason": event.data.reason.value, "id": event.data.work_item_id},
        )


async def forget(events: Sequence[Envelope[ReferralErased]], tx: AsyncConnection) -> None:
    """Erased: the counts stay, what was known of the family goes."""
    await tx.execute(
        sql("""
            UPDATE referral SET agency_id = NULL, source = NULL, ward = NULL, carer = NULL, family_id = NULL,
                monitoring = NULL
            WHERE id = ANY(:ids)
        """),
        {"ids": [event.key for event in events]},
    )


HANDLERS: Final[Handlers] = {
    ReferralReceived: count_received,
    EnquiryReceived: count_enquiries,
    ReferralWithdrawn: count_withdrawn,
    ReferralErased: forget,
    ReferralTriaged: count_triaged,
    WorkItemOpened: count_opened,
    WorkItemClaimed: count_claimed,
    WorkItemAccepted: count_accepted,
    WorkItemFirstContact: count_first_contact,
    WorkItemDeclined: count_declined,
    WorkItemClosed: count_closed,
    MessageSent: count_acknowledged,
    MessageUndeliverable: count_undeliverable,
}
"""What the metrics service does with each event it hears."""
