"""The names of FHIR, UK Core and BaRS that we read or answer with, and ours: systems, extensions, code maps.

BaRS: NHS England, Booking and Referral Standard, core 1.1.0. UK Core: STU 2. Ours are URNs, because a council's address
may change, and what two councils take must have one name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.referral.document.codes import CommunicationNeed, Gender
from shared.events import Carer, WithdrawalReason

FHIR_JSON: Final = "application/fhir+json"
FHIR_VERSION: Final = "4.0.1"

_HL7: Final = "http://hl7.org/fhir/StructureDefinition/"
_UK_CORE: Final = "https://fhir.hl7.org.uk/"
_NHS: Final = "https://fhir.nhs.uk/"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"

NHS_NUMBER: Final = _NHS + "Id/nhs-number"
ODS_SYSTEMS: Final = (_NHS + "Id/ods-organization-code", _NHS + "id/ods-organization-code")
"""The second spelling is that of every BaRS example."""
SNOMED: Final = "http://snomed.info/sct"
DUE_DATE: Final = "161714006"
"""SNOMED CT: estimated date of delivery."""
ACT_CODE: Final = _TERMINOLOGY + "v3-ActCode"
CONSENT_SCOPE: Final = _TERMINOLOGY + "consentscope"
OUR_SCOPES: Final = frozenset({"patient-privacy", "treatment"})
"""Of consentscope: what the family lets us know and do. A yes to research is no yes to a referral."""

EVENTS: Final = _NHS + "CodeSystem/message-events-bars"
REQUEST, RESPONSE = "servicerequest-request", "servicerequest-response"
REASONS: Final = _NHS + "CodeSystem/message-reason-bars"
CATEGORIES: Final = _NHS + "CodeSystem/message-category-servicerequest"
REFERRAL: Final = "referral"
BARS_USE_CASES: Final = _NHS + "CodeSystem/usecases-categories-bars"
REJECTED_REASONS: Final = _NHS + "CodeSystem/rejected-reasons-bars"
HTTP_ERRORS: Final = _NHS + "Codesystem/http-error-codes"
BUNDLE_PROFILE: Final = _NHS + "StructureDefinition/BARSBundleMessage"
OUTCOME_PROFILE: Final = _UK_CORE + "StructureDefinition/UKCore-OperationOutcome"

CONTACT_RANK: Final = _UK_CORE + "StructureDefinition/Extension-UKCore-ContactRank"
ETHNIC_CATEGORY: Final = _UK_CORE + "StructureDefinition/Extension-UKCore-EthnicCategory"
INTERPRETER: Final = _HL7 + "patient-interpreterRequired"
ABSENT: Final = _HL7 + "data-absent-reason"
MASKED: Final = "masked"
STATUS_REASON: Final = _HL7 + "request-statusReason"
PROCESS_MESSAGE: Final = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"


def ours(kind: str, name: str) -> str:
    """The canonical name of a definition, code system, extension or identifier of ours."""
    return f"urn:pir:fhir:{kind}:{name}"


PIR_REFERRAL: Final = "pir-referral"
USE_CASE: Final = ours("CodeSystem", "use-case")
REFERENCE: Final = ours("Identifier", "reference")
EXTERNAL_REFERENCE: Final = ours("Identifier", "external-reference")
QUESTIONNAIRE: Final = ours("Questionnaire", PIR_REFERRAL)
OUR_DEFINITION: Final = ours("MessageDefinition", PIR_REFERRAL)
OUR_CANCELLATION: Final = ours("MessageDefinition", "pir-referral-cancelled")
OUR_RESPONSE: Final = ours("MessageDefinition", "pir-referral-response")
RELATIONSHIPS: Final = ours("CodeSystem", "relationship")
WITHDRAWAL_REASONS: Final = ours("CodeSystem", "withdrawal-reason")
STATUSES: Final = ours("CodeSystem", "status")
PROBLEMS: Final = ours("CodeSystem", "problem")
COMMUNICATION_NEED: Final = ours("StructureDefinition", "communication-need")
SAFE_CONTACT: Final = ours("StructureDefinition", "safe-contact")
MESSAGES: Final = ours("StructureDefinition", "messages")
STATUS: Final = ours("StructureDefinition", "status")
NEXT_STEP: Final = ours("StructureDefinition", "next-step")
DECISION_BY: Final = ours("StructureDefinition", "decision-by")
FIRST_CONTACT_BY: Final = ours("StructureDefinition", "first-contact-by")

ONESELF: Final = "ONESELF"
_KIN: Final = (
    "GRPRN GRFTH GRMTH MGRPRN MGRFTH MGRMTH PGRPRN PGRFTH PGRMTH GGRPRN GGRFTH GGRMTH AUNT MAUNT PAUNT UNCLE MUNCLE"
    " PUNCLE SIB BRO SIS HSIB HBRO HSIS NSIB NBRO NSIS STPSIB STPBRO STPSIS COUSN MCOUSN PCOUSN EXT FAMMEMB"
)
RELATIONSHIP_OF_ROLE: Final[Mapping[str, Carer]] = {
    **dict.fromkeys(("MTH", "NMTH", "NMTHF", "GESTM"), Carer.MOTHER),
    **dict.fromkeys(("FTH", "NFTH", "NFTHF"), Carer.FATHER),
    **dict.fromkeys(("DOMPART", "SPS", "HUSB", "WIFE", "SIGOTHR", "STPPRN", "STPFTH", "STPMTH"), Carer.PARTNER),
    **dict.fromkeys(("PRNFOST", "FTHFOST", "MTHFOST"), Carer.FOSTER),
    **dict.fromkeys(("ADOPTP", "ADOPTF", "ADOPTM"), Carer.ADOPTIVE),
    **dict.fromkeys(_KIN.split(), Carer.KINSHIP),
}
"""HL7 v3 RoleCode, seen from the baby; any other code is `other`. PRN (a parent) says neither mother nor father."""
ROLES_OF_A_PARENT: Final = frozenset(
    code
    for code, carer in RELATIONSHIP_OF_ROLE.items()
    if carer in (Carer.MOTHER, Carer.FATHER, Carer.FOSTER, Carer.ADOPTIVE) or code.startswith("STP")
)
"""Who has one of these to a parent of the baby is `kinship` to the baby."""
CONTACTS_WHO_CARE: Final = frozenset({"N", "PRN", "GUARD"})
"""Of Patient.contact, beside RELATIONSHIP_OF_ROLE: next of kin (v2-0131), a parent, a guardian. Neighbours, employers
and emergency contacts do not look after the baby by that."""

SEX_OF_GENDER: Final[Mapping[str, str]] = {
    "male": Gender.MALE.value,
    "female": Gender.FEMALE.value,
    "other": Gender.INDETERMINATE.value,
    "unknown": Gender.NOT_KNOWN.value,
}

SAFEGUARDING_FLAG, ADJUSTMENT_FLAG = "SG", "RA"
NEED_OF_ADJUSTMENT: Final[Mapping[str, CommunicationNeed]] = {
    "usesbritishsignlanguage": CommunicationNeed.BSL,
    "britishsignlanguageinterpreterneeded": CommunicationNeed.BSL,
    "requiresinformationineasyread": CommunicationNeed.EASY_READ,
    "requireswritteninformationinatleast20pointsansseriffont": CommunicationNeed.LARGE_PRINT,
    "requireswritteninformationinatleast24pointsansseriffont": CommunicationNeed.LARGE_PRINT,
    "requireswritteninformationinatleast28pointsansseriffont": CommunicationNeed.LARGE_PRINT,
    "requiresinformationincontractedgrade2braille": CommunicationNeed.BRAILLE,
    "requiresinformationinuncontractedgrade1braille": CommunicationNeed.BRAILLE,
    "requiresinformationinelectronicaudioformat": CommunicationNeed.AUDIO,
    "requiresinformationonaudiocassettetape": CommunicationNeed.AUDIO,
    "requireshealthcareinformationrecordingonpersonalaudiorecordingdevice": CommunicationNeed.AUDIO,
}
"""BaRS reasonable-adjustment-codes-bars; the other hundred codes go to the notes in words."""

NO_FIXED_ABODE: Final = "ZZ99 3VZ"
"""The NHS pseudo postcode."""

WITHDRAWN_BECAUSE: Final[Mapping[str, WithdrawalReason]] = {
    "revoked": WithdrawalReason.OTHER,
    "entered-in-error": WithdrawalReason.SENT_IN_ERROR,
}
"""ServiceRequest.status → the reason, where ServiceRequest.reasonCode names none of ours."""
