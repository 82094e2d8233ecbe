"""Words that exist nowhere else go in at every door; afterwards they are found where identity is shown, and only there."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import pytest

from tests.architecture.test_front_access import ACCESS
from tests.families import a_referral, an_nhs_number
from tests.journeys.people import Agency, Staff, a_mail, request
from tests.journeys.typist import OF_STAFF, ONLY_PRESSED, TYPED_INTO, types_everywhere
from tests.system import NAMES, Reply, System, without_address
from tests.traces import a_word, records, rows

PAGES_THERE_ARE = 40
POSTCODE = "NG8 5PX"
"""In an open ward, and nobody else's in these tests."""


@dataclass
class Canaries:
    """Each a word of its own, in a form that no code, id or time has."""

    words: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.words[name]

    def forms(self) -> dict[str, tuple[str, ...]]:
        """How each may look once somebody has tidied it."""
        forms: dict[str, set[str]] = {}
        for name, word in self.words.items():
            compact = word.replace(" ", "").replace("-", "")
            forms[name] = {word, compact, word.upper(), word.lower(), quote(word)}
        phone = self.words["phone"].replace(" ", "")
        forms["phone"] |= {phone, f"+44{phone[1:]}", phone[1:]}
        return {name: tuple(sorted(found)) for name, found in forms.items()}

    def in_text(self, text: str) -> set[str]:
        """Which of them are in it, plain or as PostgreSQL shows bytes."""
        return {
            name
            for name, forms in self.forms().items()
            if any(form in text or form.encode().hex() in text for form in forms)
        }


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    nhs, carers_nhs = an_nhs_number(), an_nhs_number()
    names = ("baby", "family", "mother", "father", "referrer", "notes", "safe", "given_by", "answer", "note", "asked")
    more = ("override", "decline", "external", "address", "odd", "topic", "role", "colleague")
    words = {name: a_word() for name in (*names, *more)}
    return Canaries(
        words
        | {
            "nhs": f"{nhs[:3]} {nhs[3:6]} {nhs[6:]}",
            "carers_nhs": carers_nhs,
            "postcode": POSTCODE,
            "phone": f"07700 9{secrets.randbelow(10**5):05d}"[:12],
            "email": f"{a_word().lower()}@example.org",
            "work_email": f"{a_word().lower()}@example.org",
            "born": "1991-07-23",
        }
    )


def a_family(words: Canaries) -> dict[str, Any]:
    referrer = {"name": words["referrer"], "role": "Health visitor", "email": words["work_email"]}
    baby = {"given_name": words["baby"], "family_name": words["family"], "date_of_birth": "2026-02-02"}
    mother = {
        "relationship": "mother",
        "given_name": words["mother"],
        "family_name": words["family"],
        "date_of_birth": words["born"],
        "phone": words["phone"],
        "email": words["email"],
        "safe_contact": f"Ask for {words['safe']}",
    }
    father = {"relationship": "father", "given_name": words["father"], "family_name": words["family"]}
    return a_referral(
        external_reference=words["external"],
        referrer=referrer,
        babies=[baby | {"nhs_number": words["nhs"], "sex": "1"}],
        caregivers=[mother, father],
        home={"postcode": words["postcode"], "address_lines": [f"12 {words['address']} Street", "Nottingham"]},
        consent={"status": "given", "given_by": words["given_by"]},
        notes=f"{words['notes']} finds it hard.",
    )


def test_identity_is_found_where_it_is_meant_to_be_and_nowhere_else(
    system: System, canaries: Canaries, health_visiting: Agency, social_care: Agency, worker: Staff, lead: Staff
) -> None:
    # Given a family whose every word is a canary, referred, changed, doubled, worked with and written about
    family = a_family(canaries)
    shown = live_through_everything(family, canaries, health_visiting, social_care, worker, lead)

    # Then whoever works with them sees the words
    own = {"odd", "decline", "topic", "role", "colleague", "carers_nhs"}
    assert canaries.in_text(shown) == set(canaries.words) - own

    # And answers that refuse repeat none of them
    for reply in refusals(system, canaries, health_visiting, worker):
        assert reply.status >= 400, reply
        assert canaries.in_text(json.dumps(without_address(reply.body)) + json.dumps(reply.headers)) == set(), reply

    # And the addresses of pages into which somebody types them have none
    typist = types_everywhere(system, canaries.words)
    assert canaries.in_text(" ".join(typist.addresses)) == set()
    assert len(typist.pages) > PAGES_THERE_ARE
    assert {route for route, _ in typist.pages} == {*TYPED_INTO, OF_STAFF}
    assert typist.pages >= {(route, page.slug) for route, pages in TYPED_INTO.items() for page in pages}

    # And they are nowhere else
    system.totals_at_rest()
    found = {place: names for place, text in everywhere(system) if (names := canaries.in_text(text))}
    assert found == {}


