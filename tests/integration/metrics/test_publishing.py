"""Publishing: on its day, once, frozen; a correction is a new version; nothing of a month that is not over."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.demo.history import stories
from services.metrics import commands, tables
from services.metrics.handlers import handlers
from services.metrics.population import load
from services.metrics.reports import store
from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.model import (
    ContractReport,
    EqualityReport,
    NeedReport,
    ReportKind,
    ReportStatus,
    figure_of,
)
from services.metrics.reports.publishing import Waits, correctable, publish_due, publish_when_ready, stand_in
from services.metrics.reports.readiness import NotReadyError, Unread, lock_ready, say_ready, set_ready
from services.metrics.reports.terms import Terms
from services.metrics.spans import read_month
from services.metrics.unread import unread
from shared.brokers import Brokers
from shared.database import one_moment
from shared.events import TOPICS, Envelope, ReferralErased
from shared.messaging import parked
from shared.messaging.dispatch import dispatch
from tests import published
from tests.builders import a_policy
from tests.integration.metrics.test_metrics import contents
from tests.integration.support import a_record, an_event, engine_of, eventually
from tests.servers import Servers

FIRST = date(2024, 9, 1)
NOW = datetime(2025, 10, 20, 6, 0, tzinfo=UTC)
POPULATION = Path(__file__).parents[3] / "deploy" / "population"


def the_terms() -> Terms:
    policy = a_policy()
    terms = terms_under(policy, load(POPULATION, policy.authority, wards=policy.ward_by_code))
    assert terms is not None
    return terms


@cache
def told(months: int = 13, seed: int = 5) -> tuple[Envelope[Any], ...]:
    found = stories(seed=seed, first=FIRST, months=months, per_month=40, policy=a_policy(), now=NOW)
    return tuple(sorted((event for story in found for event in story.events), key=lambda event: event.occurred_at))


async def hear(engine: AsyncEngine, events: Iterable[Envelope[Any]]) -> None:
    heard = handlers(a_policy())
    known = [event for event in events if type(event.data) in heard]
    for start in range(0, len(known), 500):
        async with engine.begin() as tx:
            await dispatch(known[start : start + 500], heard, tx)


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tables.SCHEMA)
    yield made
    await made.dispose()


async def the_report(engine: AsyncEngine, period: str, kind: ReportKind = ReportKind.CONTRACT) -> Any:
    async with engine.connect() as tx:
        return await store.last_version(tx, kind, period)


async def test_every_closed_month_half_and_year_is_published_and_nothing_of_the_running_one(
    engine: AsyncEngine,
) -> None:
    await hear(engine, told())
    assert await publish_due(engine, now=NOW, terms=the_terms()) == 13 + 2 + 1
    async with engine.connect() as tx:
        months = [heading.period for heading in await published.headings(tx, ReportKind.CONTRACT)]
        halves = [heading.period for heading in await published.headings(tx, ReportKind.EQUALITY)]
        years = [heading.period for heading in await published.headings(tx, ReportKind.NEED)]
    assert (months[0], months[-1], len(months)) == ("2025-09", "2024-09", 13)
    assert halves == ["2025-03--2025-08", "2024-09--2025-02"]
    assert years == ["2024-09--2025-08"]


async def test_a_report_is_there_on_its_day_and_not_before(engine: AsyncEngine) -> None:
    await hear(engine, told(months=1))
    before, on = datetime(2024, 10, 4, 12, 0, tzinfo=UTC), datetime(2024, 10, 7, 0, 30, tzinfo=UTC)
    assert await publish_due(engine, now=before, terms=the_terms()) == 0
    assert await publish_due(engine, now=on, terms=the_terms()) == 1
    assert await publish_due(engine, now=on, terms=the_terms()) == 0


async def test_a_published_row_can_not_be_changed(engine: AsyncEngine) -> None:
    await hear(engine, told(months=1))
    await publish_due(engine, now=NOW, terms=the_terms())
    for statement in ("UPDATE report SET document = ''", "DELETE FROM report", "TRUNCATE report"):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"):
            async with engine.begin() as tx:
                await tx.execute(sa.text(statement))


async def test_copies_that_publish_at_once_publish_each_report_once(engine: AsyncEngine) -> None:
    await hear(engine, told(months=3))
    counts = await asyncio.gather(*(publish_due(engine, now=NOW, terms=the_terms()) for _ in range(3)))
    assert sum(counts) == len(await all_reports(engine))


async def test_a_lock_that_is_lost_halfway_takes_nothing_from_what_came_out(
    engine: AsyncEngine, database: str, stack: Servers
) -> None:
    """A report that another copy publishes in the meantime is refused by its key."""

    def cut_off(_: str) -> None:
        of_this = f"database = (SELECT oid FROM pg_database WHERE datname = '{database.rpartition('/')[2]}')"
        stack.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND {of_this}")

    await hear(engine, told(months=1))
    on = datetime(2024, 10, 7, 0, 30, tzinfo=UTC)
    assert await publish_due(engine, now=on, terms=the_terms(), told=cut_off) == 1
    assert await all_reports(engine) == [("contract", "2024-09", 1)]


async def all_reports(engine: AsyncEngine) -> list[tuple[str, str, int]]:
    async with engine.connect() as tx:
        rows = await tx.execute(sa.text("SELECT kind, period, version FROM report ORDER BY 1, 2, 3"))
    return [(row.kind, row.period, row.version) for row in rows]


async def test_what_comes_to_light_later_is_a_new_version_that_says_what_changed(engine: AsyncEngine) -> None:
    """Half of the families are heard of only after the first reports were out."""
    events = [event for event in told(months=3) if not isinstance(event.data, ReferralErased)]
    early = [event for event in events if event.key.int % 2]
    late = [event for event in events if not event.key.int % 2]
    await hear(engine, early)
    december = datetime(2024, 12, 2, 6, 0, tzinfo=UTC)
    await publish_due(engine, now=december, terms=the_terms())
    first = await the_report(engine, "2024-09")
    await hear(engine, late)
    assert await publish_due(engine, now=december, terms=the_terms()) == 0, "not more than once a month"
    await publish_due(engine, now=datetime(2024, 12, 20, 6, 0, tzinfo=UTC), terms=the_terms())
    second = await the_report(engine, "2024-09")
    assert isinstance(second, ContractReport)
    assert (first.heading.version, second.heading.version) == (1, 2)
    changed = {change.where: (change.before, change.after) for change in second.heading.changes}
    was, now = figure_of(first.figures, "received"), figure_of(second.figures, "received")
    assert was is not None
    assert now is not None
    assert changed["Referrals received"] == (was.value.text, now.value.text)
    async with engine.connect() as tx:
        assert await published.version_of(tx, ReportKind.CONTRACT, "2024-09", 1) == first


NOVEMBER = datetime(2024, 11, 5, 6, 0, tzinfo=UTC)
DECEMBER = datetime(2024, 12, 20, 6, 0, tzinfo=UTC)


async def test_nothing_is_corrected_after_a_family_in_it_was_erased(engine: AsyncEngine) -> None:
    """Its going from one number to the other would tell which it was."""
    await hear(engine, [event for event in told(months=2) if not isinstance(event.data, ReferralErased)])
    await publish_due(engine, now=NOVEMBER, terms=the_terms())
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("""
                UPDATE referral SET ward = NULL, authority = NULL, source = NULL, erased_at = '2024-11-10'
                WHERE received_at < '2024-10-01'
            """)
        )
    await publish_due(engine, now=DECEMBER, terms=the_terms())
    assert ("contract", "2024-09", 2) not in await all_reports(engine)


async def test_nor_when_the_rows_were_built_again_and_only_the_erasure_is_told(engine: AsyncEngine) -> None:
    events = [event for event in told(months=2) if not isinstance(event.data, ReferralErased)]
    await hear(engine, events)
    await publish_due(engine, now=NOVEMBER, terms=the_terms())
    gone = {event.key for event in events if event.occurred_at < datetime(2024, 9, 20, tzinfo=UTC)}
    await commands.empty(engine)
    await hear(engine, [event for event in events if event.key not in gone])
    on = datetime(2024, 11, 10, tzinfo=UTC)
    async with engine.begin() as tx:
        await set_ready(tx, on)
    erased = ReferralErased(reference="PIR-4K7-29M", agency_id=UUID(int=1))
    await hear(engine, [an_event(key, 9, erased, at=on) for key in sorted(gone)])
    await publish_due(engine, now=DECEMBER, terms=the_terms())
    assert not [each for each in await all_reports(engine) if each[2] > 1]


async def test_an_erasure_of_long_ago_or_before_it_was_published_holds_back_no_correction(engine: AsyncEngine) -> None:
    events = [event for event in told(months=2) if not isinstance(event.data, ReferralErased)]
    await hear(engine, [event for event in events if event.key.int % 2])
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("""
                INSERT INTO referral (kind, id, received_at, erased_at)
                VALUES ('family', gen_random_uuid(), '2021-03-01', '2024-11-10'),
                    ('family', gen_random_uuid(), '2024-09-05', '2024-10-01'),
                    ('consultation', gen_random_uuid(), NULL, '2024-11-10')
            """)
        )
    await publish_due(engine, now=NOVEMBER, terms=the_terms())
    await hear(engine, [event for event in events if not event.key.int % 2])
    await publish_due(engine, now=DECEMBER, terms=the_terms())
    assert ("contract", "2024-09", 2) in await all_reports(engine)


async def test_a_half_year_tells_no_category_after_a_family_of_a_published_month_was_erased(
    engine: AsyncEngine,
) -> None:
    """Its category would lack one against those of the months, and that would be that family's."""
    await hear(engine, [event for event in told(months=6) if not isinstance(event.data, ReferralErased)])
    await publish_due(engine, now=NOVEMBER, terms=the_terms())
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("""
                UPDATE referral SET ward = NULL, authority = NULL, source = NULL, erased_at = '2024-11-10'
                WHERE id = (SELECT id FROM referral WHERE received_at < '2024-10-01' ORDER BY id LIMIT 1)
            """)
        )
    await publish_due(engine, now=datetime(2025, 3, 20, 6, 0, tzinfo=UTC), terms=the_terms())
    half = await the_report(engine, "2024-09--2025-02", ReportKind.EQUALITY)
    assert half.quality[0].startswith("A family of this half-year has been erased")
    for dimension in half.dimensions:
        assert dimension.total_received.value
        assert (
            {row.received.value for row in dimension.rows} == {row.accepted.value for row in dimension.rows} == {None}
        )
        assert all(row.ratio is None for row in dimension.rows)
    assert half.gaps == ()


