"""The rules of age, place and consent: of age and place exactly one fires, the first that fits; of consent at most one.

*Own* is the policy's authority. In danger safety goes on without consent, and that is a mark (E13s).
"""

from __future__ import annotations

from datetime import date
from typing import Final

from services.triage.rules.model import Case, Finding, Rule, Used, rule, support_ends_on
from services.triage.rules.safety import HANDBOOK, LOOKED_AFTER, WORKING_TOGETHER, is_long_overdue
from shared.events import Consent, Eligibility, Infant, PlaceQuality, Route, Urgency
from shared.policy import Age, Ward

UNTIL_TWO: Final = "Nottingham 2021 (equality impact assessment): antenatal to two years after birth"

AGE_IN_DOUBT: Final = frozenset({"E2", "E3", "E5", "E6p", "E7"})


def _age_used(case: Case, **more: date) -> Used:
    days = {"born_on": case.facts.infant.born_on, "due_on": case.facts.infant.due_on, "received_on": case.on, **more}
    return {name: day.isoformat() for name, day in days.items() if day}


def _years(months: int) -> str:
    """Say the age at which support ends as people do: 24 → `two`."""
    return {12: "one", 24: "two", 36: "three"}.get(months, f"{months} months old")


def _in_doubt(text: str, used: Used, route: Route = Route.REVIEW, urgency: Urgency = Urgency.ROUTINE) -> Finding:
    """A person finds out; until then nobody is declined."""
    return Finding(text=text, used=used, routes=(route,), urgency=urgency, eligibility=Eligibility.PROVISIONAL)


@rule("E7", source=HANDBOOK)
def no_date(case: Case) -> Finding | None:
    """Neither a birth date nor a due date."""
    if case.facts.infant.born_on or case.facts.infant.due_on:
        return None
    text = "We do not have a birth date or a due date yet. A person will ask for it."
    return _in_doubt(text, {"born_on": None, "due_on": None})


def _dates_disagree(infant: Infant, on: date, age: Age) -> bool:
    if infant.born_on is None:
        return infant.due_on is not None and (infant.due_on - on).days > age.due_ahead_days
    if infant.born_on > on:
        return True
    if infant.due_on is None:
        return False
    early = (infant.due_on - infant.born_on).days
    return not -age.late_birth_days <= early <= age.early_birth_days


@rule("E3", source=f"{HANDBOOK}; 280 days = 40 weeks; 21 days late = 43 weeks; 126 days early = 22 weeks")
def dates_disagree(case: Case) -> Finding | None:
    """Born in the future, more than 21 days after the due date or 126 before it; or due in more than 280 days."""
    if not _dates_disagree(case.facts.infant, case.on, case.policy.age):
        return None
    text = "The dates we were given do not fit together yet. A person will check them."
    return _in_doubt(text, _age_used(case))


@rule("E4", source=UNTIL_TWO)
def born_and_young_enough(case: Case) -> Finding | None:
    """Born, and before the second birthday. A child born on 29 February has it on 1 March."""
    born_on = case.facts.infant.born_on
    if born_on is None or case.on >= (ends_on := support_ends_on(born_on, case.policy.age)):
        return None
    return Finding(
        text="The baby is at an age when this service can help.", used=_age_used(case, support_ends_on=ends_on)
    )


@rule("E5", source=f"{UNTIL_TWO}; 28 days: {HANDBOOK}")
def just_past_the_end(case: Case) -> Finding | None:
    """From the second birthday to `grace_days` after: a person decides, nobody is declined on the boundary."""
    born_on, age = case.facts.infant.born_on, case.policy.age
    if born_on is None:
        return None
    ends_on = support_ends_on(born_on, age)
    if (case.on - ends_on).days > age.grace_days:
        return None
    text = f"The baby has just turned {_years(age.support_ends_months)}, so a person will look at this."
    return _in_doubt(text, _age_used(case, support_ends_on=ends_on))


