"""The consent rules: at most one fires. Under a hold safety goes on without consent, and that is a mark (E13s)."""

from __future__ import annotations

from typing import Final

from services.triage.rules.model import Case, Finding, Rule, Used, rule
from services.triage.rules.safety import HANDBOOK, WORKING_TOGETHER, is_held
from shared.events import Consent, Eligibility, Route


def _used(case: Case) -> Used:
    return {"consent": str(case.facts.consent)}


@rule("E13s", source=f"{WORKING_TOGETHER}: information may be shared without consent to keep a child safe")
def safety_goes_on(case: Case) -> Finding | None:
    """Consent is anything but given, under a hold: the override is recorded with reason, name and time."""
    if case.facts.consent is Consent.GIVEN or not is_held(case.facts):
        return None
    return Finding(
        text="Keeping a child safe comes first, so we go on for now. We write down who chose this, when and why.",
        used=_used(case),
    )


@rule("E13", source=HANDBOOK)
def refused(case: Case) -> Finding | None:
    """Family said no, no hold: a decline is proposed, with advice for the referrer."""
    if case.facts.consent is not Consent.REFUSED:
        return None
    return Finding(
        text="The family would rather not be referred now, and that is their choice. The door stays open.",
        used=_used(case),
        routes=(Route.ADVICE_TO_REFERRER,),
        eligibility=Eligibility.NOT_ELIGIBLE,
    )


@rule("E14", source=HANDBOOK)
def not_sought(case: Case) -> Finding | None:
    """Nobody has asked the family yet: the clock waits on the referrer."""
    if case.facts.consent is not Consent.NOT_SOUGHT:
        return None
    return Finding(
        text="The family has not been asked yet. We will wait until they have had the chance to say yes.",
        used=_used(case),
        routes=(Route.INFO_REQUEST,),
        eligibility=Eligibility.PROVISIONAL,
    )


@rule("E14b", source=HANDBOOK)
def disputed(case: Case) -> Finding | None:
    """Those who may say yes or no do not agree, no hold: a person listens."""
    if case.facts.consent is not Consent.DISPUTED:
        return None
    return Finding(
        text="The people who care for the baby do not agree yet. A person will listen to each side.",
        used=_used(case),
        routes=(Route.REVIEW,),
        eligibility=Eligibility.PROVISIONAL,
    )


CONSENT: Final[tuple[Rule, ...]] = (safety_goes_on, refused, not_sought, disputed)
"""In the order in which they are tried: under a hold none but E13s."""
