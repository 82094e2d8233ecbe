"""What triage decides: the first decision, the first that stands, a person's, and what the latest says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.handlers.once import count_once, families, latest, mark_once, moments
from services.metrics.handlers.work_items import count_opened
from shared.database import sql
from shared.events import DecidedBy, Envelope, Mode, ReferralTriaged, opened_by

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
