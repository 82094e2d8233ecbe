"""Our codes → those of the NHS Data Dictionary, and one referral as a coded line. Pure.

A code of ours that fits none is left out on purpose. Where the fit is loose, docs/export.md says why. Every national
code here is in deploy/reference/nhs_codes.csv (tested).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.metrics.counting.cases import Case, day_of
from shared.events import GOES_ON, ClosureReason, DeclineReason, Tier, Urgency, WithdrawalReason

Codes = Mapping[str, str]

COMMUNITY_SOURCES: Final[Codes] = {
    "A1": "01", "A2": "07", "A3": "07", "A4": "06",
    "B1": "02", "B2": "03",
    "C1": "11", "C2": "10",
    "D1": "04", "D2": "04",
    "E1": "14", "E2": "15", "E3": "16", "E4": "17", "E5": "15",
    "F1": "07", "F2": "06", "F3": "07",
    "G1": "21", "G2": "21", "G3": "21", "G4": "20",
    "H1": "05", "H2": "06",
    "I1": "23", "I2": "23",
    "J1": "23", "J2": "23", "J3": "23", "J4": "23",
    "K1": "23", "K2": "23", "K3": "23", "K4": "23", "K5": "23",
    "L1": "23", "L2": "23",
    "M1": "18", "M2": "19", "M7": "19",
    "N1": "23", "N2": "23", "N3": "23",
    "P1": "07",
}  # fmt: skip
"""SOURCE OF REFERRAL FOR MENTAL HEALTH → for COMMUNITY. Housing, youth offending, jobcentres, drug and debt agencies,
other agencies and those out of the area have no code of their own there."""

MENTAL_HEALTH_REASONS: Final[Codes] = {
    Tier.UNIVERSAL: "19",
    Tier.TARGETED: "19",
    Tier.SPECIALIST_SHORT: "21",
    Tier.SPECIALIST_LONG: "21",
    Tier.PNMH: "13",
}
"""Tier → REASON FOR REFERRAL TO MENTAL HEALTH: relationship difficulties, attachment difficulties, perinatal."""
COMMUNITY_REASONS: Final[Codes] = {
    Tier.UNIVERSAL: "031",
    Tier.TARGETED: "031",
    Tier.SPECIALIST_SHORT: "025",
    Tier.SPECIALIST_LONG: "025",
    Tier.PNMH: "082",
    Tier.STATUTORY: "058",
}
"""Tier → REASON FOR REFERRAL TO COMMUNITY CARE: family support, emotional problems, maternal mood, safeguarding."""

PRIORITIES: Final[Codes] = {
    Urgency.ROUTINE: "3",
    Urgency.URGENT: "2",
    Urgency.WORKING_DAY: "2",
    Urgency.FOUR_HOURS: "1",
    Urgency.NOW: "1",
}
"""Urgency → CLINICAL RESPONSE PRIORITY TYPE."""

REJECTIONS: Final[Codes] = {
    DeclineReason.OVER_AGE: "02",
    DeclineReason.OUT_OF_AREA: "02",
    DeclineReason.CONSENT_REFUSED: "02",
    DeclineReason.DUPLICATE: "01",
    DeclineReason.NEED_MET_ELSEWHERE: "01",
    DeclineReason.INCOMPLETE: "03",
    DeclineReason.NOT_SUITABLE: "02",
}
"""Why a person declined → REFERRAL REJECTION REASON, of which there are three."""

CLOSURES: Final[Codes] = {
    ClosureReason.COMPLETED: "02",
    ClosureReason.MOVED_AWAY: "03",
    ClosureReason.DID_NOT_ATTEND: "05",
    ClosureReason.FAMILY_ASKED: "07",
    ClosureReason.PASSED_ON: "08",
    ClosureReason.NO_FURTHER_NEED: "04",
    ClosureReason.AGED_OUT: "04",
    ClosureReason.DIED: "06",
    ClosureReason.SAME_FAMILY: "04",
}
"""Why the work ended → REFERRAL CLOSURE REASON. Withdrawn has reasons of its own; what was decided again goes on."""
WITHDRAWALS: Final[Codes] = {
    WithdrawalReason.FAMILY_DECLINED: "09",
    WithdrawalReason.MOVED_AWAY: "03",
    WithdrawalReason.DUPLICATE: "04",
    WithdrawalReason.OTHER_SUPPORT: "08",
    WithdrawalReason.SENT_IN_ERROR: "04",
    WithdrawalReason.OTHER: "04",
}
"""Why the agency took it back → REFERRAL CLOSURE REASON."""

NOT_KNOWN: Final = "99"
"""ETHNIC CATEGORY where nothing was said; Z is said: not stated."""


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
        "source_community": _code(COMMUNITY_SOURCES, case.source),
        "reason_mental_health": _code(MENTAL_HEALTH_REASONS, case.tier),
        "reason_community": _code(COMMUNITY_REASONS, case.tier),
        "priority": _code(PRIORITIES, case.urgency),
        "rejection_date": _date(case.refused_at),
        "rejection_reason": _code(REJECTIONS, rejected),
        "closure_date": _date(closed_at),
        "closure_reason": reason,
        "ethnic_category_baby": case.baby_ethnicity or NOT_KNOWN,
        "ethnic_category_mother": case.mother_ethnicity or NOT_KNOWN,
        "ethnic_category_father": case.father_ethnicity or NOT_KNOWN,
    }


def _closure(case: Case) -> tuple[datetime | None, str]:
    """When and why it ended: withdrawn, or all its work closed; a rejected referral is not closed as well."""
    if case.withdrawn_at is not None:
        return case.withdrawn_at, _code(WITHDRAWALS, case.withdrawal_reason)
    if case.refused_at is not None or case.ended_at is None:
        return None, ""
    ends = [(item.ended_at, item.end_reason) for item in case.items if item.ended_at]
    told = [end for end in ends if end[1] not in GOES_ON]
    return (case.ended_at, _code(CLOSURES, max(told, key=lambda end: end[0])[1])) if told else (None, "")


def _code(codes: Codes, ours: str | None) -> str:
    return codes.get(ours, "") if ours else ""


def _date(at: datetime | None) -> str:
    day = day_of(at)
    return day.isoformat() if day else ""