def of_version_3(**changes: Any) -> Terms:
    """The terms of the next version of the policy."""
    terms = the_terms()
    policy = terms.policy.model_copy(update={"version": terms.policy.version + 1, **changes})
    assert policy.contract is not None
    return replace(terms, policy=policy, contract=policy.contract)


def with_target(share: float) -> dict[str, Any]:
    contract = the_terms().contract
    return {"contract": contract.model_copy(update={"targets": contract.targets | {"decided_in_time": share}})}


async def test_a_report_keeps_the_targets_it_was_agreed_with(engine: AsyncEngine) -> None:
    """A new target must not turn a paid figure of last month from met to missed."""
    events = [event for event in told(months=2) if not isinstance(event.data, ReferralErased)]
    await hear(engine, [event for event in events if event.key.int % 2])
    await publish_due(engine, now=NOVEMBER, terms=the_terms())
    await hear(engine, [event for event in events if not event.key.int % 2])
    await publish_due(engine, now=DECEMBER, terms=of_version_3(**with_target(0.5)))
    reports = await all_reports(engine)
    assert ("contract", "2024-11", 1) in reports
    assert not [each for each in reports if each[2] > 1]


async def test_a_figure_that_older_reports_do_not_have_makes_no_new_version_of_them(engine: AsyncEngine) -> None:
    """Those not taken on yet are counted since a later release: what was published before says nothing else by it."""
    events = [event for event in told(months=2) if not isinstance(event.data, ReferralErased)]
    await hear(engine, events)
    await publish_due(engine, now=NOVEMBER, terms=without("not_taken_on"))
    await publish_due(engine, now=DECEMBER, terms=the_terms())
    reports = await all_reports(engine)
    assert ("contract", "2024-11", 1) in reports
    assert not [each for each in reports if each[2] > 1]
    earlier, later = [await the_report(engine, month) for month in ("2024-09", "2024-11")]
    assert figure_of(earlier.figures, "not_taken_on") is None
    assert figure_of(later.figures, "not_taken_on") is not None


