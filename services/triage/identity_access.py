"""Who looks at whom: an audit row before a family's identity is fetched, and the looks to ask a person about.

A look or a search is for a reason, and so many an hour. The referral service audits the same access on its side. To
ask about: looks at a family they did no work for, or at a family with their own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.triage.clients import Families, Match
from services.triage.work_items import item, store
from services.triage.work_items.conditions import IS_OPEN
from services.triage.work_items.deadlines import ItemState
from services.triage.work_items.item import VIEWED
from shared import audit
from shared.access import Permission, Staff
from shared.audit import Actor, Entry
from shared.database import sql
from shared.problems import FieldError, Problem

SEARCHED: Final = "identity.searched"

MOST_AN_HOUR: Final = 120
"""Looks and searches of one person within an hour: twice a busy one.

A busy hour has about 20 calls, with a search and a look each, and 20 families of one's own: 60. Who goes through a
list makes 120 in a few minutes.
"""
HOUR: Final = timedelta(hours=1)


class LookReason(StrEnum):
    """Why somebody opens who a family is; `assigned` is the system's own, for the item of whoever looks."""

    TEAM_QUEUE = "team_queue"
    COVERING = "covering"
    RANG = "rang"
    SAFEGUARDING = "safeguarding"
    QUALITY_REVIEW = "quality_review"
    ASSIGNED = "assigned"


GIVEN: Final = tuple(each for each in LookReason if each is not LookReason.ASSIGNED)
"""What a person may give as their reason."""


@dataclass(frozen=True, slots=True)
class FoundReferral:
    """A referral that was looked for, as triage knows it; `kind` is None until triage has heard of it."""

    reference: str
    received_at: datetime
    kind: str | None = None
    is_withdrawn: bool = False
    items: Sequence[Mapping[str, Any]] = ()


def read_reason(code: str | None) -> LookReason | None:
    """The reason given as `why` of an address; raises Problem 422 with the codes for any other, never with it."""
    if code is None or code in GIVEN:
        return LookReason(code) if code else None
    raise Problem("invalid", errors=[FieldError("/query/why", "enum", f"One of {', '.join(GIVEN)}")])


async def record_view(
    engine: AsyncEngine, item_id: UUID, staff: Staff, *, at: datetime, why: LookReason | None = None
) -> LookReason | None:
    """The reason, written into the audit trail before anything is looked at; None when nobody is to be seen.

    One's own work needs none. A person has opened the item now, so it no longer escalates.
    Raises Problem 404 for no such item, 429 past the limit.
    """
    if not staff.may(Permission.SEE_IDENTITY):
        return None
    async with engine.begin() as tx:
        row = await store.find(tx, item_id)
        reason = why or (LookReason.ASSIGNED if await _is_own(tx, row, staff) else None)
        if reason:
            await write_counted(tx, Entry(Actor("staff", staff.id), VIEWED, at, row.referral_id, reason.value))
            await item.mark_opened(tx, item_id, at=at)
    return reason


async def _is_own(tx: AsyncConnection, row: Any, staff: Staff) -> bool:
    """Open and with them; or on a waiting list, where the work is nobody's, and they put the family there last."""
    if row.state == ItemState.WAITING_LIST:
        return bool(await tx.scalar(_LISTED_BY, {"id": row.referral_id}) == staff.id)
    return row.ended_at is None and row.assignee == staff.id


_LISTED_BY: Final = sql("""
    SELECT actor_id FROM audit
    WHERE referral_id = :id AND actor_kind = 'staff' AND action IN ('item.wait', 'item.override')
    ORDER BY id DESC LIMIT 1
""")


async def record_search(tx: AsyncConnection, staff: Staff, *, reason: LookReason, at: datetime) -> None:
    """Before the search itself: who looks for somebody, and why; never for whom.

    Raises Problem 429, and nothing is written, past the hour's limit of looks and searches.
    """
    await write_counted(tx, Entry(Actor("staff", staff.id), SEARCHED, at, detail=reason.value))


