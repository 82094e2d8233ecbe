"""The words that people read for the facts of a referral: one dictionary for each field of `Facts`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.events import codes
from shared.pages.wording import LINKS, TIERS, Words, source_name, word_for

KINDS: Final[Words] = {
    codes.Kind.FAMILY: "A family",
    codes.Kind.CONSULTATION: "A consultation",
    codes.Kind.TRAINING: "Training",
}
PLACE_QUALITIES: Final[Words] = {
    codes.PlaceQuality.KNOWN: "Known",
    codes.PlaceQuality.TERMINATED: "The postcode is no longer in use",
    codes.PlaceQuality.UNKNOWN: "The postcode is not known",
    codes.PlaceQuality.MISSING: "No postcode was given",
    codes.PlaceQuality.NO_FIXED_ABODE: "No fixed address",
    codes.PlaceQuality.WITHHELD: "The address is kept safe",
}
CONSENTS: Final[Words] = {
    codes.Consent.GIVEN: "The family agrees",
    codes.Consent.REFUSED: "The family does not agree",
    codes.Consent.NOT_SOUGHT: "The family has not been asked",
    codes.Consent.DISPUTED: "People in the family do not agree with each other",
}
SEVERITIES: Final[Words] = {
    codes.Severity.NONE: "No concern about the relationship",
    codes.Severity.MILD: "Mild",
    codes.Severity.MODERATE: "Moderate",
    codes.Severity.SEVERE: "Severe",
    codes.Severity.UNKNOWN: "Not seen yet",
}
DOMAINS: Final[Words] = {
    codes.Domain.MAIN_CARER: "Being with the main carer",
    codes.Domain.EMOTIONAL: "Feelings",
    codes.Domain.COGNITIVE: "Learning and attention",
    codes.Domain.SENSE_OF_SELF: "Sense of self",
    codes.Domain.SOCIAL: "Being with other people",
}
RISK_FACTORS: Final[Words] = {
    codes.RiskFactor.ISOLATION: "On their own, with little support",
    codes.RiskFactor.LOW_MOOD: "Low mood",
    codes.RiskFactor.PREVIOUS_LOSS: "An earlier loss",
    codes.RiskFactor.TRAUMATIC_BIRTH: "A traumatic birth",
    codes.RiskFactor.PARENTAL_TRAUMA: "Trauma in a parent's own life",
    codes.RiskFactor.PREMATURITY: "Born early",
    codes.RiskFactor.FEEDING_OR_SLEEP: "Feeding or sleep is hard",
    codes.RiskFactor.PARENTAL_CONFLICT: "Conflict between the parents",
    codes.RiskFactor.HOUSING_OR_POVERTY: "Housing or money worries",
    codes.RiskFactor.SUBSTANCE_USE: "Drugs or alcohol",
    codes.RiskFactor.YOUNG_PARENT: "A young parent",
    codes.RiskFactor.CARE_EXPERIENCED: "A parent who was in care",
    codes.RiskFactor.LEARNING_DISABILITY: "A parent with a learning disability",
    codes.RiskFactor.SEEKING_ASYLUM: "Seeking asylum",
}
COMPLEX_HISTORIES: Final[Words] = {
    codes.ComplexHistory.PREVIOUS_REMOVAL: "An earlier child was removed",
    codes.ComplexHistory.FRIGHTENING_BEHAVIOUR: "Behaviour that frightens the baby",
    codes.ComplexHistory.COMPLEX_TRAUMA: "Complex trauma",
}
SAFETY: Final[Words] = {
    codes.Safety.IMMEDIATE_DANGER: "Somebody is in danger now",
    codes.Safety.INJURY_NONMOBILE: "An injury in a baby who can't move around yet",
    codes.Safety.SIGNIFICANT_HARM: "Significant harm, or a risk of it",
    codes.Safety.DOMESTIC_ABUSE: "Domestic abuse",
}
MENTAL_HEALTH: Final[Words] = {
    codes.MentalHealth.NONE: "Nothing was said",
    codes.MentalHealth.MILD: "Mild",
    codes.MentalHealth.MODERATE: "Moderate",
    codes.MentalHealth.SEVERE: "Severe",
    codes.MentalHealth.SEVERE_HISTORY_WELL: "Severely ill before, well now",
    codes.MentalHealth.PSYCHOSIS_SUSPECTED: "May have a psychosis",
    codes.MentalHealth.SELF_HARM_NEW: "New thoughts or acts of self-harm",
    codes.MentalHealth.ESTRANGEMENT: "The baby feels like a stranger",
    codes.MentalHealth.HARM_BABY_PLAN: "Plans to harm the baby",
}
CARE_STATUSES: Final[Words] = {
    codes.CareStatus.NONE: "None",
    codes.CareStatus.CP_PLAN: "Child protection plan",
    codes.CareStatus.PREBIRTH: "Pre-birth assessment",
    codes.CareStatus.LAC_OWN_LA: "Looked after by our council",
    codes.CareStatus.LAC_OTHER_LA: "Looked after by another council",
}
CARERS: Final[Words] = {
    codes.Carer.MOTHER: "Mother",
    codes.Carer.FATHER: "Father",
    codes.Carer.PARTNER: "Partner",
    codes.Carer.KINSHIP: "A relative or friend",
    codes.Carer.FOSTER: "Foster carer",
    codes.Carer.ADOPTIVE: "Adoptive parent",
    codes.Carer.OTHER: "Somebody else",
}
CIRCUMSTANCES: Final[Words] = {
    codes.Circumstance.INFANT_DIED: "The baby died",
    codes.Circumstance.PREGNANCY_ENDED: "The pregnancy ended",
    codes.Circumstance.PLANNED_MOVE_OUT: "The family plans to move away",
    codes.Circumstance.COURT_ASSESSMENT_REQUEST: "A court has asked for an assessment",
}
NHS_NUMBERS: Final[Words] = {
    codes.NhsNumber.VALID: "Given",
    codes.NhsNumber.INVALID: "Given, but not right",
    codes.NhsNumber.ABSENT: "Not given",
}

OF_FIELD: Final[dict[str, Words]] = {
    "kind": KINDS,
    "quality": PLACE_QUALITIES,
    "consent": CONSENTS,
    "severity": SEVERITIES,
    "domains": DOMAINS,
    "risk_factors": RISK_FACTORS,
    "complex_history": COMPLEX_HISTORIES,
    "safety": SAFETY,
    "mental_health": MENTAL_HEALTH,
    "care_status": CARE_STATUSES,
    "carer": CARERS,
    "circumstances": CIRCUMSTANCES,
    "links": LINKS,
    "requested_tier": TIERS,
    "nhs_number": NHS_NUMBERS,
}
"""Field of the facts → its words."""

OF_CODES: Final[dict[type[StrEnum], Words]] = {
    codes.Kind: KINDS,
    codes.PlaceQuality: PLACE_QUALITIES,
    codes.Consent: CONSENTS,
    codes.Severity: SEVERITIES,
    codes.Domain: DOMAINS,
    codes.RiskFactor: RISK_FACTORS,
    codes.ComplexHistory: COMPLEX_HISTORIES,
    codes.Safety: SAFETY,
    codes.MentalHealth: MENTAL_HEALTH,
    codes.CareStatus: CARE_STATUSES,
    codes.Carer: CARERS,
    codes.Circumstance: CIRCUMSTANCES,
    codes.NhsNumber: NHS_NUMBERS,
}


def fact_name(code: str | None, field: str) -> str:
    """`{{ code | fact_name("safety") }}`: the words for one code of a field of the facts."""
    if field == "source":
        return source_name(code)
    return word_for(OF_FIELD.get(field, {}))(code)