def without(code: str) -> Terms:
    """Terms of a release that did not count it."""
    terms = the_terms()
    terms.__dict__["kpis"] = tuple(kpi for kpi in terms.kpis if kpi.code != code)
    return terms


async def test_another_telephone_number_ends_no_corrections(engine: AsyncEngine) -> None:
    events = [event for event in told(months=2) if not isinstance(event.data, ReferralErased)]
    await hear(engine, [event for event in events if event.key.int % 2])
    await publish_due(engine, now=NOVEMBER, terms=the_terms())
    await hear(engine, [event for event in events if not event.key.int % 2])
    on_call = a_policy().on_call.model_copy(update={"phone": "0115 496 0199"})
    await publish_due(engine, now=DECEMBER, terms=of_version_3(on_call=on_call))
    corrected = await the_report(engine, "2024-09")
    assert (corrected.heading.version, corrected.heading.policy_version) == (2, a_policy().version + 1)


def test_a_report_is_corrected_until_its_span_ended_twelve_months_ago() -> None:
    spans = [(ReportKind.CONTRACT, read_month(month)) for month in ("2024-10", "2024-11", "2024-12", "2025-10")]
    assert correctable(spans, date(2025, 11, 30)) == spans[1:]
    assert correctable(spans, date(2025, 12, 1)) == spans[2:]


