"""Metrics, dashboards, alerts and runbooks: that they fit together, checked without Prometheus or Grafana."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from deploy.monitoring.__main__ import BOARDS, FOLDER, written
from deploy.monitoring.alerts import Alert, alerts, conditions_of
from deploy.monitoring.panels import Looks, Query, lines, number
from services.metrics import measures as _of_metrics  # noqa: F401  they make the metrics
from services.notify import measures as _of_notify  # noqa: F401
from services.triage import measures as _of_triage  # noqa: F401
from tests.architecture.queries import labels_in, metrics_in

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
PARTS = ("What it means", "Who notices", "What to look at", "What to do", "How to know it is over")
LABELS = {
    *("cause", "kind", "loop", "method", "mode", "part", "route", "schema", "server", "stage", "state"),
    *("status", "topic", "type", "urgency"),
}
"""Of all metrics; each takes its values from a fixed list. One more is a decision: no id, no value, no person."""
OF_PROMETHEUS = {"job", "instance", "service", "alertstate", "alertname", "severity", "le", "generation"}


def ours() -> list[MetricWrapperBase]:
    """Every metric that some module of ours makes."""
    found = {each for each in REGISTRY._collector_to_names if isinstance(each, MetricWrapperBase)}
    return sorted((each for each in found if each._name.startswith("pir_")), key=lambda each: each._name)


def series() -> dict[str, set[str]]:
    """As Prometheus stores them, with their labels."""
    ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    own = {each._name + end: set(each._labelnames) for each in ours() for end in ends[each._type]}
    process = {
        sample.name: set(sample.labels)
        for family in REGISTRY.collect()
        if family.name.startswith(("process_", "python_"))
        for sample in family.samples
    }
    return own | process | {"up": set(), "ALERTS": set()}


def panels() -> list[Any]:
    boards = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in BOARDS}
    return [
        pytest.param(panel, id=f"{name}: {panel['title']}")
        for name, board in boards.items()
        for panel in board["panels"]
        if panel["type"] not in ("row", "text")
    ]


def check_names(expression: str) -> None:
    known = series()
    names = metrics_in(expression)
    assert names <= set(known), names - set(known)
    for metric, label in labels_in(expression):
        assert label in known[metric] | OF_PROMETHEUS, (metric, label)


@pytest.mark.parametrize("metric", ours(), ids=lambda metric: metric._name)
def test_a_metric_is_named_by_the_convention_and_explained(metric: MetricWrapperBase) -> None:
    assert re.fullmatch(r"pir(_[a-z]+)+", metric._name)
    assert not re.search(r"_(ms|milliseconds|minutes|hours|days|kb|mb|percent|total)$", metric._name)
    assert len(metric._documentation) > 15
    assert set(metric._labelnames) <= LABELS


@pytest.mark.parametrize("metric", ours(), ids=lambda metric: metric._name)
def test_a_metric_stands_in_the_table_for_operators(metric: MetricWrapperBase) -> None:
    name = metric._name + ("_total" if metric._type == "counter" else "")
    assert f"`{name}" in (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_the_dashboards_are_what_the_code_makes() -> None:
    committed = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert committed == written(), "run `make dashboards`"


def test_grafana_opens_with_a_dashboard_that_is_there() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    [home] = re.findall(r"HOME_DASHBOARD_PATH: /etc/pir/dashboards/(\S+)", compose)
    assert (FOLDER / home).is_file()


@pytest.mark.parametrize("name", BOARDS)
def test_panels_of_a_dashboard_are_told_apart(name: str) -> None:
    board = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    numbers = [panel["id"] for panel in board["panels"]]
    assert numbers == list(range(1, len(numbers) + 1))
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(titles)) == len(titles)


def test_dashboards_have_addresses_of_their_own() -> None:
    boards = [json.loads(content) for content in written().values()]
    assert len({board["uid"] for board in boards}) == len(boards) == 5


@pytest.mark.parametrize("panel", panels())
def test_a_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == list("ABCDEF"[: len(letters)])
    assert letters


@pytest.mark.parametrize("panel", panels())
def test_a_panel_asks_only_for_what_is_measured(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        check_names(target["expr"])


@pytest.mark.parametrize("alert", alerts().values(), ids=alerts())
def test_an_alert_asks_only_for_what_is_measured(alert: Alert) -> None:
    check_names(alert.expression)


OF_EACH_COPY = {"pir_consumer_lag_messages", "pir_consumer_partitions", "pir_loop_lag_seconds", "pir_server_up"} | {
    f"pir_{name}" for name in ("database_connections", "database_connections_limit", "measured_timestamp_seconds")
}
OF_THE_DISK = {"pir_disk_free_bytes", "pir_disk_size_bytes"}
FROM_ROWS = {each._name for each in ours() if each._type == "gauge"} - OF_EACH_COPY - OF_THE_DISK
"""Gauges that every copy of a service sets to the same, from the same rows."""


@pytest.mark.parametrize(
    "expression",
    [alert.expression for alert in alerts().values()]
    + [target["expr"] for panel in panels() for target in panel.values[0]["targets"]],
)
def test_what_every_copy_measures_of_the_same_rows_counts_once(expression: str) -> None:
    """`max` of it, over all copies; only then may several lists be added up."""
    for name in metrics_in(expression) & FROM_ROWS:
        for found in re.finditer(rf"{name}\b", expression):
            assert re.search(r"\bmax ?(by \([a-z, ]+\) )?\((delta\()?$", expression[: found.start()]), name


@pytest.mark.parametrize("alert", alerts().values(), ids=alerts())
def test_an_alert_says_how_urgent_it_is_and_what_to_read(alert: Alert) -> None:
    assert alert.severity in (("none",) if alert.name == "Watchdog" else ("page", "ticket"))
    assert alert.summary
    assert alert.runbook == f"docs/runbooks/{alert.name}.md"


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {file.stem for file in RUNBOOKS.glob("*")} == set(alerts())


@pytest.mark.parametrize("name", alerts())
def test_a_page_says_what_whoever_is_woken_needs(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}: ")
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == PARTS
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert all(len(part.strip()) > 10 for part in parts)


@pytest.mark.parametrize("name", alerts())
def test_a_page_leads_to_pages_and_panels_that_exist(name: str) -> None:
    text = " ".join((RUNBOOKS / f"{name}.md").read_text(encoding="utf-8").split())
    links = re.findall(r"\[(\w+)\]\((\w+)\.md\)", text)
    assert all(words == file and file in alerts() for words, file in links)
    named = re.findall(r'panels? ((?:"[^"]+"(?:, | and )?)+)', text, re.IGNORECASE)
    titles = {panel.values[0]["title"] for panel in panels()}
    asked = {title for group in named for title in re.findall(r'"([^"]+)"', group)}
    assert asked <= titles, asked - titles


def test_every_alert_but_the_heartbeat_is_drawn_on_a_panel() -> None:
    linked = {
        link["title"].rpartition(": ")[2] for panel in panels() for link in panel.values[0].get("links", []) or []
    }
    assert linked == set(alerts()) - {"Watchdog"}


def test_a_link_of_a_panel_leads_to_the_page_of_its_alert() -> None:
    runbooks = json.loads((FOLDER / "runbooks.json").read_text(encoding="utf-8"))
    pages = {panel["id"]: panel["title"] for panel in runbooks["panels"]}
    for panel in panels():
        for link in panel.values[0].get("links", []) or []:
            place = int(link["url"].removeprefix(f"/d/{runbooks['uid']}?viewPanel="))
            assert pages[place].startswith(link["title"].rpartition(": ")[2] + ": ")


def test_a_rule_without_a_limit_is_refused() -> None:
    assert [condition.limit for condition in conditions_of("a > 1 and sum(b) == 0")] == [1, 0]
    with pytest.raises(ValueError, match="no limit"):
        conditions_of("absent(a)")


@pytest.mark.parametrize("joined", ["or", "unless", "and on (service)", "and ignoring (route)"])
def test_a_rule_whose_conditions_need_not_all_hold_is_refused(joined: str) -> None:
    with pytest.raises(ValueError, match="only `and` joins"):
        conditions_of(f"sum(a) > 1 {joined} sum(b) > 2")


def test_what_is_joined_within_a_measure_is_part_of_it() -> None:
    [condition] = conditions_of("sum(a or b) > 1")
    assert condition.measure == "sum(a or b)"


def test_a_panel_takes_six_queries_and_refuses_a_seventh() -> None:
    made = lines("Many", "A line each.", *[Query("up")] * 6, looks=Looks()).build()
    assert [target.ref_id for target in made.targets] == list("ABCDEF")
    with pytest.raises(ValueError, match="Many: 7 queries"):
        lines("Many", "A line each.", *[Query("up")] * 7, looks=Looks())


def test_a_panel_is_coloured_by_the_limits_of_its_alerts() -> None:
    def watched(*names: str) -> list[tuple[float | None, str]]:
        made = number("Watched", "Coloured.", Query("up"), looks=Looks(), watched_by=names).build()
        return [(step.value, step.color) for step in made.field_config.defaults.thresholds.steps]

    assert watched("ConsumerBehind", "ReferralNotDecided") == [(None, "green"), (60, "red"), (1000, "orange")]
    assert watched("DiskFilling", "DiskAlmostFull") == [(None, "red"), (0.05, "orange"), (0.15, "green")]
    assert watched("ServiceDown") == [(None, "red"), (1, "green")]


@pytest.mark.parametrize(
    "names",
    [
        ("ServiceDown", "ClockLate"),
        ("ClockLate", "ServiceDown"),
        ("LoopLag", "DiskFilling"),
        ("DiskFilling", "NobodyReads"),
    ],
)
def test_alerts_that_compare_differently_are_not_drawn_on_one_panel(names: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=", ".join(names)):
        number("Watched", "Coloured.", Query("up"), looks=Looks(), watched_by=names)


def test_an_alert_is_tried_both_firing_and_silent() -> None:
    """Watchdog has to fire whatever happens."""
    yaml = pytest.importorskip("ruamel.yaml").YAML(typ="safe")
    tried: dict[str, set[bool]] = {}
    for file in (ROOT / "tests" / "monitoring" / "rules").glob("*.yml"):
        for group in yaml.load(file.read_text(encoding="utf-8"))["tests"]:
            for case in group["alert_rule_test"]:
                tried.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
    assert tried == {name: {True} if name == "Watchdog" else {True, False} for name in alerts()}
