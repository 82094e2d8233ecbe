"""The command line of a service: serve, parked (list, replay, discard), republish, audit, and its own verbs."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import audit
from shared.audit import Entry, operator
from shared.audit_chain.commands import add_audit_commands
from shared.database import create_engine
from shared.encryption_keys import WrongKeyError
from shared.logs import configure
from shared.messaging import outbox, repair
from shared.messaging.dispatch import Handlers
from shared.policy import InvalidPolicyError
from shared.retention import InvalidScheduleError
from shared.retention import load as load_schedule
from shared.runtime import Service, serve
from shared.settings import Part, Settings, said_of


@dataclass(frozen=True)
class Command:
    """One service for the command line. `handlers` are made from settings: a replay uses the consumer's.

    `check_keys` raises WrongKeyError, before anything is done with a key that is not the database's.
    """

    name: str
    schema: str
    settings: type[Any]
    build: Callable[[Any], Awaitable[Service]]
    handlers: Callable[[Any], Handlers]
    extend: Callable[[Any], None] | None = None
    speaks: bool = True
    check_keys: Callable[[Any, AsyncConnection], Awaitable[None]] | None = None


def main(command: Command) -> int:
    """Parse and run; returns the exit code: 0 done, 1 refused, 2 wrong usage or settings."""
    arguments = _parser(command).parse_args()
    try:
        only = getattr(arguments, "only", None)
        settings: Settings = command.settings(**({"only": only} if only else {}))
        if arguments.verb in (None, "serve"):
            serve(lambda: command.build(settings), name=command.name, settings=settings)
        configure(command.name, settings.log_level)  # or a failing replay would print the words of its exception
        return asyncio.run(_run(command, settings, arguments))
    except ValidationError as error:
        print("\n".join(said_of(error, command.settings)))
    except (InvalidPolicyError, InvalidScheduleError, SettingsError, WrongKeyError) as error:
        print(error)
    return 2


def _parser(command: Command) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{command.name}")
    verbs = parser.add_subparsers(dest="verb", metavar="verb")
    serving = verbs.add_parser("serve", help="run the service (the default)")
    serving.add_argument("--only", choices=list(Part), help="its HTTP side or its background work alone, else both")
    if command.speaks:
        again = verbs.add_parser("republish", help="publish this service's past again, with the same event ids")
        again.add_argument("--since", type=datetime.fromisoformat, help="a time with offset; everything without it")
        again.set_defaults(run=_republish)
        unsent = verbs.add_parser("unsent", help="events that no broker takes").add_subparsers(required=True)
        unsent.add_parser("list", help="what is set aside, and why").set_defaults(run=_list_unsent)
        unsent.add_parser("retry", help="send it again, with all that waits behind it").set_defaults(run=_retry_unsent)
    parked = verbs.add_parser("parked", help="records that could not be handled").add_subparsers(required=True)
    parked.add_parser("list", help="what waits for a person").set_defaults(run=_list)
    replay = parked.add_parser("replay", help="handle it again, with all that is parked behind it")
    replay.add_argument("id", type=int, nargs="?", help="a row's id; everything without it")
    replay.set_defaults(run=_replay)
    discard = parked.add_parser("discard", help="give it up; what is parked behind it goes on")
    discard.add_argument("id", type=int)
    discard.add_argument("--reason", required=True)
    discard.set_defaults(run=_discard)
    dispose = parked.add_parser("dispose", help="delete what was resolved longer ago than deploy/retention.toml says")
    dispose.add_argument("--yes", action="store_true", help="without it they are only counted")
    dispose.set_defaults(run=_dispose)
    add_audit_commands(verbs)
    if command.extend:
        command.extend(verbs)
    return parser


async def _run(command: Command, settings: Settings, arguments: argparse.Namespace) -> int:
    engine = create_engine(settings, command.schema, pool_size=1)
    arguments.handlers, arguments.retention_file = command.handlers(settings), settings.retention_file
    given = Entry(operator(), "command.given", datetime.now(UTC), detail=arguments.verb)
    arguments.settings, arguments.schema = settings, command.schema
    try:
        if command.check_keys:
            async with engine.begin() as tx:
                await command.check_keys(settings, tx)
        async with engine.begin() as tx:  # before it is carried out: some only show, such as the members of an agency
            await audit.write(tx, [given])
        return int(await arguments.run(engine, arguments))
    finally:
        await engine.dispose()


async def _republish(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    count = 0
    after: outbox.Place | None = outbox.START
    while after:
        async with engine.begin() as tx:
            queued, after = await outbox.republish(tx, since=arguments.since, after=after)
        count += queued
        if queued:
            print(f"{count} so far", flush=True)
    print(f"{count} event(s) queued; the relay of a running service publishes them")
    return 0


async def _list_unsent(engine: AsyncEngine, _: argparse.Namespace) -> int:
    rows = await outbox.set_aside(engine)
    for row in rows:
        print(f"{row.position:>8}  {row.type:28} {row.key}  {row.set_aside}  {row.size} bytes")
    print(f"{len(rows)} set aside")
    return 0


async def _retry_unsent(engine: AsyncEngine, _: argparse.Namespace) -> int:
    print(f"{await outbox.try_again(engine)} event(s) queued again; the relay of a running service sends them")
    return 0


async def _list(engine: AsyncEngine, _: argparse.Namespace) -> int:
    rows = await repair.waiting(engine)
    for row in rows:
        print(f"{row.id:>8}  {row.parked_at:%Y-%m-%d %H:%M:%S}  {row.type or '?':24} {row.key or '-'}  {row.cause}")
    print(f"{len(rows)} parked")
    return 0


async def _replay(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    done, failed = await repair.replay(engine, arguments.handlers, only=arguments.id, by=operator())
    print(f"{done} handled, {failed} still parked")
    return 1 if failed else 0


async def _discard(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    try:
        found = await repair.discard(engine, arguments.id, reason=arguments.reason, by=operator())
    except repair.CannotDiscardError:
        print(repair.NOT_GIVEN_UP)
        return 1
    print("discarded; `parked replay` lets what is behind it go on" if found else "no such row waits")
    return 0 if found else 1


async def _dispose(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    schedule, now = load_schedule(arguments.retention_file), datetime.now(UTC)
    count = await repair.dispose(engine, schedule, at=now, by=operator() if arguments.yes else None)
    print(f"{count} deleted" if arguments.yes else f"{count} due; `parked dispose --yes` deletes them")
    return 0
