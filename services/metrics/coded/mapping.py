"""Our codes → those of the NHS Data Dictionary. A code of ours that fits none is left out on purpose. Pure.

Where the fit is loose, docs/export.md says why. Every national code here is in deploy/reference/nhs_codes.csv (tested).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.events import ClosureReason, DeclineReason, Tier, Urgency, WithdrawalReason

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