async def write_counted(tx: AsyncConnection, entry: Entry) -> None:
    """A look or a search, into the audit trail; raises Problem 429 after MOST_AN_HOUR of this person within the hour.

    Everything counts but one's own work: of it each family counts once, or the pages of one's own day would use the
    hour up. It does count, or claiming everything would be a way round the limit. A lock for each person holds until
    the transaction ends, so that requests at once are counted one after the other.
    """
    who, since = entry.actor.id, entry.at - HOUR
    await tx.execute(
        sql("SELECT pg_advisory_xact_lock(hashtextextended('looks of ' || CAST(:who AS text), 0))"), {"who": who}
    )
    row = (await tx.execute(_USED, {"who": who, "since": since, "about": entry.referral_id})).one()
    is_free = row.is_known and entry.detail == LookReason.ASSIGNED
    if row.used >= MOST_AN_HOUR and not is_free:
        seconds = max(1, int((row.first_at - since).total_seconds()))
        raise Problem("too-many-looks", headers={"Retry-After": str(seconds)})
    await audit.write(tx, [entry])


_USED: Final = sql(f"""
    SELECT count(*) FILTER (WHERE NOT is_own) + count(DISTINCT referral_id) FILTER (WHERE is_own) AS used,
        coalesce(bool_or(is_own AND referral_id = CAST(:about AS uuid)), FALSE) AS is_known, min(at) AS first_at
    FROM (
        SELECT at, referral_id, coalesce(detail = '{LookReason.ASSIGNED}', FALSE) AS is_own FROM audit
        WHERE actor_kind = 'staff' AND actor_id = :who AND at > :since AND action IN ('{VIEWED}', '{SEARCHED}')
    ) AS recent
""")  # noqa: S608  the codes are this module's own


async def is_known(tx: AsyncConnection, reference: str) -> bool:
    """Whether there is such a referral here; an erased one is not found."""
    known = sql("SELECT 1 FROM referral WHERE reference = :reference AND erased_at IS NULL")
    return await tx.scalar(known, {"reference": reference}) is not None


async def standing_of(tx: AsyncConnection, matches: Sequence[Match]) -> list[FoundReferral]:
    """Where each stands now, in the order given: its open work items, the earliest due first. Erased ones are left out.

    One that triage has not heard of yet stands there without a kind.
    """
    rows = await tx.execute(
        sql(f"""
            SELECT r.id, r.kind, r.withdrawn_at IS NOT NULL AS is_withdrawn, r.erased_at,
                coalesce(jsonb_agg(jsonb_build_object('route', w.route, 'state', w.state) ORDER BY w.due_at, w.id)
                    FILTER (WHERE w.id IS NOT NULL), '[]') AS items
            FROM referral r LEFT JOIN work_item w ON w.referral_id = r.id AND {IS_OPEN}
            WHERE r.id = ANY(CAST(:ids AS uuid[])) GROUP BY r.id
        """),  # noqa: S608  a constant
        {"ids": [match.id for match in matches]},
    )
    known: dict[UUID, Any] = {row.id: row for row in rows}
    found = [(match, known.get(match.id)) for match in matches]
    return [
        FoundReferral(match.reference, match.received_at, *((row.kind, row.is_withdrawn, row.items) if row else ()))
        for match, row in found
        if row is None or row.erased_at is None
    ]


# Looks to ask about.

SPAN: Final = timedelta(hours=24)
"""A step so long before or after a look shows what the look was for."""
LISTED: Final = timedelta(days=28)
MOST: Final = 200
"""Lines of a list, the newest; as many as the referral service compares at once."""

BY_ONE_PERSON: Final = Gauge(
    "pir_looks_by_one_person", "Families that one person looked at within the last 24 hours: the most of anybody"
)
WITHOUT_WORK: Final = Gauge(
    "pir_looks_without_work",
    "Looks of 24 to 48 hours ago at a family for whom the same person took no step within 24 hours before or after",
)

