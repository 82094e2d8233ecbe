"""A FHIR bundle as the document of a referral: what is read from where, what is never guessed, what survives both ways."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from services.referral.document.codes import CommunicationNeed
from services.referral.document.model import Baby, Caregiver, ReferralDocument, Referrer
from services.referral.document.read import read_referral
from services.referral.facts import facts_of
from services.referral.fhir.checks import Intent, asked_by, sender_of
from services.referral.fhir.envelope import MOST_WRONG, Envelope, opened
from services.referral.fhir.models import ACCEPTED
from services.referral.fhir.names import QUESTIONNAIRE
from services.referral.fhir.notes import NO_ROOM
from services.referral.fhir.questions import ELSEWHERE, questions
from services.referral.fhir.reading import Reading, read_bundle
from services.referral.fhir.taking import read_message
from shared.events import Carer, Consent, Place
from shared.safety_words import FLAGGED
from tests.builders import a_policy
from tests.fhir_messages import EXAMPLES, SENDER, example, resource, resources
from tests.fhir_writing import Envoy, write_bundle
from tests.front_documents import ANY_DOCUMENT, NOW, meaning, scenario_documents

SCENARIOS = scenario_documents()
TODAY = NOW.date()
ENVOY = Envoy("b1", SENDER)
Json = dict[str, Any]


def read(bundle: Json, *, is_update: bool = False) -> Reading:
    """What is read, of a bundle that came as bytes."""
    envelope = opened(json.loads(json.dumps(bundle)))
    assert (envelope.malformed, envelope.issues) == ((), ())
    return read_bundle(envelope, request=asked_by(envelope).request, today=TODAY, is_update=is_update)


def document(name: str) -> Json:
    reading = read(example(name, now=NOW))
    assert reading.issues == ()
    return reading.document


def safety_words(found: Json) -> bool:
    submission = read_referral(found, now=NOW)
    place = Place(quality="missing")
    return facts_of(
        submission.document, source_of_agency="A4", place=place, today=TODAY, policy=a_policy()
    ).safety_words


class TestBothWays:
    def test_every_scenario_is_one(self) -> None:
        assert len(SCENARIOS) == 83  # the other six of the 89 are enquiries, which have no document

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_the_document_of_a_scenario_survives(self, name: str) -> None:
        bundle = write_bundle(SCENARIOS[name], ENVOY)
        assert asked_by(opened(bundle)).issues == ()
        reading = read(bundle)
        assert reading.issues == ()
        assert meaning(reading.document) == meaning(SCENARIOS[name])

    @given(ANY_DOCUMENT)
    @hypothesis_settings(max_examples=150)
    def test_any_document_survives(self, sent: Json) -> None:
        """But for what FHIR can't say here: consent that was given nobody knows when, and a baby of ten years."""
        for baby in sent.get("babies") or ():
            if (baby.get("date_of_birth") or "9") < "2017":
                baby["date_of_birth"] = "2026-01-02"
        consent = sent.get("consent") or {}
        if consent.get("status") == Consent.GIVEN and not consent.get("recorded_at"):
            consent["recorded_at"] = "2026-06-14T10:05+01:00"
        reading = read(write_bundle(sent, ENVOY))
        assert reading.issues == ()
        assert meaning(reading.document) == meaning(sent)

    def test_an_unborn_baby_of_nobody_named_has_a_home(self) -> None:
        sent = {"babies": [{"due_on": "2026-08-14"}], "home": {"postcode": "NG6 8GB"}}
        assert meaning(read(write_bundle(sent, ENVOY)).document) == meaning(sent)

    def test_every_member_of_the_document_has_a_place_in_a_bundle(self) -> None:
        """A new member of a person is read and written by hand: persons.py and writing.py, and docs/fhir.md."""
        assert set(Baby.model_fields) == {
            "given_name", "family_name", "date_of_birth", "due_on", "sex", "nhs_number", "ethnic_category",
        }  # fmt: skip
        assert set(Caregiver.model_fields) == {
            "relationship", "given_name", "family_name", "date_of_birth", "nhs_number", "ethnic_category", "phone",
            "email", "preferred_language", "interpreter_needed", "communication_needs", "safe_contact",
            "messages",
        }  # fmt: skip
        assert set(Referrer.model_fields) == {"name", "role", "email", "phone"}
        asked = {question.members[0] for question in questions().values()}
        assert asked | ELSEWHERE == set(ReferralDocument.model_fields)


