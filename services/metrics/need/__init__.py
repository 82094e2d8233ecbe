"""Need against seen: the families expected in a year by tier and ward, those seen, and those left; outreach apart."""

from services.metrics.need.report import need_report
from services.metrics.need.rows import BIRMINGHAM_2022, OUTREACH, TIERS, WARD_TIERS, expected

__all__ = ["BIRMINGHAM_2022", "OUTREACH", "TIERS", "WARD_TIERS", "expected", "need_report"]
