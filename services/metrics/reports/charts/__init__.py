"""Pictures of a report as inline SVG, to stand beside the table that says the same.

They are drawn in per cent across and pixels down, so that they are as wide as there is room and their words keep their
size on a phone. No script and no style of their own (the security policy forbids both): the shapes carry everything in
attributes, and tell each other apart without colour, by outline, pattern, place and words. `ident` starts the ids
within a picture: give each picture on a page its own.
"""

from services.metrics.reports.charts.access import access
from services.metrics.reports.charts.bars import breakdown, shares, waits
from services.metrics.reports.charts.need import need
from services.metrics.reports.charts.trend import Point, points, trend

__all__ = ["Point", "access", "breakdown", "need", "points", "shares", "trend", "waits"]
