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
    """Frozen; unknown members are refused; an error never shows what was sent.

    The words below a member are its description in the OpenAPI document.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


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
    """Who writes."""
    role: Name | None = None
    """What they are, such as Health visitor."""
    email: WorkEmail | None = None
    """Their address at work; answers go to the team's inbox."""
    phone: Phone | None = None
    """Where staff reach them; ASCII, without an extension."""


class Baby(Part):
    """Born or unborn; nothing about a baby has to be known."""

    given_name: Name | None = None
    """First names, as the family writes them; none for a baby who has none yet."""
    family_name: Name | None = None
    """Family name, as the family writes it."""
    date_of_birth: Day | None = None
    """YYYY-MM-DD; missing before the birth, or when not known."""
    due_on: Day | None = None
    """YYYY-MM-DD: the day on which the baby is, or was, due."""
    sex: Gender | None = None
    """NHS PERSON STATED GENDER CODE: 1 male, 2 female, 9 indeterminate, X not known. Text."""
    nhs_number: NhsNumberText | None = None
    """Ten digits; spaces or hyphens between groups may be there. A wrong check digit is a mark, not an error."""
    ethnic_category: EthnicCategory | None = None
    """NHS ETHNIC CATEGORY CODE 2001, A to Z (Z: not stated), or 99: not known. Counted only."""


class MessagesWanted(Part):
    """Whether a caregiver may be written to by itself: how, whether nobody else reads it, and who said so."""

    channel: MessageChannel | None = None
    """How they want to be written to; `none`: not at all."""
    is_safe: StrictBool | None = None
    """Whether nobody else reads what comes there."""
    told_by: ToldBy | None = None
    """Who said so: without the family's own word nothing is sent."""


class Caregiver(Part):
    """Somebody who looks after the baby, named in part at least; the first is the one the referral is mostly about."""

    model_config = ConfigDict(json_schema_extra={"required": ["relationship"]})
    relationship: Carer | None = None
    """What they are to the baby."""
    given_name: Name | None = None
    """One name is needed, this or the family name."""
    family_name: Name | None = None
    """Family name, as the family writes it."""
    date_of_birth: Annotated[Day, AfterValidator(_old_enough)] | None = None
    """YYYY-MM-DD."""
    nhs_number: NhsNumberText | None = None
    """Ten digits; spaces or hyphens between groups may be there. A wrong check digit is a mark, not an error."""
    ethnic_category: EthnicCategory | None = None
    """NHS ETHNIC CATEGORY CODE 2001, A to Z (Z: not stated), or 99: not known. Counted only."""
    phone: Phone | None = None
    """Can be dialled from anywhere, with its area code; a UK mobile has 11 digits."""
    email: Email | None = None
    """An address without display name or quotes."""
    preferred_language: Language | None = None
    """A registered language tag (BCP 47), such as en, ur or bfi (British Sign Language)."""
    interpreter_needed: StrictBool | None = None
    """Whether to book one; a sign language says so by itself."""
    communication_needs: Codes[CommunicationNeed] = ()
    """How they need to be spoken or written to."""
    safe_contact: FreeText | None = None
    """How and when to reach them safely, in words; staff read it before they ring."""
    messages: MessagesWanted | None = None
    """Whether they may be written to by itself, and how."""


class Home(Part):
    """One of: an address (postcode, lines or both), `no_fixed_abode: true`, `withheld: true`."""

    postcode: Postcode | None = None
    """A UK postcode in any case and spacing; ZZ99 3VZ is no fixed abode, ZZ99 3WZ not known."""
    address_lines: Annotated[tuple[Name, ...], Field(max_length=MOST_ADDRESS_LINES), listed(MOST_ADDRESS_LINES)] = ()
    """Up to 5 lines without the postcode."""
    no_fixed_abode: StrictBool | None = None
    """True: they have no fixed address."""
    withheld: StrictBool | None = None
    """True: the address is kept safe and not told."""


class ConsentGiven(Part):
    """What the family said, who said it and when; the reason when somebody goes on without."""

    model_config = ConfigDict(json_schema_extra={"required": [*REQUIRED["consent"]]})
    status: Consent | None = None
    """Whether the family agrees to the referral."""
    given_by: Name | None = None
    """Who of the family said so."""
    recorded_at: Annotated[Time, AfterValidator(_recent)] | None = None
    """When, with an offset; at most 2 years ago, and not ahead."""
    override_reason: FreeText | None = None
    """Why somebody goes on without consent, in words."""


class Worry(Part):
    """What the referrer sees between parent and baby."""

    model_config = ConfigDict(json_schema_extra={"required": [*REQUIRED["concern"]]})
    severity: Severity | None = None
    """How hard it is between parent and baby; `unknown` when nobody has seen them together."""
    domains: Codes[Domain] = ()
    """Where it shows."""
    parent_was_asked: StrictBool | None = None
    """Whether a parent was asked how the relationship feels to them."""


def _none_for_null(value: object) -> object:
    return "none" if value is None else value


class ReferralDocument(Part):
    """One request about one family."""

    model_config = ConfigDict(
        json_schema_extra={"required": ["referrer", "babies", "caregivers", "consent", "concern"]}
    )
    external_reference: Reference | None = None
    """Your own reference, kept sealed: it finds the referral again, and the same one is the same referral."""
    source: Source | None = None
    """NHS SOURCE OF REFERRAL FOR MENTAL HEALTH code; your agency's own when missing."""
    referrer: Referrer | None = None
    """The practitioner who writes."""
    babies: Annotated[
        tuple[Baby, ...], Field(max_length=MOST_BABIES, json_schema_extra={"minItems": 1}), listed(MOST_BABIES)
    ] = ()
    """The babies, born or not, whom this is about."""
    caregivers: Annotated[
        tuple[Caregiver, ...],
        Field(max_length=MOST_CAREGIVERS, json_schema_extra={"minItems": 1}),
        listed(MOST_CAREGIVERS),
    ] = ()
    """Who looks after them; the first is the one it is mostly about."""
    home: Home | None = None
    """Where the family lives: one of address, no fixed abode or withheld."""
    consent: ConsentGiven | None = None
    """What the family said."""
    concern: Worry | None = None
    """What is seen between parent and baby."""
    risk_factors: Codes[RiskFactor] = ()
    """What makes it harder for the family."""
    strengths: Codes[Strength] = ()
    """What goes well."""
    complex_history: Codes[ComplexHistory] = ()
    """What a team for longer work should know."""
    safety: Codes[Safety] = ()
    """Dangers to the child or the family. With a danger anything else may be missing."""
    mental_health: Annotated[MentalHealth, BeforeValidator(_none_for_null)] = MentalHealth.NONE
    """That of the first caregiver; null is none. A red flag counts as a danger."""
    care_status: Annotated[CareStatus, BeforeValidator(_none_for_null)] = CareStatus.NONE
    """Whether social care is involved; null is none."""
    circumstances: Codes[Circumstance] = ()
    """What changes who gets in touch, or how."""
    requested_tier: Tier | None = None
    """What the referrer asks for; the rules decide."""
    notes: FreeText | None = None
    """Anything else, in words: at most 10,000 characters. A person reads it."""
    written_in: Language | None = None
    """The language of the free text, as a language tag; nobody said so: English."""