class TestTheSixExamples:
    def test_born(self) -> None:
        found = document("born")
        assert found["babies"] == [
            {
                "given_name": "Robin",
                "family_name": "Shah",
                "date_of_birth": "2026-01-16",
                "sex": "2",
                "nhs_number": "9990000018",
                "ethnic_category": "J",
            }
        ]
        mother, father = found["caregivers"]
        assert mother == {
            "relationship": "mother",
            "given_name": "Sana",
            "family_name": "Shah",
            "date_of_birth": "1996-02-11",
            "phone": "07700 900123",
            "preferred_language": "ur",
            "interpreter_needed": True,
            "communication_needs": ["easy_read"],
            "safe_contact": "Ring before noon.",
        }
        assert father["relationship"] == "father"
        assert found["home"] == {"postcode": "NG6 8GB", "address_lines": ["14 Invented Row", "Nottingham"]}
        assert found["referrer"] == {
            "name": "Bola Ade",
            "role": "Registered midwife",
            "email": "bola.ade@example.org",
            "phone": "0115 496 0123",
        }
        assert found["consent"] == {
            "status": "given",
            "recorded_at": "2026-06-15T08:00:00+00:00",
            "given_by": "Sana Shah",
        }
        assert found["concern"] == {
            "severity": "moderate",
            "domains": ["main_carer", "emotional"],
            "parent_was_asked": True,
        }
        assert (found["risk_factors"], found["mental_health"]) == (["isolation"], "mild")
        assert (found["requested_tier"], found["external_reference"]) == ("specialist_short", "MAT-2026-0001")
        assert found["notes"].splitlines() == [
            "Sana says she finds it hard to feel close to Robin since the birth.",
            "",
            "Weekly visits go on until the first contact.",
        ]

    def test_twins(self) -> None:
        found = document("twins")
        assert [baby["given_name"] for baby in found["babies"]] == ["Ira", "Uma"]
        assert [carer["relationship"] for carer in found["caregivers"]] == ["kinship"]

    def test_unborn(self) -> None:
        found = document("unborn")
        assert found["babies"] == [{"due_on": "2026-08-14"}]
        mother, partner = found["caregivers"]
        assert (mother["relationship"], mother["given_name"], mother["ethnic_category"]) == ("mother", "Ewa", "C")
        assert (mother["phone"], mother["email"], mother["preferred_language"]) == (
            "07700 900126", "ewa@example.org", "pl",
        )  # fmt: skip
        assert partner["relationship"] == "partner"
        assert found["home"] == {"no_fixed_abode": True}

    def test_danger(self) -> None:
        found = document("danger")
        assert found["safety"] == ["immediate_danger"]
        gaps = read_referral(found, now=NOW).gaps
        assert gaps == ("/referrer", "/consent", "/concern", "/babies", "/caregivers")

    def test_update_after_birth_changes_what_it_speaks_of(self) -> None:
        reading = read(example("update-after-birth", now=NOW), is_update=True)
        change = reading.change_of(document("unborn"))
        assert change["babies"][0]["date_of_birth"] == "2026-06-13"
        assert "due_on" not in change["babies"][0]
        assert set(change) == {"babies", "caregivers", "referrer", "notes"}  # its implied consent takes nothing back

    def test_revoke(self) -> None:
        asked = asked_by(opened(example("revoke")))
        assert (asked.intent, asked.issues, asked.withdrawn_because) == (Intent.WITHDRAW, (), "other")

    def test_only_the_request_that_the_message_is_about_is_read(self) -> None:
        """Not the first: it may be the one that this is based on, about another family."""
        bundle = example("born", now=NOW)
        words = "Sana says he hits her."
        resource(bundle, "ServiceRequest")["note"] = [{"text": words}]
        original = {
            "resourceType": "ServiceRequest",
            "identifier": [{"system": "urn:theirs", "value": "MAT-2025-0999"}],
            "status": "completed",
            "note": [{"text": "Another family."}],
        }
        bundle["entry"].insert(1, {"fullUrl": "urn:uuid:original", "resource": original})
        message = read_message(json.loads(json.dumps(bundle)), now=NOW)
        assert message.asked.issues == message.reading.issues == ()
        assert message.reading.document["external_reference"] == "MAT-2026-0001"
        assert message.reading.document["notes"].startswith(words)
        assert safety_words(message.reading.document)

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_each_says_who_sends_it(self, name: str) -> None:
        assert sender_of(opened(example(name))) == (SENDER, [])


