"""Every code list that crosses a boundary. The values are the contract's; a new one may be added, none may change."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    FAMILY = "family"
    CONSULTATION = "consultation"
    TRAINING = "training"


class PlaceQuality(StrEnum):
    KNOWN = "known"
    TERMINATED = "terminated"
    UNKNOWN = "unknown"
    MISSING = "missing"
    NO_FIXED_ABODE = "no_fixed_abode"
    WITHHELD = "withheld"


class Consent(StrEnum):
    GIVEN = "given"
    REFUSED = "refused"
    NOT_SOUGHT = "not_sought"
    DISPUTED = "disputed"


class Severity(StrEnum):
    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    UNKNOWN = "unknown"


class Domain(StrEnum):
    MAIN_CARER = "main_carer"
    EMOTIONAL = "emotional"
    COGNITIVE = "cognitive"
    SENSE_OF_SELF = "sense_of_self"
    SOCIAL = "social"


class RiskFactor(StrEnum):
    ISOLATION = "isolation"
    LOW_MOOD = "low_mood"
    PREVIOUS_LOSS = "previous_loss"
    TRAUMATIC_BIRTH = "traumatic_birth"
    PARENTAL_TRAUMA = "parental_trauma"
    PREMATURITY = "prematurity"
    FEEDING_OR_SLEEP = "feeding_or_sleep"
    PARENTAL_CONFLICT = "parental_conflict"
    HOUSING_OR_POVERTY = "housing_or_poverty"
    SUBSTANCE_USE = "substance_use"
    YOUNG_PARENT = "young_parent"
    CARE_EXPERIENCED = "care_experienced"
    LEARNING_DISABILITY = "learning_disability"
    SEEKING_ASYLUM = "seeking_asylum"


class ComplexHistory(StrEnum):
    PREVIOUS_REMOVAL = "previous_removal"
    FRIGHTENING_BEHAVIOUR = "frightening_behaviour"
    COMPLEX_TRAUMA = "complex_trauma"


class Safety(StrEnum):
    IMMEDIATE_DANGER = "immediate_danger"
    INJURY_NONMOBILE = "injury_nonmobile"
    SIGNIFICANT_HARM = "significant_harm"
    DOMESTIC_ABUSE = "domestic_abuse"


class MentalHealth(StrEnum):
    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    SEVERE_HISTORY_WELL = "severe_history_well"
    PSYCHOSIS_SUSPECTED = "psychosis_suspected"
    SELF_HARM_NEW = "self_harm_new"
    ESTRANGEMENT = "estrangement"
    HARM_BABY_PLAN = "harm_baby_plan"


DANGERS: Final = frozenset({Safety.IMMEDIATE_DANGER, Safety.INJURY_NONMOBILE, Safety.SIGNIFICANT_HARM})
"""Ticks of S1 and S2: with one, or a red flag, anything else may be missing, and the answer says whom to ring."""
RED_FLAGS: Final = frozenset(
    {
        MentalHealth.PSYCHOSIS_SUSPECTED,
        MentalHealth.SELF_HARM_NEW,
        MentalHealth.ESTRANGEMENT,
        MentalHealth.HARM_BABY_PLAN,
    }
)
"""The maternal red flags of rule S5 (published perinatal red flags: estrangement looks like an ordinary worry)."""


def tells_of_danger(safety: Collection[str], mental_health: str | None) -> bool:
    """Whether the ticks say to ring somebody at once: one of DANGERS, or a maternal red flag."""
    return bool(DANGERS.intersection(safety)) or mental_health in RED_FLAGS


class CareStatus(StrEnum):
    NONE = "none"
    CP_PLAN = "cp_plan"
    PREBIRTH = "prebirth"
    LAC_OWN_LA = "lac_own_la"
    LAC_OTHER_LA = "lac_other_la"


class Carer(StrEnum):
    MOTHER = "mother"
    FATHER = "father"
    PARTNER = "partner"
    KINSHIP = "kinship"
    FOSTER = "foster"
    ADOPTIVE = "adoptive"
    OTHER = "other"


class Circumstance(StrEnum):
    INFANT_DIED = "infant_died"
    PREGNANCY_ENDED = "pregnancy_ended"
    PLANNED_MOVE_OUT = "planned_move_out"
    COURT_ASSESSMENT_REQUEST = "court_assessment_request"


LOSSES: Final = frozenset({Circumstance.INFANT_DIED, Circumstance.PREGNANCY_ENDED})
"""Those of rule S8 and hold C1: a person decides all, and every word is chosen with care."""


class Link(StrEnum):
    DUPLICATE = "duplicate"
    SIBLING_OPEN = "sibling_open"
    RE_REFERRAL = "re_referral"
    REPEAT = "repeat"


class NhsNumber(StrEnum):
    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"


class Tier(StrEnum):
    UNIVERSAL = "universal"
    TARGETED = "targeted"
    SPECIALIST_SHORT = "specialist_short"
    SPECIALIST_LONG = "specialist_long"
    PNMH = "pnmh"
    STATUTORY = "statutory"


class Route(StrEnum):
    UNIVERSAL = "universal"
    TARGETED = "targeted"
    PIR_SHORT = "pir_short"
    PIR_LONG = "pir_long"
    PNMH = "pnmh"
    PNMH_EMERGENCY = "pnmh_emergency"
    ADULT_MH = "adult_mh"
    MASH = "mash"
    MASH_HOME_LA = "mash_home_la"
    EMERGENCY_CALL = "emergency_call"
    SOCIAL_WORKER_LINK = "social_worker_link"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    CONSULTATION = "consultation"
    TRAINING = "training"
    PHASE_HOLD = "phase_hold"
    SIGNPOST_AGE = "signpost_age"
    SIGNPOST_AREA = "signpost_area"
    ADVICE_TO_REFERRER = "advice_to_referrer"
    INFO_REQUEST = "info_request"
    BEREAVEMENT_REVIEW = "bereavement_review"
    REVIEW = "review"
    REVIEW_BIRTH_OUTCOME = "review_birth_outcome"
    REVIEW_LOCATION = "review_location"
    REVIEW_RESPONSIBLE = "review_responsible"
    REVIEW_CALL_BACK = "review_call_back"
    REVIEW_DUPLICATE = "review_duplicate"


class Eligibility(StrEnum):
    """From the most to the least open; `strictest` takes the last that any rule gave."""

    ELIGIBLE = "eligible"
    NOT_YET = "not_yet"
    PROVISIONAL = "provisional"
    NOT_ELIGIBLE = "not_eligible"


class Mode(StrEnum):
    AUTO_ROUTE = "auto_route"
    HUMAN_REVIEW = "human_review"
    PROPOSE_DECLINE = "propose_decline"


SAFEGUARDING: Final = frozenset(
    {Route.MASH, Route.MASH_HOME_LA, Route.EMERGENCY_CALL, Route.SAFEGUARDING_LEAD, Route.SOCIAL_WORKER_LINK}
)
AFTER_A_LOSS: Final = frozenset({Route.BEREAVEMENT_REVIEW, Route.REVIEW_BIRTH_OUTCOME})
"""Work on a loss, or on the fear of one: whatever is decided there, nothing is offered in a message."""
SAFETY_ROUTES: Final = SAFEGUARDING | AFTER_A_LOSS | {Route.PNMH_EMERGENCY}
"""Routes of safety work: a withdrawal never ends it unread, and no family is erased while it is open."""
DECLINE_ROUTES: Final = frozenset({Route.SIGNPOST_AGE, Route.SIGNPOST_AREA, Route.ADVICE_TO_REFERRER})
"""Routes on which nothing but a decline is proposed (E6, E10, E13): no agency sees them before a person confirms."""
FAMILY_WORK: Final = frozenset(
    {Route.UNIVERSAL, Route.TARGETED, Route.PIR_SHORT, Route.PIR_LONG, Route.PNMH, Route.ADULT_MH}
)
"""Routes on which a team works with the family: due is the first contact. Elsewhere due is a decision."""


class Urgency(StrEnum):
    """Lowest first: `1wd` is one working day, `4h` and `now` run on the wall clock."""

    ROUTINE = "routine"
    URGENT = "urgent"
    WORKING_DAY = "1wd"
    FOUR_HOURS = "4h"
    NOW = "now"


WALL_CLOCK: Final = {Urgency.NOW: timedelta(0), Urgency.FOUR_HOURS: timedelta(hours=4)}
"""How soon by the clock, nights and weekends counted; any other urgency is a matter of working days."""


class Hold(StrEnum):
    """Contact holds: C1 after a death or a lost pregnancy, C2 under domestic abuse."""

    C1 = "C1"
    C2 = "C2"


class DecidedBy(StrEnum):
    MACHINE = "machine"
    PERSON = "person"


class WithdrawalReason(StrEnum):
    FAMILY_DECLINED = "family_declined"
    MOVED_AWAY = "moved_away"
    DUPLICATE = "duplicate"
    OTHER_SUPPORT = "other_support"
    SENT_IN_ERROR = "sent_in_error"
    OTHER = "other"


class DeclineReason(StrEnum):
    """Why a person declined; mapped to NHS REFERRAL REJECTION REASON in the coded export (later)."""

    OVER_AGE = "over_age"
    OUT_OF_AREA = "out_of_area"
    CONSENT_REFUSED = "consent_refused"
    DUPLICATE = "duplicate"
    NEED_MET_ELSEWHERE = "need_met_elsewhere"
    INCOMPLETE = "incomplete"
    NOT_SUITABLE = "not_suitable"


class ClosureReason(StrEnum):
    COMPLETED = "completed"
    MOVED_AWAY = "moved_away"
    DID_NOT_ATTEND = "did_not_attend"
    FAMILY_ASKED = "family_asked"
    PASSED_ON = "passed_on"
    NO_FURTHER_NEED = "no_further_need"
    AGED_OUT = "aged_out"
    DIED = "died"
    WITHDRAWN = "withdrawn"
    DECIDED_AGAIN = "decided_again"
    SAME_FAMILY = "same_family"
    NOT_THE_SAME = "not_the_same"


GOES_ON: Final = frozenset({ClosureReason.DECIDED_AGAIN, ClosureReason.NOT_THE_SAME})
"""Ends of an item after which the rules or a person have opened other work: they say nothing of the referral."""


class WaitingFor(StrEnum):
    REFERRER = "referrer"
    PLACE = "place"


class EscalationReason(StrEnum):
    UNOPENED_FIRST = "unopened_first"
    UNOPENED_SECOND = "unopened_second"
    UNOPENED_WORKING_DAY = "unopened_working_day"
    STILL_OPEN = "still_open"
    AGES_OUT_SOON = "ages_out_soon"
    PLACE_FREE = "place_free"


class PlaceKind(StrEnum):
    """What a team takes a family on in: a place of its own, or one in a group."""

    INDIVIDUAL = "individual"
    GROUP = "group"


class MessageKind(StrEnum):
    RECEIPT = "receipt"
    DECISION = "decision"
    OUTCOME = "outcome"
    INFORMATION_REQUEST = "information-request"
    WITHDRAWAL = "withdrawal"
    DUPLICATE = "duplicate"
    ON_CALL = "on-call"


class Channel(StrEnum):
    """How a message goes."""

    EMAIL = "email"
    SMS = "sms"
    LETTER = "letter"


class Audience(StrEnum):
    """Whom a message is for: the team that referred, the family, or the person on call."""

    AGENCY = "agency"
    HOUSEHOLD = "household"
    ON_CALL = "on-call"
