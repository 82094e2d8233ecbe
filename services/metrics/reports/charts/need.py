"""Families expected and families seen, a pair of bars for each group: hatched what is expected, full what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from services.metrics.reports.charts.svg import BLUE, GAP, INK, Drawing, across, held_back, joined
from services.metrics.reports.model import Need

MOST: Final = 12
"""Groups in one picture; the table has them all."""
_HIGH: Final = 12


def need(ident: str, title: str, needs: Sequence[Need]) -> Markup:
    """Pairs in the order given; those with most unmet need when there are many."""
    drawn = needs if len(needs) <= MOST else sorted(needs, key=lambda each: -(each.unmet or 0))[:MOST]
    drawing = Drawing(ident, title, _message(needs))
    hatch = drawing.hatch()
    full = max((max(each.expected, each.seen.value or 0) for each in drawn), default=0) or 1
    drawing.paragraph("Hatched: expected. Full: seen.")
    for each in drawn:
        drawing.y += GAP / 2
        drawing.label(each.name, _words(each))
        wide = {"expected": 100 * each.expected / full, "seen": 100 * (each.seen.value or 0) / full}
        drawing.shape(
            "rect",
            x=0,
            y=drawing.y,
            width=across(wide["expected"]),
            height=_HIGH,
            fill=hatch,
            stroke=INK,
            stroke_width=1,
        )
        drawing.y += _HIGH + 2
        if each.seen.value is None:
            drawing.line((0, 100), (drawing.y + _HIGH / 2,) * 2, stroke_dasharray="2 6")
        else:
            drawing.shape("rect", x=0, y=drawing.y, width=across(wide["seen"]), height=_HIGH, fill=BLUE)
        drawing.y += _HIGH + GAP / 2
    return drawing.markup()


def _words(each: Need) -> str:
    return f"{each.expected:,} expected, {_seen(each)} seen"


def _seen(each: Need) -> str:
    return each.seen.text if each.seen.value is None else f"{each.seen.value:,}"


def _message(needs: Sequence[Need]) -> str:
    unmet = [(each.unmet, each) for each in needs if each.unmet]
    most = max((number for number, _ in unmet), default=0)
    widest = [f"{each.name}, {_words(each)}, {most:,} not met" for number, each in unmet if number == most]
    parts = (
        f"Most unmet need: {joined(widest)}." if widest else "No unmet need is known.",
        held_back([(each.name, each.seen) for each in needs]),
        f"The {MOST} with most unmet need are drawn; the table has them all." if len(needs) > MOST else "",
    )
    return " ".join(part for part in parts if part)
