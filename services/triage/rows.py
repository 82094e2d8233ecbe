"""Rows of triage in and out: many at once, for one event and five hundred take the same number of statements."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.planning import (
    ItemState,
    Plan,
    age_out_warning,
    marks_of_item,
)
from shared.audit import Actor
from shared.database import sql
from shared.events import (
    ClosureReason,
    DecidedBy,
    Decision,
    EnquiryReceived,
    Envelope,
    Facts,
    ReferralAmended,
    ReferralReceived,
    Route,
    Urgency,
)
from shared.outbox import Cause
from shared.policy import Policy


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on its way into the database. `kept_routes` have an open item already and get no new one."""

    id: UUID
    referral_id: UUID
    reference: str
    agency_id: UUID
    version: int
    received_at: datetime
    facts: Facts
    decision: Decision
    decided_by: DecidedBy
    actor: Actor
    at: datetime
    cause: Cause
    is_release: bool = False
    kept_routes: frozenset[Route] = field(default_factory=frozenset)

    @property
    def clock_from(self) -> datetime:
        """Deadlines of a first decision count from the receipt, those of a later one from when it was made."""
        is_first = self.version == 1 and self.decided_by is DecidedBy.MACHINE and not self.is_release
        return self.received_at if is_first else self.at

    def keeping(self, routes: Collection[Route]) -> Self:
        return replace(self, kept_routes=frozenset(routes))


@dataclass(frozen=True, slots=True)
class NewItem:
    id: UUID
    plan: Plan


def referral_of(event: Envelope[ReferralReceived | EnquiryReceived]) -> dict[str, Any]:
    """The row of what arrived; an enquiry is a family of its own."""
    data = event.data
    row = {
        "id": event.key,
        "reference": data.reference,
        "agency_id": data.agency_id,
        "kind": data.facts.kind.value,
        "version": 1,
        "received_at": data.received_at,
        "family_id": event.key,
        "facts": data.facts.model_dump_json(),
        "linked": "[]",
        "gaps": "[]",
        "correlation_id": event.correlation_id,
    }
    if isinstance(data, ReferralReceived):
        row |= {
            "version": data.version,
            "family_id": data.family_id,
            "linked": json.dumps([each.model_dump(mode="json") for each in data.linked]),
            "gaps": json.dumps(data.gaps),
        }
    return row


_REFERRALS: Final = sql("""
    INSERT INTO referral (id, reference, agency_id, kind, version, received_at, family_id, facts, linked, gaps,
                          correlation_id)
    SELECT id, reference, agency_id, kind, version, received_at, family_id, CAST(facts AS jsonb),
           CAST(linked AS jsonb), CAST(gaps AS jsonb), correlation_id
    FROM unnest(CAST(:id AS uuid[]), CAST(:reference AS text[]), CAST(:agency_id AS uuid[]), CAST(:kind AS text[]),
                CAST(:version AS integer[]), CAST(:received_at AS timestamptz[]), CAST(:family_id AS uuid[]),
                CAST(:facts AS text[]), CAST(:linked AS text[]), CAST(:gaps AS text[]), CAST(:correlation_id AS uuid[]))
        AS t(id, reference, agency_id, kind, version, received_at, family_id, facts, linked, gaps, correlation_id)
""")


