"""Every query of every panel and rule, asked of a real Prometheus that scrapes the running services: each has data."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import pytest

from deploy.monitoring.__main__ import BOARDS, FOLDER
from deploy.monitoring.alerts import alerts
from tests.monitoring.watching import Watching

WINDOW: Final = "15m"
"""Instead of Grafana's `$__rate_interval`: all that has happened here lies within."""


def queries() -> list[Any]:
    """Of the dashboards as they are committed."""
    found = []
    for name in BOARDS:
        for panel in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                where = f"{name}: {panel['title']} {target['refId']}"
                found.append(pytest.param(target["expr"], id=where))
    return found


def as_grafana_asks(expression: str) -> str:
    """With every service chosen."""
    expression = expression.replace("$__rate_interval", WINDOW).replace("$service", ".*")
    assert "$" not in expression
    return expression


def values(series: list[dict[str, Any]]) -> list[float]:
    """Without NaN, which is what Prometheus makes of nothing divided by nothing."""
    return [value for each in series if not math.isnan(value := float(each["value"][1]))]


@pytest.mark.parametrize("expression", queries())
def test_a_panel_has_data(expression: str, lived_through: Watching) -> None:
    assert values(lived_through.query(as_grafana_asks(expression)))


@pytest.mark.parametrize(
    "measure",
    [
        pytest.param(condition.measure, id=f"{alert.name} {number}")
        for alert in alerts().values()
        for number, condition in enumerate(alert.conditions, 1)
    ],
)
def test_what_an_alert_looks_at_has_data(measure: str, lived_through: Watching) -> None:
    """Without its limit: a rule that looks at nothing would never fire, and nobody would know."""
    assert values(lived_through.query(measure))


@pytest.mark.parametrize("alert", alerts())
def test_prometheus_evaluates_the_alert_without_a_fault(alert: str, lived_through: Watching) -> None:
    reply = lived_through.rules()[alert]
    assert (reply["health"], reply.get("lastError", "")) == ("ok", "")


def test_the_choice_of_services_knows_all_four(lived_through: Watching) -> None:
    found = {each["metric"]["service"] for each in lived_through.query('up{job="pir"}')}
    assert found == {"referral", "triage", "notify", "metrics"}