def live_through_everything(
    family: dict[str, Any], words: Canaries, first: Agency, second: Agency, worker: Staff, lead: Staff
) -> str:
    """The steps in which free text or identity travels; returns all that a worker is shown of it."""
    receipt = first.call("POST", "/referrals", family)
    assert receipt.status == 201, receipt
    reference = receipt.body["reference"]
    item = worker.finds("pir_short", reference)
    worker.does(item, "claim")
    worker.does(item, "note", text=f"{words['note']} opened the door")
    worker.does(item, "request-information", asked=f"Is {words['asked']} the aunt?")
    assert first.informs(reference, notes=f"Yes, {words['answer']}.").status == 200
    assert first.changes(reference, notes=f"{words['notes']} finds it harder.", risk_factors=[]).status == 200
    first.sees_decided(reference, version=2)
    doubled = second.refers(family | {"external_reference": f"2{words['external']}"})
    second.sees_decided(doubled)
    lead.does(
        lead.finds("review_duplicate", doubled), "decline", reason="duplicate", note=f"Told {words['decline']} today"
    )
    second.sees_status(doubled, "declined")
    asked = {"notes": f"{words['answer']} says it is another baby"}
    assert second.call("POST", f"/referrals/{doubled}/challenge", asked).status == 200
    worker.does(item, "override", routes=["targeted"], tier="targeted", reason=f"{words['override']} wants it")
    targeted = worker.finds("targeted", reference)
    shown = json.dumps(worker.sees(targeted, why="covering"), ensure_ascii=False)
    enquiry = {"kind": "consultation", "referrer": family["referrer"], "topic": f"About {words['topic']}"}
    assert first.call("POST", "/enquiries", enquiry | {"notes": words["notes"]}).status == 201
    assert first.withdraws(reference).status == 200
    for kind in ("receipt", "decision", "information-request", "outcome", "withdrawal"):
        a_mail(first.system, reference, kind)
    second.sees_status(doubled, "with_team")  # the other referral of the family is gone
    return shown


def refusals(system: System, words: Canaries, agency: Agency, worker: Staff) -> Iterator[Reply]:
    """Canaries in every place where they don't belong."""
    odd, family = words["odd"], a_family(words)
    member = f"{odd} of {odd}"  # one that could be a name of ours is repeated (shared/mistakes.py)
    nowhere = quote(f"{words['family']} {odd}")
    yield agency.call("GET", f"/referrals/{nowhere}")
    yield agency.call("GET", f"/{nowhere}")
    yield agency.call("GET", f"/referrals?changed_since={nowhere}")
    yield agency.call("GET", f"/referrals?limit={nowhere}")
    yield agency.call("POST", f"/referrals/{nowhere}/withdrawal", {"reason": odd})
    yield agency.call("POST", "/referrals", family | {member: words["family"]})
    yield agency.call("POST", "/referrals", family | {"concern": {"severity": odd}, "safety": [words["mother"]]})
    yield agency.call("POST", "/referrals", family | {"babies": [{"date_of_birth": odd, "nhs_number": odd}]})
    yield agency.call("POST", "/referrals", family | {"home": {"postcode": odd}, "notes": words["notes"] + "\0"})
    yield agency.call("POST", "/referrals", family | {"babies": [{words["nhs"]: 1}]})
    yield agency.call("POST", "/referrals", f'{{"notes": "{odd}'.encode())
    yield agency.call("POST", "/referrals", f'{{"{member}": 1, "{member}": 2}}'.encode())
    yield agency.call("POST", "/referrals", family, Content_Type=f"text/{odd}")
    yield agency.call("POST", "/referrals", family, key=f"{odd} {words['family']}")
    yield agency.call("POST", "/enquiries", {"kind": odd, "topic": "\0" + words["topic"]})
    yield worker.call("GET", f"/work-items/{nowhere}")
    yield worker.call("GET", f"/queues/{nowhere}")
    yield worker.call("GET", f"/queues/pir_short?view={nowhere}&after={nowhere}")
    yield worker.call("GET", f"/queues/pir_short?after={nowhere}")
    yield worker.call("GET", f"/queues/pir_short?reference={nowhere}{nowhere}")
    yield worker.call("POST", "/preview", {"facts": {"source": odd, member: 1}, "received_at": odd, "policy": odd})
    yield worker.call("POST", f"/work-items/{nowhere}/note", {"text": words["note"]})
    yield worker.call("PUT", f"/capacity/{nowhere}", {"individual": odd})
    for service in NAMES:
        headers = {"Authorization": f"Bearer {odd}", "traceparent": odd, "X-PIR-Actor": words["family"]}
        yield request("GET", f"{system.url(service)}/{nowhere}", headers=headers)
    yield request("GET", f"{system.url('triage')}/queues", headers={"Authorization": f"Bearer {odd}"})


def everywhere(system: System) -> Iterator[tuple[str, str]]:
    """Place and text: logs, metrics, topics, tables, mail; what is shown to people is not among them."""
    for name in NAMES:
        yield f"log of {name}", system.log(name).read_text(encoding="utf-8")
        yield f"metrics of {name}", request("GET", f"{system.url(name)}/metrics").body
    for server in (system.servers.postgres, system.servers.kafka):
        if server is not None:
            yield f"log of {server.name}", server.log.read_text(encoding="utf-8", errors="replace")
    yield "totals", json.dumps(system.totals())
    for each in asyncio.run(records(system.servers.kafka_bootstrap_servers)):
        yield f"topic {each.topic} {dict(each.headers).get('ce_type')}", f"{each.key} {each.headers} {each.value}"
    yield from asyncio.run(rows(system.database_url))
    for file in (system.var / "mail").rglob("*.eml"):
        message = email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=email.policy.default)
        yield f"mail {file.name}", f"{file.name} {message.items()} {message.get_content()}"


def test_every_form_for_people_who_refer_is_typed_into_or_has_nothing_to_type() -> None:
    forms = {page for page in ACCESS if page.startswith("POST ")}
    assert forms == {*TYPED_INTO, *ONLY_PRESSED}


def test_the_search_finds_what_is_there(canaries: Canaries) -> None:
    """A search that finds nothing proves nothing unless it can find."""
    phone = canaries["phone"]
    assert canaries.in_text(f"+44{phone.replace(' ', '')[1:]}") == {"phone"}
    assert canaries.in_text(canaries["nhs"].replace(" ", "")) == {"nhs"}
    assert canaries.in_text("\\x" + canaries["mother"].encode().hex()) == {"mother"}
    assert canaries.in_text(canaries["address"].upper()) == {"address"}
    assert canaries.in_text(str(datetime.now(UTC) + timedelta(days=1))) == set()
