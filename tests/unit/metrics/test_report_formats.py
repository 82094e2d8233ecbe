"""Files to take along: made once, beside the event loop, so that nobody waits behind another's."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import Any, cast

import pytest

from services.metrics.reports import formats
from services.metrics.reports.formats import Format, ReportFiles
from services.metrics.reports.model import ReportKind
from services.metrics.reports.store import ReportResult, ReportStore
from tests.unit.metrics.report_examples import a_contract_report, a_heading, a_need_report

CONTRACT, NEED = ReportResult(a_contract_report()), ReportResult(a_need_report())


class Writer:
    """Stands for the writer of workbooks; those of the contract come when they `may_end`."""

    def __init__(self) -> None:
        self.may_end = Event()
        self.written: list[str] = []

    def write(self, report: Any) -> bytes:
        if report.heading.kind is ReportKind.CONTRACT:
            assert self.may_end.wait(timeout=10)
        self.written.append(report.heading.period)
        return f"workbook {len(self.written)}".encode()


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    made = Writer()
    for kind in ReportKind:
        monkeypatch.setitem(formats.MAKING, (kind, Format.XLSX), made.write)
    return made


@pytest.fixture
def desk() -> ReportFiles:
    return ReportFiles(cast("ReportStore", None))


async def begun(desk: ReportFiles, found: ReportResult) -> asyncio.Task[bytes]:
    """A workbook that is asked for, and not there yet."""
    asked = asyncio.create_task(desk.content(found, Format.XLSX))
    await asyncio.sleep(0)
    return asked


async def test_a_workbook_is_made_once(desk: ReportFiles, writer: Writer) -> None:
    writer.may_end.set()
    assert [await desk.content(CONTRACT, Format.XLSX) for _ in range(2)] == [b"workbook 1"] * 2


async def test_every_version_has_a_workbook_of_its_own(desk: ReportFiles, writer: Writer) -> None:
    writer.may_end.set()
    next_one = ReportResult(a_contract_report(heading=a_heading(version=9)))
    assert [await desk.content(found, Format.XLSX) for found in (CONTRACT, next_one)] == [b"workbook 1", b"workbook 2"]


async def test_lines_never_wait_behind_a_workbook(desk: ReportFiles, writer: Writer) -> None:
    asked = await begun(desk, CONTRACT)
    async with asyncio.timeout(5):
        assert await desk.content(CONTRACT, Format.CSV)
    writer.may_end.set()
    await asked


async def test_a_workbook_that_is_there_never_waits_behind_another(desk: ReportFiles, writer: Writer) -> None:
    there = await desk.content(NEED, Format.XLSX)
    asked = await begun(desk, CONTRACT)
    async with asyncio.timeout(5):
        assert await desk.content(NEED, Format.XLSX) == there
    writer.may_end.set()
    await asked
