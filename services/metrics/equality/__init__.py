"""Equality of access: is each group referred as often as its share of the under-twos suggests?

Everything here is worked out from published numbers, so that it gives nothing away that they do not.
"""

from services.metrics.equality.quality import NOT_KNOWN_LIMIT
from services.metrics.equality.report import equality_report

__all__ = ["NOT_KNOWN_LIMIT", "equality_report"]
