"""The sending loops: each reads what is due, hands it over without an open transaction, writes down what came of it.

What calls a person out has a loop of its own, with its own connections to PostgreSQL and to the mail server, so that
neither a backlog nor a slow server of all other mail holds it up.

Each copy holds some of the parts (shared/messaging/leases.py), so that one message is in one copy's hands. What was
handed over is recorded before the next mail goes, however long PostgreSQL is away meanwhile, and a stop sends no more
than the mail in hand. Only a killed process (or a lost lease with several copies) sends a second copy, with the same
Message-ID.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notify import measures, rows
from services.notify.announcing import announcement
from services.notify.content import Content, State
from services.notify.rows import Try
from services.notify.senders import DeliveryResult, Sender
from services.notify.sending_rules import Retries
from services.notify.writing import Writes, utc_now
from shared import audit
from shared.audit import Actor, Entry
from shared.backoff import pauses, rest_after
from shared.errors import DATABASE_TROUBLE, failure_kind, failure_name, is_transient
from shared.events import MessageSent, MessageUndeliverable
from shared.messaging import outbox
from shared.messaging.leases import Leases, leased
from shared.messaging.statement import Statement
from shared.messaging.waking import Wake
from shared.metrics import NOT_AT_ONCE
from shared.room import ROOM

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 1.0
"""The net under the wake-ups, and how late a second try may be."""
NO_RECIPIENT_PAUSE: Final = timedelta(seconds=5)
NO_RECIPIENT_LONGEST: Final = timedelta(minutes=10)
"""The agency is not known here yet, or has no usable inbox: looked at again, the later the longer it lasts; no try."""
NO_RECIPIENT: Final = "no-recipient"
MOST_LINES: Final = 2_000
"""In one mail of a day, which then has some 150 kB; a server takes ten MB and more. The rest goes in another one."""
STOP_SECONDS: Final = 12.0
SENDER: Final = Actor("system", "delivery")

T = TypeVar("T")


@dataclass
class Delivery:
    """Sends the messages of one schema in PARTS parts from `first_part` on: 0, or PARTS for what calls a person out.

    `run()` never returns by itself; cancel it to stop. `name` is that of its leases; `wake` is set when messages were
    made, `wake_relay` is called when something of them is to be announced.
    """

    dsn: str
    schema: str
    engine: AsyncEngine
    sender: Sender
    writer: Writes
    retries: Retries
    name: str = "message"
    first_part: int = 0
    now: Callable[[], datetime] = utc_now
    chance: Callable[[], float] = random.random
    wake_relay: Callable[[], None] = lambda: None
    before_a_backlog: Callable[[], None] = lambda: None
    """Called before each full batch: another loop's mails go first, though nobody has woken it."""
    _connection: asyncpg.Connection[Any] | None = None
    _is_stopping: bool = False

    def __post_init__(self) -> None:
        self.wake = Wake(f"{self.schema}_message")

    async def run(self) -> None:
        """Connect, send, and start afresh after any trouble: a new connection, new leases."""
        for pause in pauses():
            try:
                await self._send_until_trouble(pause.reset)
            except Exception as error:
                if failure_kind(error) == "other":
                    raise
                ROOM.note(error)
                log.warning(
                    "delivery paused", loop=self.name, cause=failure_name(error), seconds=round(pause.seconds, 1)
                )
            await pause.sleep()

    async def _send_until_trouble(self, going_well: Callable[[], None]) -> None:
        async with leased(self.dsn, self.schema, self.name, self.wake) as leases:
            self._connection = leases.connection
            try:
                while True:
                    if leases.are_due:
                        await leases.balance()
                    self.wake.clear()
                    sent = await self._send_what_is_due(leases)
                    if sent:
                        going_well()
                        await rest_after(sent, full=self.sender.batch)
                    if sent < self.sender.batch:
                        await self.wake.wait(leases.connection, leases.held, POLL_SECONDS)
            finally:
                self._connection = None

    async def _send_what_is_due(self, leases: Leases) -> int:
        """One batch, or when nothing else is due what was collected for one inbox; returns how many it was."""
        parts = [self.first_part + part for part in leases.held]
        if due := await leases.connection.fetch(rows.DUE, parts, self.now(), self.sender.batch):
            if len(due) == self.sender.batch:
                self.before_a_backlog()
            await self._to_its_end(self.send(due))
        elif self.first_part == 0 and (
            due := await leases.connection.fetch(rows.COLLECTED, parts, self.now(), MOST_LINES)
        ):
            await self._to_its_end(self.send_together(due))
        return len(due)

    async def _to_its_end(self, work: Awaitable[T]) -> T:
        """The mail in hand ends before the loop does: a cancel waits for it, at most STOP_SECONDS."""
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._is_stopping = True
            await asyncio.wait([task], timeout=STOP_SECONDS)
            task.cancel()
            raise

    async def send(self, due: Sequence[Any]) -> None:
        """One batch: what came of each mail is recorded as soon as it is known.

        A stop ends the batch after the mail in hand: the others stay due, and nobody has sent them.
        """
        outcomes: dict[UUID, DeliveryResult] = {}
        mails = self.writer.write(due, outcomes)
        by_id, written = {row["id"]: row for row in due}, {each.id for each in mails}
        await self._keep([row for row in due if row["id"] not in written], outcomes)
        if not mails:
            return
        done = 0
        async with aclosing(self.sender.send(mails)) as handed:
            async for some in handed:
                these = mails[done : done + len(some)]
                done += len(some)
                outcomes |= {each.id: outcome for each, outcome in zip(these, some, strict=True)}
                await self._keep([by_id[each.id] for each in these], outcomes)
                if self._is_stopping:
                    break

    async def send_together(self, collected: Sequence[Any]) -> None:
        """One mail for what one agency's day collected; what comes of it is recorded of each message in it."""
        outcomes: dict[UUID, DeliveryResult] = {}
        if (recipient := self.writer.recipient(collected[0])) and (
            together := self.writer.together(collected, recipient, outcomes)
        ):
            async with aclosing(self.sender.send([together])) as handed:
                async for some in handed:
                    return await self._keep(collected, {row["id"]: some[0] for row in collected} | outcomes)
        return await self._keep(collected, outcomes)

    async def _keep(self, due: Sequence[Any], outcomes: Mapping[UUID, DeliveryResult]) -> None:
        """Record, for as long as that takes: a row that is read again before it is recorded would be mailed again."""
        if not due:
            return None
        now = self.now()
        tries = [self._judge(row, outcomes.get(row["id"]), now) for row in due]
        for pause in pauses():
            try:
                return await self._record(due, tries, now)
            except Exception as error:
                if failure_kind(error) == "other":
                    raise
                level = "warning" if is_transient(error) else "error"
                cause = type(getattr(error, "orig", error)).__name__
                getattr(log, level)("recording again", cause=cause, seconds=round(pause.seconds, 1))
            await pause.sleep()
        return None

    def _judge(self, row: Any, outcome: DeliveryResult | None, now: datetime) -> Try:
        """Sent, to be tried again, or a person's work now; no outcome means that there was no recipient.

        What was collected for one mail is due again at one moment, or it would come apart.
        """
        if outcome is None:
            if self.retries.is_over(since=row["created_at"], now=now):
                return Try(row["id"], State.UNDELIVERABLE, was_tried=False, error=NO_RECIPIENT)
            waits = min(max((now - row["created_at"]) / 10, NO_RECIPIENT_PAUSE), NO_RECIPIENT_LONGEST)
            state = State.COLLECTED if row["collected_on"] else State.DUE
            return Try(row["id"], state, was_tried=False, due_at=now + waits, error=NO_RECIPIENT)
        if outcome.is_held or outcome.again_in is not None:
            state, due_at = (State.HELD, None) if outcome.again_in is None else (State.FAILED, now + outcome.again_in)
            return Try(row["id"], state, was_tried=False, due_at=due_at, error=outcome.error)
        if outcome.error is None:
            return Try(row["id"], State.SENT, accepted=outcome.accepted)
        if outcome.is_final or self.retries.is_over(since=row["first_tried_at"] or now, now=now):
            return Try(row["id"], State.UNDELIVERABLE, error=outcome.error, accepted=outcome.accepted)
        chance = 1.0 if row["collected_on"] else self.chance()
        again_at = now + self.retries.pause(row["attempts"] + 1, chance=chance)
        return Try(row["id"], State.FAILED, due_at=again_at, error=outcome.error, accepted=outcome.accepted)

    async def _record(self, due: Sequence[Any], tries: Sequence[Try], now: datetime) -> None:
        """States, audit and announcements: in one statement if all are as they were read, else in a transaction."""
        told = list(zip(due, tries, strict=True))
        if not await self._record_at_once(told, now):
            async with self.engine.begin() as tx:
                changed = set((await rows.record(tx, tries, at=now)).scalars())
                told = [(row, each) for row, each in told if each.id in changed]
                await _tell(tx, told, now)
        self.wake_relay()
        for row, each in told:
            if each.was_tried or each.state in _ANNOUNCED:
                measures.MESSAGES.labels(row["kind"], each.state.value).inc()
            if each.state is State.UNDELIVERABLE:
                log.error("undeliverable", message=str(each.id), kind=row["kind"], cause=each.error)

    async def _record_at_once(self, told: Sequence[tuple[Any, Try]], now: datetime) -> bool:
        """False when PostgreSQL refused it: then nothing was written."""
        if self._connection is None:
            return False
        statement = Statement(self._connection)
        tx = cast("AsyncConnection", statement)
        await rows.record(tx, [each for _, each in told], at=now)
        await _tell(tx, told, now)
        try:
            await statement.run(rows.ALL_RECORDED, {"expected": len(told)})
        except DATABASE_TROUBLE as error:
            NOT_AT_ONCE.labels(failure_kind(error)).inc()
            return False
        return True


_ANNOUNCED: Final = {State.SENT: MessageSent, State.UNDELIVERABLE: MessageUndeliverable}


async def _tell(tx: AsyncConnection, told: Sequence[tuple[Any, Try]], now: datetime) -> None:
    """Audit and events of those that are sent or given up."""
    ended = [(row, each) for row, each in told if each.state in _ANNOUNCED]
    await audit.write(
        tx, [Entry(SENDER, f"message.{each.state}", now, row["referral_id"], row["kind"]) for row, each in ended]
    )
    announced = [
        announcement(_ANNOUNCED[each.state], row, about=Content.model_validate_json(row["content"]).about, at=now)
        for row, each in ended
    ]
    await outbox.append(tx, announced)
