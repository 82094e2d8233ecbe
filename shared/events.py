"""The contracts: every event and code list that crosses a service boundary.

Values are ids, codes, dates and wards only; who a family is never leaves the referral service.
A field may be added with a default; anything else is a new version of the event (`.v2`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

REFERRAL_TOPIC: Final = "pir.referral.v1"
TRIAGE_TOPIC: Final = "pir.triage.v1"
NOTIFY_TOPIC: Final = "pir.notify.v1"
TOPICS: Final = (REFERRAL_TOPIC, TRIAGE_TOPIC, NOTIFY_TOPIC)
PARTITIONS: Final = 12


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


RED_FLAGS: Final = frozenset(
    {
        MentalHealth.PSYCHOSIS_SUSPECTED,
        MentalHealth.SELF_HARM_NEW,
        MentalHealth.ESTRANGEMENT,
        MentalHealth.HARM_BABY_PLAN,
    }
)
"""The maternal red flags of rule S5 (domain.md of the handbook: perinatal red flags)."""


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


class Urgency(StrEnum):
    """Lowest first, as domain.md orders them: `1wd` is one working day, `4h` and `now` run on the wall clock."""

    ROUTINE = "routine"
    URGENT = "urgent"
    WORKING_DAY = "1wd"
    FOUR_HOURS = "4h"
    NOW = "now"


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


class WaitingFor(StrEnum):
    REFERRER = "referrer"
    PLACE = "place"


class EscalationReason(StrEnum):
    UNOPENED_FIRST = "unopened_first"
    UNOPENED_SECOND = "unopened_second"
    UNOPENED_WORKING_DAY = "unopened_working_day"
    AGES_OUT_SOON = "ages_out_soon"


class MessageKind(StrEnum):
    RECEIPT = "receipt"
    DECISION = "decision"
    OUTCOME = "outcome"
    INFORMATION_REQUEST = "information-request"
    WITHDRAWAL = "withdrawal"
    DUPLICATE = "duplicate"
    ON_CALL = "on-call"


class Model(BaseModel):
    """A frozen value; unknown members are ignored so that a newer sender can add one."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Infant(Model):
    """The youngest baby of the referral: at most one of the two dates leads (a birth date wins)."""

    born_on: date | None = None
    due_on: date | None = None
    count: Annotated[int, Field(ge=1, le=5)] = 1


class Place(Model):
    """Ward and authority are ONS codes (E05..., E06...) or null; `quality` says how far to trust them."""

    ward: Annotated[str, Field(pattern=r"^[EWSN][0-9]{8}$")] | None = None
    authority: Annotated[str, Field(pattern=r"^[EWSNLM][0-9]{8}$")] | None = None
    quality: PlaceQuality = PlaceQuality.MISSING


class Concern(Model):
    severity: Severity = Severity.UNKNOWN
    domains: tuple[Domain, ...] = ()


class Facts(Model):
    """The coded part of a referral: all that the rules may see. A default is what "nothing was said" means."""

    kind: Kind = Kind.FAMILY
    source: Annotated[str, Field(pattern=r"^[A-Z][0-9]$")] | None = None
    infant: Infant = Infant()
    place: Place = Place()
    consent: Consent = Consent.NOT_SOUGHT
    concern: Concern = Concern()
    risk_factors: tuple[RiskFactor, ...] = ()
    complex_history: tuple[ComplexHistory, ...] = ()
    safety: tuple[Safety, ...] = ()
    mental_health: MentalHealth = MentalHealth.NONE
    care_status: CareStatus = CareStatus.NONE
    carer: Carer = Carer.OTHER
    carer_age: Annotated[int, Field(ge=0, le=130)] | None = None
    accessible_information: bool = False
    circumstances: tuple[Circumstance, ...] = ()
    links: tuple[Link, ...] = ()
    safety_words: bool = False
    requested_tier: Tier | None = None
    nhs_number: NhsNumber = NhsNumber.ABSENT
    full_routes: tuple[Route, ...] = ()


class Monitoring(Model):
    """What equality counts need and rules never see: codes only (ETHNIC CATEGORY CODE 2001, BCP 47)."""

    baby_ethnicity: str | None = None
    mother_ethnicity: str | None = None
    father_ethnicity: str | None = None
    language: str | None = None
    parent_was_asked: bool | None = None


class Reason(Model):
    """Why one rule fired: words a parent could read, and the facts it used (codes, dates and counts only)."""

    rule: str
    text: str
    facts: Mapping[str, JsonValue] = {}


class PolicyRef(Model):
    id: str
    version: int


class Decision(Model):
    """What triage decided; `tier` is None when nobody could say yet."""

    eligibility: Eligibility
    mode: Mode
    tier: Tier | None
    routes: tuple[Route, ...]
    urgency: Urgency
    rules: tuple[str, ...]
    reasons: tuple[Reason, ...]
    holds: tuple[Hold, ...] = ()
    policy: PolicyRef


class Event(Model):
    """The `data` of a CloudEvent; `type` and `topic` are the same for every event of a class."""

    type: ClassVar[str]
    topic: ClassVar[str]


class AboutReferral(Event):
    """Every event about a referral or enquiry says which, whose and what: the order across topics is not assumed."""

    reference: str
    agency_id: UUID
    about: Kind = Kind.FAMILY


class LinkedReferral(Model):
    """Another referral of the same family, and what it is to this one."""

    id: UUID
    reference: str
    agency_id: UUID
    link: Link