async def test_no_document_holds_a_count_from_1_to_7(engine: AsyncEngine) -> None:
    await hear(engine, told())
    await publish_due(engine, now=NOW, terms=the_terms())
    seen = 0
    for kind, period, _ in await all_reports(engine):
        report = await the_report(engine, period, ReportKind(kind))
        for value in counts_of(report):
            seen += 1
            assert value is None or value == 0 or (value >= 10 and value % 5 == 0), (kind, period, value)
    assert seen > 1000


def counts_of(report: ContractReport | EqualityReport | NeedReport) -> list[int | None]:
    if isinstance(report, ContractReport):
        rows = [shown for table in report.tables for row in (*table.rows, table.total) for shown in row.counts.values()]
        parts = [part for figure in report.figures for part in (figure.numerator, figure.denominator) if part]
        counts = [figure.value for figure in report.figures if figure.unit == "count"]
        return [shown.value for shown in (*rows, *parts, *counts)]
    if isinstance(report, EqualityReport):
        return [
            each.value
            for dimension in report.dimensions
            for row in dimension.rows
            for each in (row.received, row.accepted)
        ]
    return [need.seen.value for need in (*report.tiers, *report.wards)]


def test_a_month_that_is_not_published_stands_there_without_a_figure() -> None:
    today = date(2026, 11, 22)
    for text, status in (("2026-11", ReportStatus.NOT_YET), ("2020-01", ReportStatus.NO_DATA)):
        report = stand_in(ReportKind.CONTRACT, read_month(text), today=today, terms=the_terms(), has_data=False)
        assert isinstance(report, ContractReport)
        assert (report.heading.status, report.figures, report.tables) == (status, (), ())
    waiting = stand_in(ReportKind.CONTRACT, read_month("2026-11"), today=today, terms=the_terms(), has_data=True)
    assert waiting.heading.available_on == date(2026, 12, 7)


async def test_the_payment_year_is_marked_from_the_second_contract_year_on(engine: AsyncEngine) -> None:
    terms = the_terms()
    first = terms.heading(ReportKind.CONTRACT, read_month("2023-08"))
    second = terms.heading(ReportKind.CONTRACT, read_month("2023-09"))
    assert (first.contract_year, first.is_payment_year) == (1, False)
    assert (second.contract_year, second.is_payment_year) == (2, True)


OCTOBER = datetime(2024, 10, 20, 6, 0, tzinfo=UTC)


async def nothing_unread() -> int | None:
    return 0


async def waits(engine: AsyncEngine, unread: Unread = nothing_unread, now: datetime = OCTOBER) -> Waits | None:
    return await publish_when_ready(engine, now=now, terms=the_terms(), unread=unread)


async def test_a_report_waits_for_messages_that_are_not_counted_yet(engine: AsyncEngine) -> None:
    await hear(engine, told(months=1))
    for left, reason in ((1, "1 message is not counted yet"), (1200, "1,200 messages are not counted yet")):
        found = await waits(engine, AsyncMock(return_value=left))
        assert found is not None
        assert found.reason == reason
    assert found.reports == ((ReportKind.CONTRACT, read_month("2024-09")),)
    assert found.since == datetime(2024, 10, 6, 23, 0, tzinfo=UTC), "the fifth working day begins in London"
    assert await all_reports(engine) == []
    assert await waits(engine) is None
    assert await all_reports(engine) == [("contract", "2024-09", 1)]


async def test_a_report_waits_while_kafka_does_not_say_whether_all_is_counted(engine: AsyncEngine) -> None:
    await hear(engine, told(months=1))
    found = await waits(engine, AsyncMock(return_value=None))
    assert found is not None
    assert found.reason == "Kafka does not say whether all messages are counted"
    assert await all_reports(engine) == []