@rule("E6p", source=f"{UNTIL_TWO}; {HANDBOOK}: a baby born early is looked at by a person")
def older_but_born_early(case: Case) -> Finding | None:
    """Too old by the birth date, not yet by the due date: not eligible, and a person looks."""
    infant = case.facts.infant
    if infant.born_on is None or infant.due_on is None:
        return None
    if case.on >= (ends_on := support_ends_on(infant.due_on, case.policy.age)):
        return None
    return Finding(
        text="The baby was born early and is a little past the age for this service. A person will look at this.",
        used=_age_used(case, support_ends_on=ends_on),
        routes=(Route.REVIEW,),
        eligibility=Eligibility.NOT_ELIGIBLE,
    )


@rule("E6", source=UNTIL_TWO)
def too_old(case: Case) -> Finding | None:
    """Older than that: a decline is proposed, with a signpost; a person confirms it."""
    born_on, age = case.facts.infant.born_on, case.policy.age
    if born_on is None:
        return None
    return Finding(
        text=f"This service helps until a child turns {_years(age.support_ends_months)}. "
        "There is good help for older children, and we will say where.",
        used=_age_used(case, support_ends_on=support_ends_on(born_on, age)),
        routes=(Route.SIGNPOST_AGE,),
        eligibility=Eligibility.NOT_ELIGIBLE,
    )


@rule("E2", source=f"{HANDBOOK}; 14 days over the due date = 42 weeks")
def due_date_long_past(case: Case) -> Finding | None:
    """Unborn and due over 14 days ago: the baby may have died, so a person asks gently first."""
    if not is_long_overdue(case):
        return None
    text = "We do not have a birth date yet. A person will gently ask the team that knows the family first."
    return _in_doubt(text, _age_used(case), Route.REVIEW_BIRTH_OUTCOME, Urgency.URGENT)


@rule("E1", source=UNTIL_TWO)
def pregnant(case: Case) -> Finding | None:
    """Unborn otherwise: due in at most 280 days, or due at most 14 days ago."""
    return Finding(text="The baby is on the way, and help can start before the birth.", used=_age_used(case))


AGE: Final[tuple[Rule, ...]] = (
    no_date,
    dates_disagree,
    born_and_young_enough,
    just_past_the_end,
    older_but_born_early,
    too_old,
    due_date_long_past,
    pregnant,
)
"""In the order in which they are tried; each relies on the ones before it not fitting."""


PHASES: Final = "Nottingham 2021: year one in four wards, then the whole city"

PLACELESS: Final = frozenset(
    {PlaceQuality.UNKNOWN, PlaceQuality.MISSING, PlaceQuality.NO_FIXED_ABODE, PlaceQuality.WITHHELD}
)
PLACE_IN_DOUBT: Final = frozenset({"E11", "E12"})


def _own_ward(case: Case) -> Ward | None:
    """Own ward, when it is one of the policy's (those that are current today)."""
    ward = case.facts.place.ward
    return case.policy.ward_by_code.get(ward) if ward else None


def _place_used(case: Case) -> Used:
    place = case.facts.place
    return {"ward": place.ward, "authority": place.authority, "quality": str(place.quality)}


@rule("E11", source="Working Together to Safeguard Children 2023: responsible authority of a looked-after child")
def looked_after(case: Case) -> Finding | None:
    """A council looks after the child, ours or another. A person finds out which one is responsible."""
    if case.facts.care_status not in LOOKED_AFTER:
        return None
    text = "A council looks after this baby. A person will find out which council can help best."
    return _in_doubt(text, {"care_status": str(case.facts.care_status), **_place_used(case)}, Route.REVIEW_RESPONSIBLE)


def _is_unclear(case: Case) -> bool:
    place = case.facts.place
    if place.quality in PLACELESS:
        return True
    return place.authority in (None, case.policy.authority) and _own_ward(case) is None


@rule("E12", source=f"{HANDBOOK}: nobody is declined for lack of an address")
def place_unclear(case: Case) -> Finding | None:
    """No address to use and no council, or an address of ours without a current ward."""
    if not _is_unclear(case):
        return None
    text = "We do not know where home is right now. A person will work it out, and no one loses out."
    return _in_doubt(text, _place_used(case), Route.REVIEW_LOCATION)


