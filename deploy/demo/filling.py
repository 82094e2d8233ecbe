"""The demo in its order: practice reports, what is old, what came since, rest; the team at work all the while."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.demo.colleagues import introduce, shared_out
from deploy.demo.families.intake import Filling, filling, refuse_elsewhere, refuse_if_used
from deploy.demo.families.inventing import SEED, invented
from deploy.demo.families.morning import CASES, GONE_LATE, morning
from deploy.demo.families.sent import Sent
from deploy.demo.mark import MORNING, Mark
from deploy.demo.practice import practise_once
from deploy.demo.rest import is_at_rest, is_heard, listeners, until
from deploy.demo.team import SECONDS, Team
from deploy.demo.ways import LEFT, Item, Move, item_of, way_of
from services.referral import tables as referral
from services.referral.settings import Settings
from services.referral.submitting.prepare import Preparing, preparing_of
from services.triage import tables as triage
from services.triage.work_items import timers
from shared.database import create_engine, sql
from shared.events import Route
from shared.policy import Policy

FULL: Final = Route.PIR_LONG
"""The route without a free place, so that there is a waiting list to see."""
LATELY: Final = timedelta(days=12)
"""What came since then finds that route full."""
ANSWERED: Final = 3
"""One in so many requests for information has been answered."""
ANSWER: Final = (
    "Since about four weeks. A walk together every day has helped a little. They stay with an aunt in Aspley."
)
PART: Final = 50
"""Referrals sent before the team looks at the work again."""
SAID_EVERY: Final = 60

_OPEN: Final = """
    SELECT id, reference, route, state, urgency, received_at FROM work_item
    WHERE ended_at IS NULL AND id <> ALL(:known) ORDER BY received_at, route