async def test_a_report_waits_for_what_is_parked(engine: AsyncEngine) -> None:
    await hear(engine, told(months=1))
    event = an_event(UUID(int=7), 1, ReferralErased(reference="PIR-4K7-29M", agency_id=UUID(int=1)))
    async with engine.begin() as tx:
        await parked.keep(tx, [parked.failed(a_record(event), event, cause="handler: ValueError")])
    found = await waits(engine)
    assert found is not None
    assert found.reason == "1 message is parked"
    async with engine.begin() as tx:
        await tx.execute(sa.text("UPDATE parked SET resolved_at = now(), resolution = 'discarded'"))
    assert await waits(engine) is None


async def test_a_report_waits_for_a_rebuild_until_a_person_says_that_it_is_whole(engine: AsyncEngine) -> None:
    events = told(months=1)
    await hear(engine, events)
    await commands.empty(engine)
    await hear(engine, events[: len(events) // 2])
    found = await waits(engine)
    assert found is not None
    assert found.reason == "what is counted is being built again"
    with pytest.raises(NotReadyError):
        await publish_due(engine, now=OCTOBER, terms=the_terms())
    assert await say_ready(engine, AsyncMock(return_value=9), OCTOBER) == "9 messages are not counted yet"
    assert await waits(engine) is not None
    await hear(engine, events[len(events) // 2 :])
    assert await say_ready(engine, nothing_unread, OCTOBER) == ""
    assert await waits(engine) is None
    assert await all_reports(engine) == [("contract", "2024-09", 1)]


@pytest.mark.usefixtures("empty_topics")
async def test_the_commands_say_what_is_missing_and_what_came_out(
    engine: AsyncEngine,
    stack: Servers,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {**settings, "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers}.items():
        monkeypatch.setenv(name if name.isupper() else f"PIR_{name.upper()}", str(value))
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers())

    async def run(*words: str) -> tuple[int, str]:
        arguments = parser.parse_args(words)
        return await arguments.run(engine, arguments), capsys.readouterr().out

    async def kafka_says() -> bool:
        """A new broker knows of no groups for a moment."""
        return await unread(Brokers(stack.kafka_bootstrap_servers), service="metrics", topics=TOPICS) == 0

    await eventually(kafka_says, what="Kafka says that nothing is unread")
    await hear(engine, told(months=1))
    assert (await run("rebuild", "--yes"))[0] == 0
    await hear(engine, told(months=1))
    assert await run("publish") == (1, "reports wait: what is counted is being built again\n")
    status, said = await run("ready", "--yes")
    assert (status, said.startswith("ready: ")) == (0, True)
    status, said = await run("publish")
    assert (status, "contract 2024-09" in said.splitlines()) == (0, True)


async def test_no_correction_is_made_of_half_a_rebuild(engine: AsyncEngine) -> None:
    events = told(months=2)
    await hear(engine, events)
    assert await waits(engine) is None
    await commands.empty(engine)
    await hear(engine, events[: len(events) // 2])
    assert await waits(engine, now=NOVEMBER.replace(month=12)) is not None
    assert {version for _, _, version in await all_reports(engine)} == {1}


async def test_a_rebuild_waits_for_the_report_that_is_being_made(engine: AsyncEngine) -> None:
    """Or its rows would be gone under it: TRUNCATE does not wait for those who have seen nothing of the table yet."""
    await hear(engine, told(months=1))
    async with one_moment(engine).connect() as tx:
        await lock_ready(tx)
        emptying = asyncio.create_task(commands.empty(engine))
        await asyncio.sleep(0.3)
        assert not emptying.done()
        assert await tx.scalar(sa.text("SELECT count(*) FROM referral"))
    await emptying
    async with one_moment(engine).connect() as tx:
        with pytest.raises(NotReadyError):
            await lock_ready(tx)


async def test_where_nothing_is_due_nobody_is_asked(engine: AsyncEngine) -> None:
    unread = AsyncMock(return_value=7)
    assert await waits(engine, unread) is None
    await hear(engine, told(months=1))
    assert await waits(engine, unread, now=datetime(2024, 10, 4, 12, 0, tzinfo=UTC)) is None
    unread.assert_not_awaited()


async def test_emptied_and_told_again_the_rows_are_the_same_and_the_reports_have_stayed(engine: AsyncEngine) -> None:
    events = told(months=2)
    await hear(engine, events)
    await publish_due(engine, now=NOW, terms=the_terms())
    before, reports = await contents(engine), await all_reports(engine)
    assert all(before[name] for name in ("referral", "work_item", "message", "totals"))
    await commands.empty(engine)
    assert not any((await contents(engine)).values())
    assert await all_reports(engine) == reports
    await hear(engine, events)
    assert await contents(engine) == before
