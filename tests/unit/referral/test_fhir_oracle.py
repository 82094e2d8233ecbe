"""All that we send is FHIR R4 in the eyes of `fhir.resources` (R4B); what we read agrees with what it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from services.referral.fhir import describing
from services.referral.fhir.envelope import opened
from services.referral.fhir.issues import Issue
from services.referral.fhir.names import ours
from services.referral.fhir.outcomes import refused
from services.referral.fhir.questions import codes, questions
from services.referral.fhir.replying import response_to, service_request
from services.referral.status import Status
from shared.problems import CATALOGUE, Problem
from tests.fhir_messages import EXAMPLES, SENDER, example
from tests.fhir_writing import Envoy, write_bundle
from tests.front_documents import scenario_documents

Json = dict[str, Any]
BASE = "https://refer.example.org/fhir"


def judged(resource: Json) -> None:
    """Raises ValidationError for what is no R4."""
    get_fhir_model_class(resource["resourceType"]).model_validate(json.loads(json.dumps(resource)))


def test_the_oracle_refuses_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="validation error"):
        judged({"resourceType": "Bundle", "type": 1})


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_r4(name: str) -> None:
    judged(example(name))


@pytest.mark.parametrize("name", scenario_documents())
def test_what_a_document_is_written_as_is_r4(name: str) -> None:
    judged(write_bundle(scenario_documents()[name], Envoy("b1", SENDER)))


@pytest.mark.parametrize("status", Status)
def test_where_a_referral_stands_is_r4(status: Status) -> None:
    shown = {
        "reference": "PIR-4K7-29M",
        "status": status.value,
        "version": 2,
        "external_reference": "MAT-1",
        "received_at": "2026-06-15T09:00:00.000+00:00",
        "next_step": "We are reading it.",
        "decision_by": "2026-06-22",
        "first_contact_by": None,
    }
    said = service_request(shown)
    judged(said)
    assert said["status"] in {"active", "on-hold", "revoked", "completed"}
    judged(service_request({"reference": "PIR-4K7-29M", "status": status.value}))


def test_an_answer_with_every_hint_is_r4_and_always_the_same() -> None:
    answer = {
        "reference": "PIR-4K7-29M",
        "status": "received",
        "received_at": "2026-06-15T09:00:00.000+00:00",
        "act_now": ["Ring now, yourself:"],
        "gaps": ["/babies"],
        "dropped": ["/caregivers/1"],
        "links": ["repeat"],
    }
    bundle = example("born", bundle_id="b-1")
    bundle["entry"].append({"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Location"}})
    said = [response_to(opened(bundle), answer, reason="new", endpoint=BASE) for _ in range(2)]
    judged(said[0])
    assert said[0] == said[1]
    header, _, outcome = (entry["resource"] for entry in said[0]["entry"])
    assert header["response"]["identifier"] == "b-1"
    assert len(outcome["issue"]) == 5


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_problem_is_an_outcome(name: str) -> None:
    problem = Problem(name, extra={"act_now": ["Ring now, yourself:"]})
    said = refused(problem)
    judged(said)
    assert [issue["severity"] for issue in said["issue"]] == ["error", "warning"]
    judged(
        refused(problem, [Issue("required", "This is needed.", ("Patient", "Bundle.entry[2].resource"), "required")])
    )


def test_the_definitions_are_r4() -> None:
    judged(describing.capability_statement(BASE))
    judged(describing.questionnaire())
    found = describing.message_definitions(BASE)
    judged(found)
    assert found["total"] == 2


def test_what_the_capabilities_name_is_there() -> None:
    said = describing.capability_statement(BASE)
    supported = {each["definition"] for each in said["messaging"][0]["supportedMessage"]}
    assert supported == {each["resource"]["url"] for each in describing.message_definitions(BASE)["entry"]}


@pytest.mark.parametrize("name", describing.code_lists())
def test_each_code_system_is_r4_and_has_words_for_its_codes(name: str) -> None:
    said = describing.code_system(name)
    assert said
    judged(said)
    assert [concept["code"] for concept in said["concept"]] == [str(code) for code in describing.code_lists()[name]]
    assert all(concept["display"].strip() for concept in said["concept"])


def test_the_questionnaire_asks_with_the_codes_that_are_read() -> None:
    items = {item["linkId"]: item for item in describing.questionnaire()["item"]}
    assert set(items) == set(questions())
    for link, question in questions().items():
        options = [each["valueCoding"] for each in items[link].get("answerOption", ())]
        assert [each["code"] for each in options] == list(codes().get(question.code_list, ()))
        assert {each["system"] for each in options} <= {ours("CodeSystem", question.code_list)}


def test_no_code_system_has_another_name() -> None:
    assert describing.code_system("nothing") is None
