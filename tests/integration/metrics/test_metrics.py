"""The counts: the same from whatever order the topics come in, however often, and when they are built again."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics import measures, tables
from services.metrics.counting.cases import Case
from services.metrics.counting.read_book import read_book
from services.metrics.handlers import handlers
from services.metrics.spans import month_of
from services.metrics.unread import unread
from shared.brokers import Brokers
from shared.events import (
    TOPICS,
    ClosureReason,
    DecidedBy,
    DeclineReason,
    Event,
    Kind,
    MessageKind,
    MessageSent,
    Monitoring,
    OpenedItem,
    PlaceKind,
    ReferralAmended,
    ReferralChallenged,
    ReferralErased,
    ReferralInformed,
    ReferralMonitored,
    ReferralReceived,
    ReferralRestricted,
    ReferralTriaged,
    ReferralWithdrawn,
    Route,
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
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.consumer import Consumer, group_of
from shared.messaging.outbox import Cause, Draft
from shared.messaging.relay import Relay
from shared.working_time import merged
from tests.builders import TODAY, a_family, a_policy, decided, noon
from tests.integration.support import a_record, an_event, count, engine_of, eventually, fetch, running
from tests.servers import Servers

NOON = noon(TODAY)
AGENCY = uuid7()


def a_whole_story(key: UUID, chance: random.Random) -> dict[str, list[Event]]:
    """By the schema that speaks it, in order: a referral from receipt to whatever came of it."""
    known: dict[str, Any] = {"reference": f"PIR-{key.hex[-6:]}", "agency_id": AGENCY}
    facts, item = a_family(), {"work_item_id": uuid7(), "route": Route.PIR_SHORT}
    received = ReferralReceived(
        **known, received_at=NOON, expected_by=TODAY + timedelta(days=5), family_id=key, facts=facts
    )
    triaged = ReferralTriaged(
        **known, decision_id=uuid7(), version=1, decided_by=DecidedBy.MACHINE, decision=decided(facts)
    )
    opened = WorkItemOpened(
        **known, **item, tier=Tier.SPECIALIST_SHORT, urgency=Urgency.ROUTINE, due_at=NOON + timedelta(days=10)
    )
    sent = MessageSent(**known, message_id=uuid7(), kind=MessageKind.RECEIPT)
    ends: list[list[Event]] = [
        [],
        [WorkItemClaimed(**known, **item)],
        [WorkItemClaimed(**known, **item), WorkItemAccepted(**known, **item)],
        [WorkItemDeclined(**known, **item, reason=chance.choice(list(DeclineReason)))],
        [WorkItemAccepted(**known, **item), WorkItemClosed(**known, **item, reason=ClosureReason.COMPLETED)],
    ]
    gone = [ReferralWithdrawn(**known, reason=WithdrawalReason.OTHER)] if chance.random() < 0.1 else []
    if chance.random() < 0.5:  # as it is said since a decision names the items that it opened
        at_once = OpenedItem(**item, due_at=opened.due_at)
        told: list[Event] = [triaged.model_copy(update={"opened": (at_once,)})]
    else:
        told = [triaged, opened]
    return {"referral": [received, *gone], "triage": [*told, *chance.choice(ends)], "notify": [sent]}


@asynccontextmanager
async def counts_in(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_of(database_url, tables.SCHEMA)
    yield engine
    await engine.dispose()


def a_consumer(engine: AsyncEngine, group: str = "counting", servers: str = "127.0.0.1:1") -> Consumer:
    return Consumer(
        engine=engine, service=group, topics=TOPICS, handlers=handlers(a_policy()), brokers=Brokers(servers)
    )


async def contents(engine: AsyncEngine) -> dict[str, list[dict[str, Any]]]:
    """Every projected row, without the one time that is this service's own: when it heard."""
    names = ("referral", "work_item", "clock_change", "message", "agency", "places", "totals")
    return {
        name: [
            {column: value for column, value in row._mapping.items() if column != "heard_at"}
            for row in await fetch(engine, f"SELECT * FROM {name} ORDER BY 1")
        ]
        for name in names
    }


async def test_the_totals_are_those_of_the_rows_in_whatever_order_the_topics_come(database: str) -> None:
    chance = random.Random(7)
    rivers: list[list[Any]] = []
    for _ in range(60):
        key = uuid7()
        rivers += [
            [a_record(an_event(key, n, event, at=NOON)) for n, event in enumerate(events, 1)]
            for events in a_whole_story(key, chance).values()
        ]
    async with counts_in(database) as engine:
        consumer = a_consumer(engine)
        while rivers:
            chance.shuffle(rivers)
            batch = [river.pop(0) for river in rivers[:40]]
            await consumer.handle(batch)
            await consumer.handle(batch)
            rivers = [river for river in rivers if river]
        async with engine.connect() as tx:
            totals = await measures.totals(tx)
        columns = {"received": "received_at", "triaged": "triaged_at", "acknowledged": "acknowledged_at"}
        columns |= {"routed": "routed_at", "declined": "declined_at", "undeliverable": "undeliverable_at"}
        for name, column in columns.items():
            assert totals[name] == await count(engine, f"referral WHERE {column} IS NOT NULL"), name
        assert [totals[name] for name in ("received", "triaged", "acknowledged")] == [60, 60, 60]
        assert await count(engine, "parked") == 0