"""


async def fill(settings: Settings, families: int, mark: Mark) -> None:
    """All of it, or the rest of one that was interrupted; returns when nothing is under way any more.

    Raises NoDemoError where it does not belong, UsedError when there are referrals that are not the demo's.
    """
    preparing = preparing_of(settings)
    refuse_elsewhere(preparing.policy)
    engine, of_triage = create_engine(settings, referral.SCHEMA), create_engine(settings, triage.SCHEMA)
    credentials = _credentials(settings)
    team = Team(os.environ["PIR_TRIAGE_URL"], {role: who["token"] for role, who in credentials["staff"].items()})
    try:
        if (begun := mark.begun()) is None:
            await refuse_if_used(engine)
            begun = datetime.now(UTC).replace(microsecond=0), families
            mark.begin(*begun)
        if not mark.is_practised:
            await practise_once(now=begun[0], told=say)
            mark.practised()
        async with of_triage.begin() as tx:
            await introduce(tx, credentials["staff"], at=begun[0])
        await _Demo(engine, of_triage, preparing, team, *begun).fill(credentials["agencies"])
        say("waiting until everything is told and counted")
        heard_by, brokers = listeners(preparing.policy), settings.brokers
        await until(engine, lambda tx: is_at_rest(tx, heard_by, brokers))
        mark.done()
    finally:
        await team.close()
        await engine.dispose()
        await of_triage.dispose()


def _credentials(settings: Settings) -> dict[str, Any]:
    if settings.credentials_file is None:
        raise RuntimeError("the demo acts as the development staff: PIR_CREDENTIALS_FILE is missing")
    known: dict[str, Any] = json.loads(settings.credentials_file.read_text(encoding="utf-8"))
    return known


class _Demo:
    def __init__(
        self,
        engine: AsyncEngine,
        of_triage: AsyncEngine,
        preparing: Preparing,
        team: Team,
        now: datetime,
        families: int,
    ) -> None:
        self._engine, self._of_triage, self._preparing, self._team = engine, of_triage, preparing, team
        self._now, self._families, self._said = now, families, 0
        self._known: set[UUID] = set()
        self._taken: list[tuple[Item, Move]] = []
        self._chance = Random(SEED)  # noqa: S311  what an invented team did
        self._heard_by = listeners(self.policy)

    @property
    def policy(self) -> Policy:
        return self._preparing.policy

    async def fill(self, agency_keys: Mapping[str, str]) -> None:
        async with filling(self._engine, self._preparing) as demo:
            if self._families == MORNING:
                await self._send_morning(demo)
            else:
                await self._send_families(demo, agency_keys)
        await until(self._of_triage, self._is_on_time)

    async def _send_families(self, demo: Filling, agency_keys: Mapping[str, str]) -> None:
        sent = invented(self._families, now=self._now, policy=self.policy)
        earlier = [each for each in sent if self._now - each.at > LATELY]
        await self._send(demo, earlier)
        await self._team.leave_no_place(FULL)  # who comes later waits for one
        await self._send(demo, sent[len(earlier) :])
        await _answer(self._asked(sent, demo.references, agency_keys))

    async def _send_morning(self, demo: Filling) -> None:
        """The team has done nothing yet, but for one thing: somebody took the emergency on, and left it."""
        await demo.send(morning(now=self._now, policy=self.policy))
        say(f"{len(CASES)} awkward cases")
        await until(self._engine, lambda tx: is_heard(tx, "triage", self._heard_by["triage"]))
        items = await self._open_items()
        await self._team.go((item, LEFT) for item in items if item.reference == demo.references[GONE_LATE])

    async def _send(self, demo: Filling, sent: Sequence[Sent]) -> None:
        """Part by part, the team always a part behind: so nothing lies unread for longer than it should."""
        for start in range(0, len(sent), PART):
            await asyncio.gather(demo.send(sent[start : start + PART], self._say), self._work())
        await until(self._engine, lambda tx: is_heard(tx, "triage", self._heard_by["triage"]))
        await self._work()

    async def _work(self) -> None:
        """Each open item that was not there before goes its way."""
        items = await self._open_items()
        self._known |= {item.id for item in items}
        ways = [way_of(item, now=self._now, policy=self.policy, chance=self._chance) for item in items]
        shared = [shared_out(way, chance=self._chance) for way in ways]
        self._taken += await self._team.go(zip(items, shared, strict=True))

    async def _open_items(self) -> list[Item]:
        """Those that were not there before."""
        async with self._of_triage.connect() as tx:
            found = await tx.execute(sql(_OPEN), {"known": list(self._known)})
            return [item_of(row) for row in found.mappings()]

    def _say(self, done: int) -> None:
        done = min(done, self._families)
        if done - self._said >= SAID_EVERY or self._said < done == self._families:
            self._said = done
            say(f"{done} of {self._families} families")

    def _asked(
        self, sent: Sequence[Sent], references: Mapping[str, str], keys: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        """Reference and agency's key of what an agency was asked about."""
        key_of = {references[each.name]: keys[each.agency] for each in sent}
        asked = [item.reference for item, move in self._taken if move.step == "request-information"]
        return [(reference, key_of[reference]) for reference in asked]

    async def _is_on_time(self, tx: AsyncConnection) -> bool:
        """Triage's clock strikes every few seconds; asked here, nobody has to wait for that."""
        return not await timers.escalate(tx, now=datetime.now(UTC), policy=self.policy)


async def _answer(asked: Sequence[tuple[str, str]]) -> None:
    """Some agencies have answered; where another team has ended the matter meanwhile they no longer can."""
    async with httpx.AsyncClient(base_url=os.environ["PIR_REFERRAL_URL"], timeout=SECONDS) as client:
        for reference, key in asked[::ANSWERED]:
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": uuid4().hex}
            answer = await client.post(f"/referrals/{reference}/information", headers=headers, json={"notes": ANSWER})
            if answer.status_code != httpx.codes.CONFLICT:
                answer.raise_for_status()


def say(what: str) -> None:
    """A line for whoever started it."""
    print(f"Filling the demo: {what}", flush=True)
