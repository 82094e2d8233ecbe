"""Disclosure control: what may be published of exact counts so that nobody can be singled out (docs/disclosure.md)."""

from services.metrics.disclosure.proof import FEWEST
from services.metrics.disclosure.rounding import SMALLEST_SHOWN, STEP, Range, percent, percent_range, range_of, rounded
from services.metrics.disclosure.sums import Sum, bounds, cell_of
from services.metrics.disclosure.verdicts import Share, beside_verdict, verdict, verdicts
from services.metrics.disclosure.versions import beside
from services.metrics.disclosure.withholding import publish

__all__ = [
    "FEWEST",
    "SMALLEST_SHOWN",
    "STEP",
    "Range",
    "Share",
    "Sum",
    "beside",
    "beside_verdict",
    "bounds",
    "cell_of",
    "percent",
    "percent_range",
    "publish",
    "range_of",
    "rounded",
    "verdict",
    "verdicts",
]