@pytest.mark.usefixtures("empty_topics")
async def test_counts_that_are_built_again_from_what_is_published_again_are_the_same(
    stack: Servers, database: str, new_database: Callable[[], str]
) -> None:
    chance, brokers = random.Random(11), stack.kafka_bootstrap_servers
    speakers = {name: engine_of(database, name) for name in ("referral", "triage", "notify")}
    for _ in range(100):
        key = uuid7()
        for schema, events in a_whole_story(key, chance).items():
            async with speakers[schema].begin() as tx:
                await outbox.append(tx, [Draft(key, event, NOON, Cause(uuid7())) for event in events])
    relays = [Relay(dsn=database, schema=schema, brokers=Brokers(brokers)) for schema in speakers]

    async def all_heard(consumer: Consumer) -> bool:
        service = consumer.group.removeprefix(group_of(""))
        return await unread(Brokers(brokers), service=service, topics=TOPICS) == 0

    async def all_said() -> None:
        for engine in speakers.values():
            await eventually(lambda each=engine: is_drained(each), what="everything published")

    async with counts_in(database) as first, counts_in(new_database()) as second:
        one, other = a_consumer(first, f"first-{uuid7()}", brokers), a_consumer(second, f"second-{uuid7()}", brokers)
        async with running(*relays, one):
            await all_said()
            await eventually(lambda: all_heard(one), what="all heard")
            before = await contents(first)
            for engine in speakers.values():
                async with engine.begin() as tx:
                    await outbox.republish(tx)
            await all_said()
            await eventually(lambda: all_heard(one), what="all heard again")
            async with running(other):
                await eventually(lambda: all_heard(other), what="all heard by another")
        assert await contents(first) == before
        assert await contents(second) == before
    for engine in speakers.values():
        await engine.dispose()


async def is_drained(engine: AsyncEngine) -> bool:
    return await count(engine, "outbox") == 0


async def hear(engine: AsyncEngine, key: UUID, *told: tuple[Event, timedelta], first: int = 1) -> None:
    """What triage and the referral service said of one referral, each so long after noon."""
    records = [
        a_record(an_event(key, number, event, at=NOON + after)) for number, (event, after) in enumerate(told, first)
    ]
    await a_consumer(engine).handle(records)


async def the_case(engine: AsyncEngine) -> Case:
    """The one referral that was told, as the reports count it."""
    async with engine.connect() as tx:
        [case] = (await read_book(tx, month_of(TODAY), a_policy().working_time)).cases
    return case


def received(known: dict[str, Any], key: UUID) -> ReferralReceived:
    return ReferralReceived(**known, received_at=NOON, expected_by=TODAY, family_id=key, facts=a_family())


@pytest.mark.parametrize("seed", range(6))
async def test_a_question_is_ended_by_a_later_answer_or_step_of_its_item_in_whatever_order_it_is_heard(
    database: str, seed: int
) -> None:
    """Asked on day 1 about one item and on day 2 about another; only the first is taken up, and that on day 3."""
    key, day, chance = uuid7(), timedelta(days=1), random.Random(seed)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    mine: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.PIR_SHORT}
    other: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.PNMH}
    said: dict[str, Any] = {"tier": None, "urgency": Urgency.ROUTINE, "due_at": NOON + 10 * day}
    question = {"waiting_for": WaitingFor.REFERRER}
    told: list[tuple[Event, timedelta]] = [
        (received(known, key), 0 * day),
        (ReferralInformed(**known), day / 2),
        (WorkItemOpened(**known, **mine, **said), day / 2),
        (WorkItemOpened(**known, **other, **said), day / 2),
        (WorkItemWaiting(**known, **mine, **question), day),
        (WorkItemWaiting(**known, **other, **question), 2 * day),
        (WorkItemClaimed(**known, **mine), 3 * day),
        (WorkItemClaimed(**known, **mine), 4 * day),
        (ReferralInformed(**known), 8 * day),
    ]
    records = [a_record(an_event(key, number, event, at=NOON + at)) for number, (event, at) in enumerate(told, 1)]
    async with counts_in(database) as engine:
        for record in chance.sample([*records, *records], 2 * len(records)):
            await a_consumer(engine).handle([record])
        case = await the_case(engine)
    stops = merged(case.stops)
    assert sorted((began - NOON, ended and ended - NOON) for began, ended in case.stops) == [
        (day, 3 * day),
        (2 * day, 8 * day),
    ]
    assert [(began - NOON, ended and ended - NOON) for began, ended in stops] == [(day, 8 * day)]


