"""Disclosure control: what may be published of exact counts so that nobody can be singled out (docs/disclosure.md)."""

from services.metrics.disclosure.proof import FEWEST
from services.metrics.disclosure.publishing import publish
from services.metrics.disclosure.rounding import percent, rounded
from services.metrics.disclosure.sums import Sum, bounds
from services.metrics.disclosure.verdicts import Share, verdict, verdicts
from services.metrics.disclosure.versions import beside

__all__ = ["FEWEST", "Share", "Sum", "beside", "bounds", "percent", "publish", "rounded", "verdict", "verdicts"]
