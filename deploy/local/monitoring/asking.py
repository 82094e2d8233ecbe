"""Questions to Prometheus, as Grafana asks them for a panel."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from deploy.local.monitoring.dashboards import VARIABLE, Target
from deploy.local.monitoring.processes import LOOK_SECONDS

POINTS: Final = 180
"""Of one line: what a panel has room for."""
SECONDS: Final = 10
_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` in seconds since 1970, with a point every `step` seconds."""

    start: float
    end: float

    @property
    def step(self) -> int:
        return max(1, round((self.end - self.start) / POINTS))

    @property
    def rate_interval(self) -> str:
        """Grafana's `$__rate_interval`: at least four looks, so that two lie within."""
        return f"{max(self.step + LOOK_SECONDS, 4 * LOOK_SECONDS)}s"


@dataclass(frozen=True, slots=True)
class Series:
    """`points` are (seconds since 1970, value) in their order, without those that are no number."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that fires now."""

    name: str
    severity: str
    summary: str
    since: datetime


class PrometheusApi:
    """Raises httpx.HTTPError when it does not answer, or does not take a question."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=SECONDS)

    def over(self, target: Target, span: Span, service: str) -> list[Series]:
        """The course of each series that has a number in the span, by name."""
        asked = {"start": span.start, "end": span.end, "step": span.step}
        found = self._ask("query_range", {"query": _filled(target, span, service), **asked})["result"]
        return _series(target, ((each["metric"], each["values"]) for each in found))

    def now(self, target: Target, span: Span, service: str) -> list[Series]:
        """Each series as it stands at the end of the span, in the order of the answer."""
        found = self._ask("query", {"query": _filled(target, span, service), "time": span.end})["result"]
        return _series(target, ((each["metric"], [each["value"]]) for each in found))

    def services(self) -> list[str]:
        """What `$service` may be, by name."""
        found = self._ask("label/service/values", {"match[]": 'up{job="pir"}'})
        return sorted(str(each) for each in found)

    def firing(self) -> list[Firing]:
        """What fires now, the pages first; the Watchdog is left out, which always does."""
        found = [
            Firing(
                name=each["labels"]["alertname"],
                severity=each["labels"]["severity"],
                summary=each["annotations"]["summary"],
                since=_moment(each["activeAt"]),
            )
            for each in self._ask("alerts", {})["alerts"]
            if each["state"] == "firing" and each["labels"]["severity"] != "none"
        ]
        return sorted(found, key=lambda alert: (alert.severity, alert.name, alert.summary))

    def close(self) -> None:
        self._client.close()

    def _ask(self, what: str, parameters: Mapping[str, Any]) -> Any:
        answer = self._client.get(f"/api/v1/{what}", params=parameters)
        return answer.raise_for_status().json()["data"]


def _moment(text: str) -> datetime:
    """Prometheus writes nanoseconds, in UTC; whole seconds are enough."""
    return datetime.fromisoformat(text.partition(".")[0].removesuffix("Z")).replace(tzinfo=UTC)


def _filled(target: Target, span: Span, service: str) -> str:
    return target.expression.replace("$__rate_interval", span.rate_interval).replace(VARIABLE, service)


def _series(target: Target, found: Any) -> list[Series]:
    made = []
    for labels, values in found:
        points = tuple((float(at), float(text)) for at, text in values if math.isfinite(float(text)))
        if points:
            made.append(Series(_name(target, labels), labels, points))
    return made


def _name(target: Target, labels: Mapping[str, str]) -> str:
    return _LABEL.sub(lambda label: labels.get(label[1], ""), target.legend)
