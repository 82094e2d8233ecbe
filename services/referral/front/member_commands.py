"""`python -m services.referral member …`: who of an agency signs in to the pages."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral import tables
from services.referral.front import members
from services.referral.front.members import MemberError
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.audit import operator


def add_member_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`member add|end SLUG E-MAIL`, `member list [SLUG]`."""
    verbs = commands.add_parser("member", help="people of an agency who sign in").add_subparsers(
        required=True, metavar="verb"
    )
    add = verbs.add_parser("add", help="may sign in with a code sent to this address")
    add.add_argument("slug")
    add.add_argument("email", help="the person's own work address")
    add.add_argument("--keeper", action="store_true", help="adds and ends colleagues on a page")
    add.set_defaults(run=_add)
    end = verbs.add_parser("end", help="is out at once")
    end.add_argument("slug")
    end.add_argument("email")
    end.set_defaults(run=_end)
    listing = verbs.add_parser("list", help="who may sign in")
    listing.add_argument("slug")
    listing.set_defaults(run=_list)


async def _add(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    try:
        async with engine.begin() as tx:
            await members.add(
                tx,
                identities_of(Settings()),
                slug=arguments.slug,
                email=arguments.email,
                is_keeper=arguments.keeper,
                actor=operator(),
                at=datetime.now(UTC),
            )
    except MemberError as error:
        print(error)
        return 1
    print(f"added to {arguments.slug}; a code to sign in comes by mail when they ask for one")
    return 0


async def _end(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    async with engine.begin() as tx:
        found = await members.by_email(tx, identities_of(Settings()), arguments.email)
        is_theirs = found is not None and found.agency.slug == arguments.slug
        if found is None or not is_theirs:
            print(f"{arguments.slug} has no such member")
            return 1
        await members.end(tx, found.id, agency_id=found.agency.id, actor=operator(), at=datetime.now(UTC))
    print(f"ended; every session of theirs in {arguments.slug} is over")
    return 0


async def _list(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    async with engine.connect() as tx:
        agency_id = await tx.scalar(sa.select(tables.agency.c.id).where(tables.agency.c.slug == arguments.slug))
        if agency_id is None:
            print(f"there is no agency {arguments.slug!r}")
            return 1
        for member in await members.of_agency(tx, identities_of(Settings()), agency_id):
            print(f"{member.email}{'  (keeper)' if member.is_keeper else ''}")
    return 0