class TestConsent:
    def consent(self, **changes: Any) -> tuple[Json, list[str]]:
        bundle = example("born", now=NOW)
        resource(bundle, "Consent").update(changes)
        reading = read(bundle)
        return reading.document["consent"], [issue.kind for issue in reading.issues]

    def test_implied_consent_to_direct_care_is_not_sought(self) -> None:
        assert document("twins")["consent"] == {"status": "not_sought"}

    @pytest.mark.parametrize(
        "changes",
        [
            {"policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMPLIED"}]}},
            {"policyRule": {"coding": [{"system": "urn:another", "code": "OPTIN"}]}},
            {"policyRule": {"text": "OPTIN"}},
            {"provision": {"type": "deny"}},
            {"provision": {}},
        ],
    )  # fmt: skip
    def test_yes_needs_permit_and_opt_in(self, changes: Json) -> None:
        assert self.consent(**changes) == ({"status": "not_sought"}, [])

    def test_a_consent_that_is_not_in_force_says_nothing(self) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "Consent")["status"] = "inactive"
        assert "consent" not in read(bundle).document

    def test_yes_without_when_is_a_mistake_and_no_yes(self) -> None:
        found, kinds = self.consent(dateTime=None)
        assert (found, kinds) == ({"status": "not_sought"}, ["required"])

    def test_a_day_without_a_time_is_refused_by_the_document(self) -> None:
        found, kinds = self.consent(dateTime="2026-06-14")
        assert (found["recorded_at"], kinds) == ("2026-06-14", [])

    def test_an_answer_alone_is_no_consent(self) -> None:
        bundle = write_bundle({"consent": {"status": "disputed"}}, ENVOY)
        answer = resource(bundle, "QuestionnaireResponse")["item"][0]["answer"][0]
        assert read(bundle).document["consent"] == {"status": "disputed"}
        answer["valueCoding"]["code"] = "given"
        reading = read(bundle)
        assert "status" not in reading.document["consent"]
        assert [issue.kind for issue in reading.issues] == ["required"]

    def test_a_yes_that_an_answer_says_too_is_a_yes(self) -> None:
        bundle = example("born", now=NOW)
        answers = write_bundle({"consent": {"status": "disputed"}}, ENVOY)
        [said] = resource(answers, "QuestionnaireResponse")["item"]
        said["answer"][0]["valueCoding"]["code"] = "given"
        resource(bundle, "QuestionnaireResponse")["item"].append(said)
        reading = read(bundle)
        assert reading.issues == ()
        assert reading.document["consent"] == document("born")["consent"]
        assert reading.places["/consent/status"][0] == "Consent"

    @pytest.mark.parametrize(
        ("scope", "is_ours"),
        [
            (None, True), ("patient-privacy", True), ("treatment", True), ("research", False), ("adr", False),
            ("another", False),
        ],
    )  # fmt: skip
    def test_a_consent_of_another_scope_says_nothing_of_a_referral(self, scope: str | None, is_ours: bool) -> None:
        system = "http://terminology.hl7.org/CodeSystem/consentscope"
        bundle = example("born", now=NOW)
        concept = {"coding": [{"system": system, "code": scope}]} if scope else None
        resource(bundle, "Consent")["scope"] = concept
        reading = read(bundle)
        place = [each["resource"]["resourceType"] for each in bundle["entry"]].index("Consent")
        assert reading.document.get("consent", {}).get("status") == ("given" if is_ours else None)
        assert reading.unread == (() if is_ours else (place,))
        resource(bundle, "Consent")["status"] = "inactive"
        assert bool(read(bundle, is_update=True).issues) == is_ours

    def test_two_that_contradict_each_other_are_a_mistake(self) -> None:
        bundle = example("born", now=NOW)
        other = json.loads(json.dumps(resource(bundle, "Consent")))
        other["provision"]["type"], other["policyRule"]["coding"][0]["code"] = "deny", "OPTOUT"
        bundle["entry"].append({"fullUrl": "urn:uuid:2", "resource": other})
        assert [issue.kind for issue in read(bundle).issues] == ["invariant", "invariant"]

    @pytest.mark.parametrize("status", ["inactive", "rejected", "entered-in-error", "active"])
    def test_a_yes_taken_back_in_an_update_is_never_passed_over(self, status: str) -> None:
        bundle = example("born", now=NOW)
        taken_back = {"status": status} | ({"provision": {"type": "deny"}} if status == "active" else {})
        resource(bundle, "Consent").update(taken_back)
        assert read(bundle).issues == ()
        reading = read(bundle, is_update=True)
        assert [(issue.problem, issue.expressions[0]) for issue in reading.issues] == [("required", "Consent")]
        assert "consent" not in reading.change_of(STORED)
        assert "Consent of the family may have been taken back" in reading.change_of(STORED)["notes"]  # in a danger

    @pytest.mark.parametrize("status", ["draft", "proposed"])
    def test_a_yes_that_was_never_said_takes_nothing_back(self, status: str) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "Consent")["status"] = status
        assert read(bundle, is_update=True).issues == ()

    @pytest.mark.parametrize("says", ["no", "yes", "disputed"])
    def test_a_yes_taken_back_beside_a_newer_word_is_that_word(self, says: str) -> None:
        bundle = example("born", now=NOW)
        old = resource(bundle, "Consent")
        new = json.loads(json.dumps(old))
        old["status"] = "inactive"
        if says == "no":
            new["provision"]["type"], new["policyRule"]["coding"][0]["code"] = "deny", "OPTOUT"
        if says == "disputed":
            answers = write_bundle({"consent": {"status": "disputed"}}, ENVOY)
            new = resource(answers, "QuestionnaireResponse")
        bundle["entry"].append({"fullUrl": "urn:uuid:2", "resource": new})
        reading = read(bundle, is_update=True)
        assert reading.issues == ()
        wanted = {"no": "refused", "yes": "given", "disputed": "disputed"}[says]
        assert reading.change_of(STORED)["consent"]["status"] == wanted

    def test_no_is_a_no(self) -> None:
        opted_out = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT"}]}
        found, kinds = self.consent(provision={"type": "deny"}, policyRule=opted_out)
        assert (found["status"], kinds) == ("refused", [])


