"""`python -m services.referral agency …`: partner agencies and their keys."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import agencies, tables
from services.referral.agencies import AgencyError
from shared.audit import operator

T = TypeVar("T")


def add_agency_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verbs; each gets `run`, an async function of the engine and the arguments."""
    parser = commands.add_parser("agency", help="partner agencies and their keys")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    add = verbs.add_parser("add", help="a new agency; prints its first key, once")
    add.add_argument("slug")
    add.add_argument("--name", required=True)
    add.add_argument("--inbox", required=True, help="the team's e-mail address, not one person's")
    add.add_argument("--source", required=True, help="NHS source of referral code, for example A2")
    add.add_argument("--ods-code", help="of the NHS Organisation Data Service; without it nothing can come by FHIR")
    add.set_defaults(run=_add)
    change = verbs.add_parser("change", help="another name, inbox, source or ODS code")
    change.add_argument("slug")
    change.add_argument("--name")
    change.add_argument("--inbox", help="the team's e-mail address, not one person's")
    change.add_argument("--source")
    change.add_argument("--ods-code", help='"" takes it away')
    change.set_defaults(run=_change)
    end = verbs.add_parser("end", help="it sends nothing more; its keys stop working within a minute")
    end.add_argument("slug")
    end.set_defaults(run=_end)
    rotate = verbs.add_parser("rotate", help="a further key; the one before stays valid until revoked")
    rotate.add_argument("slug")
    rotate.set_defaults(run=_rotate)
    revoke = verbs.add_parser("revoke", help="all keys but the newest stop working within a minute")
    revoke.add_argument("slug")
    revoke.add_argument("--all", action="store_true", help="the newest too")
    revoke.set_defaults(run=_revoke)
    verbs.add_parser("list", help="all agencies and how many keys are valid").set_defaults(run=_list)


async def _carry_out(
    engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]], said: Callable[[T], str]
) -> int:
    """In one transaction; prints what came of it, or why it can't be done."""
    try:
        async with engine.begin() as tx:
            done = await work(tx)
    except AgencyError as error:
        print(error)
        return 1
    print(said(done))
    return 0


def _by() -> dict[str, Any]:
    return {"actor": operator(), "at": datetime.now(UTC)}


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "slug": arguments.slug,
        "name": arguments.name,
        "team_inbox": arguments.inbox,
        "source": arguments.source,
        "ods_code": arguments.ods_code,
    }


async def _add(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    return await _carry_out(
        engine,
        lambda tx: agencies.add(tx, **_given(arguments), **_by()),
        lambda key: f"key of {arguments.slug}, shown once: {key}",
    )


async def _change(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    return await _carry_out(
        engine,
        lambda tx: agencies.change(tx, **_given(arguments), **_by()),
        lambda _: f"{arguments.slug} is changed; the other services hear of it",
    )


async def _end(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    return await _carry_out(
        engine,
        lambda tx: agencies.end(tx, slug=arguments.slug, **_by()),
        lambda _: f"{arguments.slug} is ended; its keys stop working within a minute",
    )


async def _rotate(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    return await _carry_out(
        engine,
        lambda tx: agencies.rotate(tx, slug=arguments.slug, **_by()),
        lambda key: f"new key of {arguments.slug}, shown once: {key}",
    )


async def _revoke(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    return await _carry_out(
        engine,
        lambda tx: agencies.revoke(tx, slug=arguments.slug, all_keys=arguments.all, **_by()),
        lambda gone: f"{gone} key(s) of {arguments.slug} revoked",
    )


async def _list(engine: AsyncEngine, _: argparse.Namespace) -> int:
    valid = sa.func.count(tables.agency_key.c.id).filter(tables.agency_key.c.revoked_at.is_(None))
    query = (
        sa.select(tables.agency.c.slug, tables.agency.c.name, tables.agency.c.is_active, valid.label("keys"))
        .outerjoin(tables.agency_key, tables.agency_key.c.agency_id == tables.agency.c.id)
        .group_by(tables.agency.c.id)
        .order_by(tables.agency.c.slug)
    )
    async with engine.connect() as connection:
        for row in await connection.execute(query):
            state = "" if row.is_active else "  (not active)"
            print(f"{row.slug:24} {row.keys} key(s)  {row.name}{state}")
    return 0
