"""A board as a page: what fires, then every panel drawn on the server, its numbers beside it as a table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from deploy.local.monitoring import drawing
from deploy.local.monitoring.asking import PrometheusApi, Series, Span
from deploy.local.monitoring.dashboards import Board, DrawnPanel, boards, boards_of
from deploy.local.monitoring.units import UNITS
from shared.working_time import LONDON

SPANS: Final = {"15m": (15 * 60, "15 minutes"), "6h": (6 * 3600, "6 hours"), "2d": (48 * 3600, "2 days")}
"""What can be chosen: its name in the address, seconds, words."""
USUAL: Final = "6h"
EVERY: Final = ".*"
"""`$service` for all of them."""
RUNBOOKS: Final = "pir-runbooks"


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """Of the table beside a picture; values are written with their unit."""

    swatch: Markup
    name: str
    latest: str
    least: str
    most: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel as it is shown; `picture` is markup, empty without data. `is_past`: a value is past its limit."""

    ident: str
    panel: DrawnPanel
    picture: str = ""
    value: str = ""
    is_past: bool = False
    rows: tuple[DrawnRow, ...] = ()
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    limits: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.picture or self.value or self.cells)


def page(board: Board, prometheus: PrometheusApi, asked: Mapping[str, str]) -> str:
    """`asked` are `span`, `service` and `fresh` of the address; what is unknown there is taken as usual."""
    span = asked.get("span", USUAL)
    span = span if span in SPANS else USUAL
    services = prometheus.services() if board.chooses_service else []
    service = asked.get("service", EVERY)
    service = service if service in services else EVERY
    end = time.time()
    within = Span(end - SPANS[span][0], end)
    return _written(
        "board.html",
        board=board,
        boards=boards().values(),
        sections=[
            (section.title, [_shown(panel, prometheus, within, service) for panel in section.panels])
            for section in board.sections
        ],
        firing=[(alert, alert.since.astimezone(LONDON), boards_of(alert.name)) for alert in prometheus.firing()],
        spans=SPANS,
        span=span,
        services=services,
        service=service,
        is_fresh=asked.get("fresh") == "yes",
        now=drawing.moment(end, within),
    )


def silent(board: Board) -> str:
    """Instead of a board, while Prometheus does not answer."""
    return _written("silent.html", board=board)


def _shown(panel: DrawnPanel, prometheus: PrometheusApi, span: Span, service: str) -> Shown:
    ident = f"p-{'-'.join(''.join(c if c.isalnum() else ' ' for c in panel.title.lower()).split())}"
    if panel.kind == "text":
        name = panel.title.partition(":")[0]
        return Shown(name, panel, picture=_prose(panel.markdown))
    ask = prometheus.now if panel.kind in {"bargauge", "table"} else prometheus.over
    series = [each for target in panel.targets for each in ask(target, span, service)]
    limits = _limits(panel)
    if not series:
        return Shown(ident, panel, limits=limits)
    match panel.kind:
        case "table":
            columns, cells = _cells(panel, series)
            return Shown(ident, panel, columns=columns, cells=cells)
        case "stat":
            [one] = series
            picture = drawing.small_course(ident, panel, one, span)
            is_past = panel.colour(one.last) != "green"
            return Shown(ident, panel, picture, _write(panel, one.last), is_past=is_past, limits=limits)
        case "bargauge":
            series.sort(key=lambda each: (-each.last, each.name))
            is_past = any(panel.colour(each.last) != "green" for each in series)
            return Shown(ident, panel, drawing.bars(ident, panel, series), is_past=is_past, limits=limits)
    series.sort(key=lambda each: each.name)
    rows = tuple(_row(panel, number, each) for number, each in enumerate(series))
    is_past = any(panel.colour(each.last) != "green" for each in series)
    picture = drawing.course(ident, panel, series, span)
    return Shown(ident, panel, picture, is_past=is_past, rows=rows, limits=limits)


def _row(panel: DrawnPanel, number: int, series: Series) -> DrawnRow:
    values = [value for _, value in series.points]
    written = [_write(panel, value) for value in (values[-1], min(values), max(values))]
    return DrawnRow(drawing.swatch(number), series.name, *written)


def _write(panel: DrawnPanel, value: float) -> str:
    return UNITS[panel.unit](value)


def _limits(panel: DrawnPanel) -> str:
    """From where on its alerts see a fault, in words: the colours go up or, where low is bad, down."""
    bad = [limit for limit in panel.limits if limit.colour != "green"]
    if not bad:
        return ""
    if panel.limits[0].colour == "green":
        return f"Alert above {', '.join(_write(panel, limit.value or 0) for limit in bad)}."
    fine = [limit.value or 0 for limit in panel.limits if limit.value is not None]
    return f"Alert below {', '.join(_write(panel, value) for value in reversed(fine))}."


def _cells(panel: DrawnPanel, series: list[Series]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Labels as columns, but for the hidden ones; one row a series."""
    columns = sorted({label for each in series for label in each.labels} - panel.hidden)
    rows = sorted(tuple(each.labels.get(label, "") for label in columns) for each in series)
    return tuple(columns), tuple(rows)


def _prose(markdown: str) -> Markup:
    """Of a runbook; its headings stand below that of the panel, and a link to another page of it stays on the board."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h3"
        _turn([child for child in token.children or () if child.type in {"link_open", "link_close"}])
    written = parser.renderer.render(tokens, parser.options, {})
    scrolled = written.replace("<pre>", '<pre tabindex="0">')  # with the keyboard too: commands are wide
    return Markup(scrolled)  # noqa: S704  the renderer has escaped every text, and takes no HTML


def _turn(links: list[Token]) -> None:
    """Links to another runbook go to its panel; other pages of docs are not served, and are only named."""
    for begin, end in zip(links[::2], links[1::2], strict=True):
        target = str(begin.attrGet("href"))
        if target.startswith("../"):
            begin.tag = end.tag = "em"
            begin.attrs = {}
        elif target.endswith(".md"):
            begin.attrs["href"] = f"#{target.removesuffix('.md')}"


@cache
def _environment() -> Environment:
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _written(template: str, **context: Any) -> str:
    text: str = _environment().get_template(template).render(context)
    return text
