"""`python -m services.<name> audit verify | public-key`: whether the audit trail is as it was sealed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.audit_chain.heads import HeadsError, as_text, public_key_of, sent
from shared.audit_chain.verifying import Claim, WrongError, verify
from shared.crypto import read_key
from shared.settings import Settings

_TOLD_ROWS: Final = 100_000


def add_audit_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verbs = commands.add_parser("audit", help="whether anybody changed the audit trail").add_subparsers(required=True)
    check = verbs.add_parser("verify", help="walk the whole trail and name the first row that is wrong")
    check.add_argument("--heads", type=Path, metavar="FILE", help="heads that were sent; else PIR_AUDIT_HEADS_FILE")
    older = "of heads that an earlier PIR_AUDIT_SIGNING_KEY has signed"
    check.add_argument("--public-key", action="append", default=[], help=older)
    check.set_defaults(run=_verify)
    verbs.add_parser("public-key", help="by which heads are checked, in base64url").set_defaults(run=_show)


async def _verify(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    """0: all is as it was sealed; 1: something is wrong; 2: there is no key to check the heads with."""
    try:
        claims = _claims(arguments)
        found = await verify(engine, arguments.schema, claims=claims, told=_Progress())
    except (WrongError, HeadsError) as error:
        print(f"wrong: {error}")
        return 1
    except ValueError as error:
        print(f"--public-key: {error}")
        return 2
    print(f"{found.rows} row(s) are as they were sealed; {found.unsealed} came since and wait for the next seal")
    print(f"{len(claims)} head(s) that were sent are in the chain. It ends with seal {found.number}:")
    print(found.head.hex())
    return 0


def _claims(arguments: argparse.Namespace) -> list[Claim]:
    """Raises HeadsError, and ValueError for what is no key."""
    file = arguments.heads or arguments.settings.audit_heads_file
    if not arguments.heads and not file.exists():
        print(f"{file}: no head was sent there, so only what the database says of itself is checked")
        return []
    public = [*map(read_key, arguments.public_key), *_public_key(arguments.settings)]
    if not public:
        raise ValueError("it is needed where PIR_AUDIT_SIGNING_KEY is not set")
    heads = sent(file, service=arguments.schema, public=public)
    return [Claim(head.number, bytes.fromhex(head.head), f"{file}, line {place}") for place, head in heads]


class _Progress:
    """Says how far it is, not more often than each 100,000 rows."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, rows: int) -> None:
        if rows - self._told >= _TOLD_ROWS:
            self._told = rows
            print(f"{rows} rows so far", flush=True)


async def _show(_: AsyncEngine, arguments: argparse.Namespace) -> int:
    public = _public_key(arguments.settings)
    print(as_text(public[0]) if public else "PIR_AUDIT_SIGNING_KEY is not set")
    return 0 if public else 1


def _public_key(settings: Settings) -> list[bytes]:
    key = settings.audit_signing_key
    return [public_key_of(read_key(key.get_secret_value()))] if key else []
