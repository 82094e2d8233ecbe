"""Equality of access: is each group referred as often as its share of the under-twos suggests?

`making` alone sees exact numbers, and publishes them; everything else is worked out from what is published, so that it
gives nothing away that this does not.
"""

from services.metrics.equality.caveats import NOT_KNOWN_LIMIT
from services.metrics.equality.report import equality_report

__all__ = ["NOT_KNOWN_LIMIT", "equality_report"]
