"""What the rules may see, and what they say: facts in, a decision with reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.events.codes import (
    Carer,
    CareStatus,
    Circumstance,
    ComplexHistory,
    Consent,
    Domain,
    Eligibility,
    Hold,
    Kind,
    Link,
    MentalHealth,
    Mode,
    NhsNumber,
    PlaceQuality,
    RiskFactor,
    Route,
    Safety,
    Severity,
    Tier,
    Urgency,
    tells_of_danger,
)


class Model(BaseModel):
    """A frozen value; unknown members are ignored so that a newer sender can add one."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Infant(Model):
    """The youngest baby of the referral: at most one of the two dates leads (a birth date wins)."""

    born_on: date | None = None
    due_on: date | None = None
    count: Annotated[int, Field(ge=1, le=5)] = 1

    @property
    def unborn_due_on(self) -> date | None:
        """Due date of a baby that is not born yet, so far as we know; None otherwise."""
        return None if self.born_on else self.due_on


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

    @property
    def tells_of_danger(self) -> bool:
        """Whether a tick of S1, S2, S5 or S6 says to ring somebody at once: safety comes before anything else."""
        return tells_of_danger(self.safety, self.mental_health)


class Monitoring(Model):
    """What equality counts need and rules never see: codes only (ETHNIC CATEGORY CODE 2001, BCP 47).

    `deprivation_decile`: of the small area where the family lives, within its country; 1 is most deprived.
    """

    baby_ethnicity: str | None = None
    mother_ethnicity: str | None = None
    father_ethnicity: str | None = None
    language: str | None = None
    parent_was_asked: bool | None = None
    deprivation_decile: Annotated[int, Field(ge=1, le=10)] | None = None


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

    @property
    def waits_for_ward(self) -> bool:
        """Nobody decides before the family's ward opens. Of a danger the routes would come first."""
        return self.routes[:1] == (Route.PHASE_HOLD,)
