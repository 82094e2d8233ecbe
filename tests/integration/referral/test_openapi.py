"""The OpenAPI document is one that a generator turns into a client that works, and real answers are as it says."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from services.referral import answers, examples
from services.referral.document.read import read_challenge
from services.referral.requirements_answer import Requirements
from shared.openapi import everything
from tests.families import a_referral
from tests.integration.conftest import Behind

CALLS = {
    "POST /referrals",
    "GET /referrals",
    "GET /referrals/{reference}",
    "GET /referrals/{reference}/questions",
    "PATCH /referrals/{reference}",
    "POST /referrals/{reference}/withdrawal",
    "POST /referrals/{reference}/information",
    "POST /referrals/{reference}/challenge",
    "POST /enquiries",
    "GET /requirements",
    "PUT /webhook",
    "GET /webhook",
    "DELETE /webhook",
    "POST /webhook/rotate",
    "POST /webhook/replay",
    "POST /fhir/$process-message",
    "GET /fhir/ServiceRequest/{reference}",
    "GET /fhir/metadata",
    "GET /fhir/MessageDefinition",
    "GET /fhir/Questionnaire/pir-referral",
    "GET /fhir/CodeSystem/{name}",
}
FHIR = "application/fhir+json"

WITHOUT_A_BODY = ("POST /webhook/rotate",)


@pytest.fixture
async def document(intake: Behind) -> dict[str, Any]:
    found: dict[str, Any] = (await intake.http.get("/openapi.json")).json()
    return found


@pytest.fixture
async def apps_document(intake: Behind) -> dict[str, Any]:
    """After somebody has read what the framework knows of every route."""
    everything(vars(intake.service.app)["_app"])
    found: dict[str, Any] = (await intake.http.get("/openapi.json")).json()
    return found


def calls(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, verbs in document["paths"].items():
        for verb, call in verbs.items():
            yield f"{verb.upper()} {path}", call


async def test_it_has_the_calls_of_agencies_and_no_others(document: dict[str, Any]) -> None:
    assert {name for name, _ in calls(document)} == CALLS


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', text)):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place
    assert "$defs" not in text


async def test_every_call_says_what_it_takes_gives_and_refuses(document: dict[str, Any]) -> None:
    for name, call in calls(document):
        if "/fhir/" in name:
            assert set(call["responses"]["422"]["content"]) == {FHIR}, name
            assert set(call["responses"]["200"]["content"]) == {FHIR}, name
            continue
        problems = call["responses"]["422"]["content"]["application/problem+json"]["schema"]
        assert problems == {"$ref": "#/components/schemas/Problem"}, name
        assert call.get("security") == (None if name == "GET /requirements" else [{"agency_key": []}]), name
        told = {status: answer for status, answer in call["responses"].items() if status < "3"}
        for status, answer in told.items():
            for content in answer.get("content", {}).values():
                assert set(content["schema"]) == {"$ref"}, (name, status)
                assert content["example"], (name, status)
        assert any("content" in answer for answer in told.values()) or set(told) == {"204"}, name
        if not name.startswith(("GET", "DELETE")) and name not in WITHOUT_A_BODY:
            schema = call["requestBody"]["content"]["application/json"]["schema"]
            assert schema.get("$ref") or schema.get("properties"), name
            assert call["requestBody"]["content"]["application/json"]["example"], name
        assert all(each["description"] for each in call.get("parameters", ())), name
    assert document["servers"] == [{"url": "http://127.0.0.1:8001"}]
    assert document["components"]["securitySchemes"]["agency_key"]["scheme"] == "bearer"


async def test_every_member_of_every_document_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    named = {
        f"{name}.{member}": schema
        for name, each in schemas.items()
        for member, schema in each.get("properties", {}).items()
    }
    assert {"ReferralDocument.babies", "Baby.due_on", "Requirements.schema", "FeedItem.version"} <= set(named)
    assert [name for name, schema in named.items() if len(schema.get("description", "")) < 4] == []


@pytest.mark.parametrize("model", examples.OF_ANSWERS)
def test_the_example_of_an_answer_is_one(model: type[BaseModel]) -> None:
    example = examples.OF_ANSWERS[model]
    model.model_validate(example)
    assert set(example) == {field.alias or name for name, field in model.model_fields.items()}


async def test_the_examples_of_bodies_are_taken(intake: Behind) -> None:
    async def ask(method: str, path: str, sent: Any, status: int) -> Any:
        headers = {"Authorization": f"Bearer {intake.key()}", "Idempotency-Key": uuid4().hex}
        answer = await intake.http.request(method, path, json=sent, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    path = f"/referrals/{(await ask('POST', '/referrals', examples.REFERRAL, 201))['reference']}"
    assert (await ask("PATCH", path, examples.CHANGE, 200))["version"] == 2
    await ask("POST", f"{path}/information", examples.INFORMATION, 200)
    await ask("POST", f"{path}/withdrawal", examples.WITHDRAWAL, 200)
    await ask("POST", "/enquiries", examples.ENQUIRY, 201)
    assert read_challenge(examples.CHALLENGE, now=datetime.now(UTC))  # there is no decline here


async def test_every_code_is_explained(intake: Behind) -> None:
    said = (await intake.http.get("/requirements")).json()
    Requirements.model_validate(said)
    meanings = said["code_meanings"]
    assert {name: set(meanings[name]) for name in said["code_lists"]} == {
        name: set(codes) for name, codes in said["code_lists"].items()
    }
    assert {"route", "mode", "urgency", "eligibility", "tier", "links", "source", "strengths"} <= set(meanings)
    assert all(words for each in meanings.values() for words in each.values())


async def test_a_change_says_how_a_danger_is_taken_back_and_a_version_named(document: dict[str, Any]) -> None:
    call = document["paths"]["/referrals/{reference}"]["patch"]
    assert "If-Match" in {each["name"] for each in call["parameters"]}
    assert "412" in call["responses"]
    taken_back = document["components"]["schemas"]["ReferralDocumentPatch"]["properties"]["taken_back"]
    assert "immediate_danger" in taken_back["items"]["enum"]


async def test_the_document_is_the_same_whoever_asks_first(apps_document: dict[str, Any]) -> None:
    assert {name for name, _ in calls(apps_document)} == CALLS


async def test_real_answers_are_as_it_says(intake: Behind) -> None:
    """By the models that the document is made from, which take no member that they do not name."""
    body = a_referral() | {"external_reference": uuid4().hex}

    async def ask(method: str, path: str, sent: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {intake.key()}", "Idempotency-Key": uuid4().hex}
        answer = await intake.http.request(method, path, json=sent, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    receipt = answers.Receipt.model_validate(await ask("POST", "/referrals", body))
    path = f"/referrals/{receipt.reference}"
    again = await ask("POST", "/referrals", body)
    assert answers.Receipt.model_validate(again).reference == receipt.reference
    answers.Amended.model_validate(await ask("POST", "/referrals", body | {"risk_factors": ["housing_or_poverty"]}))
    answers.Amended.model_validate(await ask("PATCH", path, {"risk_factors": ["isolation"]}))
    answers.Informed.model_validate(await ask("POST", f"{path}/information", {"notes": "Yes."}))
    answers.Shown.model_validate(await ask("GET", path))
    answers.Feed.model_validate(await ask("GET", "/referrals"))
    answers.Withdrawn.model_validate(await ask("POST", f"{path}/withdrawal", {"reason": "other"}))
    enquiry = {"kind": "training", "referrer": body["referrer"], "topic": "Bonding"}
    answers.Receipt.model_validate(await ask("POST", "/enquiries", enquiry))


@pytest.fixture
def folder(document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where openapi.json lies and a generator writes: what it writes can be imported."""
    (tmp_path / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


async def generate(folder: Path, *command: str) -> str:
    """Run a generator of this Python's environment; returns what it said."""
    program = Path(sys.executable).with_name(command[0])
    made = await asyncio.to_thread(
        subprocess.run,
        [program, *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


async def test_a_client_of_openapi_python_client_sends_a_referral_and_reads_the_refusal(
    intake: Behind, folder: Path
) -> None:
    said = await generate(
        folder, "openapi-python-client", "generate", "--path", "openapi.json", "--meta", "none",
        "--output-path", "pir_client",
    )  # fmt: skip
    assert "will not be generated" not in said
    models = importlib.import_module("pir_client.models")
    send = importlib.import_module("pir_client.api.intake.post_referral_referrals_post")
    client = importlib.import_module("pir_client.client").AuthenticatedClient(
        base_url="http://test", token=intake.key()
    )
    intake.http.headers["Authorization"] = f"Bearer {intake.key()}"
    client.set_async_httpx_client(intake.http)

    sent = models.ReferralDocument.from_dict(a_referral() | {"external_reference": uuid4().hex})
    receipt = await send.asyncio(client=client, body=sent, idempotency_key=uuid4().hex)
    assert receipt.reference.startswith("PIR-")
    wrong = models.ReferralDocument.from_dict(a_referral() | {"babies": []})
    problem = await send.asyncio(client=client, body=wrong, idempotency_key=uuid4().hex)
    assert problem.status == 422
    assert [each.pointer for each in problem.errors] == ["/babies"]


async def test_a_client_of_openapi_generator_sends_a_referral_and_reads_the_refusal(
    intake: Behind, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is Java: that of the embedded Kafka. Its client judges what the document says, so a judgment of ours is left."""
    monkeypatch.setenv("JAVA_OPTS", "-XX:TieredStopAtLevel=1")
    await generate(
        folder, "openapi-generator-cli", "generate", "-g", "python", "--library", "httpx", "-i", "openapi.json",
        "-o", ".", "--package-name", "pir_models_client",
        "--global-property", "models,apis,supportingFiles,modelDocs=false,apiDocs=false,modelTests=false,apiTests=false",
    )  # fmt: skip
    made = importlib.import_module("pir_models_client")
    settings = made.Configuration(host="http://test", access_token=intake.key())
    async with made.ApiClient(settings) as client:
        client.rest_client.pool_manager = intake.http
        api = made.IntakeApi(client)
        sent = made.ReferralDocument.from_dict(a_referral())
        receipt = await api.post_referral_referrals_post(idempotency_key=uuid4().hex, referral_document=sent)
        assert receipt.reference.startswith("PIR-")
        wrong = made.ReferralDocument.from_dict(a_referral(home={"postcode": "nowhere"}))
        with pytest.raises(made.ApiException) as refused:
            await api.post_referral_referrals_post(idempotency_key=uuid4().hex, referral_document=wrong)
    assert refused.value.status == 422
    assert [each.pointer for each in refused.value.data.errors] == ["/home/postcode"]
