"""How far the data of a span can be trusted, in sentences for whoever reads the report. Pure.

Shares are worked out from what is published: a sentence must not tell what a table holds back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.metrics.counting.cases import Book, Case
from services.metrics.disclosure import percent
from services.metrics.reports.model import Shown

LATE_HOURS: Final = 24
"""Events come within seconds; a day means that something was away."""


def sentences(book: Book, received: Shown, missing: Mapping[str, Shown], made_at: datetime | None) -> tuple[str, ...]:
    """What is missing, and what came late. `missing`: what is not known → of how many referrals, as published."""
    if received.value == 0:
        return ("Nothing was received in this period.",)
    told = [_missing(what, shown, received) for what, shown in missing.items()]
    if any(_was_late(case) for case in book.cases if case.received_on in book.span):
        told.append("Some referrals were counted more than a day after they came, because a part was away.")
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


def _was_late(case: Case) -> bool:
    return case.heard_at is not None and (case.heard_at - case.received_at).total_seconds() > LATE_HOURS * 3600
