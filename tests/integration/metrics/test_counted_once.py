"""What comes again changes no count, although the ordinary batch of the metrics service leaves no inbox row."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics import measures
from services.metrics.handlers import handlers
from services.metrics.measures import TIME_TO
from shared.audit import Actor
from shared.events import (
    DecidedBy,
    EnquiryReceived,
    Envelope,
    OpenedItem,
    ReferralErased,
    ReferralReceived,
    ReferralTriaged,
    Route,
)
from shared.ids import uuid7
from shared.messaging import repair
from shared.messaging.dispatch import dispatch
from tests.builders import TODAY, a_family, a_policy, decided
from tests.integration.metrics.test_metrics import AGENCY, NOON, a_consumer, counts_in
from tests.integration.support import a_record, an_event, count, eventually, fetch

KNOWN: dict[str, Any] = {"reference": "PIR-4K7-29M", "agency_id": AGENCY}


def received(key: UUID) -> Envelope[Any]:
    data = ReferralReceived(**KNOWN, received_at=NOON, expected_by=TODAY, family_id=key, facts=a_family())
    return an_event(key, 1, data, at=NOON)


def triaged(key: UUID, *, after: timedelta = timedelta(0)) -> Envelope[Any]:
    """With one item on a list."""
    decision: dict[str, Any] = {"decision_id": key, "version": 1, "decided_by": DecidedBy.MACHINE}
    item = OpenedItem(work_item_id=uuid7(), route=Route.PIR_SHORT, due_at=NOON)
    data = ReferralTriaged(**KNOWN, **decision, decision=decided(a_family()), opened=(item,))
    return an_event(key, 1, data, at=NOON + after)


async def totals(engine: AsyncEngine) -> dict[str, int]:
    async with engine.connect() as tx:
        return {name: total for name, total in (await measures.totals(tx)).items() if total}


async def test_the_same_batch_in_three_copies_at_once_is_counted_once(database: str) -> None:
    keys = [uuid7() for _ in range(40)]
    records = [a_record(event) for key in keys for event in (received(key), triaged(key))]
    async with counts_in(database) as engine:
        batches = (records, records[::-1], records)
        await asyncio.gather(*(a_consumer(engine).handle(batch) for batch in batches))
        assert await totals(engine) == {"received": 40, "triaged": 40, "routed": 40}
        assert await count(engine, "parked") == 0


async def test_what_a_person_discarded_is_not_counted_when_it_comes_again(database: str) -> None:
    key = uuid7()
    poison = a_record(received(key), value=b"{}")
    behind = a_record(received(key))
    async with counts_in(database) as engine:
        await a_consumer(engine).handle([poison, behind])
        for row in await repair.waiting(engine):
            assert await repair.discard(engine, row.id, reason="not a referral", by=Actor("operator", "a person"))
        await a_consumer(engine).handle([behind])
        assert await totals(engine) == {}
        assert await count(engine, "parked WHERE resolved_at IS NULL") == 0


async def test_an_enquiry_which_no_row_tells_apart_is_known_by_the_inbox(database: str) -> None:
    key = uuid7()
    data = EnquiryReceived(**KNOWN, received_at=NOON, expected_by=TODAY, facts=a_family(), people=2)
    records = [a_record(an_event(key, 1, data)), a_record(received(uuid7()))]
    async with counts_in(database) as engine:
        for _ in range(2):
            await a_consumer(engine).handle(records)
        rows = await fetch(engine, "SELECT name, total FROM totals ORDER BY name")
    assert [tuple(row) for row in rows] == [("enquiries", 1), ("received", 1)]


async def test_an_erasure_that_is_committed_meanwhile_leaves_no_work_open(database: str) -> None:
    """The statement that counts waits for the referral's row, and does not see the erasure where it looked."""
    key, erased = uuid7(), ReferralErased(**KNOWN)
    async with counts_in(database) as engine:
        await a_consumer(engine).handle([a_record(received(key))])

        async def is_waiting() -> bool:
            waits = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            return await count(engine, waits) > 0

        async with engine.begin() as tx:
            await dispatch([an_event(key, 2, erased, at=NOON)], handlers(a_policy()), tx)
            counting = asyncio.create_task(a_consumer(engine).handle([a_record(triaged(key))]))
            await eventually(is_waiting, what="the other waits for the row")
        await counting
        rows = await fetch(engine, "SELECT end_reason FROM work_item")
    assert [row.end_reason for row in rows] == ["erased"]


@pytest.mark.parametrize("is_late", [False, True], ids=["receipt first", "decision first"])
@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "in two"])
async def test_the_time_to_a_decision_is_observed_once(database: str, is_late: bool, at_once: bool) -> None:
    """Of the two topics, either may be read first."""
    key = uuid7()
    records = [a_record(received(key)), a_record(triaged(key, after=timedelta(seconds=20)))][:: -1 if is_late else 1]
    before = observed()
    async with counts_in(database) as engine:
        for batch in [records] if at_once else [[record] for record in records]:
            for _ in range(2):
                await a_consumer(engine).handle(batch)
    assert [after - earlier for after, earlier in zip(observed(), before, strict=True)] == [1, 20]


def observed() -> tuple[float, float]:
    """How many, and their seconds together."""
    samples = {each.name: each.value for metric in TIME_TO["triaged_at"].collect() for each in metric.samples}
    return samples["pir_time_to_decision_seconds_count"], samples["pir_time_to_decision_seconds_sum"]