@pytest.mark.parametrize("went_on", ["closed", "opened", "accepted", "declined", "listed"])
async def test_whoever_goes_on_with_an_item_without_an_answer_starts_the_clock_again(
    database: str, went_on: str
) -> None:
    """An amendment that brings what was asked for closes the question; more urgent work is opened again."""
    key, hour = uuid7(), timedelta(hours=1)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    item: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.INFO_REQUEST}
    opened = WorkItemOpened(**known, **item, tier=None, urgency=Urgency.ROUTINE, due_at=NOON + timedelta(days=10))
    steps: dict[str, Event] = {
        "closed": WorkItemClosed(**known, **item, reason=ClosureReason.DECIDED_AGAIN),
        "opened": opened,
        "accepted": WorkItemAccepted(**known, **item),
        "declined": WorkItemDeclined(**known, **item, reason=DeclineReason.INCOMPLETE),
        "listed": WorkItemWaiting(**known, **item, waiting_for=WaitingFor.PLACE),
    }
    asked = WorkItemWaiting(**known, **item, waiting_for=WaitingFor.REFERRER)
    async with counts_in(database) as engine:
        await hear(engine, key, (received(known, key), 0 * hour), (opened, hour), (asked, hour))
        await hear(engine, key, (steps[went_on], 5 * hour), first=4)
        case = await the_case(engine)
    assert list(case.stops) == [(NOON + hour, NOON + 5 * hour)]


async def test_the_clock_of_safety_work_never_stops(database: str) -> None:
    key, hour = uuid7(), timedelta(hours=1)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    item: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.MASH}
    opened = WorkItemOpened(**known, **item, tier=None, urgency=Urgency.NOW, due_at=NOON)
    asked = WorkItemWaiting(**known, **item, waiting_for=WaitingFor.REFERRER, stops_clock=False)
    async with counts_in(database) as engine:
        await hear(engine, key, (received(known, key), 0 * hour), (opened, hour), (asked, 2 * hour))
        case = await the_case(engine)
    assert list(case.stops) == []
    assert case.items[0].asked_at == NOON + 2 * hour, "but it was asked, and so was incomplete"


@pytest.mark.parametrize(("on", "counted"), [(TODAY, TODAY), (None, TODAY + timedelta(days=4))])
async def test_a_first_contact_counts_on_its_day_and_without_one_on_that_of_the_event(
    database: str, on: date | None, counted: date
) -> None:
    key, day = uuid7(), timedelta(days=1)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    item: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.PIR_SHORT}
    opened = WorkItemOpened(**known, **item, tier=None, urgency=Urgency.ROUTINE, due_at=NOON + 10 * day)
    async with counts_in(database) as engine:
        await hear(engine, key, (received(known, key), 0 * day), (opened, 0 * day))
        await hear(engine, key, (WorkItemFirstContact(**known, **item, on=on), 4 * day), first=3)
        assert (await the_case(engine)).first_contact_on == counted


async def test_work_that_is_opened_again_after_a_decline_waits_and_has_not_ended(database: str) -> None:
    """The referrer challenges the decline; that itself needs no counting."""
    key, day = uuid7(), timedelta(days=1)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    first: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.SIGNPOST_AREA}
    again: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.SIGNPOST_AREA}
    said: dict[str, Any] = {"tier": None, "urgency": Urgency.ROUTINE, "due_at": NOON + 10 * day}
    async with counts_in(database) as engine:
        await hear(
            engine,
            key,
            (received(known, key), 0 * day),
            (WorkItemOpened(**known, **first, **said), 0 * day),
            (WorkItemDeclined(**known, **first, reason=DeclineReason.OUT_OF_AREA), 2 * day),
            (ReferralChallenged(**known), 3 * day),
            (WorkItemOpened(**known, **again, **said, reopens=True), 4 * day),
        )
        case = await the_case(engine)
        async with engine.connect() as tx:
            assert await measures.waiting(tx) == 1
        assert await count(engine, "parked") == 0
    assert (case.refused_at, case.ended_at) == (None, None)
    assert case.declined_on == TODAY + 2 * day, "counted as it was: a person declined on that day"
    assert [case.is_over(TODAY + number * day) for number in range(6)] == [False, False, True, True, False, False]


