"""The same batches on both ways, one statement each and the careful one: afterwards every table says the same."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
import sqlalchemy as sa
from aiokafka.structs import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify import handlers as of_notify
from services.notify import tables as notify_tables
from services.referral import handlers as of_referral
from services.referral import tables as referral_tables
from services.triage import handlers as of_triage
from services.triage import tables as triage_tables
from shared.events import (
    ClosureReason,
    DecidedBy,
    Event,
    MessageKind,
    MessageUndeliverable,
    OpenedItem,
    ReferralAmended,
    ReferralErased,
    ReferralInformed,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    Route,
    Safety,
    Severity,
    Tier,
    Urgency,
    WithdrawalReason,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemOpened,
)
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import AtOnce, Handlers
from shared.metrics import NOT_AT_ONCE
from tests.builders import TODAY, a_family, a_policy, decided, noon
from tests.integration.support import a_record, an_event, engine_of

Record = ConsumerRecord[bytes, bytes]
RECEIVED: Final = noon(TODAY)
FAMILIES: Final = (
    a_family(severity=Severity.MODERATE),
    a_family(safety=[Safety.SIGNIFICANT_HARM]),
    a_family(severity=Severity.MODERATE, babies=2),
)
KEYS: Final = tuple(UUID(int=number, version=4) for number in range(1, len(FAMILIES) + 1))
AGENCY: Final = UUID(int=99, version=4)


def story_of(number: int) -> Iterator[Event]:
    """What is said of one referral by the three services, in an order in which it could happen."""
    key, facts = KEYS[number], FAMILIES[number]
    about: dict[str, Any] = {"reference": f"PIR-234-67{number}", "agency_id": AGENCY}
    item: dict[str, Any] = {"work_item_id": UUID(int=100 + number, version=4), "route": Route.PIR_SHORT}
    received: dict[str, Any] = {"received_at": RECEIVED, "expected_by": TODAY, "family_id": key, "facts": facts}
    opened = WorkItemOpened(
        **about, **item, tier=Tier.SPECIALIST_SHORT, urgency=Urgency.ROUTINE, due_at=RECEIVED + timedelta(days=10)
    )
    decision = decided(facts)
    yield ReferralReceived(**about, **received)
    first = {"decision_id": key, "version": 1, "decided_by": DecidedBy.MACHINE, "decision": decision}
    yield ReferralTriaged(**about, **first, opened=(OpenedItem(**item, due_at=opened.due_at),))
    yield opened
    yield ReferralAmended(**about, **received | {"facts": FAMILIES[1], "version": 2})
    yield ReferralTriaged(**about, decision_id=AGENCY, version=2, decided_by=DecidedBy.PERSON, decision=decision)
    yield WorkItemClaimed(**about, **item)
    yield ReferralInformed(**about)
    yield MessageUndeliverable(**about, message_id=UUID(int=200 + number, version=4), kind=MessageKind.RECEIPT)
    yield WorkItemClosed(**about, **item, reason=ClosureReason.COMPLETED)
    yield opened.model_copy(update={"reopens": True})
    yield ReferralWithdrawn(**about, reason=WithdrawalReason.OTHER)
    if number == 2:
        yield ReferralErased(**about)


def records() -> list[Record]:
    """The stories of all, and three records that nobody can read or handle."""
    found = [
        a_record(an_event(key, sequence, event, at=RECEIVED + timedelta(minutes=sequence)))
        for number, key in enumerate(KEYS)
        for sequence, event in enumerate(story_of(number), 1)
    ]
    first = an_event(KEYS[0], 50, ReferralWithdrawn(reference="PIR-2", agency_id=AGENCY, reason=WithdrawalReason.OTHER))
    unread = a_record(first, value=b"{}")
    unknown = UUID(int=77, version=4)  # amended before it was ever received
    early = next(event for event in story_of(0) if isinstance(event, ReferralAmended))
    return [*found, unread, a_record(an_event(unknown, 1, early)), a_record(first, headers=[])]


RECORDS: Final = records()
SERVICES: Final[dict[str, tuple[sa.MetaData, Callable[[], Handlers]]]] = {
    "triage": (triage_tables.metadata, lambda: of_triage.handlers(a_policy())),
    "referral": (referral_tables.metadata, lambda: of_referral.handlers(a_policy())),
    "notify": (notify_tables.metadata, lambda: of_notify.handlers(a_policy(), mail_domain="example.org")),
}
_AN_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_A_TIME: Final = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00(:00)?|Z)?")
COUNTED: Final = {"position", "id", "changed_in"}
"""Columns with numbers that each transaction draws, or a refused one uses up."""


def _alike(value: Any, given_ids: set[str]) -> str:
    """Without what is drawn or read from the clock: ids that nobody gave, and times after the story."""
    text = _AN_ID.sub(lambda found: found[0] if found[0] in given_ids else "an id", str(value))
    return _A_TIME.sub(lambda found: found[0] if found[0] < "2026-07" else "a time", text)


async def contents(engine: AsyncEngine, metadata: sa.MetaData) -> dict[str, list[list[tuple[str, str]]]]:
    """Every row of every table."""
    ids = {found for record in RECORDS for found in _AN_ID.findall(repr(record))}
    tables = {}
    async with engine.connect() as tx:
        for table in metadata.sorted_tables:
            rows = (await tx.execute(sa.select(table))).mappings()
            tables[table.name] = sorted(
                [
                    (name, _alike(value, ids))
                    for name, value in row.items()
                    if not (name in COUNTED and isinstance(value, int))
                ]
                for row in rows
            )
    return tables


async def empty(engine: AsyncEngine, metadata: sa.MetaData, service: str) -> None:
    """No rows but, in the referral service, those of the referrals themselves."""
    async with engine.begin() as tx:
        await tx.execute(sa.text("SET LOCAL session_replication_role = replica"))  # frozen tables are emptied too
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        await tx.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
        if service == "referral":
            referral = referral_tables.referral
            for number, key in enumerate(KEYS):
                facts = FAMILIES[number].model_dump(mode="json")
                await tx.execute(
                    referral.insert().values(
                        id=key,
                        reference=f"PIR-234-67{number}",
                        kind="family",
                        agency_id=AGENCY,
                        body_digest=b"",
                        version=1,
                        received_at=RECEIVED,
                        expected_by=TODAY,
                        family_id=key,
                        profile=[],
                        facts=facts,
                        gaps=[],
                        receipt={},
                        changed_in=1,
                    )
                )


def carefully(handlers: Handlers) -> Handlers:
    return {event: each.handler if isinstance(each, AtOnce) else each for event, each in handlers.items()}


async def what_comes_of(
    engine: AsyncEngine, service: str, batches: Sequence[Sequence[Record]], *, at_once: bool
) -> dict[str, Any]:
    metadata, handlers = SERVICES[service]
    await empty(engine, metadata, service)
    consumer = Consumer(
        engine=engine,
        service=service,
        topics=[],
        handlers=handlers() if at_once else carefully(handlers()),
        bootstrap_servers="127.0.0.1:1",
    )
    for batch in batches:
        await consumer.handle(batch)
    return await contents(engine, metadata)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.timeout(600)
def test_both_ways_write_the_same(database: str, service: str) -> None:
    with asyncio.Runner() as runner:
        engine = engine_of(database, service)

        @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=6), min_size=1, max_size=5))
        def agree(batches: list[list[Record]]) -> None:
            careful = runner.run(what_comes_of(engine, service, batches, at_once=False))
            assert runner.run(what_comes_of(engine, service, batches, at_once=True)) == careful

        agree()
        runner.run(engine.dispose())


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_new_is_one_statement(database: str, service: str) -> None:
    """No batch of new referrals, decisions and work items falls back."""
    engine = engine_of(database, service)
    told = [record for record in RECORDS if dict(record.headers).get("ce_sequence") in (b"1", b"2")]
    before = sum(sample.value for metric in NOT_AT_ONCE.collect() for sample in metric.samples)
    found = await what_comes_of(engine, service, [told[:-1]], at_once=True)
    after = sum(sample.value for metric in NOT_AT_ONCE.collect() for sample in metric.samples)
    await engine.dispose()
    assert after == before
    assert found["inbox"]
    assert found["parked"] == []
    assert service != "referral" or len(found["route_state"]) == len(KEYS)
