"""Horizontal bars, each under its words: a table's rows, shares with their targets, waiting times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from services.metrics.reports import words
from services.metrics.reports.charts.svg import BAR, BLUE, GAP, INK, Drawing, across, held_back, joined, listing
from services.metrics.reports.model import Figure, Shown, Table, Unit, Verdict
from services.metrics.reports.remarks import reason

MOST: Final = 12
"""More bars than this are not a picture any more; the table has them all."""
WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """`after` are words that follow the number: `target 90%: missed`; `said` stand in its place: `91% to 96%`."""

    name: str
    shown: Shown
    unit: Unit = Unit.COUNT
    target: float | None = None
    after: str = ""
    said: str = ""

    @property
    def text(self) -> str:
        number = self.said or words.amount(self.shown, self.unit)
        return f"{number}, {self.after}" if self.after else number


def breakdown(ident: str, table: Table) -> Markup:
    """The first column of a table, row by row; the largest when there are many."""
    code, heading = next(iter(table.columns.items()))
    bars = [Bar(row.name, row.counts[code]) for row in table.rows]
    total = table.total.counts[code]
    message = [f"{heading}: {total.text} in all." if total.value is not None else "", _largest(bars)]
    return _bars(ident, f"{table.title}: {heading.lower()}", _most(bars), [*message, *_rest(bars)])


def shares(ident: str, figures: Sequence[Figure]) -> Markup:
    """Every share, with a mark where its target stands."""
    chosen = [figure for figure in figures if figure.unit is Unit.SHARE]
    bars = [
        Bar(each.name, each.value, each.unit, each.target, _target_words(each), words.value_of(each)) for each in chosen
    ]
    message = [
        _judged("Targets met", Verdict.MET, chosen),
        _judged("Targets missed", Verdict.MISSED, chosen),
        held_back([(figure.name, figure.value) for figure in chosen]),
    ]
    return _bars(ident, "Shares and targets", bars, message, scale=WHOLE)


def waits(ident: str, figures: Sequence[Figure]) -> Markup:
    """The median waiting times."""
    bars = [Bar(figure.name, figure.value, figure.unit) for figure in figures if figure.unit is Unit.DAYS]
    return _bars(ident, "Waiting times, median working days", bars, [_largest(bars), *_rest(bars)])


def _bars(ident: str, title: str, bars: Sequence[Bar], message: Sequence[str], *, scale: int = 0) -> Markup:
    """`scale` is what the full width stands for; the largest bar without one."""
    drawing = Drawing(ident, title, " ".join(part for part in message if part) or "There is nothing to show.")
    full = scale or max((bar.shown.value or 0 for bar in bars), default=0)
    for bar in bars:
        drawing.label(bar.name, bar.text)
        _bar(drawing, bar, full or 1)
        drawing.y += BAR + GAP
    return drawing.markup()


def _bar(drawing: Drawing, bar: Bar, full: int) -> None:
    """No bar, not even an outline, where there is no number: any length would say something."""
    y = drawing.y
    if bar.shown.value is None:
        drawing.line((0, 100), (y + BAR / 2,) * 2, stroke_dasharray="2 6")
        return
    width = 100 * min(bar.shown.value / full, 1)
    drawing.shape("rect", x=0, y=y, width=across(width), height=BAR, fill=BLUE)
    drawing.line((0, 0), (y - 2, y + BAR + 2), stroke_width=2)
    if bar.target is not None:
        at = min(100 * bar.target, 99.5)
        drawing.line((at, at), (y - 3, y + BAR + 3), stroke="#ffffff", stroke_width=6)
        drawing.line((at, at), (y - 3, y + BAR + 3), stroke=INK, stroke_width=3)


def _most(bars: Sequence[Bar]) -> list[Bar]:
    if len(bars) <= MOST:
        return list(bars)
    return sorted(bars, key=lambda bar: -(bar.shown.value or 0))[:MOST]


def _largest(bars: Sequence[Bar]) -> str:
    known = [(bar.shown.value, bar) for bar in bars if bar.shown.value]
    if not known:
        return ""
    most = max(value for value, _ in known)
    return f"Largest: {joined([f'{bar.name} with {bar.text}' for value, bar in known if value == most])}."


def _rest(bars: Sequence[Bar]) -> list[str]:
    cut = f"The {MOST} largest of {len(bars)} are drawn; the table has them all." if len(bars) > MOST else ""
    return [held_back([(bar.name, bar.shown) for bar in bars]), cut]


def _target_words(figure: Figure) -> str:
    if figure.target is None:
        return ""
    verdict = words.VERDICTS[figure.verdict].lower() if figure.verdict else ""
    exact = " by the exact count" if figure.verdict is not Verdict.UNSAID and reason(figure) else ""
    return f"target {words.target(figure.target)}{verdict and f' {verdict}'}{exact}"


def _judged(what: str, verdict: Verdict, figures: Sequence[Figure]) -> str:
    return listing(what, [figure.name for figure in figures if figure.verdict is verdict])
