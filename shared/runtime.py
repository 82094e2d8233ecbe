"""Start, serve and stop one service: what four app.py would repeat.

One process, one event loop: the HTTP server, the consumer, the relay and the service's own loops side by side; or,
with `serve --only`, its HTTP side in one process and its work in another, so that neither takes the other along.
SIGTERM or SIGINT: stop answering ready, finish the requests in hand, finish the batch in hand, go; 15 s at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
import uvicorn
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from shared.audit_chain.heads import HeadSender
from shared.audit_chain.sealing import Sealer
from shared.backoff import pauses
from shared.bounded_head import BoundedHead
from shared.database import wait_for_revision
from shared.errors import is_transient
from shared.health import Health
from shared.logs import configure
from shared.messaging.consumer import Consumer
from shared.messaging.kafka_on_uvloop import take_closed_transports_for_broken_connections
from shared.messaging.relay import Relay
from shared.metrics import LOOP_FAILURES, watch_resources
from shared.settings import Part, Settings

log = structlog.get_logger(__name__)

STOP_SECONDS: Final = 15.0

Loop = Callable[[], Awaitable[None]]
"""A loop of a service's own (deadlines, the sender): runs until cancelled, started again when it fails."""


@dataclass
class Service:
    """The parts that app.py wired together.

    `prepare` runs once, on the migrated database, before anything else; `closes` are calls that end clients. `loops`
    are the work's, as consumer and relay are; `http_loops` are those without which requests can't be answered.
    """

    name: str
    settings: Settings
    engine: AsyncEngine
    app: ASGIApp
    health: Health
    consumer: Consumer | None = None
    relay: Relay | None = None
    loops: dict[str, Loop] = field(default_factory=dict)
    prepare: Loop | None = None
    closes: Sequence[Loop] = ()
    http_loops: dict[str, Loop] = field(default_factory=dict)

    async def close(self) -> None:
        """Let go of every connection it holds; call it when nothing runs any more."""
        for close in (*self.closes, self.engine.dispose):
            await close()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the service decides how it stops."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(build: Callable[[], Awaitable[Service]], *, name: str, settings: Settings) -> None:
    """Run until a signal; exits 0 after a clean stop, 1 when the stop had to be cut short."""
    configure(name, settings.log_level)
    take_closed_transports_for_broken_connections()
    sys.exit(uvloop.run(_serve(build)))


def _calm_the_collector() -> None:
    """What is imported stays for ever, and a batch is thousands of short-lived objects without cycles.

    Python's defaults (every 700 allocations) walked them again and again: half of notify's CPU under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


async def _serve(build: Callable[[], Awaitable[Service]]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = await build()
    watch_resources(service.engine, disk=service.settings.disk_folder)
    _calm_the_collector()
    if not await _migrated(service, stop):
        return 0
    settings = service.settings
    ports = [port for port in (settings.port, settings.internal_port) if port is not None]
    servers = [_Server(_uvicorn_config(service, port)) for port in ports]
    handed = [socket.socket(fileno=settings.listen_fd)] if settings.listen_fd is not None else None
    serving = [asyncio.create_task(servers[0].serve(handed), name="http")]
    serving += [asyncio.create_task(server.serve(), name="http") for server in servers[1:]]
    tasks = [
        asyncio.create_task(_forever(loop, name, service.health.running), name=name)
        for name, loop in _loops(service).items()
    ]
    service.health.tasks = tasks
    log.info(
        "started", port=settings.port, pid=os.getpid(), only=settings.only, accepted_by=settings.policy_accepted_by
    )
    await asyncio.wait([*serving, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    if any(task.done() for task in serving):  # a taken port, say: uvicorn has said so
        return 1
    return await _stop(service, servers, serving, tasks)


async def _migrated(service: Service, stop: asyncio.Event) -> bool:
    """Wait for the migrations and prepare; False when a stop was asked for meanwhile."""
    waits = [asyncio.create_task(_prepared(service)), asyncio.create_task(stop.wait())]
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*done)
    return not stop.is_set()


async def _prepared(service: Service) -> None:
    await wait_for_revision(service.engine)
    if service.prepare is None:
        return
    for pause in pauses():
        try:
            await service.prepare()
        except Exception as error:
            if not is_transient(error):
                raise
            await pause.sleep()
        else:
            return


async def _stop(
    service: Service, servers: list[_Server], serving: list[asyncio.Task[None]], tasks: list[asyncio.Task[Any]]
) -> int:
    service.health.is_stopping = True
    service.health.tasks = []
    for server in servers:
        server.should_exit = True
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await asyncio.gather(*serving)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await service.close()
    except TimeoutError:
        log.warning("stop cut short", seconds=STOP_SECONDS)
        return 1
    log.info("stopped")
    return 0


def _loops(service: Service) -> dict[str, Loop]:
    loops: dict[str, Loop] = {
        "loop-lag": service.health.watch_loop,
        "watchdog": service.health.watch_progress,
        "servers": service.health.watch_servers,
    }
    only = service.settings.only
    if only is not Part.WORK:
        loops |= service.http_loops
    if only is Part.HTTP:
        return loops
    loops |= service.loops | {"audit-seal": Sealer(service.engine, service.name).run}
    if key := service.settings.audit_signing_key:
        sender = HeadSender(
            service.engine, service.name, key=key.get_secret_value(), file=service.settings.audit_heads_file
        )
        loops["audit-head"] = sender.run
    if service.consumer:
        loops["consumer"] = service.consumer.run
    if service.relay:
        loops["relay"] = service.relay.run
    return loops


async def _forever(loop: Loop, name: str, running: dict[str, asyncio.Task[Any]]) -> None:
    """Run it again whenever it ends; cancelled by the watchdog, it begins anew."""
    LOOP_FAILURES.labels(name)
    for pause in pauses():
        running[name] = run = asyncio.ensure_future(loop())
        try:
            await run
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            LOOP_FAILURES.labels(name).inc()
        except Exception:
            LOOP_FAILURES.labels(name).inc()
            log.exception("loop failed", loop=name)
        await pause.sleep()


def _uvicorn_config(service: Service, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        service.app,
        host=service.settings.host,
        port=port,
        loop="none",
        http=BoundedHead,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=10,
        backlog=2048,
    )