class ReferralReceived(AboutReferral):
    """A referral was accepted and stored. `linked` are other referrals of the family, `gaps` JSON pointers."""

    type: ClassVar[str] = "referral.received.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    version: int = 1
    received_at: AwareDatetime
    expected_by: date
    family_id: UUID
    facts: Facts
    monitoring: Monitoring = Monitoring()
    linked: tuple[LinkedReferral, ...] = ()
    gaps: tuple[str, ...] = ()


class ReferralAmended(ReferralReceived):
    """The whole of the facts after an amendment; `version` counts from 2 and the first received time is kept."""

    type: ClassVar[str] = "referral.amended.v1"


class ReferralInformed(AboutReferral):
    """The referrer answered a request for more information: the clock runs again."""

    type: ClassVar[str] = "referral.informed.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC


class ReferralWithdrawn(AboutReferral):
    type: ClassVar[str] = "referral.withdrawn.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    reason: WithdrawalReason


class ReferralErased(AboutReferral):
    """The family's keys were destroyed: drop what you hold about this referral."""

    type: ClassVar[str] = "referral.erased.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC


class EnquiryReceived(AboutReferral):
    """A consultation or training request: no child, counted apart from referrals."""

    type: ClassVar[str] = "enquiry.received.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    received_at: AwareDatetime
    expected_by: date
    facts: Facts
    people: int


class AgencyUpdated(Event):
    """An agency was added or changed; key = agency id. The inbox is a team's, never one person's."""

    type: ClassVar[str] = "agency.updated.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    slug: str
    name: str
    team_inbox: str
    source: str
    active: bool = True


class ReferralTriaged(AboutReferral):
    """A decision, of the machine or a person, on one version of a referral (or on an enquiry)."""

    type: ClassVar[str] = "referral.triaged.v1"
    topic: ClassVar[str] = TRIAGE_TOPIC
    decision_id: UUID
    version: int
    decided_by: DecidedBy
    decision: Decision


class AboutWorkItem(AboutReferral):
    topic: ClassVar[str] = TRIAGE_TOPIC
    work_item_id: UUID
    route: Route


class WorkItemOpened(AboutWorkItem):
    type: ClassVar[str] = "work-item.opened.v1"
    tier: Tier | None
    urgency: Urgency
    due_at: AwareDatetime
    waiting_list: bool = False


class WorkItemClaimed(AboutWorkItem):
    type: ClassVar[str] = "work-item.claimed.v1"


class WorkItemWaiting(AboutWorkItem):
    """The clock waits: on the referrer (information asked) or on a free place (waiting list)."""

    type: ClassVar[str] = "work-item.waiting.v1"
    waiting_for: WaitingFor


class WorkItemAccepted(AboutWorkItem):
    type: ClassVar[str] = "work-item.accepted.v1"


class WorkItemDeclined(AboutWorkItem):
    """A person confirmed a decline, with a coded reason."""

    type: ClassVar[str] = "work-item.declined.v1"
    reason: DeclineReason


class WorkItemFirstContact(AboutWorkItem):
    type: ClassVar[str] = "work-item.first-contact.v1"


class WorkItemClosed(AboutWorkItem):
    type: ClassVar[str] = "work-item.closed.v1"
    reason: ClosureReason


class WorkItemEscalated(AboutWorkItem):
    type: ClassVar[str] = "work-item.escalated.v1"
    reason: EscalationReason


class AboutMessage(AboutReferral):
    topic: ClassVar[str] = NOTIFY_TOPIC
    message_id: UUID
    kind: MessageKind
    channel: Literal["email"] = "email"


class MessageSent(AboutMessage):
    """Handed to the mail system."""

    type: ClassVar[str] = "message.sent.v1"


class MessageDelivered(AboutMessage):
    type: ClassVar[str] = "message.delivered.v1"


class MessageUndeliverable(AboutMessage):
    """Retried for as long as the policy of retries says, without success: a person has to act."""

    type: ClassVar[str] = "message.undeliverable.v1"


EVENTS: Final[dict[str, type[Event]]] = {
    event.type: event
    for event in (
        ReferralReceived,
        ReferralAmended,
        ReferralInformed,
        ReferralWithdrawn,
        ReferralErased,
        EnquiryReceived,
        AgencyUpdated,
        ReferralTriaged,
        WorkItemOpened,
        WorkItemClaimed,
        WorkItemWaiting,
        WorkItemAccepted,
        WorkItemDeclined,
        WorkItemFirstContact,
        WorkItemClosed,
        WorkItemEscalated,
        MessageSent,
        MessageDelivered,
        MessageUndeliverable,
    )
}
"""Every event that may be on a topic, by its CloudEvents type."""

E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E]):
    """One event with its CloudEvents attributes.

    `key` is the referral's id (the agency's for agencies); `sequence` counts per key and source from 1;
    `heard_at` is when this copy of a service read it, the present moment of its handlers; `correlation_id` follows a request through every service; `causation_id` is the event that led to this one.
    """

    id: UUID
    key: UUID
    type: str
    source: str
    sequence: int
    occurred_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None
    heard_at: datetime
    data: E


def adapter(event: type[Event]) -> TypeAdapter[Event]:
    """The parser of one event class, made once: `adapter(cls).validate_json(value)`."""
    return _ADAPTERS[event.type]


_ADAPTERS: Final[dict[str, TypeAdapter[Event]]] = {name: TypeAdapter(event) for name, event in EVENTS.items()}
