"""What is not known about a span, in sentences for whoever reads the report. Pure.

Shares are worked out from what is published: a sentence must not tell what a table holds back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.metrics.disclosure import percent
from services.metrics.reports.model import Shown


def sentences(received: Shown, missing: Mapping[str, Shown], made_at: datetime | None) -> tuple[str, ...]:
    """`missing`: what is not known → of how many referrals, as published; `made_at`: None when nothing is frozen."""
    if received.value == 0:
        return ("Nothing was received in this period.",)
    told = [_missing(what, shown, received) for what, shown in missing.items()]
    if made_at is not None:
        told.append("Frozen when it was published; what comes to light later is in a new version that says so.")
    return tuple(told)


def _missing(what: str, shown: Shown, received: Shown) -> str:
    share = percent(shown, received)
    if share.value == 0:
        return f"{what}: nothing is missing."
    if share.value is None:
        return f"{what}: missing for a few referrals, or too few to say."
    return f"{what}: missing for about {share.value} per cent of the referrals."