class TestFlags:
    def flagged(self, **changes: Any) -> Json:
        bundle = example("twins", now=NOW)
        resource(bundle, "Flag").update(changes)
        return read(bundle).document

    def test_safeguarding_is_words_for_a_person_and_no_tick(self) -> None:
        found = self.flagged()
        words = "Family is cause for concern (finding), flagged in the record of the sender"
        assert found["notes"] == f"Safeguarding concern: {words}"
        assert "safety" not in found
        assert safety_words(found)

    def test_it_is_found_without_words_and_as_a_bare_code(self) -> None:
        for code in (None, {"coding": [{"system": "http://snomed.info/sct", "code": "707087005"}]}):
            assert safety_words(self.flagged(code=code))

    @pytest.mark.parametrize("apart", [True, False])
    def test_it_is_found_beside_other_categories(self, apart: bool) -> None:
        codings = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "safety"}]}]
        if apart:
            codings.append({"coding": [{"code": "SG"}]})
        else:
            codings[0]["coding"].append({"code": "SG"})
        found = self.flagged(category=codings)
        assert found["notes"].startswith("Safeguarding concern: ")
        assert safety_words(found)

    def test_one_that_was_never_true_is_left(self) -> None:
        assert "notes" not in self.flagged(status="entered-in-error")

    def test_one_of_the_past_says_so(self) -> None:
        assert "(no longer active)" in self.flagged(status="inactive")["notes"]

    def test_other_flags_are_words(self) -> None:
        scene = [{"coding": [{"code": "SS", "display": "Scene Safety"}]}]
        assert self.flagged(category=scene)["notes"] == "Flag, Scene Safety: Family is cause for concern (finding)"

    def test_a_known_adjustment_is_a_need_and_an_unknown_one_words(self) -> None:
        kind = [{"coding": [{"code": "RA", "display": "Reasonable Adjustment"}]}]
        known = self.flagged(category=kind, code={"coding": [{"code": "usesbritishsignlanguage"}]})
        assert known["caregivers"][0]["communication_needs"] == [CommunicationNeed.BSL.value]
        unknown = self.flagged(category=kind, code={"coding": [{"code": "advocatetobepresent", "display": "Advocate"}]})
        assert unknown["notes"] == "Flag, Reasonable Adjustment: Advocate"


