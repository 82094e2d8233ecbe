"""What came in and what became of it, how long families wait, who becomes too old, and who comes back. Pure."""

from __future__ import annotations

from services.metrics.counting.cases import Case
from services.metrics.counting.kpis.kpi import DAY_RECEIVED, REFERRAL, TRIAGE, Kpi, cases, counted, share
from services.metrics.reports.model import Unit
from shared.events import Tier
from shared.policy import Policy
from shared.working_time import months_later


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
            "Declines that a person confirmed, with a reason from a list. No machine declines a family.",
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


def _wait(tier: Tier, words: str) -> Kpi:
    return Kpi(
        code=f"wait_{tier.value}",
        name=f"Wait for {words}",
        definition=f"Families whose latest decision says {words}. It is the median of the working days from receipt to "
        "the first contact. Time in which we waited for the referrer is in it, because the family waits then too.",
        numerator_means="first contacts in the month",
        counted_by="the day of the first contact",
        source=TRIAGE,
        quality="Families who still wait are not in a median: read it beside the contacts that were due.",
        unit=Unit.DAYS,
        over=cases,
        day=lambda case: case.first_contact_on if case.tier == tier.value else None,
        wait=lambda case: case.waited_days,
    )


def waiting(policy: Policy) -> tuple[Kpi, ...]:
    days = policy.working_time
    return (
        _wait(Tier.UNIVERSAL, "universal support"),
        _wait(Tier.TARGETED, "targeted support"),
        _wait(Tier.SPECIALIST_SHORT, "specialist short-term support"),
        _wait(Tier.SPECIALIST_LONG, "specialist longer-term support"),
        _wait(Tier.PNMH, "perinatal mental health"),
        counted(
            "aged_out_waiting",
            "Became too old while waiting",
            f"Children who turned {policy.age.support_ends_months} months without a first contact, on a referral that "
            "was still open.",
            counted_by="the day support ended",
            source=f"{REFERRAL}; {TRIAGE}",
            quality="Children who were that old when they were referred are not in here. Needs a birth date.",
            over=cases,
            day=lambda case: case.aged_out_on,
        ),
        share(
            "re_referred",
            "Came back",
            f"Referrals of a baby whose earlier referral ended within the {days.re_referral_months} months before.",
            numerator_means="of a baby referred before",
            denominator_means="referrals received in the month",
            counted_by=DAY_RECEIVED,
            source=REFERRAL,
            quality="Families are matched by what agencies write; a name written differently may not be found.",
            over=cases,
            day=lambda case: case.received_on,
            numerator=lambda case: int(case.is_re_referral),
            denominator=lambda _: 1,
            denominator_cell="received",
        ),
        share(
            "bounced",
            "Sent away, and came back",
            f"Referrals of a family whose earlier referral ended without any contact within the "
            f"{days.re_referral_months} months before.",
            numerator_means="of a family that had been sent away",
            denominator_means="referrals received in the month",
            counted_by=DAY_RECEIVED,
            source=f"{REFERRAL}; {TRIAGE}",
            quality="As for those who came back, by family. An earlier referral that was sent in error, or "
            "twice, does not count.",
            over=cases,
            day=lambda case: case.received_on,
            numerator=lambda case: int(_was_turned_away(case, days.re_referral_months)),
            denominator=lambda _: 1,
            denominator_cell="received",
        ),
    )


def _was_turned_away(case: Case, months: int) -> bool:
    """Within so many months before, the last day in."""
    ended = case.was_turned_away_on
    return ended is not None and months_later(ended, months) >= case.received_on
