"""A triage team without HTTP: people take steps, events are heard and time goes by, each at a moment of the test's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage.handlers import handlers
from services.triage.staff_notes import StaffNotes
from services.triage.work_items import bodies, item, places, steps, timers
from services.triage.work_items.working import StaffActor, StepContext
from shared.access import Role, Staff
from shared.crypto import LocalKey, Safe
from shared.events import (
    Envelope,
    Event,
    Facts,
    MessageKind,
    MessageUndeliverable,
    ReferralAmended,
    ReferralChallenged,
    ReferralErased,
    ReferralInformed,
    ReferralReceived,
    ReferralWithdrawn,
    Route,
    WithdrawalReason,
)
from shared.ids import uuid7
from shared.messaging.dispatch import dispatch
from shared.messaging.outbox import Cause
from shared.policy import Policy
from shared.problems import Problem
from tests.builders import TODAY, a_policy, noon
from tests.integration.support import an_event, fetch

AGENCY = uuid7()
NOON = noon(TODAY)
MAYA, OMAR = (Staff(f"dev-{name}", name.title(), Role.WORKER) for name in ("maya", "omar"))
LEAD, OTHER_LEAD = (Staff(f"dev-{name}", name.title(), Role.LEAD) for name in ("lena", "lou"))
BODIES: Mapping[str, type[bodies.Body]] = {
    "assign": bodies.Assign,
    "accept": bodies.Accept,
    "decline": bodies.Decline,
    "override": bodies.Override,
    "request-information": bodies.AskForInformation,
    "wait": bodies.Wait,
    "offer-interim": bodies.OfferInterim,
    "contact-attempt": bodies.ContactAttempt,
    "first-contact": bodies.FirstContact,
    "arrange": bodies.Arrange,
    "deliver": bodies.Deliver,
    "note": bodies.Note,
    "close": bodies.Close,
    "reopen": bodies.Reopen,
}


class TriageTeam:
    """`now` is the team's clock; it goes on when a test says so."""

    def __init__(self, engine: AsyncEngine, policy: Policy | None = None, *, now: datetime = NOON) -> None:
        self.engine, self.policy, self.now = engine, policy or a_policy(), now
        self.texts = StaffNotes(Safe(LocalKey(bytes(32))))
        self.facts: dict[UUID, tuple[int, Facts, datetime]] = {}
        self._sequence = 0
        self.said_by_agencies: list[Envelope[Any]] = []

    # What is heard.

    async def hear(self, *events: Envelope[Any]) -> None:
        self.said_by_agencies += events
        async with self.engine.begin() as tx:
            await dispatch(events, handlers(self.policy), tx)

    def event(self, key: UUID, data: Event, *, at: datetime | None = None) -> Envelope[Any]:
        """Said `at` (now, unless said otherwise) and heard now."""
        self._sequence += 1
        return replace(an_event(key, self._sequence, data, at=at or self.now), heard_at=self.now)

    async def referred(self, facts: Facts, *, key: UUID | None = None) -> UUID:
        key = key or uuid7()
        self.facts[key] = (1, facts, self.now)
        await self.hear(self.event(key, self._told(key, ReferralReceived)))
        return key

    async def amended(self, key: UUID, facts: Facts) -> None:
        version, _, at = self.facts[key]
        self.facts[key] = (version + 1, facts, at)
        await self.hear(self.event(key, self._told(key, ReferralAmended)))

    def _told(self, key: UUID, event: type[ReferralReceived]) -> ReferralReceived:
        version, facts, at = self.facts[key]
        more = {"received_at": at, "expected_by": at.date(), "family_id": key, "facts": facts, "version": version}
        return event(reference=reference_of(key), agency_id=AGENCY, **more)

    async def informed(self, key: UUID, *, at: datetime | None = None) -> None:
        await self.hear(self.event(key, self._about(key, ReferralInformed), at=at))

    async def challenged(self, key: UUID) -> None:
        await self.hear(self.event(key, self._about(key, ReferralChallenged)))

    async def undelivered(self, key: UUID) -> None:
        """A mail to the agency could not be delivered."""
        what = {"about": self.facts[key][1].kind, "message_id": uuid7(), "kind": MessageKind.DECISION}
        await self.hear(self.event(key, self._about(key, MessageUndeliverable, **what)))

    async def erased(self, key: UUID) -> None:
        await self.hear(self.event(key, self._about(key, ReferralErased)))

    async def withdrawn(self, key: UUID) -> None:
        reason = WithdrawalReason.FAMILY_DECLINED
        await self.hear(self.event(key, self._about(key, ReferralWithdrawn, reason=reason)))

    def _about(self, key: UUID, event: type[Event], **more: Any) -> Event:
        return event(reference=reference_of(key), agency_id=AGENCY, **more)

    # What people do.

    async def take(self, row: sa.Row[Any] | UUID, step: str, who: Staff = MAYA, **body: Any) -> UUID:
        """Take a step now; returns the item that it leads to. Raises Problem."""
        by = StaffActor(who, self.now, Cause(uuid7()))
        read = BODIES.get(step, bodies.Nothing).model_validate(body)
        item_id = row if isinstance(row, UUID) else row.id
        async with self.engine.begin() as tx:
            return await steps.take(tx, item_id, step, read, by, StepContext(self.policy, self.texts))

    async def refused(self, row: sa.Row[Any] | UUID, step: str, who: Staff = MAYA, **body: Any) -> str:
        """The name of the problem with which a step is refused."""
        try:
            await self.take(row, step, who, **body)
        except Problem as problem:
            return problem.name
        raise AssertionError(f"{step} was taken")

    async def look(self, row: sa.Row[Any]) -> None:
        async with self.engine.begin() as tx:
            await item.mark_opened(tx, row.id, at=self.now)

    async def set_places(self, route: Route, individual: int, group: int = 4) -> None:
        async with self.engine.begin() as tx:
            await places.set_places(tx, route, individual=individual, group=group, by="lena", at=self.now)

    # What time brings about.

    async def strike(self) -> None:
        """The service's timers, as they run every few seconds."""
        async with self.engine.begin() as tx:
            await timers.escalate(tx, now=self.now, policy=self.policy)
        async with self.engine.begin() as tx:
            await timers.warn_of_age(tx, now=self.now)
        await timers.release_opened_wards(self.engine, now=self.now, policy=self.policy)
        await timers.offer_places(self.engine, now=self.now)

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    # What is there.

    async def items(self, key: UUID) -> dict[str, sa.Row[Any]]:
        """Every item a referral ever had, by route; of several the latest."""
        found = await fetch(self.engine, "SELECT * FROM work_item WHERE referral_id = :id ORDER BY id", id=key)
        return {row.route: row for row in found}

    async def open(self, key: UUID) -> dict[str, sa.Row[Any]]:
        """Open items by route."""
        found = await fetch(
            self.engine, "SELECT * FROM work_item WHERE referral_id = :id AND ended_at IS NULL ORDER BY id", id=key
        )
        return {row.route: row for row in found}

    async def only(self, key: UUID) -> sa.Row[Any]:
        """The one open item."""
        [row] = (await self.open(key)).values()
        return row

    async def details(self, row: sa.Row[Any] | UUID) -> dict[str, Any]:
        async with self.engine.connect() as tx:
            return (await item.load(tx, row if isinstance(row, UUID) else row.id)).item

    async def said(self, key: UUID, kind: str) -> list[dict[str, Any]]:
        """The data of every event of a type about a referral, in order."""
        rows = await fetch(
            self.engine,
            "SELECT CAST(value AS jsonb) AS data FROM event WHERE key = :id AND type = :type ORDER BY sequence",
            id=key,
            type=kind,
        )
        return [row.data for row in rows]


def reference_of(key: UUID) -> str:
    return f"PIR-{key.hex[-6:-3]}-{key.hex[-3:]}".upper()


def with_opening(ward: str, on: date) -> Policy:
    """The policy of the tests, with one more ward that opens `on`."""
    policy = a_policy()
    wards = [each.model_copy(update={"opens_on": on}) if each.code == ward else each for each in policy.wards]
    return Policy.model_validate(policy.model_dump(exclude_unset=True) | {"wards": [w.model_dump() for w in wards]})
