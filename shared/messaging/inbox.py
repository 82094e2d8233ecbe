"""The inbox: what a batch of records says is made true, once.

The ordinary batch is one statement: inbox rows, effects, audit and outbox of events that are new, of families that are
not erased, with nothing parked before them. If PostgreSQL refuses it, nothing was written, and the careful way does it:

    records → decode → one transaction: bad ones parked, good ones: inbox row + effects + audit + outbox
                         │ → commit
                         │ transient failure: the same again after a pause
                         │ too slow again and again: split in two; alone → parked, tried again by itself
                         └ any other failure: split in two until the culprit is alone → parked

Later events of a parked referral on the same topic wait behind it (parked too, marked so), for order matters more than
speed. An inbox row is never forgotten: a republished event must stay harmless however old it is. Events of a Repeatable
have none when they were handled in one statement, for its rows tell a repeat.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import structlog
from aiokafka.structs import ConsumerRecord
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.backoff import pauses
from shared.database import driver_of, sql
from shared.errors import failure_kind, failure_name, is_transient
from shared.events import Envelope, Event, ReferralErased
from shared.messaging import parked
from shared.messaging.cloudevents import UnreadableRecordError, read_record
from shared.messaging.dispatch import AtOnce, Handlers, Repeatable, dispatch, in_order, rounds
from shared.messaging.statement import Statement
from shared.metrics import BATCH_EVENTS, BATCH_SECONDS, CONSUMED, NOT_AT_ONCE, PARKED, RETRIES, count
from shared.room import ROOM

log = structlog.get_logger(__name__)

GIVE_UP_SECONDS: Final = 60.0
"""A transient failure that lasts longer gives the batch back."""

BATCH_TIMEOUTS: Final = 2
LONE_TIMEOUTS: Final = 3
"""So many times too slow, and a batch is halved, an event alone parked: 15 s of a statement's 5 s each, and the
partition goes on. One that was only unlucky (a busy disk) is handled when it is tried again, half a minute later."""

_CLAIM: Final = sql("""
    INSERT INTO inbox (event_id) SELECT id FROM unnest(CAST(:ids AS uuid[])) AS t(id) ORDER BY id
    ON CONFLICT DO NOTHING RETURNING event_id
""")


_CLAIM_ALL: Final = sql("""
    INSERT INTO inbox (event_id) SELECT id FROM unnest(CAST(:ids AS uuid[])) AS t(id) ORDER BY id
""")
"""Fails when one of them was handled before."""
_SPECIAL: Final = """EXISTS (
        SELECT FROM parked WHERE resolved_at IS NULL AND key = ANY(CAST(:keys AS uuid[]))
            AND topic = ANY(CAST(:topics AS text[]))
    ) OR EXISTS (SELECT FROM erased WHERE key = ANY(CAST(:keys AS uuid[])))"""
_UNLESS_SPECIAL: Final = sql(f"SELECT 1 / CASE WHEN {_SPECIAL} THEN 0 ELSE 1 END")
"""Fails, by a division by zero, when something of one of the keys is parked, or its family was erased."""
_ANSWER_UNLESS_SPECIAL: Final = f"""
    SELECT answer.*, 1 / CASE WHEN {_SPECIAL} OR EXISTS (
        SELECT FROM inbox WHERE event_id = ANY(CAST(:ids AS uuid[]))
    ) THEN 0 ELSE 1 END AS is_ordinary
    FROM (SELECT) AS always LEFT JOIN ({{answer}}) AS answer ON TRUE
"""  # noqa: S608  the words above
"""Of a Repeatable. Fails, too, when an event went the careful way before: a person may have discarded it since."""


class _InTransactionTimeoutError(TimeoutError):
    """A statement or handler took too long, in a transaction that was open: no trouble in connecting."""


class _TooSlowError(Exception):
    """A batch did not get through in time, again and again, although the database answers."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A record with its event, or as it has to be parked because nobody can read it."""

    record: ConsumerRecord[bytes, bytes]
    envelope: Envelope[Event] | None
    bad: parked.Parked | None = None

    @property
    def line(self) -> parked.Line | None:
        key = self.envelope.key if self.envelope else self.bad.key if self.bad else None
        return (self.record.topic, key) if key else None


