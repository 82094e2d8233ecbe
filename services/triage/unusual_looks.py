"""Looks to ask a person about: at a family they did no work for, or at a family with their own name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.triage.clients import Families
from services.triage.work_items.item import VIEWED
from shared.access import Staff
from shared.database import sql

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
