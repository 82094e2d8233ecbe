"""FHIR messages over HTTP on a real PostgreSQL: what a bundle does is what the same document does by POST /referrals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.referral import agencies
from services.referral.agencies import AgencyError
from services.referral.fhir.checks import Intent
from services.referral.fhir.names import FHIR_JSON
from services.referral.identity import Sealed
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.audit import Actor
from shared.database import sql
from shared.ids import uuid7
from tests.families import a_referral, an_nhs_number
from tests.fhir_messages import SENDER, Json, example, issues_of, reference_of, resource, resources, send
from tests.fhir_writing import Envoy, write_bundle
from tests.integration.conftest import Behind
from tests.integration.support import count, fetch, statements

NOW_SETUP = Actor("system", "test")


def own(name: str, **changes: Any) -> Json:
    """An example about a family and under a reference that no other test has."""
    bundle = example(name)
    request = resource(bundle, "ServiceRequest")
    request["identifier"][0]["value"] = f"MAT-{uuid4().hex[:12]}"
    request |= changes
    family = uuid4().hex[:10].translate(str.maketrans("0123456789", "ghijklmnop")).title()
    for person in [*resources(bundle, "Patient"), *resources(bundle, "RelatedPerson")]:
        person["name"][0]["family"] = f"Test-{family}"
        for identifier in person.get("identifier", ()):
            identifier["value"] = an_nhs_number()
    return bundle


def about(bundle: Json, reference: str) -> Json:
    """The bundle, about the referral that we know by this reference."""
    identifier = {"system": "urn:pir:fhir:Identifier:reference", "value": reference}
    resource(bundle, "ServiceRequest")["identifier"] = [identifier]
    return bundle


async def row_of(intake: Behind, reference: str) -> Any:
    [row] = await fetch(intake.engine, "SELECT * FROM referral WHERE reference = :ref", ref=reference)
    return row


async def facts_of(intake: Behind, reference: str) -> Json:
    facts: Json = (await row_of(intake, reference)).facts
    return facts


def diagnostics(answer: Any) -> str:
    """All hints of a good answer, or the words of an outcome."""
    body = answer.json()
    outcomes = [body] if body["resourceType"] == "OperationOutcome" else resources(body, "OperationOutcome")
    return "\n".join(issue["diagnostics"] for outcome in outcomes for issue in outcome["issue"])


class TestTheSameAsADocument:
    CHANGES: tuple[dict[str, Any], ...] = (
        {},
        {"home": {"no_fixed_abode": True}, "strengths": ["stable_home"], "circumstances": ["planned_move_out"]},
        {"babies": [{"due_on": "2027-03-01"}], "home": {"withheld": True}, "source": None},
        {"consent": {"status": "refused"}, "notes": "He hits her.", "safety": ["domestic_abuse"]},
        {
            "safety": ["significant_harm"],
            "concern": None,
            "consent": None,
            "caregivers": [],
            "babies": [],
            "home": None,
        },
    )

    @pytest.mark.parametrize("changes", CHANGES)
    async def test_a_bundle_gives_the_same_rows_and_facts(
        self, intake: Behind, settings: dict[str, Any], changes: Json
    ) -> None:
        documents = [a_referral(**changes) for _ in range(2)]
        for document in documents:
            for baby in document["babies"]:
                baby.update({} if "due_on" in baby else {"date_of_birth": "2026-06-01"})
        by_document = (await intake.send(documents[0], slug="midwifery")).json()
        answer = await send(intake, write_bundle(documents[1], Envoy(str(uuid4()), SENDER)))
        rows = [await row_of(intake, each) for each in (by_document["reference"], reference_of(answer))]
        same = ("kind", "agency_id", "version", "facts", "gaps", "expected_by", "decision", "index_key")
        assert [getattr(rows[0], each) for each in same] == [getattr(rows[1], each) for each in same]
        identities = identities_of(Settings(**settings))
        kept = identities.unseal(rows[1].id, Sealed(rows[1].wrapped_key, rows[1].identity))["document"]
        assert without_nothing(kept) == without_nothing(documents[1])
        events = [
            await fetch(intake.engine, "SELECT type FROM event WHERE key = :id ORDER BY sequence", id=row.id)
            for row in rows
        ]
        assert events[0] == events[1]
        told = await fetch(intake.engine, "SELECT action, actor_id FROM audit WHERE referral_id = :id", id=rows[1].id)
        assert [tuple(line) for line in told] == [("referral.received", "midwifery")]

    async def test_the_agency_finds_it_by_its_own_reference_else_by_the_id_of_the_bundle(self, intake: Behind) -> None:
        bundle = own("born")
        nameless = own("twins")
        nameless_request = resource(nameless, "ServiceRequest")
        wanted = resource(bundle, "ServiceRequest")["identifier"][0]["value"], nameless["id"]
        nameless_request.pop("identifier")
        for each, external in zip((bundle, nameless), wanted, strict=True):
            reference = reference_of(await send(intake, each))
            found = await intake.look("/referrals", slug="midwifery", external_reference=external)
            assert [item["reference"] for item in found.json()["items"]] == [reference]

    async def test_many_identifiers_take_one_look_and_the_first_that_is_known_counts(self, intake: Behind) -> None:
        bundles = own("born"), own("twins")
        references = [reference_of(await send(intake, each)) for each in bundles]
        [*unknown], [first], [second] = (
            [{"value": f"X-{number}"} for number in range(50)],
            *(resource(each, "ServiceRequest")["identifier"] for each in bundles),
        )
        change = own("revoke", identifier=[*unknown, second, *unknown, first])
        with statements(intake.service.engine) as sent:
            answer = await send(intake, change)
        assert reference_of(answer) == references[1]
        assert len([each for each in sent if "external_digest = ANY(" in each]) == 1

    async def test_a_safeguarding_flag_is_safety_words(self, intake: Behind) -> None:
        reference = reference_of(await send(intake, own("twins")))
        facts = await facts_of(intake, reference)
        assert (facts["safety_words"], facts["safety"], facts["consent"]) == (True, [], "not_sought")
        assert facts["infant"]["count"] == 2


def without_nothing(value: Any) -> Any:
    """Without nulls and empty lists; the time as FHIR writes it is the same text here."""
    if isinstance(value, dict):
        return {name: without_nothing(each) for name, each in value.items() if each not in (None, [], {})}
    return [without_nothing(each) for each in value] if isinstance(value, list) else value


class TestDanger:
    async def test_it_is_taken_with_gaps_and_says_whom_to_ring(self, intake: Behind) -> None:
        answer = await send(intake, own("danger"))
        row = await row_of(intake, reference_of(answer))
        assert row.facts["safety"] == ["immediate_danger"]
        assert row.gaps == ["/referrer", "/consent", "/concern", "/babies", "/caregivers"]
        assert "999" in diagnostics(answer)
        assert "Still missing: /babies" in diagnostics(answer)

    @pytest.mark.parametrize(
        ("spoil", "status"),
        [
            (lambda bundle: bundle.update(type="batch"), 400),
            (lambda bundle: resource(bundle, "Organization")["identifier"][0].update(value="RXX"), 403),
            (lambda bundle: resource(bundle, "ServiceRequest").update(category=[]), 422),
            (lambda bundle: resource(bundle, "ServiceRequest").update(note=[{"text": 5}]), 422),
            (lambda bundle: resource(bundle, "ServiceRequest").update(note=[{"text": "\x00"}]), 422),
            (lambda bundle: resource(bundle, "MessageHeader")["reason"]["coding"][0].update(code="update"), 404),
        ],
    )
    async def test_every_refusal_says_it_too(self, intake: Behind, spoil: Callable[[Json], None], status: int) -> None:
        bundle = own("danger")
        spoil(bundle)
        answer = await send(intake, bundle)
        assert answer.status_code == status, answer.text
        assert "999" in diagnostics(answer)
        assert issues_of(answer)

    async def test_an_undated_yes_keeps_no_danger_out_and_is_no_yes(self, intake: Behind) -> None:
        bundle = own("born")
        resource(bundle, "Consent").pop("dateTime")
        assert issues_of(await send(intake, bundle)) == [("required", "Consent.dateTime")]
        danger = {"system": "urn:pir:fhir:CodeSystem:safety", "code": "significant_harm"}
        resource(bundle, "QuestionnaireResponse")["item"].append(
            {"linkId": "/safety", "answer": [{"valueCoding": danger}]}
        )
        facts = await facts_of(intake, reference_of(await send(intake, bundle)))
        assert (facts["consent"], facts["safety"]) == ("not_sought", ["significant_harm"])


class TestOnce:
    async def test_the_same_request_is_the_first_answer(self, intake: Behind) -> None:
        bundle = own("born")
        answers = await asyncio.gather(*(send(intake, bundle, request_id="same") for _ in range(6)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotent-replayed" in answer.headers for answer in answers) == 5
        assert await count(intake.engine, "referral") == 1

    async def test_one_message_under_two_requests_at_once_is_one_referral(self, intake: Behind) -> None:
        for name in ("born", "unborn", "twins"):
            bundle = own(name)
            answers = await asyncio.gather(*(send(intake, bundle) for _ in range(3)))
            assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
            refusals = [issues_of(answer) for answer in answers if answer.status_code == 409]
            assert refusals == [[("duplicate", "")]] * 2
        assert await count(intake.engine, "referral") == 3

    async def test_a_message_that_was_refused_may_come_again(self, intake: Behind) -> None:
        bundle = own("born")
        resource(bundle, "Patient")["birthDate"] = "2026-05"
        assert (await send(intake, bundle, request_id="first")).status_code == 422
        resource(bundle, "Patient")["birthDate"] = "2026-05-03"
        assert (await send(intake, bundle, request_id="first")).status_code == 200

    async def test_one_request_for_two_messages_is_refused(self, intake: Behind) -> None:
        assert (await send(intake, own("born"), request_id="same")).status_code == 200
        answer = await send(intake, own("twins"), request_id="same")
        assert (answer.status_code, issues_of(answer)) == (422, [("business-rule", "")])

    async def test_an_update_and_a_withdrawal_happen_once(self, intake: Behind) -> None:
        reference = reference_of(await send(intake, own("unborn")))
        update = about(own("update-after-birth"), reference)
        first = await send(intake, update, request_id="u-1")
        again = await send(intake, update, request_id="u-1")
        assert (first.status_code, again.content) == (200, first.content)
        assert (await send(intake, update)).status_code == 409
        revoke = about(own("revoke"), reference)
        assert [(await send(intake, revoke, request_id="r-1")).status_code for _ in range(2)] == [200, 200]
        assert issues_of(await send(intake, about(own("revoke"), reference))) == [("business-rule", "")]

    async def test_another_agency_may_use_the_same_ids(self, intake: Behind) -> None:
        bundle = own("born")
        assert (await send(intake, bundle, request_id="same")).status_code == 200
        resources(bundle, "Organization")[0]["identifier"][0]["value"] = "PIRHV"
        assert (await send(intake, bundle, slug="health-visiting", request_id="same")).status_code == 200

    async def test_a_family_that_is_erased_since_is_410(self, intake: Behind) -> None:
        bundle = own("born")
        reference = reference_of(await send(intake, bundle, request_id="same"))
        async with intake.admin.begin() as tx:  # what an erasure leaves of an answer
            await tx.execute(
                sql("UPDATE request SET answer = jsonb_build_object('reference', CAST(:ref AS text))"),
                {"ref": reference},
            )
        answer = await send(intake, bundle, request_id="same")
        assert (answer.status_code, issues_of(answer)) == (410, [("deleted", "")])


class TestAfterSending:
    async def test_a_birth_makes_the_next_version(self, intake: Behind) -> None:
        sent = own("unborn")
        reference = reference_of(await send(intake, sent))
        update = own("update-after-birth")
        resource(update, "ServiceRequest")["identifier"] = resource(sent, "ServiceRequest")["identifier"]
        answer = await send(intake, update)
        assert reference_of(answer) == reference
        row = await row_of(intake, reference)
        assert (row.version, row.facts["infant"]["due_on"], row.facts["consent"]) == (2, None, "given")
        assert row.facts["infant"]["born_on"] == resource(update, "Patient")["birthDate"]
        assert row.facts["risk_factors"] == ["previous_loss"]  # it is not spoken of
        assert "No longer said: /babies/0/due_on" in diagnostics(answer)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({}, "other"),
            ({"status": "entered-in-error"}, "sent_in_error"),
            (
                {"reasonCode": [{"coding": [{"system": "urn:pir:fhir:CodeSystem:withdrawal-reason", "code": "moved_away"}]}]},
                "moved_away",
            ),
        ],
    )  # fmt: skip
    async def test_it_is_taken_back(self, intake: Behind, change: Json, reason: str) -> None:
        reference = reference_of(await send(intake, own("born")))
        answer = await send(intake, about(own("revoke", **change), reference))
        said = resource(answer.json(), "ServiceRequest")
        assert (said["id"], said["status"]) == (reference, "revoked")
        row = await row_of(intake, reference)
        assert (row.withdrawal_reason, row.withdrawn_at is not None) == (reason, True)

    async def test_a_reason_that_is_not_in_the_list_is_refused(self, intake: Behind) -> None:
        reference = reference_of(await send(intake, own("born")))
        code = {"system": "urn:pir:fhir:CodeSystem:withdrawal-reason", "code": "bored"}
        answer = await send(intake, about(own("revoke", reasonCode=[{"coding": [code]}]), reference))
        assert (answer.status_code, issues_of(answer)[0][0]) == (422, "code-invalid")

    async def test_nobody_touches_another_agencys(self, intake: Behind) -> None:
        reference = reference_of(await send(intake, own("born")))
        for name in ("update-after-birth", "revoke"):
            bundle = about(own(name), reference)
            resources(bundle, "Organization")[0]["identifier"][0]["value"] = "PIRHV"
            answer = await send(intake, bundle, slug="health-visiting")
            assert (answer.status_code, issues_of(answer)) == (404, [("not-found", "")])
        assert (await look(intake, reference, slug="health-visiting")).status_code == 404
        assert (await row_of(intake, reference)).version == 1

    async def test_where_it_stands(self, intake: Behind) -> None:
        sent = own("born")
        reference = reference_of(await send(intake, sent))
        shown = (await look(intake, reference)).json()
        assert (shown["id"], shown["status"], shown["meta"]["versionId"]) == (reference, "active", "1")
        external = resource(sent, "ServiceRequest")["identifier"][0]["value"]
        assert {each["value"] for each in shown["identifier"]} == {reference, external}
        assert "Robin" not in json.dumps(shown)


async def look(intake: Behind, reference: str, *, slug: str = "midwifery", **headers: str) -> Any:
    known = {"Authorization": f"Bearer {intake.key(slug)}"} | headers
    return await intake.http.get(f"/fhir/ServiceRequest/{reference}", headers=known)


class TestStatusCodes:
    @pytest.mark.parametrize(
        ("body", "headers", "status", "code", "kind"),
        [
            (b"{", {}, 400, "REC_BAD_REQUEST", "structure"),
            (b"[]", {}, 400, "REC_BAD_REQUEST", "structure"),
            (b"\xff", {}, 400, "REC_BAD_REQUEST", "structure"),
            (b'{"resourceType": "Bundle", "resourceType": "Bundle"}', {}, 400, "REC_BAD_REQUEST", "structure"),
            (b"{}", {"X-Request-Id": ""}, 400, "REC_BAD_REQUEST", "required"),
            (b"{}", {"X-Request-Id": "a b"}, 400, "REC_BAD_REQUEST", "required"),
            (b"{}", {"Authorization": "Bearer nobody"}, 401, "REC_UNAUTHORIZED", "security"),
            (b"{}", {"Authorization": ""}, 401, "REC_UNAUTHORIZED", "security"),
            (b"{}", {"Accept": "application/fhir+xml"}, 406, "REC_NOT_ACCEPTABLE", "not-supported"),
            (b"{}", {"Content-Type": "application/json"}, 415, "REC_BAD_REQUEST", "not-supported"),
            (b"<Bundle/>", {"Content-Type": "application/fhir+xml"}, 415, "REC_BAD_REQUEST", "not-supported"),
            (b"{}", {"Content-Encoding": "gzip"}, 415, "REC_BAD_REQUEST", "not-supported"),
            (b" " * 300_000, {}, 413, "REC_UNPROCESSABLE_ENTITY", "too-long"),
        ],
    )
    async def test_at_the_edge(
        self, intake: Behind, body: bytes, headers: dict[str, str], status: int, code: str, kind: str
    ) -> None:
        answer = await send(intake, body, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == FHIR_JSON
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
        [issue] = answer.json()["issue"]
        assert (issue["code"], issue["details"]["coding"][0]["code"]) == (kind, code)
        assert issue["details"]["coding"][0]["system"] == "https://fhir.nhs.uk/Codesystem/http-error-codes"

    @pytest.mark.parametrize(
        ("spoil", "status", "issues"),
        [
            (lambda b: resource(b, "MessageHeader")["eventCoding"].update(code="booking-request"), 422, [("not-supported", "MessageHeader.eventCoding")]),
            (lambda b: resource(b, "MessageHeader").pop("eventCoding"), 422, [("required", "MessageHeader.eventCoding")]),
            (lambda b: resource(b, "MessageHeader").update(definition="https://fhir.nhs.uk/MessageDefinition/another"), 422, [("not-supported", "MessageHeader.definition")]),
            (lambda b: resource(b, "MessageHeader").pop("sender"), 422, [("required", "MessageHeader.sender")]),
            (lambda b: resource(b, "MessageHeader").pop("reason"), 422, [("required", "MessageHeader.reason")]),
            (lambda b: resource(b, "MessageHeader")["reason"]["coding"][0].update(code="old"), 422, [("not-supported", "MessageHeader.reason")]),
            (lambda b: resource(b, "MessageHeader").update(focus=[{"reference": "urn:uuid:0"}]), 422, [("required", "MessageHeader.focus")]),
            (lambda b: resource(b, "ServiceRequest").update(status="draft"), 422, [("not-supported", "ServiceRequest.status")]),
            (lambda b: resource(b, "ServiceRequest")["category"][0]["coding"].pop(), 422, [("not-supported", "ServiceRequest.category")]),
            (lambda b: resource(b, "Organization")["identifier"][0].update(value="RXX"), 403, [("forbidden", "")]),
            (lambda b: resource(b, "Organization").pop("identifier"), 422, [("required", "Organization.identifier")]),
            (lambda b: resource(b, "Patient").update(birthDate="2026-05"), 422, [("value", "Patient.birthDate")]),
            (lambda b: resource(b, "Patient")["identifier"][0].update(value="12"), 422, [("value", "Patient.identifier[0].value")]),
            (lambda b: resource(b, "RelatedPerson")["telecom"][0].update(value="090"), 422, [("value", "RelatedPerson.telecom[0].value")]),
            (lambda b: resource(b, "RelatedPerson").pop("relationship"), 422, [("required", "RelatedPerson")]),
            (lambda b: resource(b, "Practitioner").pop("name"), 422, [("required", "Practitioner.name")]),
            (lambda b: resource(b, "Consent").update(dateTime="2026-05-01"), 422, [("value", "Consent.dateTime")]),
            (lambda b: resource(b, "QuestionnaireResponse")["item"].pop(0), 422, [("required", "QuestionnaireResponse.item")]),
        ],
    )  # fmt: skip
    async def test_of_a_message(
        self, intake: Behind, spoil: Callable[[Json], Any], status: int, issues: list[tuple[str, str]]
    ) -> None:
        bundle = own("born")
        spoil(bundle)
        answer = await send(intake, bundle)
        assert (answer.status_code, issues_of(answer)) == (status, issues), answer.text
        assert await count(intake.engine, "referral") == 0

    async def test_every_mistake_comes_at_once(self, intake: Behind) -> None:
        bundle = own("born")
        resource(bundle, "MessageHeader")["reason"]["coding"][0]["code"] = "new"
        resource(bundle, "ServiceRequest")["category"] = []
        resource(bundle, "Patient")["birthDate"] = "2026-05"
        resource(bundle, "Patient")["gender"] = 5
        resource(bundle, "RelatedPerson")["telecom"][0]["value"] = "no number"
        resource(bundle, "Consent")["dateTime"] = None
        places = {place for _, place in issues_of(await send(intake, bundle))}
        assert places == {
            "ServiceRequest.category",
            "Patient.birthDate",
            "Patient.gender",
            "RelatedPerson.telecom[0].value",
            "Consent.dateTime",
        }

    async def test_what_is_not_there(self, intake: Behind) -> None:
        for method, path, status in (
            ("GET", "/fhir/nothing", 404),
            ("GET", "/fhir/CodeSystem/nothing", 404),
            ("PUT", "/fhir/metadata", 405),
            ("GET", "/fhir/$process-message", 405),
        ):
            answer = await intake.http.request(method, path)
            assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome"), path
        assert (await look(intake, "PIR-222-222")).status_code == 404
        assert (await look(intake, "nonsense")).status_code == 404
        assert (await look(intake, "PIR-222-222", Accept="text/html")).status_code == 406

    async def test_definitions_are_open(self, intake: Behind) -> None:
        for path, kind in (
            ("metadata", "CapabilityStatement"),
            ("MessageDefinition?context=https://fhir.nhs.uk/Id/dos-service-id|1", "Bundle"),
            ("Questionnaire/pir-referral", "Questionnaire"),
            ("CodeSystem/safety", "CodeSystem"),
        ):
            answer = await intake.http.get(f"/fhir/{path}")
            assert (answer.status_code, answer.json()["resourceType"]) == (200, kind)

    async def test_the_headers_of_a_request_come_back(self, intake: Behind) -> None:
        for bundle in (own("born"), {"resourceType": "Bundle"}):
            answer = await send(intake, bundle, request_id="r-1", headers={"X-Correlation-Id": "c-1"})
            assert answer.headers["x-request-id"] == "r-1"
            assert answer.headers.get_list("x-correlation-id") == ["c-1"]
        assert (await send(intake, own("twins"))).headers["x-correlation-id"]  # ours, when nobody sent one


class TestWhoSends:
    async def test_an_agency_without_an_ods_code_is_told(self, intake: Behind) -> None:
        answer = await send(intake, own("born"), slug="nursery")
        assert (answer.status_code, issues_of(answer)) == (403, [("forbidden", "")])
        assert "ODS code" in diagnostics(answer)

    async def test_an_operator_gives_and_takes_it(self, intake: Behind) -> None:
        async def change(code: str) -> None:
            async with intake.admin.begin() as tx:
                await agencies.change(tx, slug="nursery", actor=NOW_SETUP, at=datetime.now(UTC), ods_code=code)

        await change("PIRNU")
        [row] = await fetch(intake.engine, "SELECT ods_code FROM agency WHERE slug = 'nursery'")
        assert row.ods_code == "PIRNU"
        for wrong in ("pirnu", "AB", "A-1", "X" * 13):
            with pytest.raises(AgencyError, match="ODS code"):
                await change(wrong)
        await change("")
        [row] = await fetch(intake.engine, "SELECT ods_code FROM agency WHERE slug = 'nursery'")
        assert row.ods_code is None


async def test_a_document_may_be_told_in_a_bundle_of_our_own_writer_again_and_again(intake: Behind) -> None:
    """The writer's update and withdrawal are understood, too."""
    document = a_referral()
    reference = reference_of(await send(intake, write_bundle(document, Envoy(str(uuid7()), SENDER))))
    changed = document | {"risk_factors": ["low_mood"]}
    update = write_bundle(changed, Envoy(str(uuid7()), SENDER, Intent.UPDATE, reference))
    assert reference_of(await send(intake, update)) == reference
    assert (await facts_of(intake, reference))["risk_factors"] == ["low_mood"]
    withdrawal = write_bundle(document, Envoy(str(uuid7()), SENDER, Intent.WITHDRAW, reference))
    assert resource((await send(intake, withdrawal)).json(), "ServiceRequest")["status"] == "revoked"