@rule("E10", source="Both councils' papers: the service is for the council's own area")
def another_area(case: Case) -> Finding | None:
    """In another council's area, with an address that can be used."""
    authority = case.facts.place.authority
    if authority in (None, case.policy.authority):
        return None
    return Finding(
        text=f"Home is outside {case.policy.authority_name}. We will say who can help where the family lives.",
        used=_place_used(case),
        routes=(Route.SIGNPOST_AREA,),
        eligibility=Eligibility.NOT_ELIGIBLE,
    )


@rule("E8", source=PHASES)
def ward_open(case: Case) -> Finding | None:
    """Home is in our area, and its ward was open on the day the referral came."""
    ward = _own_ward(case)
    if ward is None or ward.opens_on is None or ward.opens_on > case.on:
        return None
    return Finding(
        text=f"Home is in {ward.name}, where this service is open.",
        used={"ward": ward.code, "opens_on": ward.opens_on.isoformat(), "received_on": case.on.isoformat()},
    )


@rule("E9", source=PHASES)
def ward_not_open_yet(case: Case) -> Finding | None:
    """Home is in our area, and its ward isn't open yet: no decline; the referral waits until the ward opens."""
    ward = _own_ward(case)
    if ward is None:
        return None
    opens = ward.opens_on
    when = f"It opens there on {opens.day} {opens:%B %Y}." if opens else "We do not have a date yet."
    return Finding(
        text=f"Home is in {ward.name}. {when} We keep the request safe, and talk now with those who help the family.",
        used={"ward": ward.code, "opens_on": opens.isoformat() if opens else None, "received_on": case.on.isoformat()},
        routes=(Route.PHASE_HOLD, Route.CONSULTATION),
        eligibility=Eligibility.NOT_YET,
    )


PLACE: Final[tuple[Rule, ...]] = (looked_after, place_unclear, another_area, ward_open, ward_not_open_yet)
"""In the order in which they are tried; each relies on the ones before it not fitting."""


def _consent_used(case: Case) -> Used:
    return {"consent": str(case.facts.consent)}


@rule("E13s", source=f"{WORKING_TOGETHER}: information may be shared without consent to keep a child safe")
def safety_goes_on(case: Case) -> Finding | None:
    """Safety work goes on though consent is not given. Who goes on without it, why and when is recorded."""
    if case.facts.consent is Consent.GIVEN or not case.facts.tells_of_danger:
        return None
    return Finding(
        text="Keeping a child safe comes first, so we go on for now. We write down who chose this, when and why.",
        used=_consent_used(case),
    )


def _answer(
    case: Case, consent: Consent, text: str, route: Route, eligibility: Eligibility = Eligibility.PROVISIONAL
) -> Finding | None:
    if case.facts.consent is not consent:
        return None
    return Finding(text=text, used=_consent_used(case), routes=(route,), eligibility=eligibility)


@rule("E13", source=HANDBOOK)
def refused(case: Case) -> Finding | None:
    """The family said no, and there is no safety work. We propose a decline, with advice for the referrer."""
    text = "The family would rather not be referred now, and that is their choice. The door stays open."
    return _answer(case, Consent.REFUSED, text, Route.ADVICE_TO_REFERRER, Eligibility.NOT_ELIGIBLE)


@rule("E14", source=HANDBOOK)
def not_sought(case: Case) -> Finding | None:
    """Nobody has asked the family yet: the clock waits on the referrer."""
    text = "The family has not been asked yet. We will wait until they have had the chance to say yes."
    return _answer(case, Consent.NOT_SOUGHT, text, Route.INFO_REQUEST)


@rule("E14b", source=HANDBOOK)
def disputed(case: Case) -> Finding | None:
    """Those who may say yes or no do not agree, and there is no safety work: a person listens."""
    text = "The people who care for the baby do not agree yet. A person will listen to each side."
    return _answer(case, Consent.DISPUTED, text, Route.REVIEW)


CONSENT: Final[tuple[Rule, ...]] = (safety_goes_on, refused, not_sought, disputed)
"""In the order in which they are tried: in danger none but E13s."""
