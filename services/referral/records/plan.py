"""Which families are due on a day, read from the referral service's own tables, one family after the other.

Only what is not erased is read. Nothing is opened that is sealed: the dates of the babies stand in the profile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import status
from services.referral.families.profile import Profile
from services.referral.records.due import FOR_A_PERSON, BabyDates, ClassCode, Due, RecordFacts, Waits, due_on
from services.referral.status import WORK_ENDED, RouteState
from shared.database import sql
from shared.events import LOSSES, SAFETY_ROUTES, Facts, Kind
from shared.retention import Schedule
from shared.working_time import day_in_london

_AT_ONCE: Final = 500
"""Families of one read."""
_NEXT_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class StoredFamily:
    """The referrals of one family that are not erased: references, and what decides of each."""

    family_id: UUID
    references: tuple[str, ...]
    facts: tuple[RecordFacts, ...]


@dataclass(slots=True)
class RetentionPlan:
    """On one day: what goes, by class; what a person has to look at, by reason; how many wait; the days that come."""

    on: date
    due: dict[ClassCode, list[StoredFamily]] = field(default_factory=dict)
    for_a_person: dict[Waits, list[str]] = field(default_factory=dict)
    waiting: Counter[str] = field(default_factory=Counter)
    later: Counter[date] = field(default_factory=Counter)

    @property
    def families(self) -> list[StoredFamily]:
        return [family for each in self.due.values() for family in each]

    @property
    def references(self) -> list[str]:
        """Everything that goes, in order."""
        return sorted(reference for family in self.families for reference in family.references)

    @property
    def next_days(self) -> list[tuple[date, int]]:
        """The next days on which families become due, and how many referrals each."""
        return sorted(self.later.items())[:_NEXT_DAYS]

    def add(self, family: StoredFamily, verdict: Due | Waits) -> None:
        count = len(family.references)
        if isinstance(verdict, Due) and verdict.on <= self.on:
            self.due.setdefault(verdict.rule, []).append(family)
        elif isinstance(verdict, Due):
            self.later[verdict.on] += count
        elif verdict in FOR_A_PERSON:
            self.for_a_person.setdefault(verdict, []).extend(family.references)
        else:
            self.waiting[verdict] += count


async def make_plan(engine: AsyncEngine, schedule: Schedule, *, on: date) -> RetentionPlan:
    """A dry run: nothing is written, and nothing is locked."""
    plan = RetentionPlan(on)
    async for family in _families(engine):
        plan.add(family, due_on(family.facts, schedule))
    return plan


async def _families(engine: AsyncEngine) -> AsyncIterator[StoredFamily]:
    after = UUID(int=0)
    while True:
        async with engine.connect() as tx:
            ids = list(await tx.scalars(_NEXT, {"after": after, "most": _AT_ONCE}))
            found = await read_families(tx, ids)
        for family in found:
            yield family
        if len(ids) < _AT_ONCE:
            return
        after = ids[-1]


async def read_families(tx: AsyncConnection, ids: Collection[UUID]) -> list[StoredFamily]:
    """Those of these family ids that are left, in the order of the ids."""
    members: dict[UUID, list[sa.Row[Any]]] = {}
    for row in await tx.execute(_MEMBERS, {"ids": list(ids)}):
        members.setdefault(row.family_id, []).append(row)
    return [_family(family_id, rows) for family_id, rows in members.items()]


def _family(family_id: UUID, rows: Iterable[sa.Row[Any]]) -> StoredFamily:
    known = sorted(rows, key=lambda row: str(row.reference))
    return StoredFamily(family_id, tuple(row.reference for row in known), tuple(_facts(row) for row in known))


def _facts(row: sa.Row[Any]) -> RecordFacts:
    facts = Facts.model_validate(row.facts)
    states = [RouteState(state) for state in row.states]
    ended = status.ended_at(row.withdrawn_at, row.declined_at, row.ended_at, row.states)
    is_open = ended is None or not WORK_ENDED.issuperset(states)
    babies = Profile.model_validate(row.profile).babies
    return RecordFacts(
        last_on=None if ended is None or is_open else day_in_london(max(ended, row.last_at or ended)),
        babies=tuple(BabyDates(each.born, each.due) for each in babies),
        is_enquiry=row.kind != Kind.FAMILY,
        was_accepted=row.was_accepted,
        has_danger=bool(facts.safety) or not SAFETY_ROUTES.isdisjoint(row.routes),
        is_loss=not LOSSES.isdisjoint(facts.circumstances),
        has_legal_hold=row.has_legal_hold,
    )


_NEXT: Final = sql("""
    SELECT DISTINCT family_id FROM referral WHERE wrapped_key IS NOT NULL AND family_id > :after
    ORDER BY family_id LIMIT :most
""")
_MEMBERS: Final = sql("""
    SELECT r.family_id, r.reference, r.kind, r.profile, r.facts, r.withdrawn_at, r.declined_at, r.ended_at,
        ARRAY(SELECT state FROM route_state s WHERE s.referral_id = r.id) AS states,
        ARRAY(SELECT route FROM route_state s WHERE s.referral_id = r.id) AS routes,
        coalesce(told.was_accepted, false) AS was_accepted, told.last_at,
        EXISTS (SELECT 1 FROM hold o WHERE o.referral_id = r.id AND o.ended_at IS NULL) AS has_legal_hold
    FROM referral r CROSS JOIN LATERAL (
        SELECT max(at) AS last_at, bool_or(what IN ('accepted', 'first-contact')) AS was_accepted
        FROM history h WHERE h.referral_id = r.id
    ) told WHERE r.family_id = ANY(CAST(:ids AS uuid[])) AND r.wrapped_key IS NOT NULL
    ORDER BY r.family_id, r.reference
""")