class TestPeople:
    def test_a_partial_date_is_passed_on_and_refused(self) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "Patient")["birthDate"] = "2026-05"
        assert read(bundle).document["babies"][0]["date_of_birth"] == "2026-05"

    def test_an_adult_patient_is_no_baby(self) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "Patient")["birthDate"] = "1959-05-04"
        found = read(bundle).document
        assert "babies" not in found
        assert len(found["caregivers"]) == 3

    def test_contacts_of_the_baby_stand_in_for_related_persons(self) -> None:
        bundle = example("born", now=NOW)
        bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] != "RelatedPerson"]
        role = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
        rank = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-ContactRank"

        def contact(code: str, name: str, phone: str, place: int) -> Json:
            return {
                "extension": [{"url": rank, "valuePositiveInt": place}],
                "relationship": [{"coding": [{"system": role, "code": code}]}],
                "name": {"given": [name]},
                "telecom": [{"system": "phone", "value": phone}, {"system": "phone", "value": "0115 496 0199"}],
            }

        resource(bundle, "Patient")["contact"] = [
            contact("ONESELF", "Robin", "0115 496 0100", 1),
            contact("ECON", "Ray", "07700 900200", 2),
            contact("FTH", "Imran", "07700 900124", 4),
            contact("MTH", "Sana", "07700 900123", 3),
        ]
        found = read(bundle).document
        assert [(each["relationship"], each["phone"]) for each in found["caregivers"]] == [
            ("mother", "07700 900123"),
            ("father", "07700 900124"),
        ]
        assert "Further ways to reach caregiver 1: 0115 496 0199" in found["notes"]
        assert "On the baby's record, phone: 0115 496 0100" in found["notes"]  # nobody can tell whose it is

    @pytest.mark.parametrize("place", ["telecom", "contact"])
    def test_the_number_of_a_baby_with_one_caregiver_is_theirs(self, place: str) -> None:
        bundle = example("twins", now=NOW)
        number = [{"system": "phone", "value": "0115 496 0100"}]
        oneself = [{"relationship": [{"coding": [{"code": "ONESELF"}]}], "telecom": number}]
        resource(bundle, "Patient")[place] = number if place == "telecom" else oneself
        resource(bundle, "RelatedPerson").pop("telecom")
        assert read(bundle).document["caregivers"][0]["phone"] == "0115 496 0100"

    def test_who_is_no_longer_about_is_told_in_words_and_never_rung(self) -> None:
        bundle = example("born", now=NOW)
        mother, father = resources(bundle, "RelatedPerson")
        father |= {"active": False, "address": [{"postalCode": "NG1 5DT"}]}
        resource(bundle, "Patient")["telecom"] = [{"system": "phone", "value": "0115 496 0100"}]
        resource(bundle, "Patient").pop("address")
        mother.pop("telecom")
        found = read(bundle).document
        assert [each["given_name"] for each in found["caregivers"]] == ["Sana"]
        assert "phone" not in found["caregivers"][0]  # the baby's may be the father's
        assert "On the baby's record, phone: 0115 496 0100" in found["notes"]
        assert "No longer in touch, by the sender's record: Imran Shah (father)" in found["notes"]
        assert "home" not in found

    def test_a_contact_may_be_who_is_no_longer_about(self) -> None:
        bundle = example("twins", now=NOW)
        resource(bundle, "RelatedPerson")["active"] = False
        father = [{"relationship": [{"coding": [{"code": "FTH"}]}], "name": {"given": ["Imran"]}}]
        resource(bundle, "Patient")["contact"] = father
        assert "caregivers" not in read(bundle).document

    @pytest.mark.parametrize("changes", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-06-01"}])
    def test_a_parent_who_died_is_told_in_words_and_never_rung(self, changes: Json) -> None:
        bundle = example("unborn", now=NOW)
        resource(bundle, "Patient").update(changes)
        found = read(bundle).document
        assert [each["relationship"] for each in found["caregivers"]] == ["partner"]
        assert found["notes"].endswith("Has died, by the sender's record: Ewa Nowak (mother)")
        assert "circumstances" not in found  # those are of the baby
        assert found["babies"] == [{"due_on": "2026-08-14"}]

    def test_the_order_is_that_of_the_ranks(self) -> None:
        bundle = example("born", now=NOW)
        mother, father = resources(bundle, "RelatedPerson")
        mother["extension"][0], father["extension"][0] = father["extension"][0], mother["extension"][0]
        assert [each["relationship"] for each in read(bundle).document["caregivers"]] == ["father", "mother"]

    @pytest.mark.parametrize(
        ("code", "carer"),
        [("MTH", "mother"), ("NFTH", "father"), ("STPFTH", "partner"), ("MAUNT", "kinship"), ("PRNFOST", "foster"),
         ("ADOPTP", "adoptive"), ("FRND", "other"), ("PRN", "other")],
    )  # fmt: skip
    def test_the_role_is_seen_from_the_baby(self, code: str, carer: str) -> None:
        bundle = example("twins", now=NOW)
        resource(bundle, "RelatedPerson")["relationship"][0]["coding"][0]["code"] = code
        assert read(bundle).document["caregivers"][0]["relationship"] == carer

    @pytest.mark.parametrize(
        ("code", "carer"),
        [("MTH", "kinship"), ("FTH", "kinship"), ("STPMTH", "kinship"), ("ADOPTF", "kinship"), ("DOMPART", "partner"),
         ("HUSB", "partner"), ("MGRMTH", "kinship"), ("FRND", "other")],
    )  # fmt: skip
    def test_of_a_parents_record_the_role_is_seen_from_the_parent(self, code: str, carer: str) -> None:
        """The mother of the pregnant parent is the grandmother."""
        bundle = example("unborn", now=NOW)
        [related] = resources(bundle, "RelatedPerson")
        related["relationship"][0]["coding"][0]["code"] = code
        assert [each["relationship"] for each in read(bundle).document["caregivers"]] == ["mother", carer]
        own = {"system": "urn:pir:fhir:CodeSystem:relationship", "code": Carer.FATHER.value}
        related["relationship"][0]["coding"].append(own)
        assert read(bundle).document["caregivers"][1]["relationship"] == "father"

    def test_our_own_relationship_counts_before_a_role(self) -> None:
        bundle = example("twins", now=NOW)
        own = {"system": "urn:pir:fhir:CodeSystem:relationship", "code": Carer.FOSTER.value}
        resource(bundle, "RelatedPerson")["relationship"].append({"coding": [own]})
        assert read(bundle).document["caregivers"][0]["relationship"] == "foster"

    def test_a_baby_who_died_is_a_circumstance(self) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "Patient")["deceasedDateTime"] = "2026-06-01"
        reading = read(bundle)
        assert reading.document["circumstances"] == ["infant_died"]
        stored = {"circumstances": ["planned_move_out"]}
        assert reading.change_of(stored)["circumstances"] == ["planned_move_out", "infant_died"]

    def test_two_due_dates_of_nobody_in_particular_are_a_mistake(self) -> None:
        bundle = example("unborn", now=NOW)
        other = json.loads(json.dumps(resource(bundle, "Observation"))) | {"valueDateTime": "2026-09-01"}
        bundle["entry"].append({"fullUrl": "urn:uuid:9", "resource": other})
        assert [issue.kind for issue in read(bundle).issues] == ["invariant", "invariant"]

    def with_due_date(self, name: str, days: int) -> Reading:
        """An example with a pregnant parent's due date beside its babies, `days` after the first is born."""
        bundle, unborn = example(name, now=NOW), example("unborn", now=NOW)
        day = date.fromisoformat(resource(bundle, "Patient")["birthDate"]) + timedelta(days)
        mother, due_date = resource(unborn, "Patient"), resource(unborn, "Observation")
        due_date |= {"valueDateTime": str(day), "subject": {"reference": "urn:uuid:pregnant"}}
        bundle["entry"] += [
            {"fullUrl": "urn:uuid:pregnant", "resource": mother},
            {"fullUrl": "urn:uuid:due", "resource": due_date},
        ]
        return read(bundle)

    @pytest.mark.parametrize("name", ["born", "update-after-birth"])
    @pytest.mark.parametrize("days", [-14, 120])
    def test_a_due_date_beside_a_born_baby_is_that_of_the_baby(self, name: str, days: int) -> None:
        """Never a second one, who is unborn and long past the day."""
        reading = self.with_due_date(name, days)
        [baby] = reading.document["babies"]
        assert reading.issues == ()
        born = date.fromisoformat(baby["date_of_birth"])
        assert baby["due_on"] == str(born + timedelta(days))
        assert reading.document["caregivers"][0]["relationship"] == "mother"

    @pytest.mark.parametrize(("name", "days"), [("twins", 14), ("born", 200), ("born", -60)])
    def test_of_whom_nobody_can_tell_is_a_mistake_and_no_baby(self, name: str, days: int) -> None:
        reading = self.with_due_date(name, days)
        assert [(issue.kind, issue.problem, issue.expressions[0]) for issue in reading.issues] == [
            ("invariant", "required", "Observation.valueDateTime")
        ]
        assert all("due_on" not in baby for baby in reading.document["babies"])
        assert len(reading.document["babies"]) == len(document(name)["babies"])

    @pytest.mark.parametrize("birth_date", ["1999-07-30", None])
    def test_unborn_twins_each_named_by_the_focus_have_a_pregnant_mother(self, birth_date: str | None) -> None:
        bundle = example("unborn", now=NOW)
        resource(bundle, "Patient")["birthDate"] = birth_date
        [due_date] = [each for each in bundle["entry"] if each["resource"]["resourceType"] == "Observation"]
        bundle["entry"].remove(due_date)
        for name in ("one", "two"):
            focus = [{"reference": f"urn:uuid:{name}"}]
            bundle["entry"] += [
                {"fullUrl": f"urn:uuid:{name}", "resource": {"resourceType": "Patient"}},
                {"fullUrl": f"urn:uuid:due-{name}", "resource": due_date["resource"] | {"focus": focus}},
            ]
        reading = read(bundle)
        assert reading.issues == ()
        assert reading.document["babies"] == [{"due_on": "2026-08-14"}] * 2
        assert [each["relationship"] for each in reading.document["caregivers"]] == ["mother", "partner"]

    @pytest.mark.parametrize(
        ("address", "home"),
        [
            ({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}, {"withheld": True}),
            ({"use": "temp"}, {"no_fixed_abode": True}),
            ({"use": "temp", "postalCode": "zz993vz"}, {"no_fixed_abode": True}),
            ({"use": "temp", "postalCode": "NG6 8GB"}, {"postcode": "NG6 8GB"}),
            ({"use": "home", "postalCode": "ZZ99 3VZ"}, {"postcode": "ZZ99 3VZ"}),
            ({"text": "1 High Street"}, {"address_lines": ["1 High Street"]}),
            ({"use": "old", "postalCode": "NG6 8GB"}, None),
        ],
    )  # fmt: skip
    def test_where_they_live(self, address: Json, home: Json | None) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "Patient")["address"] = [address]
        assert read(bundle).document.get("home") == home


