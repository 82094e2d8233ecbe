"""The demo's way through the intake: the same reading, matching, sealing and writing as a request's, in this process.

Only the time is another: each referral is received when it says, so that queues hold old and new work at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.demo.families.sent import Sent, What
from services.referral import steps
from services.referral.agencies import Agency, AgencyActor, valid_keys
from services.referral.postcodes.lookup import NOTTINGHAM
from services.referral.reference import new_reference
from services.referral.steps import TakeStep
from services.referral.submitting import idempotency
from services.referral.submitting.batch_writer import BatchWriter
from services.referral.submitting.idempotency import Answer, request_key
from services.referral.submitting.prepare import Arrival, Preparing
from services.referral.submitting.submit import admit, another_reference, at_once_with
from shared.database import sql
from shared.ids import uuid7
from shared.messaging.outbox import Cause
from shared.policy import Policy
from shared.problems import Problem
from shared.strict_json import canonical

AT_ONCE: Final = 32
"""Referrals handed to the batch writer together; it keeps those of one family apart and in order."""


class NoDemoError(Exception):
    """The demo is not for this place; the message says why."""


class UsedError(NoDemoError):
    """Somebody has referred families here: invented ones are never mixed with others."""


async def refuse_if_used(engine: AsyncEngine) -> None:
    """Raises UsedError when there is any referral."""
    async with engine.connect() as tx:
        if await tx.scalar(sql("SELECT EXISTS (SELECT 1 FROM referral)")):
            raise UsedError("There are referrals here already, so no invented families are added.")


def refuse_elsewhere(policy: Policy) -> None:
    """Raises NoDemoError under the policy of a council whose postcodes are not known by ward."""
    if policy.authority != NOTTINGHAM:
        raise NoDemoError(f"The invented families live in Nottingham, and the policy here is {policy.id}.")


@asynccontextmanager
async def filling(engine: AsyncEngine, preparing: Preparing) -> AsyncIterator[Filling]:
    """A Filling with its batch writer at work. Raises NoDemoError where the families would be strangers."""
    refuse_elsewhere(preparing.policy)
    async with engine.connect() as tx:
        known = {agency.slug: agency for agency in (await valid_keys(tx)).values()}
    writer: BatchWriter[Arrival] = BatchWriter(
        engine, partial(admit, preparing=preparing), at_once_with(preparing.identities), another_reference
    )
    writing = asyncio.create_task(writer.run())
    try:
        yield Filling(engine, preparing, writer, known)
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing


class Filling:
    """Sends what agencies sent. `references` are those given, by the name of what was sent."""

    def __init__(
        self, engine: AsyncEngine, preparing: Preparing, writer: BatchWriter[Arrival], agencies: dict[str, Agency]
    ) -> None:
        self._engine = engine
        self._preparing = preparing
        self._writer = writer
        self._agencies = agencies
        self.references: dict[str, str] = {}

    async def send(self, sent: Sequence[Sent], progress: Callable[[int], None] = lambda _: None) -> None:
        """In the given order; what was sent before (by a filling that was interrupted) is answered as then."""
        if missing := {each.agency for each in sent} - set(self._agencies):
            raise NoDemoError(f"The demo's agencies are not here: {', '.join(sorted(missing))}.")
        waiting: list[Sent] = []
        for each in sent:
            if each.what is What.REFERRAL and len(waiting) < AT_ONCE:
                waiting.append(each)
                continue
            await self._refer(waiting)
            waiting = [each] if each.what is What.REFERRAL else []
            if not waiting:
                await self._step(each)
            progress(len(self.references))
        await self._refer(waiting)
        progress(len(self.references))

    async def _refer(self, sent: Sequence[Sent]) -> None:
        arrivals = [self._arrival(each) for each in sent]
        for each, answer in zip(sent, await asyncio.gather(*map(self._writer.submit, arrivals)), strict=True):
            if not isinstance(answer, Answer):
                raise answer
            self.references[each.name] = answer.body["reference"]

    def _arrival(self, sent: Sent) -> Arrival:
        by = AgencyActor(sent.at, Cause(uuid7()), self._agencies[sent.agency])
        return self._preparing.arrival(sent.body, by=by, key=sent.key)

    async def _step(self, sent: Sent) -> None:
        """A change, a withdrawal or an enquiry: once per key, in one transaction with its answer.

        The team is at work meanwhile: one that closed the referral first leaves nothing to change or withdraw.
        """
        by = AgencyActor(sent.at, Cause(uuid7()), self._agencies[sent.agency])
        keyed = request_key(self._preparing.identities, by.agency.id, sent.key, sent.what, canonical(sent.body))

        async def work(tx: AsyncConnection) -> Answer:
            reference = self.references.get(sent.name) or new_reference(secrets.randbelow)
            return await _STEPS[sent.what](tx, self._preparing, reference, sent.body, by)

        try:
            answer = await idempotency.once(self._engine, keyed, at=sent.at, work=work)
        except Problem as refused:
            if refused.name != "step-not-allowed":
                raise
            return
        self.references.setdefault(sent.name, answer.body["reference"])


_STEPS: Final[dict[What, TakeStep]] = {
    What.CHANGE: steps.patch,
    What.WITHDRAWAL: steps.withdraw,
    What.ENQUIRY: steps.enquire,
}