class Inbox:
    """What a service's handlers make of records. `stopping` is set before a stop, so that a cancel is told from one.

    `wake` is called after each commit: what was written may be published, or sent.
    """

    def __init__(self, engine: AsyncEngine, handlers: Handlers, wake: Callable[[], None]) -> None:
        self._engine = engine
        self._handlers = handlers
        self._wake = wake
        self.stopping = False
        self.moved_at = time.monotonic()
        """When a try last ended, well or not: halving a large batch takes minutes, and nothing stands still."""

    async def handle(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> int:
        """Decode, park what can't be read, make the rest true; returns how many events, when all is committed."""
        heard_at = datetime.now(UTC)
        seen: set[UUID] = set()
        items: list[_Read] = []
        for record in records:
            try:
                envelope = read_record(record, heard_at=heard_at, only=self._handlers)
            except UnreadableRecordError as error:
                items.append(_Read(record, None, parked.unreadable(record, cause=str(error))))
            else:
                if envelope is not None and envelope.id not in seen:
                    seen.add(envelope.id)
                    items.append(_Read(record, envelope))
        started = time.perf_counter()
        if items and not await self._at_once(items):
            await self._make_true(items)
        if seen:
            BATCH_SECONDS.observe(time.perf_counter() - started)
            BATCH_EVENTS.observe(len(seen))
        return len(seen)

    async def _at_once(self, items: Sequence[_Read]) -> bool:
        """One statement for each round of events, a key once in each; False when the careful way has to do it.

        Those of a Repeatable are one round.
        """
        envelopes = [item.envelope for item in items if item.envelope]
        handlers = {self._handlers[type(envelope.data)] for envelope in envelopes}
        if len(envelopes) < len(items) or not all(isinstance(handler, AtOnce) for handler in handlers):
            return False
        lone = handlers.pop() if len(handlers) == 1 else None
        repeatable = lone if isinstance(lone, Repeatable) else None
        topics = sorted({item.record.topic for item in items})
        try:
            async with driver_of(self._engine) as connection:
                for events in [envelopes] if repeatable else rounds(envelopes):
                    await self._in_one_statement(connection, events, topics, repeatable)
        except Exception as error:  # noqa: BLE001  whatever it was, the careful way meets it again and knows it
            NOT_AT_ONCE.labels(failure_kind(error)).inc()
            return False
        finally:
            self.moved_at = time.monotonic()
        return True

    async def _in_one_statement(
        self,
        connection: asyncpg.Connection[Any],
        events: Sequence[Envelope[Event]],
        topics: Sequence[str],
        repeatable: Repeatable | None,
    ) -> None:
        statement, ids = Statement(connection), [event.id for event in events]
        if not repeatable:
            await statement.execute(_CLAIM_ALL, {"ids": ids})
        for group in in_order(events, self._handlers):
            await self._handlers[type(group[0].data)](group, cast("AsyncConnection", statement))
        last = sql(_ANSWER_UNLESS_SPECIAL.format(answer=repeatable.answer)) if repeatable else _UNLESS_SPECIAL
        answer = await statement.run(last, {"keys": [event.key for event in events], "topics": topics, "ids": ids})
        if repeatable:
            repeatable.told(answer)
        self._committed(events)

    def _committed(self, events: Iterable[Envelope[Event]]) -> None:
        self._wake()
        for event in events:
            CONSUMED.labels(event.type).inc()
            count(event.data)

    async def _make_true(self, items: Sequence[_Read]) -> None:
        """All in one transaction; on a failure that will not pass, halves, until the culprit is alone.

        So too where it is too slow again and again: one heavy event must not hold up a partition for good.
        """
        try:
            await self._until_it_passes(
                lambda: self._in_one_transaction(items), most_timeouts=BATCH_TIMEOUTS if items[1:] else LONE_TIMEOUTS
            )
        except Exception as error:
            if is_transient(error) or self.stopping:
                raise
            if items[1:]:
                middle = len(items) // 2
                await self._make_true(items[:middle])
                await self._make_true(items[middle:])
                return
            record, envelope = items[0].record, items[0].envelope
            if envelope is None:
                raise
            cause = parked.TOO_SLOW if isinstance(error, _TooSlowError) else f"handler: {type(error).__name__}"
            log.warning("event parked", type=envelope.type, event_id=str(envelope.id), cause=cause)
            culprit = parked.failed(record, envelope, cause=cause)
            await self._until_it_passes(lambda: self._park(culprit, envelope.id))

    async def _in_one_transaction(self, items: Sequence[_Read]) -> None:
        async with self._engine.begin() as tx:
            try:
                fresh = await self._take_effect(tx, items)
            except TimeoutError as error:
                raise _InTransactionTimeoutError from error
        self._committed(item.envelope for item in fresh if item.envelope)
        for item in fresh:
            if item.bad:
                PARKED.labels(item.bad.cause.split(":", 1)[0]).inc()

    async def _take_effect(self, tx: AsyncConnection, items: Sequence[_Read]) -> list[_Read]:
        """Claim, park what is bad or behind, handle the rest; returns those that were not dealt with before."""
        fresh = await _fresh(tx, items)
        if not fresh:
            return []
        blocked = await parked.blocked(tx, {item.line for item in fresh if item.line})
        aside: list[parked.Parked] = []
        to_do: list[Envelope[Event]] = []
        for item in fresh:  # in the order of the records: what came before a bad one is still handled
            if item.bad:
                aside.append(item.bad)
                if item.line:
                    blocked.add(item.line)
            elif item.envelope and item.line in blocked and not isinstance(item.envelope.data, ReferralErased):
                aside.append(parked.behind(item.record, item.envelope))
            elif item.envelope:
                to_do.append(item.envelope)
        await parked.keep(tx, aside)
        await dispatch(to_do, self._handlers, tx)
        return fresh

    async def _park(self, culprit: parked.Parked, event_id: UUID) -> None:
        async with self._engine.begin() as tx:
            if not (await tx.execute(_CLAIM, {"ids": [event_id]})).scalars().all():
                return
            await parked.keep(tx, [culprit])
        PARKED.labels(culprit.cause.split(":", 1)[0]).inc()

    async def _until_it_passes(self, work: Callable[[], Awaitable[None]], *, most_timeouts: int | None = None) -> None:
        """Try again in place after a transient failure, for up to GIVE_UP_SECONDS; any other failure is raised.

        Raises _TooSlowError at the last of `most_timeouts`. Timeouts of an outage don't count.
        """
        give_up_at, timeouts = time.monotonic() + GIVE_UP_SECONDS, 0
        for pause in pauses():
            try:
                await work()
            except asyncio.CancelledError as error:
                if self.stopping or (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                raise RuntimeError("a handler was cancelled") from error
            except Exception as error:
                if not is_transient(error) or self.stopping:
                    raise
                timeouts += isinstance(error, _InTransactionTimeoutError) and await self.database_answers()
                if timeouts == most_timeouts:
                    raise _TooSlowError from error
                if time.monotonic() > give_up_at:
                    raise
                RETRIES.inc()
                ROOM.note(error)
                log.warning("trying again", cause=failure_name(error), seconds=round(pause.seconds, 1))
            else:
                return
            finally:
                self.moved_at = time.monotonic()
            await pause.sleep()

    async def database_answers(self) -> bool:
        """A pool that has no connection to give just now is busy, and no sign that the database is away."""
        try:
            async with self._engine.connect() as connection:
                await connection.execute(sql("SELECT 1"))
        except PoolTimeoutError:
            return True
        except Exception as error:
            if not is_transient(error):
                raise
            return False
        return True


async def _fresh(tx: AsyncConnection, items: Sequence[_Read]) -> list[_Read]:
    """Claim the events; without those handled before, and without bad records that a person has dealt with."""
    ids = [item.envelope.id for item in items if item.envelope]
    claimed = set((await tx.execute(_CLAIM, {"ids": ids})).scalars()) if ids else set()
    bad = [item.bad for item in items if item.bad]
    settled = await parked.settled(tx, bad) if bad else set()
    return [
        item
        for item in items
        if (item.envelope and item.envelope.id in claimed) or (item.bad and item.bad.record not in settled)
    ]
