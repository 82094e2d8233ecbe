"""One referral as a coded line. Pure."""

from __future__ import annotations

from datetime import datetime

from services.metrics.coded import mapping
from services.metrics.counting.cases import Case, day_of
from shared.events import GOES_ON

COLUMNS = (
    "local_id",
    "received_date",
    "source_mental_health",
    "source_community",
    "reason_mental_health",
    "reason_community",
    "priority",
    "rejection_date",
    "rejection_reason",
    "closure_date",
    "closure_reason",
    "ethnic_category_baby",
    "ethnic_category_mother",
    "ethnic_category_father",
)
"""In this order; the dictionary says what each is."""


def coded(case: Case) -> dict[str, str]:
    """Every column of `COLUMNS`; empty where there is nothing to say or no national code fits."""
    reasons = [item.decline_reason for item in case.items if item.decline_reason]
    rejected = reasons[0] if reasons and case.refused_at is not None else None
    closed_at, reason = _closure(case)
    return {
        "local_id": str(case.id),
        "received_date": case.received_on.isoformat(),
        "source_mental_health": case.source or "",
        "source_community": _code(mapping.COMMUNITY_SOURCES, case.source),
        "reason_mental_health": _code(mapping.MENTAL_HEALTH_REASONS, case.tier),
        "reason_community": _code(mapping.COMMUNITY_REASONS, case.tier),
        "priority": _code(mapping.PRIORITIES, case.urgency),
        "rejection_date": _date(case.refused_at),
        "rejection_reason": _code(mapping.REJECTIONS, rejected),
        "closure_date": _date(closed_at),
        "closure_reason": reason,
        "ethnic_category_baby": case.baby_ethnicity or mapping.NOT_KNOWN,
        "ethnic_category_mother": case.mother_ethnicity or mapping.NOT_KNOWN,
        "ethnic_category_father": case.father_ethnicity or mapping.NOT_KNOWN,
    }


def _closure(case: Case) -> tuple[datetime | None, str]:
    """When and why it ended: withdrawn, or all its work closed; a rejected referral is not closed as well."""
    if case.withdrawn_at is not None:
        return case.withdrawn_at, _code(mapping.WITHDRAWALS, case.withdrawal_reason)
    if case.refused_at is not None or case.ended_at is None:
        return None, ""
    ends = [(item.ended_at, item.end_reason) for item in case.items if item.ended_at]
    told = [end for end in ends if end[1] not in GOES_ON]
    return (case.ended_at, _code(mapping.CLOSURES, max(told, key=lambda end: end[0])[1])) if told else (None, "")


def _code(codes: mapping.Codes, ours: str | None) -> str:
    return codes.get(ours, "") if ours else ""


def _date(at: datetime | None) -> str:
    day = day_of(at)
    return day.isoformat() if day else ""
