"""The parts of thirteen FHIR R4 resources that we read; every other element is ignored, as FHIR lets a receiver do.

Nothing is required here: what a referral needs is asked later, so that every mistake is told at once. Types are strict,
for `"true"` is no boolean. Names of elements are FHIR's, in errors too.
"""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt, StrictStr
from pydantic.alias_generators import to_camel

T = TypeVar("T")
Many = tuple[T, ...]
Text = StrictStr | None


class Element(BaseModel):
    """Frozen; unknown elements are dropped; an error never shows what was sent.

    What reads it is built when the first message comes: where nobody sends FHIR, a start costs nothing for it.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, alias_generator=to_camel, defer_build=True
    )


class Coding(Element):
    system: Text = None
    code: Text = None
    display: Text = None


class CodeableConcept(Element):
    coding: Many[Coding] = ()
    text: Text = None

    @property
    def words(self) -> str | None:
        """What a person reads: the text, else the first display."""
        return self.text or next((each.display for each in self.coding if each.display), None)

    def code_of(self, *systems: str) -> str | None:
        """The first code of one of these systems; of any system without one."""
        return next((each.code for each in self.coding if each.code and (not systems or each.system in systems)), None)


class Pointer(Element):
    """FHIR's Reference."""

    reference: Text = None
    display: Text = None


class Extension(Element):
    url: Text = None
    value_string: Text = None
    value_code: Text = None
    value_boolean: StrictBool | None = None
    value_positive_int: StrictInt | None = None
    value_codeable_concept: CodeableConcept | None = None
    extension: Many[Extension] = ()
    """The parts of one that has several."""


class Extensible(Element):
    extension: Many[Extension] = ()

    def extended(self, url: str) -> list[tuple[int, Extension]]:
        """The extensions of this name, each with its place in the list."""
        return [(place, each) for place, each in enumerate(self.extension) if each.url == url]


class Identifier(Element):
    system: Text = None
    value: Text = None


class HumanName(Element):
    use: Text = None
    text: Text = None
    family: Text = None
    given: Many[Text] = ()
    prefix: Many[Text] = ()


class ContactPoint(Element):
    system: Text = None
    value: Text = None
    use: Text = None
    rank: StrictInt | None = None


class Address(Extensible):
    use: Text = None
    text: Text = None
    line: Many[Text] = ()
    city: Text = None
    district: Text = None
    postal_code: Text = None


class Annotation(Element):
    text: Text = None


class Communication(Element):
    language: CodeableConcept | None = None
    preferred: StrictBool | None = None


class Resource(Extensible):
    id: Text = None
    language: Text = None


class MessageHeader(Resource):
    event_coding: Coding | None = None
    sender: Pointer | None = None
    reason: CodeableConcept | None = None
    focus: Many[Pointer] = ()
    definition: Text = None


class ServiceRequest(Resource):
    identifier: Many[Identifier] = ()
    status: Text = None
    category: Many[CodeableConcept] = ()
    requester: Pointer | None = None
    reason_code: Many[CodeableConcept] = ()
    note: Many[Annotation] = ()


class PatientContact(Extensible):
    relationship: Many[CodeableConcept] = ()
    name: HumanName | None = None
    telecom: Many[ContactPoint] = ()


class PersonResource(Resource):
    """What Patient and RelatedPerson have in common."""

    identifier: Many[Identifier] = ()
    name: Many[HumanName] = ()
    telecom: Many[ContactPoint] = ()
    gender: Text = None
    birth_date: Text = None
    address: Many[Address] = ()
    communication: Many[Communication] = ()


class Patient(PersonResource):
    deceased_boolean: StrictBool | None = None
    deceased_date_time: Text = None
    contact: Many[PatientContact] = ()

    @property
    def has_died(self) -> bool:
        return bool(self.deceased_boolean or self.deceased_date_time)


class RelatedPerson(PersonResource):
    active: StrictBool | None = None
    patient: Pointer | None = None
    relationship: Many[CodeableConcept] = ()


class Practitioner(Resource):
    name: Many[HumanName] = ()
    telecom: Many[ContactPoint] = ()


class PractitionerRole(Resource):
    practitioner: Pointer | None = None
    code: Many[CodeableConcept] = ()
    telecom: Many[ContactPoint] = ()


class Organization(Resource):
    identifier: Many[Identifier] = ()


class ConsentProvision(Element):
    type: Text = None


class ConsentResource(Resource):
    status: Text = None
    scope: CodeableConcept | None = None
    date_time: Text = None
    performer: Many[Pointer] = ()
    policy_rule: CodeableConcept | None = None
    provision: ConsentProvision | None = None


class Flag(Resource):
    status: Text = None
    category: Many[CodeableConcept] = ()
    code: CodeableConcept | None = None
    subject: Pointer | None = None


class Observation(Resource):
    status: Text = None
    code: CodeableConcept | None = None
    subject: Pointer | None = None
    focus: Many[Pointer] = ()
    value_date_time: Text = None


class CarePlanDetail(Element):
    description: Text = None


class CarePlanActivity(Element):
    outcome_codeable_concept: Many[CodeableConcept] = ()
    progress: Many[Annotation] = ()
    detail: CarePlanDetail | None = None


class CarePlan(Resource):
    description: Text = None
    activity: Many[CarePlanActivity] = ()
    note: Many[Annotation] = ()


class Condition(Resource):
    code: CodeableConcept | None = None
    note: Many[Annotation] = ()


class QuestionnaireAnswer(Element):
    value_coding: Coding | None = None
    value_boolean: StrictBool | None = None
    value_string: Text = None
    value_date_time: Text = None


class QuestionnaireItem(Element):
    link_id: Text = None
    answer: Many[QuestionnaireAnswer] = ()
    item: Many[QuestionnaireItem] = ()


class QuestionnaireResponse(Resource):
    status: Text = None
    questionnaire: Text = None
    item: Many[QuestionnaireItem] = ()


READ: Final[dict[str, type[Resource]]] = {
    "MessageHeader": MessageHeader,
    "ServiceRequest": ServiceRequest,
    "Patient": Patient,
    "RelatedPerson": RelatedPerson,
    "Practitioner": Practitioner,
    "PractitionerRole": PractitionerRole,
    "Organization": Organization,
    "Consent": ConsentResource,
    "Flag": Flag,
    "Observation": Observation,
    "CarePlan": CarePlan,
    "Condition": Condition,
    "QuestionnaireResponse": QuestionnaireResponse,
}
ACCEPTED: Final = frozenset({"Encounter", "HealthcareService"})
"""Part of every BaRS message; they tell us nothing that we ask."""
