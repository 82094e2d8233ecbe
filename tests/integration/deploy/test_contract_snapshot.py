"""What people and programs outside see of a commit, written into files, so that two commits can be compared.

`make snapshot` writes to var/snapshot; `make snapshot AGAINST=folder` fails where a file differs from an earlier
snapshot's, and says where. For a change that should move code and change nothing. Ids, tokens and times differ between
two runs and are left out.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import runpy
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from openpyxl import load_workbook
from prometheus_client import REGISTRY

from services.metrics.reports.formats import MAKING, Format
from services.metrics.reports.model import ReportKind
from tests.backups import run
from tests.integration.all_services import NAMES, all_services
from tests.integration.behind import Behind
from tests.integration.metrics.test_report_pages import engine
from tests.integration.report_site import a_site, publish
from tests.integration.triage.test_reading import desk, pages_of
from tests.servers import Servers
from tests.unit.metrics.report_examples import a_contract_report, a_need_report, an_equality_report

__all__ = ["desk", "engine"]

FOLDER: Final = Path(os.environ.get("PIR_SNAPSHOT") or "var/snapshot")
EARLIER: Final = os.environ.get("PIR_SNAPSHOT_BEFORE")
REPORTS: Final[dict[ReportKind, Callable[[], Any]]] = {
    ReportKind.CONTRACT: a_contract_report,
    ReportKind.EQUALITY: an_equality_report,
    ReportKind.NEED: a_need_report,
}
REPORT_PAGES: Final = ("/", "/reports", "/reports/contract/2026-06", "/about", "/export")
PASSING: Final = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"PIR-[0-9A-Z]{3}-[0-9A-Z]{3}"), "<reference>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d\d\b"), "<clock>"),
    (re.compile(r"\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"), "<weekday>"),
    (
        re.compile(
            r"\b\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December)"
            r"( \d{4})?"
        ),
        "<day>",
    ),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "<date>"),
    (re.compile(r"\b\d+ (minutes?|hours?|working days?|days?|weeks?|months?)\b"), "<span>"),
)


def keep(name: str, text: str) -> None:
    """Write one file of the snapshot; fails when an earlier snapshot has it otherwise."""
    for pattern, word in PASSING:
        text = pattern.sub(word, text)
    file = FOLDER / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if EARLIER:
        before = Path(EARLIER, name)
        was = before.read_text(encoding="utf-8") if before.exists() else ""
        lines = difflib.unified_diff(was.splitlines(), text.splitlines(), "before", "now", lineterm="", n=1)
        if changed := "\n".join(lines):
            pytest.fail(f"{name} has changed:\n{changed}", pytrace=False)


async def test_descriptions_of_interfaces(
    intake: Behind, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with all_services(intake, settings, tmp_path, monkeypatch) as system:
        for name in NAMES:
            for path in ("openapi.json", "asyncapi"):
                answer = await system.services[name].http.get(f"/{path}")
                assert answer.status_code == 200
                file = f"{path.removesuffix('.json')}/{name}.json"
                keep(file, json.dumps(answer.json(), indent=1, sort_keys=True))
        described = [
            f"{each.type} {each.name} {sorted({tuple(sorted(sample.labels)) for sample in each.samples})}"
            for each in REGISTRY.collect()
        ]
        keep("metrics.txt", "\n".join(sorted(described)))


@pytest.mark.parametrize("service", NAMES)
def test_commands(service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """All verbs and options, read from the parser that the program itself makes."""
    found: list[argparse.ArgumentParser] = []

    def seen(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> Any:
        found.append(parser)
        raise SystemExit(0)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", seen)
    monkeypatch.setattr(sys, "argv", [service])
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        runpy.run_module(f"services.{service}", run_name="__main__")
    keep(f"commands/{service}.txt", "\n".join(_helps(found[0])))


def _helps(parser: argparse.ArgumentParser) -> list[str]:
    below = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [parser.format_help(), *(text for verbs in below for each in verbs.values() for text in _helps(each))]


def test_schema(stack: Servers, database: str, tmp_path: Path) -> None:
    assert stack.postgres
    file = tmp_path / "schema.sql"
    run(stack.postgres, "pg_dump", "--schema-only", "--no-owner", f"--file={file}", database)
    lines = file.read_text(encoding="utf-8").splitlines()
    keep("schema.sql", "\n".join(line for line in lines if not line.startswith(("--", "\\", "SET ")) and line))


async def test_pages_of_staff(desk: Any) -> None:
    for number, (path, texts) in enumerate((await pages_of(desk)).items()):
        known = re.sub(r"/items/[0-9a-f-]{36}", "item", path.partition("?")[0].lower())
        name = re.sub(r"[^a-z-]+", "-", known)[:60]
        keep(f"pages/{number:03}-{re.sub('-+', '-', name).strip('-')}.txt", "\n".join(texts))


async def test_pages_of_reports(engine: Any) -> None:
    await publish(engine, *(make() for make in REPORTS.values()))
    async with a_site(engine) as site:
        for path in REPORT_PAGES:
            answer = await site.open(path)
            name = path.strip("/").replace("/", "-") or "overview"
            keep(f"report-pages/{name}.html", f"{answer.status_code}\n{answer.text}")


@pytest.mark.parametrize("kind", ReportKind)
def test_files_of_reports(kind: ReportKind) -> None:
    report = REPORTS[kind]()
    keep(f"reports/{kind.value}.json", report.model_dump_json(indent=1))
    keep(f"reports/{kind.value}.csv", MAKING[kind, Format.CSV](report).decode())
    book = load_workbook(BytesIO(MAKING[kind, Format.XLSX](report)))
    cells = [f"{sheet.title} {cell.coordinate} {cell.value!r}" for sheet in book for row in sheet for cell in row]
    keep(f"reports/{kind.value}.xlsx.txt", "\n".join(cells))
