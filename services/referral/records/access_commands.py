"""`python -m services.referral subject-access REFERENCE…`: a copy for a person who asks for their records."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.records import page
from services.referral.records.gathering import GatheredRecord, NotGatheredError, gather_all, not_given, to_review
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.audit import Actor, operator

REASONS: Final = ("person-asked", "parent-asked", "representative-asked", "court-order")


def add_access_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("subject-access", help="a copy of all that is held, for a person who asks for it")
    parser.add_argument("references", nargs="+", metavar="reference")
    parser.add_argument("--out", type=Path, required=True, help="a new folder, on a disk that is encrypted")
    parser.add_argument("--reason", choices=REASONS, required=True, help="stands in the audit trail of each service")
    parser.set_defaults(run=_give)


async def _give(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    settings, by, at = Settings(), operator(), datetime.now(UTC)
    references = list(dict.fromkeys(arguments.references))
    if arguments.out.exists():
        print(f"{arguments.out} is there already: name a new folder")
        return 2
    try:
        records = await gather_all(
            engine, settings, identities_of(settings), references, by=by, reason=arguments.reason, at=at
        )
    except NotGatheredError as error:
        print(error)
        return 1
    _write(arguments.out, records, by=by, reason=arguments.reason, at=at)
    others = sorted({each for record in records for each in record.others})
    print(f"{arguments.out}: records.json, records.html. A person reads every marked place before anything is given")
    if others:
        print(f"of the same family, and not in it: {', '.join(others)}")
    return 0


def _write(folder: Path, records: Sequence[GatheredRecord], *, by: Actor, reason: str, at: datetime) -> None:
    """Readable by whoever runs the command alone."""
    folder.mkdir(parents=True, mode=0o700)
    whole: dict[str, Any] = {
        "made_at": at.isoformat(),
        "made_by": by.id,
        "reason": reason,
        "referrals": [
            {
                "reference": record.reference,
                "review_before_giving": to_review(record),
                "also_of_the_family": list(record.others),
                "held": record.services,
            }
            for record in records
        ],
        "not_given": not_given(),
    }
    texts = {
        "records.json": json.dumps(whole, indent=2, ensure_ascii=False),
        "records.html": page.render(records, at=at),
    }
    for name, text in texts.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
