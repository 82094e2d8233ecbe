"""Health by progress: live, ready, and a watchdog for what has stopped moving for no reason.

live    the event loop answers and no task of the service has ended
ready   PostgreSQL takes writes, and there are partitions where a service is of no use without; the work never is
watchdog  when Kafka and PostgreSQL can be written to, there is work (lag, or an outbox), and for 30 s no try of it has
          ended, or the service's own connections have not answered, the part that stands still begins anew; the
          process ends (70) only when that did not help in another 30 s, or when the event loop itself stands still.
          An outage restarts nothing, nor does a try that fails because somebody holds a lock: neither would help.

Each process asks for what its part needs (`serve --only`): the HTTP side does without Kafka.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from shared.brokers import Brokers
from shared.errors import DATABASE_TROUBLE
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.metrics import LOOP_LAG, SERVER_UP
from shared.room import ROOM
from shared.settings import Part, Settings

log = structlog.get_logger(__name__)

STUCK_SECONDS: Final = 30.0
LIVE_LAG_SECONDS: Final = 5.0
ASK_SECONDS: Final = 10.0
EXIT_STUCK: Final = 70
"""EX_SOFTWARE of sysexits.h: the supervisor starts the process again."""


@dataclass
class Health:
    """What is known of one process; `tasks` are those that must never end while it serves.

    Without its work a process has neither consumer nor relay; `has_outbox` says whether the service has one at all.
    """

    dsn: str
    brokers: Brokers
    consumer: Consumer | None
    relay: Relay | None
    needs_partitions: bool
    has_outbox: bool
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    pooled_dsn: str = ""
    """Of the pooler that requests go by; empty where they go by none."""
    is_stopping: bool = False
    beat_at: float = field(default_factory=time.monotonic)
    loop_lag_seconds: float = 0.0
    running: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    """The run of each loop that is under way (runtime.py): cancelled, it begins anew."""
    begun_anew: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        settings: Settings,
        consumer: Consumer,
        relay: Relay | None,
        *,
        needs_partitions: bool = True,
    ) -> Health:
        """Of the parts that this process runs. The HTTP side alone needs no partitions, the work alone always does."""
        works = settings.only is not Part.HTTP
        return cls(
            dsn=settings.dsn,
            pooled_dsn="" if settings.only is Part.WORK else settings.pooled_dsn,
            brokers=settings.brokers,
            consumer=consumer if works else None,
            relay=relay if works else None,
            needs_partitions=works and (needs_partitions or settings.only is Part.WORK),
            has_outbox=relay is not None,
        )

    def is_live(self) -> bool:
        return self.loop_lag_seconds < LIVE_LAG_SECONDS and not any(task.done() for task in self.tasks)

    async def is_ready(self) -> tuple[bool, dict[str, bool]]:
        checks = {"serving": not self.is_stopping, "postgresql": await self._postgresql_answers()}
        if self.pooled_dsn:
            checks["pooler"] = await _takes_writes(self.pooled_dsn)
        if self.needs_partitions and self.consumer:
            checks["partitions"] = self.consumer.is_assigned
        return all(checks.values()), checks

    async def watch_loop(self) -> None:
        """Measure how late the loop runs its timers; a thread ends the process when it stops running them at all."""
        threading.Thread(target=self._watch_from_outside, daemon=True, name="watchdog").start()
        worst, since = 0.0, time.monotonic()
        while True:
            asleep = time.monotonic()
            await asyncio.sleep(0.5)
            self.beat_at = time.monotonic()
            worst = max(worst, self.beat_at - asleep - 0.5)
            self.loop_lag_seconds = worst
            LOOP_LAG.set(worst)
            if self.beat_at - since > 10:  # noqa: PLR2004  the metric's help names it
                worst, since = 0.0, self.beat_at

    async def watch_servers(self) -> None:
        """Say whether PostgreSQL and Kafka answer from here; `is_ready` asks by itself."""
        while True:
            SERVER_UP.labels("postgresql").set(await self._postgresql_answers())
            if self.consumer or self.relay:
                SERVER_UP.labels("kafka").set(await self._kafka_answers())
            await asyncio.sleep(ASK_SECONDS)

    async def watch_progress(self) -> None:
        """Begin a part anew when it has had work and the means to do it for 30 s, and no try of it has ended.

        The 30 s begin anew when a server did not answer: after an outage everything has time to come back by itself.
        """
        able_since = time.monotonic()
        while True:
            await asyncio.sleep(5)
            idle = self.idle_with_work()
            if not idle or not (await self._postgresql_answers() and await self._kafka_answers()):
                able_since = time.monotonic()
                continue
            able_seconds = time.monotonic() - able_since
            self.judge({name: min(seconds, able_seconds) for name, seconds in idle.items()}, now=time.monotonic())

    def judge(self, idle: dict[str, float], *, now: float) -> None:
        """What to do about parts that have stood still for so many seconds although they could work."""
        for name in [name for name in self.begun_anew if name not in idle]:
            del self.begun_anew[name]
        for name, seconds in idle.items():
            since = self.begun_anew.get(name)
            if seconds <= STUCK_SECONDS or (since is not None and now - since <= STUCK_SECONDS):
                continue
            if since is not None or name not in self.running:
                log.critical("stuck: starting again", part=name)
                os._exit(EXIT_STUCK)
            log.error("stuck: beginning anew", part=name)
            self.begun_anew[name] = now
            self.running[name].cancel()

    def idle_with_work(self) -> dict[str, float]:
        """For how many seconds each part that has work stands still."""
        now, idle = time.monotonic(), {}
        if self.relay and self.relay.waiting:  # on a connection of its own
            idle["relay"] = now - self.relay.moved_at
        if self.consumer and (self.consumer.lag or not self.consumer.has_joined):
            idle["consumer"] = now - min(self.consumer.moved_at, self.consumer.reached_at)
        return idle

    def _watch_from_outside(self) -> None:
        while not self.is_stopping:
            time.sleep(1)
            if time.monotonic() - self.beat_at > STUCK_SECONDS:
                os._exit(EXIT_STUCK)

    async def _postgresql_answers(self) -> bool:
        """Whether it can be written to: a standby that is not promoted yet, or a full server, answers all the same."""
        return ROOM.is_left() and await _takes_writes(self.dsn)

    async def _kafka_answers(self) -> bool:
        client = AIOKafkaClient(**self.brokers.for_client(), request_timeout_ms=5_000)
        try:
            async with asyncio.timeout(8):
                await client.bootstrap()
                return True
        except (OSError, KafkaError, TimeoutError):
            return False
        finally:
            await client.close()


async def _takes_writes(dsn: str) -> bool:
    """Asked in a transaction, so that a pooler keeps to one server's connection; a standby takes none."""
    try:
        async with asyncio.timeout(3):
            connection = await asyncpg.connect(dsn, timeout=3, statement_cache_size=0)
            try:
                async with connection.transaction():
                    return bool(await connection.fetchval("SELECT current_setting('transaction_read_only') = 'off'"))
            finally:
                await connection.close(timeout=1)
    except DATABASE_TROUBLE:
        return False
