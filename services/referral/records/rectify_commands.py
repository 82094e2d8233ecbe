"""`python -m services.referral rectify REFERENCE CHANGES.json`: what is wrong in a record is put right.

For what nobody else can correct: a parent's own request, or a referral of an agency that is gone. It is the PATCH of an
agency (docs/api.md), done by an operator: locked, decided anew, told to everybody, in the audit trail under their name.
As for the agency it takes a referral of a family that is open or declined: what has ended is as it was when it ended.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral import steps
from services.referral.agencies import Agency, AgencyActor
from services.referral.document.errors import Invalid
from services.referral.postcodes.lookup import LoadedPlaces, PostcodeFiles
from services.referral.settings import Settings
from services.referral.submitting.prepare import Preparing, identities_of
from shared import audit
from shared.audit import operator
from shared.database import sql
from shared.ids import uuid7
from shared.messaging.outbox import Cause
from shared.problems import CATALOGUE, Problem
from shared.strict_json import Unreadable, parse_json

_AGENCY = sql("""
    SELECT r.id AS referral_id, a.id, a.slug, a.name, a.team_inbox, a.source
    FROM referral r JOIN agency a ON a.id = r.agency_id WHERE r.reference = :reference
""")
_STORED = sql("SELECT identity FROM referral WHERE reference = :reference")


def add_rectify_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("rectify", help="correct a record that nobody else can correct")
    parser.add_argument("reference")
    parser.add_argument("changes", type=Path, help="a file with a JSON merge patch, as agencies send it")
    parser.add_argument("--reason", required=True, help="without names: it stands in the audit trail")
    parser.set_defaults(run=_rectify)


async def _rectify(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    settings, places = Settings(), LoadedPlaces(engine, PostcodeFiles())
    await places.refresh()
    preparing = Preparing(settings.policy_in_force(), places, identities_of(settings))
    try:
        change = parse_json(arguments.changes.read_bytes())
        async with engine.begin() as tx:
            agency = (await tx.execute(_AGENCY, {"reference": arguments.reference})).one_or_none()
            if agency is None:
                print("there is no such referral")
                return 1
            by = AgencyActor(datetime.now(UTC), Cause(uuid7()), Agency(*agency[1:]), operator())
            before = await tx.scalar(_STORED, {"reference": arguments.reference})
            answer = await steps.patch(tx, preparing, arguments.reference, change, by)
            if is_changed := before != await tx.scalar(_STORED, {"reference": arguments.reference}):
                await audit.write(tx, [by.entry("referral.rectified", agency.referral_id, arguments.reason)])
    except OSError as error:
        print(f"{arguments.changes}: {error.strerror}")
        return 1
    except (Unreadable, Invalid) as error:
        print(f"nothing was changed: {error}")
        return 1
    except Problem as problem:
        print(f"nothing was changed: {problem.detail or CATALOGUE[problem.name][1]}")
        return 1
    print(f"{arguments.reference} is version {answer.body['version']}" if is_changed else "nothing was changed")
    for line in answer.body["act_now"]:
        print(line)
    return 0
