"""`python -m services.referral retention plan | run | certificate`: what is due to go, and its going."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.erasing import LedgerError
from services.referral.records import certificates
from services.referral.records.disposal import MEMBERS, Disposed, Disposer, carry_out, members_due
from services.referral.records.due import WORDS, Waits
from services.referral.records.plan import RetentionPlan, make_plan
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared import retention
from shared.audit import operator
from shared.retention import Schedule
from shared.working_time import day_in_london

_EACH: Final = 50
"""Referrals between two lines of progress."""


def add_retention_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`retention plan [--on DAY]`, `retention run --yes`, `retention certificate --since TIME`."""
    verbs = commands.add_parser("retention", help="what has been kept long enough").add_subparsers(
        required=True, metavar="verb"
    )
    plan = verbs.add_parser("plan", help="what is due, what a person has to look at; nothing is changed")
    plan.add_argument("--on", type=date.fromisoformat, help="as if it were this day; today without it")
    plan.set_defaults(run=_plan)
    run = verbs.add_parser("run", help="erase what the plan of today says; it can't be undone")
    run.add_argument("--yes", action="store_true", required=True, help="it can't be undone")
    run.set_defaults(run=_run)
    certificate = verbs.add_parser("certificate", help="write the certificate of what went since a time")
    certificate.add_argument("--since", type=datetime.fromisoformat, required=True, help="a time with offset")
    certificate.set_defaults(run=_certificate)


async def _plan(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    settings = Settings()
    schedule = retention.load(settings.retention_file)
    plan = await make_plan(engine, schedule, on=arguments.on or day_in_london(datetime.now(UTC)))
    _tell(plan, schedule)
    print(f"{MEMBERS}: {await members_due(engine, schedule, on=plan.on)}")
    print("nothing was changed; `retention run --yes` carries out the plan of today")
    return 0


def _tell(plan: RetentionPlan, schedule: Schedule) -> None:
    print(f"due on {plan.on}: {len(plan.references)} referral(s) of {len(plan.families)} familie(s)")
    for rule, families in plan.due.items():
        references = [reference for family in families for reference in family.references]
        print(f"{rule.value}: {len(references)}  ({schedule[rule].how_long})")
        for reference in references:
            print(f"    {reference}")
    for waits, found in plan.for_a_person.items():
        print(f"for a person, {WORDS[waits]}: {', '.join(found)}")
    for name, count in sorted(plan.waiting.items()):
        print(f"not due, {WORDS[Waits(name)]}: {count}")
    for day, count in plan.next_days:
        print(f"next: {count} on {day}")


async def _run(engine: AsyncEngine, _: argparse.Namespace) -> int:
    settings, since = Settings(), datetime.now(UTC)
    identities, schedule = identities_of(settings), retention.load(settings.retention_file)
    plan = await make_plan(engine, schedule, on=day_in_london(since))
    _tell(plan, schedule)
    by = Disposer(
        identities=identities,
        ledger=settings.erasure_ledger,
        schedule=schedule,
        actor=operator(),
        needs_second=settings.needs_second_person,
        now=lambda: datetime.now(UTC),
    )
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done - told >= _EACH:
            told = done
            print(f"{done} of {len(plan.references)} so far", flush=True)

    try:
        done = await carry_out(engine, plan, by, tell=tell)
    except LedgerError as error:
        print(f"stopped: {error}; `retention certificate --since {since.isoformat()}` certifies what went before it")
        return 1
    await _write(engine, settings, since)
    return _say(done)


def _say(done: Disposed) -> int:
    for line in done.refused:
        print(f"not erased, {line}")
    if done.asked:
        print(f"{len(done.asked)} asked for: another person confirms them by the same command")
    print(f"{sum(done.erased.values())} erased here; the other services drop what they hold within moments")
    return 1 if done.refused else 0


async def _certificate(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    if arguments.since.tzinfo is None:
        print("the time needs an offset: 2026-11-29T18:00+00:00")
        return 2
    return await _write(engine, Settings(), arguments.since)


async def _write(engine: AsyncEngine, settings: Settings, since: datetime) -> int:
    schedule = retention.load(settings.retention_file)
    certificate = await certificates.certify(engine, schedule, since=since, until=datetime.now(UTC))
    if not certificate.count:
        print("nothing went: there is nothing to certify")
        return 0
    folder: Path = settings.disposal_certificates
    print(f"certificate: {certificates.write(folder, identities_of(settings), certificate)}")
    return 0
