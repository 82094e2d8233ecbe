"""What a panel shows, drawn as SVG with the shapes of the reports' charts: a course over time, a small course, bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

from deploy.local.monitoring.asking import Series, Span
from deploy.local.monitoring.dashboards import COLOURS, DrawnPanel
from deploy.local.monitoring.units import UNITS, round_top
from services.metrics.reports.charts.svg import BAR, GAP, GREY, INK, LINE, Drawing
from shared.working_time import LONDON

PALETTE: Final = ("#005eb8", "#007f3b", "#7c2855", "#8a5a00", "#006f83", "#ae2573", "#4c6272", "#330072")
"""Of the lines, none of them a colour of a limit; 4.5 to 1 on white."""
DASHES: Final = ("none", "8 4", "2 4", "12 3 2 3")
"""With the same colour again the line looks otherwise: after eight series, sixteen and so on."""
_LEFT: Final = 22
_RIGHT: Final = 97
_HEIGHT: Final = 130
_SMALL: Final = 44
_STEPS: Final = 4
_WIDE: Final = 1000
"""Of the plot's own units across; it is stretched to the room there is."""
_GAP_STEPS: Final = 1.5
"""Points farther apart than this many steps are not joined."""
_DAYS: Final = 1.5 * 86_400

Points = Sequence[tuple[float, float]]


def look(number: int) -> dict[str, str]:
    """Colour and dashes of the series with this place, from 0."""
    return {
        "stroke": PALETTE[number % len(PALETTE)],
        "stroke-dasharray": DASHES[number // len(PALETTE) % len(DASHES)],
    }


def swatch(number: int) -> Markup:
    """A piece of the line, for the legend."""
    root = ET.Element("svg", {"width": "28", "height": "10", "aria-hidden": "true"})
    ET.SubElement(root, "line", {"x1": "0", "x2": "28", "y1": "5", "y2": "5", "stroke-width": "3", **look(number)})
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  the writer has escaped every text


def course(ident: str, panel: DrawnPanel, series: Sequence[Series], span: Span) -> Markup:
    """Lines over the span, stacked where the panel says so; dashed lines at the limits that lie within the scale."""
    courses = _stacked(series) if panel.is_stacked else [each.points for each in series]
    top = panel.most or round_top(panel.unit, max((value for points in courses for _, value in points), default=0))
    drawing = Drawing(ident, panel.title, message(panel, series))
    drawing.y = GAP
    for step in range(_STEPS + 1):
        y = drawing.y + _HEIGHT * (1 - step / _STEPS)
        drawing.line((_LEFT, _RIGHT), (y, y), stroke=GREY if step else INK)
        drawing.words(UNITS[panel.unit](top * step / _STEPS), x=_LEFT, y=y + 5, anchor="end", dx=-6)
    plot = _plot(drawing, _LEFT, _RIGHT, _HEIGHT)
    for number, points in enumerate(courses):
        _line(plot, points, span, top, look(number) | {"stroke-width": "2"})
    for limit in panel.limits:
        if limit.value is not None and 0 < limit.value <= top:
            y = drawing.y + _HEIGHT * (1 - limit.value / top)
            drawing.line((_LEFT, _RIGHT), (y, y), stroke=COLOURS[limit.colour], stroke_width=2, stroke_dasharray="4 3")
    drawing.y += _HEIGHT + LINE
    for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = span.start + (span.end - span.start) * part
        drawing.words(moment(at, span), x=_LEFT + (_RIGHT - _LEFT) * part, y=drawing.y, anchor=anchor)
    return drawing.markup()


def small_course(ident: str, panel: DrawnPanel, series: Series, span: Span) -> Markup:
    """The course of a number beneath it, without a scale."""
    drawing = Drawing(ident, panel.title, message(panel, [series]))
    top = max(*(value for _, value in series.points), 0) or 1
    _line(_plot(drawing, 0, 100, _SMALL), series.points, span, top, look(0) | {"stroke-width": "2"})
    drawing.y = _SMALL
    return drawing.markup()


def bars(ident: str, panel: DrawnPanel, series: Sequence[Series]) -> Markup:
    """One bar a series: its name, its value, and a length."""
    drawing = Drawing(ident, panel.title, message(panel, series))
    top = panel.most or max(*(each.last for each in series), 0) or 1
    for each in series:
        drawing.y += LINE
        drawing.words(each.name, x=0, y=drawing.y - 5)
        drawing.words(UNITS[panel.unit](each.last), x=100, y=drawing.y - 5, anchor="end")
        drawing.shape("rect", x=0, y=drawing.y, width="100%", height=BAR, fill="#e8edee")
        share = min(max(each.last / top, 0), 1) * 100
        drawing.shape(
            "rect", x=0, y=drawing.y, width=f"{share:.2f}%", height=BAR, fill=COLOURS[panel.colour(each.last)]
        )
        drawing.y += BAR + 6
    return drawing.markup()


def message(panel: DrawnPanel, series: Sequence[Series]) -> str:
    """What the picture shows in words: the latest value of each series, at most ten of them."""
    told = [f"{each.name} {UNITS[panel.unit](each.last)}" for each in series[:10]]
    more = f"; {len(series) - 10} more in the table" if len(series) > 10 else ""  # noqa: PLR2004  as above
    return f"Latest: {', '.join(told)}{more}."


def moment(at: float, span: Span) -> str:
    """`14:05` in London, with the day where the span is longer than one."""
    local = datetime.fromtimestamp(at, UTC).astimezone(LONDON)
    return local.strftime("%a %H:%M" if span.end - span.start > _DAYS else "%H:%M")


def _plot(drawing: Drawing, left: float, right: float, height: float) -> ET.Element:
    return drawing.shape(
        "svg",
        x=f"{left}%",
        y=drawing.y,
        width=f"{right - left}%",
        height=height,
        viewBox=f"0 0 {_WIDE} {height}",
        preserveAspectRatio="none",
        overflow="visible",  # or half of a line at 0 would be cut off
    )


def _line(plot: ET.Element, points: Points, span: Span, top: float, look_: dict[str, str]) -> None:
    """In as many pieces as it has gaps; one point alone is a short stroke."""
    height = float(plot.get("height", 0))
    pieces: list[list[str]] = []
    before = float("-inf")
    for at, value in points:
        if at - before > _GAP_STEPS * span.step:
            pieces.append([])
        x = (at - span.start) / (span.end - span.start) * _WIDE
        pieces[-1].append(f"{x:.1f},{height * (1 - min(value / top, 1)):.1f}")
        before = at
    for piece in pieces:
        if len(piece) == 1:
            left, _, y = piece[0].partition(",")
            piece.insert(0, f"{float(left) - 6:.1f},{y}")
        ET.SubElement(
            plot,
            "polyline",
            {"points": " ".join(piece), "fill": "none", "vector-effect": "non-scaling-stroke", **look_},
        )


def _stacked(series: Sequence[Series]) -> list[Points]:
    """Each on top of those before it."""
    below: dict[float, float] = {}
    courses: list[Points] = []
    for each in series:
        for at, value in each.points:
            below[at] = below.get(at, 0) + value
        courses.append([(at, below[at]) for at, _ in each.points])
    return courses
