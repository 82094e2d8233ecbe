"""How far the data of a span can be trusted, in sentences for whoever reads the report. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from services.metrics.counting.cases import Book, Case
from services.metrics.disclosure import percent, rounded

LATE_HOURS: Final = 24
"""Events come within seconds; a day means that something was away."""


def sentences(book: Book, made_at: datetime | None) -> tuple[str, ...]:
    """What is missing, and what came late: shares from rounded counts, so that they give nothing away."""
    received = [case for case in book.cases if case.received_on in book.span]
    if not received:
        return ("Nothing was received in this period.",)
    told = [
        _missing("ward", received, [case for case in received if not case.ward and not _is_elsewhere(case)]),
        _missing("ethnic category of the mother", received, [case for case in received if not _is_said(case)]),
        _missing("age of the parent", received, [case for case in received if case.carer_age is None]),
        _missing("preferred language", received, [case for case in received if not case.language]),
    ]
    if any(_was_late(case) for case in received):
        told.append("Some referrals were counted more than a day after they came, because a part was away.")
    if any(case.is_erased for case in received):
        told.append("Families asked to be forgotten: they are still counted, but without their ward and categories.")
    if made_at is not None:
        told.append("Frozen when it was published; what comes to light later is in a new version that says so.")
    return tuple(told)


def _missing(what: str, received: list[Case], without: list[Case]) -> str:
    share = percent(rounded(len(without)), rounded(len(received)))
    if share.value == 0:
        return f"The {what} is known for every referral."
    if share.value is None:
        return f"The {what} is missing for a few referrals."
    return f"The {what} is missing for about {share.value} per cent of the referrals."


def _is_elsewhere(case: Case) -> bool:
    return case.authority is not None


def _is_said(case: Case) -> bool:
    return case.mother_ethnicity not in (None, "Z", "99")


def _was_late(case: Case) -> bool:
    return case.heard_at is not None and (case.heard_at - case.received_at).total_seconds() > LATE_HOURS * 3600