STORED: Json = {"notes": "As it was.", "home": {"no_fixed_abode": True}, "consent": {"status": "given"}}


class TestAnUpdate:
    def change(self, bundle: Json) -> Json:
        return read(bundle, is_update=True).change_of(STORED)

    def test_words_of_flags_are_added_to_the_notes(self) -> None:
        change = self.change(example("twins", now=NOW))
        assert change["notes"].startswith("As it was.\n\nSafeguarding concern")
        assert "consent" not in change

    @pytest.mark.parametrize("is_update", [False, True])
    def test_words_that_find_no_room_never_refuse_a_danger(self, is_update: bool) -> None:
        """Updates add words again and again; the flag's come before a plan's."""
        plan = {"resourceType": "CarePlan", "description": "Weekly visits. " * 20}
        full = {"notes": "x" * 9_800}
        for name, is_cut in (("danger", True), ("twins", False)):
            bundle = example(name, now=NOW)
            flag = json.loads(json.dumps(resource(example("twins", now=NOW), "Flag")))
            bundle["entry"] += [
                {"fullUrl": "urn:uuid:8", "resource": plan},
                {"fullUrl": "urn:uuid:9", "resource": flag},
            ]
            resource(bundle, "ServiceRequest")["note"] = [] if is_update else [{"text": full["notes"]}]
            reading = read(bundle, is_update=is_update)
            notes = (reading.change_of(full) if is_update else reading.document)["notes"]
            assert notes.startswith(full["notes"])
            assert (len(notes) <= 10_000) == is_cut
            assert (NO_ROOM in notes) == is_cut
            assert (plan["description"] in notes) != is_cut
            assert FLAGGED in notes

    def test_an_address_takes_the_place_of_the_one_before(self) -> None:
        home = self.change(example("born", now=NOW))["home"]
        assert (home["postcode"], home["no_fixed_abode"], home["withheld"]) == ("NG6 8GB", None, None)

    def test_a_question_without_an_answer_takes_the_member_away(self) -> None:
        bundle = example("born", now=NOW)
        answers = resource(bundle, "QuestionnaireResponse")
        answers["item"] = [{"linkId": "/risk_factors"}]
        change = self.change(bundle)
        assert change["risk_factors"] is None
        assert "mental_health" not in change
        assert "risk_factors" not in read(bundle).document