async def test_an_enquiry_that_is_erased_is_no_family(database: str) -> None:
    key, hour = uuid7(), timedelta(hours=1)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY, "about": Kind.CONSULTATION}
    item: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.CONSULTATION}
    async with counts_in(database) as engine:
        await hear(engine, key, (WorkItemAccepted(**known, **item), hour), (ReferralErased(**known), 2 * hour))
        assert await count(engine, "referral WHERE kind = 'consultation'") == 1
        [row] = await fetch(engine, "SELECT ended_at, end_reason FROM work_item")
    assert (row.ended_at - NOON, row.end_reason) == (2 * hour, "erased")


@pytest.mark.parametrize("is_late", [False, True], ids=["erased last", "erased first"])
async def test_how_a_team_ended_its_work_goes_before_an_erasure(database: str, is_late: bool) -> None:
    """Topics have no order: what triage says can be heard after the erasure."""
    key, hour = uuid7(), timedelta(hours=1)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    ended: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.PIR_SHORT}
    still_open: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.PNMH}
    told = [
        (WorkItemAccepted(**known, **ended), hour),
        (WorkItemAccepted(**known, **still_open), hour),
        (WorkItemClosed(**known, **ended, reason=ClosureReason.COMPLETED), 2 * hour),
    ]
    erased = (ReferralErased(**known), 3 * hour)
    async with counts_in(database) as engine:
        await hear(engine, key, *([erased, *told] if is_late else [*told, erased]))
        rows = await fetch(engine, "SELECT route, ended_at, end_reason FROM work_item ORDER BY route")
    assert [(row.route, row.ended_at - NOON, row.end_reason) for row in rows] == [
        ("pir_short", 2 * hour, "completed"),
        ("pnmh", 3 * hour, "erased"),
    ]


async def test_an_erased_family_takes_no_place_and_waits_for_nobody(database: str) -> None:
    key, hour = uuid7(), timedelta(hours=1)
    known: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    item: dict[str, Any] = {"work_item_id": uuid7(), "route": Route.PIR_SHORT}
    async with counts_in(database) as engine:
        await hear(
            engine,
            key,
            (WorkItemAccepted(**known, **item, place=PlaceKind.INDIVIDUAL), hour),
            (ReferralErased(**known), 2 * hour),
        )
        [row] = await fetch(engine, "SELECT ended_at, end_reason FROM work_item")
    assert (row.ended_at - NOON, row.end_reason) == (2 * hour, "erased")


async def test_a_later_version_of_the_facts_wins_whichever_comes_first(database: str) -> None:
    key = uuid7()
    said: dict[str, Any] = {
        "reference": "PIR-4K7-29M",
        "agency_id": AGENCY,
        "received_at": NOON,
        "expected_by": TODAY,
        "family_id": key,
    }
    first = a_record(an_event(key, 1, ReferralReceived(**said, facts=a_family(carer="mother")), at=NOON))
    second = a_record(an_event(key, 2, ReferralAmended(**said, version=2, facts=a_family(carer="father")), at=NOON))
    async with counts_in(database) as engine:
        consumer = a_consumer(engine)
        for record in (second, first, second):
            await consumer.handle([record])
        [row] = await fetch(engine, "SELECT carer, received_at FROM referral")
    assert (row.carer, row.received_at) == ("father", NOON)


@pytest.mark.parametrize("seed", range(6))
async def test_what_equality_counts_need_and_restrictions_settle_in_whatever_order_they_come(
    database: str, seed: int
) -> None:
    """The topics have no order among them, each event may come twice, and some say it in the referral, as they used to."""
    key = uuid7()
    about: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}
    known = {**about, "received_at": NOON, "expected_by": TODAY, "family_id": key, "facts": a_family()}
    told = [
        ReferralReceived(**known, monitoring=Monitoring(language="en")),
        ReferralMonitored(**about, monitoring=Monitoring(language="pl", baby_ethnicity="A")),
        ReferralRestricted(**about, is_restricted=True),
        ReferralAmended(**known, version=2),
        ReferralRestricted(**about, is_restricted=False),
        ReferralMonitored(**about, monitoring=Monitoring(language="ur")),
        ReferralRestricted(**about, is_restricted=True),
    ]
    records = [a_record(an_event(key, number, each, at=NOON)) for number, each in enumerate(told, 1)]
    erasure = a_record(an_event(key, len(told) + 1, ReferralErased(**about), at=NOON))
    async with counts_in(database) as engine:
        consumer = a_consumer(engine)
        for record in random.Random(seed).sample(records * 2, 2 * len(records)):
            await consumer.handle([record])
        [row] = await fetch(engine, "SELECT monitoring, is_restricted FROM referral")
        assert (row.monitoring["language"], row.monitoring["baby_ethnicity"], row.is_restricted) == ("ur", None, True)
        for record in (erasure, *records):
            await consumer.handle([record])
        [row] = await fetch(engine, "SELECT monitoring, is_restricted, ward FROM referral")
    assert tuple(row) == (None, None, None)