NO_STEP: Final = f"""
    look.actor_kind = 'staff' AND look.action = '{VIEWED}' AND NOT EXISTS (
        SELECT 1 FROM audit step
        WHERE step.referral_id = look.referral_id AND step.actor_kind = 'staff' AND step.actor_id = look.actor_id
          AND step.action LIKE 'item.%' AND step.at BETWEEN look.at - CAST(:span AS interval)
                                                        AND look.at + CAST(:span AS interval)
    )
"""  # noqa: S608  this module's own
"""A look without work: no step of the same person on the same referral within `:span` of the look."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One person at one referral: how often, with which reasons, and when last. `name` when they have signed in."""

    actor: str
    name: str | None
    referral_id: UUID
    reference: str | None
    times: int
    last_at: datetime
    reasons: Sequence[str]


async def without_work(tx: AsyncConnection, *, now: datetime, actor: str | None = None) -> list[Looked]:
    """Looks of the last 28 days without a step; those of the last 24 hours may still get one and are not there."""
    return await _looks(tx, NO_STEP, {"span": SPAN, "since": now - LISTED, "until": now - SPAN, "actor": actor})


async def with_own_name(
    engine: AsyncEngine, families: Families, *, by: Staff, now: datetime, actor: str | None = None
) -> list[Looked] | None:
    """Looks of the last 28 days at a family with the looker's family name; None when nobody can compare now.

    The last word of a colleague's name is their family name. Only the referral service knows the families' names.
    """
    condition = f"look.actor_kind = 'staff' AND look.action = '{VIEWED}'"
    async with engine.connect() as tx:
        looks = await _looks(tx, condition, {"since": now - LISTED, "until": now, "actor": actor})
    named = [(each, words[-1]) for each in looks if (words := (each.name or "").split())]
    same = await families.have_names([(each.referral_id, name) for each, name in named], actor=by.id)
    return None if same is None else [each for (each, _), is_same in zip(named, same, strict=True) if is_same]


async def measure(tx: AsyncConnection) -> None:
    """Set the gauges from the audit trail; nobody is named in them."""
    BY_ONE_PERSON.set(await tx.scalar(_MOST_BY_ONE) or 0)
    WITHOUT_WORK.set(await tx.scalar(_WITHOUT_WORK, {"span": SPAN}) or 0)


_MOST_BY_ONE: Final = sql(f"""
    SELECT max(families) FROM (
        SELECT count(DISTINCT referral_id) AS families FROM audit
        WHERE at > now() - interval '24 hours' AND actor_kind = 'staff' AND action = '{VIEWED}' GROUP BY actor_id
    ) AS each_person
""")  # noqa: S608  this module's own
_WITHOUT_WORK: Final = sql(f"""
    SELECT count(DISTINCT (look.actor_id, look.referral_id)) FROM audit look
    WHERE look.at > now() - 2 * CAST(:span AS interval) AND look.at <= now() - CAST(:span AS interval) AND {NO_STEP}
""")  # noqa: S608  this module's own


async def _looks(tx: AsyncConnection, condition: str, values: dict[str, Any]) -> list[Looked]:
    found = await tx.execute(
        sql(f"""
            SELECT look.actor, colleague.name, look.referral_id, coalesce(referral.reference,
                (SELECT reference FROM work_item WHERE referral_id = look.referral_id LIMIT 1)), look.times,
                look.last_at, coalesce(look.reasons, '{{}}') AS reasons
            FROM (
                SELECT look.actor_id AS actor, look.referral_id, count(*) AS times, max(look.at) AS last_at,
                    array_agg(DISTINCT look.detail) FILTER (WHERE look.detail IS NOT NULL) AS reasons
                FROM audit look
                WHERE look.at > :since AND look.at <= :until AND {condition}
                  AND (CAST(:actor AS text) IS NULL OR look.actor_id = :actor)
                GROUP BY 1, 2 ORDER BY max(look.at) DESC, 1, 2 LIMIT {MOST}
            ) AS look
            LEFT JOIN colleague ON colleague.id = look.actor LEFT JOIN referral ON referral.id = look.referral_id
            ORDER BY last_at DESC, look.actor, look.referral_id
        """),  # noqa: S608  the conditions are this module's own
        values,
    )
    return [Looked(*row) for row in found]
