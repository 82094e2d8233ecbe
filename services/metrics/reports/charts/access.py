"""Access ratios: a dot with its interval on each side, around the line of equal access; each doubling is as wide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from services.metrics.reports.charts.svg import BLUE, GAP, GREY, LINE, Drawing, across, listing
from services.metrics.reports.model import Access, Dimension

_FARTHEST: Final = 8.0
"""Eight times as often, or as seldom: what lies beyond is drawn at the edge, with an arrow."""
_NEAREST: Final = 2.0
_MOST: Final = 12
"""Categories in one picture; the table has them all."""
_EDGE: Final = 44.0
"""Per cent from the middle to the farthest."""
_BAND: Final = 22
_SCALE: Final = {0.125: "⅛", 0.25: "¼", 0.5: "½", 1.0: "1", 2.0: "2", 4.0: "4", 8.0: "8"}


def access(ident: str, dimension: Dimension) -> Markup:
    """One line of the picture for each category, those farthest from equal when there are many; some have no ratio."""
    drawing = Drawing(ident, f"Access ratio: {dimension.title}", _message(dimension))
    rows = dimension.rows if len(dimension.rows) <= _MOST else sorted(dimension.rows, key=_nearness)[:_MOST]
    reach = _reach(rows)
    for row in rows:
        drawing.label(row.name, _words(row))
        drawing.line((50, 50), (drawing.y, drawing.y + _BAND + GAP / 2), stroke=GREY, stroke_dasharray="4 3")
        if row.ratio is not None:
            _dot(drawing, row, row.ratio, reach)
        drawing.y += _BAND + GAP / 2
    _scale(drawing, reach)
    drawing.paragraph("1 is as often as their share of under-twos.")
    return drawing.markup()


def _message(dimension: Dimension) -> str:
    by_gap = {
        gap: [row.name for row in dimension.rows if row.gap == gap] for gap in ("fewer", "more", "none", "unknown")
    }
    parts = (
        listing("Referred less often than their share of under-twos", by_gap["fewer"]),
        listing("More often", by_gap["more"]),
        listing("No clear difference", by_gap["none"]),
        listing("Nothing can be said", by_gap["unknown"]),
        "The population is invented." if dimension.is_invented else "",
        f"The {_MOST} farthest from equal are drawn; the table has them all." if len(dimension.rows) > _MOST else "",
    )
    return " ".join(part for part in parts if part) or "There is nothing to show."


def _words(row: Access) -> str:
    if row.ratio is None:
        return "no ratio"
    between = f" ({row.low:.2f} to {row.high:.2f})" if row.low is not None and row.high is not None else ""
    return f"{row.ratio:.2f}{between}"


def _nearness(row: Access) -> float:
    """Lowest for the farthest from equal access; those without a ratio come last."""
    return 1.0 if row.ratio is None else -abs(math.log2(min(max(row.ratio, 1 / _FARTHEST), _FARTHEST)))


def _reach(rows: Sequence[Access]) -> float:
    """How far the picture goes: to the doubling that holds every number, at least 2 and at most 8."""
    seen = [abs(math.log2(number)) for row in rows for number in (row.ratio, row.low, row.high) if number]
    return min(max(2.0 ** math.ceil(max(seen, default=1.0)), _NEAREST), _FARTHEST)


def _place(ratio: float, reach: float) -> float:
    """Per cent across; 50 is equal access, what lies beyond `reach` stands at the edge."""
    within = min(max(ratio, 1 / reach), reach)
    return 50 + _EDGE * math.log2(within) / math.log2(reach)


def _dot(drawing: Drawing, row: Access, ratio: float, reach: float) -> None:
    y = drawing.y + _BAND / 2
    low, high = row.low if row.low is not None else ratio, row.high if row.high is not None else ratio
    drawing.line((_place(low, reach), _place(high, reach)), (y, y), stroke_width=2)
    for end, is_beyond in ((low, low < 1 / reach), (high, high > reach)):
        x = _place(end, reach)
        if is_beyond:
            drawing.words("◀" if end < 1 else "▶", x=x, y=y + 5, anchor="middle")
        else:
            drawing.line((x, x), (y - 6, y + 6), stroke_width=2)
    drawing.shape("circle", cx=across(_place(ratio, reach)), cy=y, r=6, fill=BLUE)


def _scale(drawing: Drawing, reach: float) -> None:
    drawing.line((50 - _EDGE, 50 + _EDGE), (drawing.y, drawing.y))
    for ratio, text in _SCALE.items():
        if 1 / reach <= ratio <= reach:
            x = _place(ratio, reach)
            drawing.line((x, x), (drawing.y, drawing.y + 5))
            drawing.words(text, x=x, y=drawing.y + LINE, anchor="middle")
    drawing.y += LINE + 4
