"""A referral as the agency writes it, with its values in one form.

Every member may be missing here, because a referral about a danger is accepted whatever is missing: what a referral
needs otherwise is in `checks`. The JSON Schema still lists the members as required, for whoever writes a client.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationInfo

from services.referral.document.codes import CommunicationNeed, Gender, MessageChannel, Strength, ToldBy
from services.referral.document.errors import refusal
from services.referral.document.fields import (
    Codes,
    Day,
    Email,
    EthnicCategory,
    Language,
    NhsNumberText,
    Phone,
    Postcode,
    Source,
    Time,
    WorkEmail,
    listed,
)
from services.referral.document.text import FreeText, Name, Reference
from shared.events import (
    Carer,
    CareStatus,
    Circumstance,
    ComplexHistory,
    Consent,
    Domain,
    MentalHealth,
    RiskFactor,
    Safety,
    Severity,
    Tier,
)

MOST_BABIES: Final = 5
MOST_CAREGIVERS: Final = 10
MOST_ADDRESS_LINES: Final = 5
YOUNGEST_CAREGIVER: Final = 10
"""Years; a younger one is a slip of the pen."""
OLDEST_CONSENT_YEARS: Final = 2
CLOCK_SKEW_SECONDS: Final = 300
REQUIRED: Final = {"referrer": ["name", "role", "email"], "consent": ["status"], "concern": ["severity"]}
"""What a part has to say, for the JSON Schema and for `checks`."""


def years_old(born_on: date, today: date) -> int:
    """Whole years on the day; negative before the birth. Without 29 February a birthday is kept on 1 March."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def years_before(now: datetime, years: int) -> datetime:
    """Return the same moment that many years ago; 28 February where 29 February is missing."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


class Part(BaseModel):
    """Frozen; unknown members are refused; an error never shows what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _old_enough(born_on: date, info: ValidationInfo) -> date:
    """The context is that of `read`; without it ages are not checked."""
    if info.context and not years_old(born_on, info.context["today"]) >= YOUNGEST_CAREGIVER:
        raise refusal("implausible-date", "A caregiver is at least ten years old.")
    return born_on


def _recent(recorded_at: datetime, info: ValidationInfo) -> datetime:
    if not info.context:
        return recorded_at
    now = info.context["now"]
    if (recorded_at - now).total_seconds() > CLOCK_SKEW_SECONDS:
        raise refusal("implausible-time", "Consent can't be recorded in the future.")
    if recorded_at < years_before(info.context["consent_sent_at"], OLDEST_CONSENT_YEARS):
        raise refusal("implausible-time", "Consent recorded over two years ago has to be asked for again.")
    return recorded_at


class Referrer(Part):
    """The practitioner who writes; answers go to the agency's team, not to this address."""

    model_config = ConfigDict(json_schema_extra={"required": [*REQUIRED["referrer"]]})
    name: Name | None = None
    role: Name | None = None
    email: WorkEmail | None = None
    phone: Phone | None = None


class Baby(Part):
    """Born or unborn; nothing about a baby has to be known."""

    given_name: Name | None = None
    family_name: Name | None = None
    date_of_birth: Day | None = None
    due_on: Day | None = None
    sex: Gender | None = None
    nhs_number: NhsNumberText | None = None
    ethnic_category: EthnicCategory | None = None


class MessagesWanted(Part):
    """Whether a caregiver may be written to by itself: how, whether nobody else reads it, and who said so."""

    channel: MessageChannel | None = None
    is_safe: StrictBool | None = None
    told_by: ToldBy | None = None


class Caregiver(Part):
    """Somebody who looks after the baby, named in part at least; the first is the one the referral is mostly about."""

    model_config = ConfigDict(json_schema_extra={"required": ["relationship"]})
    relationship: Carer | None = None
    given_name: Name | None = None
    family_name: Name | None = None
    date_of_birth: Annotated[Day, AfterValidator(_old_enough)] | None = None
    nhs_number: NhsNumberText | None = None
    ethnic_category: EthnicCategory | None = None
    phone: Phone | None = None
    email: Email | None = None
    preferred_language: Language | None = None
    interpreter_needed: StrictBool | None = None
    communication_needs: Codes[CommunicationNeed] = ()
    safe_contact: FreeText | None = None
    messages: MessagesWanted | None = None


class Home(Part):
    """One of: an address (postcode, lines or both), `no_fixed_abode: true`, `withheld: true`."""

    postcode: Postcode | None = None
    address_lines: Annotated[tuple[Name, ...], Field(max_length=MOST_ADDRESS_LINES), listed(MOST_ADDRESS_LINES)] = ()
    no_fixed_abode: StrictBool | None = None
    withheld: StrictBool | None = None


class ConsentGiven(Part):
    """What the family said, who said it and when; the reason when somebody goes on without."""

    model_config = ConfigDict(json_schema_extra={"required": [*REQUIRED["consent"]]})
    status: Consent | None = None
    given_by: Name | None = None
    recorded_at: Annotated[Time, AfterValidator(_recent)] | None = None
    override_reason: FreeText | None = None


class Worry(Part):
    """What the referrer sees between parent and baby."""

    model_config = ConfigDict(json_schema_extra={"required": [*REQUIRED["concern"]]})
    severity: Severity | None = None
    domains: Codes[Domain] = ()
    parent_was_asked: StrictBool | None = None


def _none_for_null(value: object) -> object:
    return "none" if value is None else value


class ReferralDocument(Part):
    """One request about one family."""

    model_config = ConfigDict(
        json_schema_extra={"required": ["referrer", "babies", "caregivers", "consent", "concern"]}
    )
    external_reference: Reference | None = None
    source: Source | None = None
    referrer: Referrer | None = None
    babies: Annotated[
        tuple[Baby, ...], Field(max_length=MOST_BABIES, json_schema_extra={"minItems": 1}), listed(MOST_BABIES)
    ] = ()
    caregivers: Annotated[
        tuple[Caregiver, ...],
        Field(max_length=MOST_CAREGIVERS, json_schema_extra={"minItems": 1}),
        listed(MOST_CAREGIVERS),
    ] = ()
    home: Home | None = None
    consent: ConsentGiven | None = None
    concern: Worry | None = None
    risk_factors: Codes[RiskFactor] = ()
    strengths: Codes[Strength] = ()
    complex_history: Codes[ComplexHistory] = ()
    safety: Codes[Safety] = ()
    mental_health: Annotated[MentalHealth, BeforeValidator(_none_for_null)] = MentalHealth.NONE
    care_status: Annotated[CareStatus, BeforeValidator(_none_for_null)] = CareStatus.NONE
    circumstances: Codes[Circumstance] = ()
    requested_tier: Tier | None = None
    notes: FreeText | None = None
    written_in: Language | None = None
    """The language of the free text; nobody said so: English."""
