"""The boards of `make run`: the dashboards that ship can be drawn, and what could not be drawn is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from deploy.local.monitoring import drawing, past
from deploy.local.monitoring.asking import Series, Span
from deploy.local.monitoring.configuration import DASHBOARDS
from deploy.local.monitoring.dashboards import KINDS, DrawnPanel, Limit, UnknownPartError, boards, boards_of, read
from deploy.local.monitoring.page import _limits, _prose
from deploy.local.monitoring.receiver import in_words
from deploy.local.monitoring.units import UNITS, round_top
from deploy.monitoring.alerts import alerts

FILES = sorted(DASHBOARDS.glob("*.json"))
SPAN = Span(1_000_000.0, 1_000_000.0 + 6 * 3600)


def a_dashboard() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads((DASHBOARDS / "service-health.json").read_text(encoding="utf-8"))
    return deepcopy(whole)


def a_panel(**changes: Any) -> DrawnPanel:
    usual: dict[str, Any] = {"kind": "timeseries", "title": "Lag", "description": "", "width": 8, "unit": "s"}
    return DrawnPanel(**usual | changes)


def a_series(*values: float, name: str = "triage") -> Series:
    return Series(name, {}, tuple((SPAN.start + SPAN.step * at, value) for at, value in enumerate(values)))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_panel_of_a_dashboard_is_on_its_board(file: Path) -> None:
    whole = json.loads(file.read_text(encoding="utf-8"))
    titles = [panel["title"] for panel in whole["panels"] if panel["type"] != "row"]
    assert [panel.title for panel in boards()[whole["uid"]].panels] == titles


def test_the_dashboards_that_ship_use_every_kind_and_unit_that_the_boards_know() -> None:
    shipped = [panel for board in boards().values() for panel in board.panels]
    assert {panel.kind for panel in shipped} == KINDS
    assert {panel.unit for panel in shipped} == UNITS.keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["type"], "heatmap"),
        (["fieldConfig", "defaults", "unit"], "celsius"),
        (["fieldConfig", "defaults", "thresholds", "steps", 0, "color"], "mauve"),
        (["transformations"], [{"id": "merge"}]),
    ],
    ids=["kind", "unit", "colour", "transformation"],
)
def test_what_the_boards_could_not_draw_is_refused(path: list[Any], value: Any) -> None:
    whole = a_dashboard()
    part = next(panel for panel in whole["panels"] if panel["type"] == "stat")
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(UnknownPartError):
        read(whole)


def test_a_variable_that_the_boards_do_not_know_is_refused() -> None:
    whole = a_dashboard()
    whole["templating"]["list"][0]["name"] = "instance"
    with pytest.raises(UnknownPartError):
        read(whole)


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        ("short", 0, "0"),
        ("short", 12_345, "12,345"),
        ("short", 0.25, "0.25"),
        ("s", 0, "0 s"),
        ("s", 0.0123, "12.3 ms"),
        ("s", 90, "90 s"),
        ("s", 300, "5 min"),
        ("s", 28_800, "8 h"),
        ("s", 259_200, "3 days"),
        ("percentunit", 0.153, "15.3 %"),
        ("bytes", 419_430_400, "400 MiB"),
        ("reqps", 1.5, "1.5 req/s"),
        ("ops", 2, "2 /s"),
    ],
)
def test_a_value_is_written_with_its_unit(unit: str, value: float, written: str) -> None:
    assert UNITS[unit](value) == written


@pytest.mark.parametrize(
    ("unit", "most", "top"),
    [
        ("short", 0, 1),
        ("short", 7, 8),
        ("short", 81, 100),
        ("short", 0.3, 0.4),
        ("s", 1000, 1200),
        ("s", 86_400, 144_000),
        ("bytes", 130 * 1024**2, 200 * 1024**2),
        ("bytes", 1023, 2000),
    ],
)
def test_the_top_of_a_scale_is_round_in_its_unit(unit: str, most: float, top: float) -> None:
    assert round_top(unit, most) == pytest.approx(top)


def test_a_course_has_a_line_a_series_and_says_its_values_in_words() -> None:
    series = [a_series(1, 2, 3), a_series(4, 5, 60, name="notify")]
    root = ET.fromstring(drawing.course("p-lag", a_panel(), series, SPAN))
    assert len(root.findall(".//polyline")) == 2
    assert root.findtext("desc") == "Latest: triage 3 s, notify 60 s."
    assert root.findtext("title") == "Lag"


def test_a_line_is_broken_where_values_are_missing() -> None:
    step = SPAN.step
    points = tuple((SPAN.start + step * at, 1.0) for at in (0, 1, 2, 9, 10, 20))
    root = ET.fromstring(drawing.course("p-lag", a_panel(), [Series("triage", {}, points)], SPAN))
    assert len(root.findall(".//polyline")) == 3


def test_stacked_series_stand_on_each_other() -> None:
    panel = a_panel(is_stacked=True, most=10)
    root = ET.fromstring(drawing.course("p-lag", panel, [a_series(2, 2), a_series(3, 3)], SPAN))
    heights = [re.findall(r",([\d.]+)", line.get("points", "")) for line in root.findall(".//polyline")]
    assert heights == [["104.0", "104.0"], ["65.0", "65.0"]]  # 2 and 2 + 3 of 10, from above, of 130


def test_a_limit_is_a_dashed_line_where_the_scale_reaches_it() -> None:
    limits = (Limit(None, "green"), Limit(50, "orange"), Limit(5000, "red"))
    root = ET.fromstring(drawing.course("p-lag", a_panel(limits=limits), [a_series(10, 90)], SPAN))
    dashed = [line.get("stroke") for line in root.findall("line") if line.get("stroke-dasharray")]
    assert dashed == ["#b35900"]


def test_a_bar_is_as_long_as_its_share_of_the_scale_and_coloured_by_its_limit() -> None:
    panel = a_panel(kind="bargauge", unit="short", most=1, limits=(Limit(None, "red"), Limit(1, "green")))
    root = ET.fromstring(drawing.bars("p-up", panel, [a_series(1), a_series(0, name="notify")]))
    found = [(bar.get("width"), bar.get("fill")) for bar in root.findall("rect")][1::2]
    assert found == [("100.00%", "#007f3b"), ("0.00%", "#c8102e")]


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", 'a" onload="x', "a & b"])
def test_a_name_is_text_and_no_markup(hostile: str) -> None:
    root = ET.fromstring(drawing.bars("p-up", a_panel(unit="short"), [a_series(1, name=hostile)]))
    assert {each.tag for each in root.iter()} == {"svg", "title", "desc", "text", "rect"}
    assert root.findtext("text") == hostile


def test_limits_are_told_in_words_whichever_way_they_go() -> None:
    assert _limits(a_panel(limits=(Limit(None, "green"), Limit(300, "red")))) == "Alert above 5 min."
    assert _limits(
        a_panel(unit="percentunit", limits=(Limit(None, "red"), Limit(0.05, "orange"), Limit(0.15, "green")))
    ) == ("Alert below 15 %, 5 %.")
    assert _limits(a_panel(limits=(Limit(None, "green"),))) == ""


def test_a_runbook_links_to_the_panel_of_another_and_to_no_page_that_is_not_served() -> None:
    written = _prose("See [KafkaAway](KafkaAway.md) and [keys](../operations.md#keys).\n\n## Now\n\n    ls <x>\n")
    assert '<a href="#KafkaAway">KafkaAway</a>' in written
    assert "<em>keys</em>" in written
    assert "<h3>Now</h3>" in written
    assert '<pre tabindex="0"><code>ls &lt;x&gt;' in written


def test_every_alert_but_the_heartbeat_leads_to_a_board() -> None:
    without = {name for name in alerts() if not boards_of(name)}
    assert without <= {"Watchdog"}


def test_an_alert_is_one_line_with_what_to_do_however_many_series_it_has() -> None:
    alert = {
        "status": "firing",
        "labels": {"alertname": "ServiceDown", "severity": "page", "service": "triage"},
        "annotations": {"summary": "The triage service does not answer", "runbook": "docs/runbooks/ServiceDown.md"},
    }
    other = alert | {"annotations": {"summary": "The notify service does not answer", "runbook": "docs/runbooks/x.md"}}
    [line] = in_words([alert, other], "http://127.0.0.1:8007")
    assert line == (
        "ALERT (page) ServiceDown: The triage service does not answer (and 1 more). What to do: "
        "docs/runbooks/ServiceDown.md or http://127.0.0.1:8007/boards/pir-runbooks#ServiceDown"
    )
    over = in_words([alert | {"status": "resolved"}], "http://127.0.0.1:8007")
    assert over == ["ALERT OVER ServiceDown: The triage service does not answer"]


def test_the_past_counts_what_the_rows_tell_of_each_moment() -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)

    def ago(hours: float) -> float:
        return (now - timedelta(hours=hours)).timestamp()

    known = past.Known(
        stages={"received": [ago(60), ago(30), ago(1)]},
        messages={"receipt": [ago(30)]},
        items={"pir_short": [(ago(60), ago(3)), (ago(30), None)]},
    )
    targets = {"triage": "a:1", "notify": "b:1", "metrics": "c:1"}
    text = "\n".join(past.openmetrics(known, targets, now))
    at = {hours: f"{ago(hours):.3f}" for hours in (48, 24, 2)}
    received = 'pir_referrals{stage="received",instance="c:1",job="pir",service="metrics"}'
    waiting = 'pir_queue_items{route="pir_short",instance="a:1",job="pir",service="triage"}'
    oldest = waiting.replace("items", "oldest_seconds")
    assert f"{received} 1 {at[48]}" in text
    assert f"{received} 2 {at[2]}" in text
    assert f"{waiting} 1 {at[48]}" in text
    assert f"{waiting} 2 {at[24]}" in text
    assert f"{waiting} 1 {at[2]}" in text
    assert f"{oldest} {36 * 3600} {at[24]}" in text
    assert text.count("pir_messages_total{") == past.SPAN // past.STEP
    assert text.endswith("# EOF")


def test_a_run_that_asks_for_no_monitoring_loads_nothing_of_it() -> None:
    code = "import sys, deploy.local.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    parts = ("deploy.local.monitoring", "services", "jinja2", "markdown_it", "ruamel", "markupsafe")
    assert [name for name in loaded if name.startswith(parts)] == []