class TestMistakes:
    def issues(self, bundle: Json) -> list[tuple[str, tuple[str, ...]]]:
        envelope = opened(bundle)
        reading = read_bundle(envelope, request=asked_by(envelope).request, today=date(2026, 6, 15))
        found = (*envelope.malformed, *envelope.issues, *reading.issues)
        return [(issue.kind, issue.expressions) for issue in found]

    def test_a_wrong_type_is_told_and_hides_nothing_else(self) -> None:
        bundle = example("born", now=NOW)
        patient = resource(bundle, "Patient")
        patient["name"], patient["address"][0]["line"] = "Robin", [1]
        place = f"Bundle.entry[{[each['resource'] for each in bundle['entry']].index(patient)}].resource"
        assert self.issues(bundle) == [
            ("structure", ("Patient.name", f"{place}.name")),
            ("structure", ("Patient.address[0].line[0]", f"{place}.address[0].line[0]")),
        ]
        found = read_bundle(opened(bundle), request=None, today=TODAY).document
        assert found["babies"][0]["date_of_birth"] == "2026-01-16"
        assert found["home"] == {"postcode": "NG6 8GB", "address_lines": ["Nottingham"]}

    def test_a_flood_of_mistakes_is_one_mistake_and_hides_no_danger(self) -> None:
        """Each of 120,000 would hold up all other requests."""
        bundle = example("danger", now=NOW)
        flood: list[Json] = [{"resourceType": "Patient", "name": [0] * MOST_WRONG, "birthDate": 1}]
        flood += [{"resourceType": "Patient", "name": [0] * 60} for _ in range(40)]
        bundle["entry"][1:1] = [{"fullUrl": f"urn:uuid:f{n}", "resource": each} for n, each in enumerate(flood)]
        message = read_message(bundle, now=NOW)
        kinds = [(issue.kind, issue.expressions[0]) for issue in message.envelope.issues]
        assert len(kinds) <= MOST_WRONG + len(flood)
        assert kinds[0] == ("structure", "Patient")
        assert kinds[1] == ("structure", "Patient.name[0]")
        assert kinds[-1] == ("structure", "Patient")
        assert message.reading.is_urgent

    @pytest.mark.parametrize("value", [None, 1, [], "x", {}, {"resourceType": "Patient"}])
    def test_what_is_no_bundle(self, value: Any) -> None:
        assert opened(value) == Envelope(malformed=opened({}).malformed)

    @pytest.mark.parametrize(
        ("change", "expression"),
        [
            ({"type": "searchset"}, "Bundle.type"),
            ({"id": None}, "Bundle.id"),
            ({"id": "no good"}, "Bundle.id"),
            ({"entry": []}, "Bundle.entry"),
            ({"entry": [{}]}, "Bundle.entry[0].resource"),
            ({"entry": [{"resource": {"resourceType": "Patient"}}]}, "Bundle.entry[0].resource"),
        ],
    )
    def test_what_is_no_message(self, change: Json, expression: str) -> None:
        envelope = opened(example("born") | change)
        assert [issue.expressions for issue in envelope.malformed] == [(expression,)]

    @pytest.mark.parametrize(
        ("link", "answer", "kind"),
        [
            ("/nothing", [{"valueString": "x"}], "not-supported"),
            ("/risk_factors", [{"valueString": "isolation"}], "value"),
            ("/risk_factors", [{"valueCoding": {"system": "urn:another", "code": "isolation"}}], "value"),
            ("/concern/parent_was_asked", [{"valueBoolean": True}, {"valueBoolean": False}], "structure"),
        ],
    )
    def test_answers_that_fit_no_question(self, link: str, answer: list[Json], kind: str) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "QuestionnaireResponse")["item"] = [{"linkId": link, "answer": answer}]
        assert [each[0] for each in self.issues(bundle)] == [kind]

    def test_answers_to_our_questions_name_our_questionnaire(self) -> None:
        bundle = example("born", now=NOW)
        resource(bundle, "QuestionnaireResponse")["questionnaire"] = None
        assert [each[0] for each in self.issues(bundle)] == ["required"]

    def test_answers_entered_in_error_are_none(self) -> None:
        bundle = example("danger", now=NOW)
        resource(bundle, "QuestionnaireResponse")["status"] = "entered-in-error"
        assert "safety" not in read(bundle).document

    def test_the_answer_names_each_entry_that_was_not_read(self) -> None:
        bundle = example("unborn", now=NOW)
        bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] not in ACCEPTED]
        first = len(bundle["entry"])
        weight = {"coding": [{"system": "http://snomed.info/sct", "code": "27113001"}]}
        for number, other in enumerate(
            (
                {
                    "resourceType": "QuestionnaireResponse",
                    "questionnaire": "https://another",
                    "item": [{"linkId": "1"}],
                },
                {"resourceType": "QuestionnaireResponse", "status": "entered-in-error", "questionnaire": QUESTIONNAIRE},
                {"resourceType": "Observation", "status": "final", "code": weight, "valueString": "4 kg"},
                {"resourceType": "Immunization"},
            )
        ):
            bundle["entry"].append({"fullUrl": f"urn:uuid:other-{number}", "resource": other})
        message = read_message(json.loads(json.dumps(bundle)), now=NOW)
        assert message.reading.issues == ()
        assert message.envelope.unread == (first, first + 1, first + 2, first + 3)

    def test_answers_to_other_questions_are_let_be(self) -> None:
        bundle = example("born", now=NOW)
        other = {"resourceType": "QuestionnaireResponse", "item": [{"linkId": "NOC", "answer": [{"valueString": "x"}]}]}
        bundle["entry"].append({"fullUrl": "urn:uuid:3", "resource": other})
        assert self.issues(bundle) == []


def test_the_time_of_the_examples_is_a_real_one() -> None:
    assert datetime.now(UTC) > NOW
