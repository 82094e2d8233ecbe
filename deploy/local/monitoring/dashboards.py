"""The dashboards of deploy/grafana as the boards read them; whatever a board could not draw is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from deploy.local.monitoring.configuration import DASHBOARDS
from deploy.local.monitoring.units import UNITS

KINDS: Final = frozenset({"stat", "timeseries", "bargauge", "table", "text"})
COLOURS: Final = {"green": "#007f3b", "orange": "#b35900", "red": "#c8102e", "blue": "#005eb8"}
"""Grafana's names that our thresholds use; each has 4.5 to 1 on white."""
VARIABLE: Final = "$service"
_QUERY: Final = 'label_values(up{job="pir"}, service)'
_WHAT_TO_DO: Final = "What to do: "


class UnknownPartError(ValueError):
    """A part of a dashboard that the boards don't know: teach them, or the picture would be wrong."""


@dataclass(frozen=True, slots=True)
class Limit:
    """From `value` on it is `colour`; None is from the beginning."""

    value: float | None
    colour: str


@dataclass(frozen=True, slots=True)
class Target:
    """PromQL, and how its series are called (`{{label}}`)."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class DrawnPanel:
    """`width` of 24 columns; `most` is the top of the scale; `alerts` are those with a link to their runbook."""

    kind: str
    title: str
    description: str
    width: int
    unit: str = "short"
    limits: tuple[Limit, ...] = ()
    most: float | None = None
    targets: tuple[Target, ...] = ()
    alerts: tuple[str, ...] = ()
    is_stacked: bool = False
    hidden: frozenset[str] = frozenset()
    markdown: str = ""

    def colour(self, value: float) -> str:
        """The one of the last limit that is reached."""
        reached = [limit.colour for limit in self.limits if limit.value is None or value >= limit.value]
        return reached[-1] if reached else "green"


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading, which may be empty."""

    title: str
    panels: tuple[DrawnPanel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One file. `chooses_service`: its queries have the variable `$service`."""

    uid: str
    title: str
    description: str
    sections: tuple[Section, ...]
    chooses_service: bool = False

    @property
    def panels(self) -> list[DrawnPanel]:
        return [panel for section in self.sections for panel in section.panels]


@cache
def boards(folder: Path = DASHBOARDS) -> dict[str, Board]:
    """Every board by its uid, in the order of their titles. Raises UnknownPartError."""
    found = [read(json.loads(file.read_text(encoding="utf-8"))) for file in folder.glob("*.json")]
    return {board.uid: board for board in sorted(found, key=lambda board: board.title)}


def read(whole: Mapping[str, Any]) -> Board:
    """A dashboard as Grafana's JSON has it. Raises UnknownPartError for what the boards can't draw."""
    variables = [(each["name"], each.get("query")) for each in whole["templating"].get("list", [])]
    if variables not in ([], [(VARIABLE[1:], _QUERY)]):
        raise UnknownPartError(f"{whole['title']}: variables {variables}")
    sections: list[tuple[str, list[DrawnPanel]]] = [("", [])]
    for each in whole["panels"]:
        if each["type"] == "row":
            sections.append((each.get("title", ""), []))
        else:
            sections[-1][1].append(_panel(each))
    made = tuple(Section(title, tuple(panels)) for title, panels in sections if panels)
    return Board(whole["uid"], whole["title"], whole["description"], made, bool(variables))


def _panel(each: Mapping[str, Any]) -> DrawnPanel:
    title, kind = each["title"], each["type"]
    if kind not in KINDS:
        raise UnknownPartError(f"{title}: panel {kind}")
    if kind == "text":
        return DrawnPanel(kind, title, "", each["gridPos"]["w"], markdown=each["options"]["content"])
    if each.get("transformations"):
        raise UnknownPartError(f"{title}: transformations")
    defaults = each["fieldConfig"]["defaults"]
    if defaults["unit"] not in UNITS:
        raise UnknownPartError(f"{title}: unit {defaults['unit']}")
    steps = tuple(Limit(step["value"], step["color"]) for step in defaults["thresholds"]["steps"])
    if unknown := {step.colour for step in steps} - COLOURS.keys():
        raise UnknownPartError(f"{title}: colours {unknown}")
    return DrawnPanel(
        kind,
        title,
        each["description"],
        each["gridPos"]["w"],
        unit=defaults["unit"],
        limits=steps,
        most=defaults.get("max"),
        targets=tuple(Target(target["expr"], target.get("legendFormat", "")) for target in each["targets"]),
        alerts=tuple(link["title"].removeprefix(_WHAT_TO_DO) for link in each.get("links", [])),
        is_stacked=defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal",
        hidden=frozenset(_hidden(each)),
    )


def _hidden(each: Mapping[str, Any]) -> list[str]:
    found = []
    for override in each["fieldConfig"].get("overrides") or []:
        if override["matcher"]["id"] != "byName" or [part["id"] for part in override["properties"]] != [
            "custom.hidden"
        ]:
            raise UnknownPartError(f"{each['title']}: override {override}")
        found.append(override["matcher"]["options"])
    return found


def boards_of(alert: str) -> list[Board]:
    """Where panels show what the alert looks at."""
    return [board for board in boards().values() if any(alert in panel.alerts for panel in board.panels)]
