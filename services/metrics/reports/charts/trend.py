"""One figure over the months: a line with its target, broken where a month has no number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from services.metrics.reports import words
from services.metrics.reports.charts.svg import BLUE, GREY, INK, LINE, Drawing, across, held_back
from services.metrics.reports.model import ContractReport, Figure, Shown, Unit, Verdict, figure_of
from services.metrics.reports.remarks import SHOWN_ROUNDED, reason

_HEIGHT: Final = 180
_LEFT: Final = 18
_RIGHT: Final = 95
_STEPS: Final = 4
_NAMED: Final = 3
"""Every third month has its name, as many as fit on a phone."""


@dataclass(frozen=True, slots=True)
class Point:
    """One month: `name` as `June 2026`. `is_exact`: its verdict is told by the exact count, which is shown rounded."""

    name: str
    shown: Shown
    verdict: Verdict | None = None
    is_exact: bool = False


def points(reports: Sequence[ContractReport], code: str) -> list[Point]:
    """The figure of each report, in their order; a report without it is left out."""
    found = ((report, figure_of(report.figures, code)) for report in reports)
    return [
        Point(words.month(report.heading.first_day), figure.value, figure.verdict, reason(figure) == SHOWN_ROUNDED)
        for report, figure in found
        if figure
    ]


def trend(ident: str, figure: Figure, months: Sequence[Point]) -> Markup:
    """The months of a figure, oldest first; `figure` (of the latest) tells its name, unit and target."""
    drawing = Drawing(ident, f"{figure.name} by month", _message(figure, months))
    top = _top([month.shown.value or 0 for month in months], figure)
    drawing.y = LINE + 4
    _scale(drawing, figure.unit, top)
    if figure.target is not None and figure.unit is Unit.SHARE:
        _target(drawing, figure.target)
    places = _places(len(months))
    _lines(drawing, months, places, top)
    for at, (month, x) in enumerate(zip(months, places, strict=True)):
        _month(drawing, month, x, top)
        if (len(months) - 1 - at) % _NAMED == 0:
            drawing.words(month.name[:3], x=x, y=drawing.y + _HEIGHT + LINE, anchor="middle")
    drawing.y += _HEIGHT + LINE + 6
    if any(month.verdict is Verdict.MISSED and month.shown.value is not None for month in months):
        drawing.paragraph("Open ring: target missed.")
    if any(month.is_exact and month.shown.value is not None for month in months):
        drawing.paragraph("Each dot shows a rounded figure;")
        drawing.paragraph("the verdict is by the exact count.")
    if any(month.shown.value is None for month in months):
        drawing.paragraph("A mark in brackets: no number.")
    return drawing.markup()


def _message(figure: Figure, months: Sequence[Point]) -> str:
    known = [month for month in months if month.shown.value is not None]
    if not known:
        return "No month has a number."
    first, last = known[0], known[-1]
    numbers = [f"{month.name} {words.amount(month.shown, figure.unit)}" for month in (first, last)]
    run = f"From {numbers[0]} to {numbers[1]}." if first is not last else f"{numbers[0]}."
    judged = [month for month in months if month.verdict in {Verdict.MET, Verdict.MISSED}]
    met = sum(month.verdict is Verdict.MET for month in judged)
    target = ""
    if figure.target is not None and judged:
        target = f"Target {words.target(figure.target)}: met in {met} of {len(judged)} months, by the exact counts."
    gaps = held_back([(month.name, month.shown) for month in months])
    return " ".join(part for part in (run, target, gaps) if part)


def _places(count: int) -> list[float]:
    step = (_RIGHT - _LEFT) / max(count, 1)
    return [_LEFT + step * (at + 0.5) for at in range(count)]


def _top(values: Sequence[int], figure: Figure) -> int:
    """What the top of the picture stands for: 100 for shares, else a round number in quarters."""
    if figure.unit is Unit.SHARE:
        return 100
    most, step = max([*values, 1]), 1
    while step * _STEPS < most:
        step = step * 2 if str(step)[0] in "15" else step // 2 * 5
    return step * _STEPS


def _scale(drawing: Drawing, unit: Unit, top: int) -> None:
    for step in range(_STEPS + 1):
        value = top * step // _STEPS
        y = _height(drawing, value, top)
        drawing.line((_LEFT, _RIGHT), (y, y), stroke=INK if step == 0 else GREY, stroke_width=1)
        drawing.words(f"{value:,}{'%' if unit is Unit.SHARE else ''}", x=_LEFT, y=y + 5, anchor="end", dx=-6)


def _target(drawing: Drawing, target: float) -> None:
    """The words stand above the picture, where no line crosses them."""
    y = _height(drawing, target * 100, 100)
    drawing.line((_LEFT, _RIGHT), (y, y), stroke_width=2, stroke_dasharray="8 5")
    drawing.words(f"Dashed: target {words.target(target)}", x=_RIGHT, y=drawing.y - 8, anchor="end")


def _lines(drawing: Drawing, months: Sequence[Point], places: Sequence[float], top: int) -> None:
    for (a, left), (b, right) in pairwise(zip(months, places, strict=True)):
        if a.shown.value is not None and b.shown.value is not None:
            ends = _height(drawing, a.shown.value, top), _height(drawing, b.shown.value, top)
            drawing.line((left, right), ends, stroke=BLUE, stroke_width=3)


def _month(drawing: Drawing, month: Point, x: float, top: int) -> None:
    if month.shown.value is None:
        drawing.words(month.shown.text, x=x, y=drawing.y + _HEIGHT - 8, anchor="middle")
        return
    fill = "#ffffff" if month.verdict is Verdict.MISSED else BLUE
    y = _height(drawing, month.shown.value, top)
    drawing.shape("circle", cx=across(x), cy=y, r=5, fill=fill, stroke=BLUE, stroke_width=2.5)


def _height(drawing: Drawing, value: float, top: int) -> float:
    return drawing.y + _HEIGHT * (1 - value / top)
