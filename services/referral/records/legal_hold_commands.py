"""`python -m services.referral hold …`: what may not be erased, and what may be kept but not used."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.records import legal_holds
from shared.audit import operator


def add_hold_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`hold add REFERENCE [--restrict] | list | end NUMBER`."""
    verbs = commands.add_parser("hold", help="what may not be erased, or not be used").add_subparsers(
        required=True, metavar="verb"
    )
    add = verbs.add_parser("add", help="keep a referral whatever is asked")
    add.add_argument("reference")
    add.add_argument("--reason", required=True, help="without names: it is listed")
    add.add_argument("--review-on", required=True, type=date.fromisoformat, help="the day to look at it again")
    add.add_argument("--restrict", action="store_true", help="and do not use it: no routine mail, no coded export")
    add.set_defaults(run=_add)
    verbs.add_parser("list", help="the holds in force").set_defaults(run=_list)
    end = verbs.add_parser("end", help="it may be erased, and used, again")
    end.add_argument("number", type=int)
    end.set_defaults(run=_end)


async def _add(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    async with engine.begin() as tx:
        number = await legal_holds.set_hold(
            tx,
            arguments.reference,
            reason=arguments.reason,
            review_on=arguments.review_on,
            restricts=arguments.restrict,
            actor=operator(),
            at=datetime.now(UTC),
        )
        others = await legal_holds.of_the_same_family(tx, arguments.reference)
    does = "keeps and restricts" if arguments.restrict else "keeps"
    print(f"hold {number} {does} {arguments.reference}" if number else "there is no such referral")
    if others:
        print(f"others of the same family, each by itself: {', '.join(others)}")
    return 0 if number else 1


async def _list(engine: AsyncEngine, _: argparse.Namespace) -> int:
    async with engine.connect() as tx:
        rows = await legal_holds.holds(tx)
    for row in rows:
        what = "  not to be used" if row.restricts else ""
        print(f"{row.id:>6}  {row.reference}  look again on {row.review_on}{what}  {row.set_by}: {row.reason}")
    print(f"{len(rows)} in force")
    return 0


async def _end(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    async with engine.begin() as tx:
        is_ended = await legal_holds.end_hold(tx, arguments.number, actor=operator(), at=datetime.now(UTC))
    print(f"hold {arguments.number} is ended" if is_ended else "no such hold is in force")
    return 0 if is_ended else 1
