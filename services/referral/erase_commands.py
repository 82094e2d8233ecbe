"""`python -m services.referral erase …`: forgetting a family, and whether it is done."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral import erasing, tables
from services.referral.erasing import AskedFor, Erasure, LedgerError, NotErasedError
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.audit import operator
from shared.internal_client import Called

ERASED: Final = "referral.erased"


def add_erase_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`erase REFERENCE --yes | --status`, `erase --from-ledger [FILE]`."""
    parser = commands.add_parser("erase", help="forget who a referral is about; it can't be undone")
    parser.add_argument("reference", nargs="?")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--yes", action="store_true", help="it can't be undone")
    what.add_argument("--status", action="store_true", help="whether all four services have carried it out")
    what.add_argument("--from-ledger", nargs="?", type=Path, const=Path(), metavar="FILE", help="after a restore")
    parser.set_defaults(run=_erase)


async def _erase(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    settings = Settings()
    try:
        if arguments.from_ledger is not None:
            return await _again(engine, settings, arguments.from_ledger)
        if arguments.reference is None:
            print("which referral? Give its reference")
            return 2
        if arguments.status:
            return await _status(engine, settings, arguments.reference)
        return await _erase_one(engine, settings, arguments.reference)
    except (NotErasedError, LedgerError) as error:
        print(error if isinstance(error, AskedFor) else f"not erased: {error}")
        return 1


async def _erase_one(engine: AsyncEngine, settings: Settings, reference: str) -> int:
    at, actor, asked = datetime.now(UTC), operator(), None
    async with engine.begin() as tx:
        try:
            done = await erasing.erase(tx, reference, actor=actor, at=at, needs_second=settings.needs_second_person)
        except AskedFor as error:
            done, asked = None, error  # the request is kept
        if done:
            entry = Erasure(str(done.id), reference, str(done.agency_id), at.isoformat(), actor.id)
            erasing.write_down(settings.erasure_ledger, identities_of(settings), entry)
    if asked:
        raise asked
    print(
        f"erased here; the other services drop what they hold: `erase {reference} --status` says when all have"
        if done
        else "there is no such referral to erase"
    )
    return 0 if done else 1


async def _again(engine: AsyncEngine, settings: Settings, file: Path) -> int:
    """Each erasure of the ledger that the database does not know of any more; those of before are left as they are."""
    done = 0
    for entry in erasing.written_down(file if file.name else settings.erasure_ledger, identities_of(settings)):
        async with engine.begin() as tx:
            if not await erasing.erase_again(tx, entry, actor=operator(), at=datetime.now(UTC)):
                continue
        done += 1
        print(f"{entry.reference} erased again", flush=True)
    print(f"{done} erased again; everything else of the ledger was erased already")
    return 0


async def _status(engine: AsyncEngine, settings: Settings, reference: str) -> int:
    """Done only when all four services have written it into their audit trails."""
    async with engine.connect() as tx:
        found = await tx.execute(
            sa.select(tables.referral.c.id, tables.referral.c.wrapped_key).where(
                tables.referral.c.reference == reference
            )
        )
        row = found.one_or_none()
    if row is None:
        print("there is no such referral")
        return 1
    if row.wrapped_key is not None:
        print("not erased")
        return 1
    async with httpx.AsyncClient(timeout=5) as client:
        answers = await asyncio.gather(*(_has_erased(client, each, row.id) for each in settings.others.values()))
    told = {"referral": True, **dict(zip(settings.others, answers, strict=True))}
    for name, has_erased in told.items():
        print(f"{name:10} {'erased' if has_erased else 'does not answer' if has_erased is None else 'not yet'}")
    print("done: all four have erased it" if all(told.values()) else "not done yet")
    return 0 if all(told.values()) else 1


async def _has_erased(client: httpx.AsyncClient, called: Called, referral_id: UUID) -> bool | None:
    """None when the service does not say."""
    asked = {"referral_id": str(referral_id), "action": ERASED, "limit": "1"}
    try:
        answer = await client.get(f"{called.url}/internal/audit", params=asked, headers=called.headers)
    except httpx.HTTPError:
        return None
    return bool(answer.json()["items"]) if answer.status_code == httpx.codes.OK else None