async def keep_referrals(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    await tx.execute(_REFERRALS, {name: [row[name] for row in rows] for name in rows[0]})


async def amend_referral(tx: AsyncConnection, event: Envelope[ReferralAmended]) -> bool:
    """Take over the facts of a newer version; False when the referral can't be decided any more.

    Raises LookupError for a referral not known yet: the event is parked, to be replayed after its receipt.
    """
    await lock(tx, event.key)
    row = referral_of(event)
    changed = await tx.execute(
        sql("""
            UPDATE referral SET version = :version, facts = CAST(:facts AS jsonb), linked = CAST(:linked AS jsonb),
                gaps = CAST(:gaps AS jsonb)
            WHERE id = :id AND version < :version AND withdrawn_at IS NULL AND erased_at IS NULL
        """),
        {name: row[name] for name in ("id", "version", "facts", "linked", "gaps")},
    )
    return bool(changed.rowcount)


_DECISIONS: Final = sql("""
    INSERT INTO decision (id, referral_id, version, decided_by, actor_id, decided_at, facts, decision)
    SELECT id, referral_id, version, decided_by, actor_id, decided_at, CAST(facts AS jsonb), CAST(decision AS jsonb)
    FROM unnest(CAST(:id AS uuid[]), CAST(:referral AS uuid[]), CAST(:version AS integer[]), CAST(:by AS text[]),
                CAST(:actor AS text[]), CAST(:at AS timestamptz[]), CAST(:facts AS text[]), CAST(:decision AS text[]))
        AS t(id, referral_id, version, decided_by, actor_id, decided_at, facts, decision)
""")


async def keep_decisions(tx: AsyncConnection, decided: Sequence[Decided]) -> None:
    await tx.execute(
        _DECISIONS,
        {
            "id": [each.id for each in decided],
            "referral": [each.referral_id for each in decided],
            "version": [each.version for each in decided],
            "by": [each.decided_by.value for each in decided],
            "actor": [each.actor.id for each in decided],
            "at": [each.at for each in decided],
            "facts": [each.facts.model_dump_json() for each in decided],
            "decision": [each.decision.model_dump_json() for each in decided],
        },
    )


_ITEMS: Final = sql("""
    INSERT INTO work_item (id, referral_id, decision_id, reference, agency_id, about, route, tier, urgency, marks,
                           state, received_at, due_at, escalate_at, age_out_warning_on, waiting_since)
    SELECT id, referral_id, decision_id, reference, agency_id, about, route, tier, urgency, CAST(marks AS jsonb),
           state, received_at, due_at, escalate_at, warn_on, waiting_since
    FROM unnest(CAST(:id AS uuid[]), CAST(:referral AS uuid[]), CAST(:decision AS uuid[]), CAST(:reference AS text[]),
                CAST(:agency AS uuid[]), CAST(:about AS text[]), CAST(:route AS text[]), CAST(:tier AS text[]),
                CAST(:urgency AS text[]), CAST(:marks AS text[]), CAST(:state AS text[]),
                CAST(:received AS timestamptz[]), CAST(:due AS timestamptz[]), CAST(:escalate AS timestamptz[]),
                CAST(:warn AS date[]), CAST(:waiting AS timestamptz[]))
        AS t(id, referral_id, decision_id, reference, agency_id, about, route, tier, urgency, marks, state, received_at,
             due_at, escalate_at, warn_on, waiting_since)
""")


async def open_items(tx: AsyncConnection, items: Sequence[tuple[Decided, NewItem]], *, policy: Policy) -> None:
    if not items:
        return
    await tx.execute(
        _ITEMS,
        {
            "id": [item.id for _, item in items],
            "referral": [each.referral_id for each, _ in items],
            "decision": [each.id for each, _ in items],
            "reference": [each.reference for each, _ in items],
            "agency": [each.agency_id for each, _ in items],
            "about": [each.facts.kind.value for each, _ in items],
            "route": [item.plan.route.value for _, item in items],
            "tier": [each.decision.tier for each, _ in items],
            "urgency": [each.decision.urgency.value for each, _ in items],
            "marks": [json.dumps(_marks_of(each, item)) for each, item in items],
            "state": [item.plan.state.value for _, item in items],
            "waiting": [each.at if item.plan.state is ItemState.WAITING_FOR_REFERRER else None for each, item in items],
            "received": [each.received_at for each, _ in items],
            "due": [item.plan.due_at for _, item in items],
            "escalate": [item.plan.escalate_at for _, item in items],
            "warn": [_warning_day(each, policy) for each, _ in items],
        },
    )


def _marks_of(each: Decided, item: NewItem) -> list[str]:
    own = ("waiting_list",) if item.plan.state is ItemState.WAITING_LIST else ()
    return marks_of_item(each.decision, own)


def _warning_day(each: Decided, policy: Policy) -> date | None:
    """None when the day has passed: the decision says so itself (M7)."""
    day = age_out_warning(each.facts.infant, policy)
    return day if day and day > each.at.date() else None


async def current_urgency(tx: AsyncConnection, referral_id: UUID) -> Urgency | None:
    """That of the decision in force; None before the first."""
    found = await tx.scalar(
        sql("""
            SELECT decision ->> 'urgency' FROM decision WHERE referral_id = :id
            ORDER BY decided_at DESC, id DESC LIMIT 1
        """),
        {"id": referral_id},
    )
    return Urgency(found) if found else None


async def lock(tx: AsyncConnection, referral_id: UUID) -> None:
    """Take the referral's row before its items, always: events are numbered under it. LookupError without one."""
    if not await lock_if_known(tx, referral_id):
        raise LookupError("a referral that triage has not heard of yet")


async def lock_if_known(tx: AsyncConnection, referral_id: UUID) -> bool:
    """As `lock`, but False when there is no row."""
    found = await tx.execute(sql("SELECT 1 FROM referral WHERE id = :id FOR UPDATE"), {"id": referral_id})
    return found.first() is not None


async def end_items(tx: AsyncConnection, ids: Sequence[UUID], *, reason: ClosureReason, at: datetime) -> None:
    if ids:
        await tx.execute(
            sql("""
                UPDATE work_item SET state = 'closed', ended_at = :at, end_reason = :reason, escalate_at = NULL,
                    age_out_warning_on = NULL
                WHERE id = ANY(:ids)
            """),
            {"ids": list(ids), "at": at, "reason": reason.value},
        )


async def resume_items(tx: AsyncConnection, referral_id: UUID, *, at: datetime, escalate_at: datetime) -> None:
    """What waited for the referrer goes on where it was, its deadline moved by that time; unopened, it escalates."""
    await lock(tx, referral_id)
    await tx.execute(
        sql("""
            UPDATE work_item SET state = CASE WHEN assignee IS NULL THEN 'open' ELSE 'claimed' END,
                due_at = due_at + (:at - waiting_since), waiting_since = NULL,
                escalate_at = CASE WHEN opened_first_at IS NULL THEN CAST(:escalate AS timestamptz) END
            WHERE referral_id = :id AND state = 'waiting_for_referrer' AND waiting_since IS NOT NULL
                AND ended_at IS NULL
        """),
        {"id": referral_id, "at": at, "escalate": escalate_at},
    )


async def mark_withdrawn(tx: AsyncConnection, referral_id: UUID, *, at: datetime) -> None:
    await lock(tx, referral_id)
    await tx.execute(sql("UPDATE referral SET withdrawn_at = :at WHERE id = :id"), {"id": referral_id, "at": at})


async def erase(tx: AsyncConnection, referral_id: UUID, *, at: datetime) -> None:
    """Destroy the key of what staff wrote, drop the facts of the referral and of its decisions, end its work."""
    what = {"id": referral_id, "at": at}
    await tx.execute(
        sql("""
            UPDATE referral SET wrapped_key = NULL, erased_at = :at, facts = '{}', linked = '[]', gaps = '[]'
            WHERE id = :id
        """),
        what,
    )
    await tx.execute(sql("UPDATE decision SET facts = '{}' WHERE referral_id = :id"), {"id": referral_id})
    await tx.execute(sql("DELETE FROM staff_text WHERE referral_id = :id"), {"id": referral_id})
    await tx.execute(sql("DELETE FROM event WHERE key = :id"), {"id": referral_id})
    await tx.execute(
        sql("UPDATE work_item SET ended_at = :at, state = 'closed' WHERE referral_id = :id AND ended_at IS NULL"),
        what,
    )
