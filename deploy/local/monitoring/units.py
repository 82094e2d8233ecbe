"""Grafana's units, put into words: those that our dashboards use, and no others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

_TIMES: Final = ((86_400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def _number(value: float) -> str:
    """Three digits that count: 1,234 stays whole, 12.34 is 12.3."""
    if abs(value) >= 100 or value == int(value):  # noqa: PLR2004  three digits
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.0e}"  # noqa: PLR2004  as above


def _seconds(value: float) -> str:
    if 0 < abs(value) < 1:
        return f"{_number(round(value * 1000, 3))} ms"
    size, name = next((each for each in _TIMES if abs(value) >= 2 * each[0]), _TIMES[-1])
    return f"{_number(round(value / size, 1))} {name}"


def _bytes(value: float) -> str:
    for name in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:  # noqa: PLR2004  of the next unit
            return f"{_number(round(value, 1))} {name}"
        value /= 1024
    return f"{_number(round(value, 1))} TiB"


UNITS: Final[dict[str, Callable[[float], str]]] = {
    "short": lambda value: _number(round(value, 2)),
    "s": _seconds,
    "percentunit": lambda value: f"{_number(round(value * 100, 2))} %",
    "bytes": _bytes,
    "reqps": lambda value: f"{_number(value)} req/s",
    "ops": lambda value: f"{_number(value)} /s",
}
"""By Grafana's name of the unit: what is written for a value."""


def round_top(unit: str, most: float) -> float:
    """What the top of a scale stands for, `most` or more: quarters of it are easy to read in the unit."""
    if most <= 0:
        return 1
    size = 1.0
    if unit == "s":
        size = next((float(each) for each, _ in _TIMES if most >= 2 * each), 1.0)
    while unit == "bytes" and most >= 1024 * size:
        size *= 1024
    power = 10.0 ** math.floor(math.log10(most / size))
    return next((step * power * size for step in (1, 2, 4, 8) if step * power * size >= most), 10 * power * size)
