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

from services.metrics import handlers as of_metrics
from services.metrics import tables as metrics_tables
from services.notify import handlers as of_notify
from services.notify import tables as notify_tables
from services.referral import handlers as of_referral
from services.referral import tables as referral_tables
from services.triage import handlers as of_triage
from services.triage import tables as triage_tables
from shared.audit import Actor
from shared.brokers import Brokers
from shared.events import (
    ClosureReason,
    DecidedBy,
    DeclineReason,
    Event,
    MessageKind,
    MessageSent,
    MessageUndeliverable,
    OpenedItem,
    PlaceKind,
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
    WaitingFor,
    WithdrawalReason,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.messaging import repair
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import AtOnce, Handlers
from shared.messaging.parked import BEHIND
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
    yield WorkItemWaiting(**about, **item, waiting_for=WaitingFor.REFERRER)
    yield WorkItemAccepted(**about, **item, place=PlaceKind.GROUP if number else None)
    yield MessageSent(**about, message_id=UUID(int=300 + number, version=4), kind=MessageKind.RECEIPT)
    yield MessageUndeliverable(**about, message_id=UUID(int=200 + number, version=4), kind=MessageKind.RECEIPT)
    yield WorkItemFirstContact(**about, **item, on=TODAY)
    yield WorkItemDeclined(**about, **item, reason=DeclineReason.NOT_SUITABLE)
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
    "metrics": (metrics_tables.metadata, lambda: of_metrics.handlers(a_policy())),
    "notify": (notify_tables.metadata, lambda: of_notify.handlers(a_policy(), mail_domain="example.org")),
}
_AN_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_A_TIME: Final = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00(:00)?|Z)?")
DRAWN: Final = {"position", "id", "changed_in"}
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
                    if not (name in DRAWN and isinstance(value, int))
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
        brokers=Brokers("127.0.0.1:1"),
    )
    for batch in batches:
        await consumer.handle(batch)
    return await contents(engine, metadata)


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {"metrics"}))
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


def apart_from_repeats(found: dict[str, Any]) -> dict[str, Any]:
    """What a Repeatable leaves: no inbox row, and behind something parked a repeat waits like any other event."""
    parked = [row for row in found["parked"] if ("cause", BEHIND) not in row]
    return {**found, "inbox": [], "parked": parked}


async def mend(engine: AsyncEngine, *, at_once: bool) -> dict[str, Any]:
    """Give up what nobody can read, replay what waits behind it: what the counts are then."""
    metadata, handlers = SERVICES["metrics"]
    for row in await repair.waiting(engine):
        if row.cause != BEHIND:
            assert await repair.discard(engine, row.id, reason="unreadable", by=Actor("operator", "a person"))
    told = handlers() if at_once else carefully(handlers())
    assert (await repair.replay(engine, told, only=None, by=Actor("operator", "a person")))[1] == 0
    return await contents(engine, metadata) | {"inbox": [], "parked": []}


@pytest.mark.timeout(600)
def test_counts_of_a_folded_batch_are_those_of_its_events_one_by_one(database: str) -> None:
    """Also where events come again, in another order, behind something parked, and when that is mended."""
    with asyncio.Runner() as runner:
        engine = engine_of(database, "metrics")

        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=12), min_size=1, max_size=4))
        def agree(batches: list[list[Record]]) -> None:
            alone = [[record] for batch in batches for record in batch]
            careful = runner.run(what_comes_of(engine, "metrics", alone, at_once=False))
            mended = runner.run(mend(engine, at_once=False))
            at_once = runner.run(what_comes_of(engine, "metrics", batches, at_once=True))
            assert apart_from_repeats(at_once) == apart_from_repeats(careful)
            assert runner.run(mend(engine, at_once=True)) == mended
            again = runner.run(what_comes_of(engine, "metrics", [*batches, *batches], at_once=True))
            assert apart_from_repeats(again) == apart_from_repeats(careful)

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
    assert bool(found["inbox"]) != (service == "metrics")
    assert found["parked"] == []
    assert service != "referral" or len(found["route_state"]) == len(KEYS)
