"""What came in and what became of it: received, accepted, declined, withdrawn."""

from __future__ import annotations

from services.metrics.counting.kpis.kpi import (
    DAY_RECEIVED,
    REFERRAL,
    TRIAGE,
    Kpi,
    cases,
    counted,
)


def flow() -> tuple[Kpi, ...]:
    return (
        counted(
            "received",
            "Referrals received",
            "Family referrals that came in. Consultations and training are counted apart.",
            counted_by=DAY_RECEIVED,
            source=REFERRAL,
            quality="Every referral that was answered with a receipt number is in here.",
            over=cases,
            day=lambda case: case.received_on,
            numerator_cell="received",
        ),
        counted(
            "accepted",
            "Referrals accepted",
            "Referrals that a team took on, each at the first time: universal, targeted, specialist or mental health.",
            counted_by="the day a team first accepted",
            source=TRIAGE,
            quality="Work that only looks, decides or links up is not an acceptance. A family that was referred and "
            "taken on twice is in here twice.",
            over=cases,
            day=lambda case: case.accepted_on,
            numerator_cell="accepted",
        ),
        counted(
            "declined",
            "Referrals declined",
            "Declines that a person confirmed, with a coded reason. No machine declines anybody.",
            counted_by="the day a person confirmed it",
            source=TRIAGE,
            quality="A referral that is amended and accepted later is in both counts.",
            over=cases,
            day=lambda case: case.declined_on,
            numerator_cell="declined",
        ),
        counted(
            "withdrawn",
            "Referrals withdrawn",
            "Referrals that their agency took back, for whatever reason.",
            counted_by="the day it was withdrawn",
            source=REFERRAL,
            quality="A family that stops answering is closed by the team, not withdrawn.",
            over=cases,
            day=lambda case: case.withdrawn_on,
            numerator_cell="withdrawn",
        ),
    )
