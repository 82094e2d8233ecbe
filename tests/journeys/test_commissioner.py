"""A commissioner at every door of the system, by token and by session: published figures, and nothing about a family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from shared.access import PERMISSIONS, Permission, Role
from shared.openapi import INTERNAL
from tests.architecture.test_access import ACCESS, EXAMPLES, OPEN
from tests.architecture.test_page_access import FILLED, PAGES, SIGNED_IN
from tests.architecture.test_page_access import OPEN as OPEN_PAGE
from tests.families import a_referral
from tests.journeys.people import Agency, Staff, request
from tests.signing_in import Browser
from tests.system import System, call, eventually, without_address

ROLE: Final = Role.COMMISSIONER
WITH_PAGES: Final = tuple(service for service, pages in PAGES.items() if "GET /staff" in pages)
LEAVES: Final = "POST /staff/sign-out"
PASSES: Final = {200, 303, 404, 406, 422}
"""What may come where a commissioner gets in."""


def may_open(who: Any) -> bool:
    wanted = who if isinstance(who, tuple) else (who,)
    return all(isinstance(each, Permission) for each in wanted) and any(ROLE in PERMISSIONS[each] for each in wanted)


@pytest.fixture
def family(system: System, health_visiting: Agency, worker: Staff) -> dict[str, str]:
    """What nobody outside the team may learn of one referral: name → value, with the ids that addresses take."""
    body = a_referral()
    reference = health_visiting.refers(body)
    item = worker.finds("pir_short", reference)
    [row] = system.query("SELECT id FROM triage.referral WHERE reference = $1", reference)
    counted = "SELECT 1 FROM metrics.referral WHERE id = $1 AND triaged_at IS NOT NULL"
    eventually(lambda: system.query(counted, row["id"]), what="counted")
    return {
        "reference": reference,
        "item_id": item,
        "referral_id": str(row["id"]),
        "surname": body["babies"][0]["family_name"],
        "nhs_number": body["babies"][0]["nhs_number"],
        "postcode": body["home"]["postcode"],
        "referrer": body["referrer"]["email"],
    }


@pytest.fixture
def visits(system: System) -> Iterator[Browser]:
    """One browser, signed in at both services that have pages."""
    with Browser(system.url(WITH_PAGES[0])) as person:
        for service in WITH_PAGES:
            person.url = system.url(service)
            person.sign_in(ROLE.value)
            assert (str(person.page.url), person.page.status_code) == (f"{person.url}/staff", 200)
        yield person


def told(text: str, family: dict[str, str]) -> list[str]:
    return [name for name, value in family.items() if value.lower() in text.lower()]


@pytest.mark.parametrize("service", ACCESS)
def test_a_token_of_a_commissioner_learns_of_no_family_from_any_call(
    system: System, family: dict[str, str], service: str
) -> None:
    calls = call("GET", f"{system.url(service)}/openapi.json").body["paths"]
    listed = {f"{verb.upper()} {path}" for path, verbs in calls.items() for verb in verbs}
    of_agencies = {name for name in ACCESS[service] if not name.partition(" ")[2].startswith(INTERNAL)}
    assert listed == (of_agencies if service == "referral" else set(ACCESS[service]))
    headers = {"Authorization": f"Bearer {system.staff_token(ROLE)}", "Content-Type": "application/json"}
    for name, who in ACCESS[service].items():
        verb, _, path = name.partition(" ")
        address = path.format(**EXAMPLES | {key: family[key] for key in EXAMPLES if key in family})
        for query in ("", f"?reference={family['reference']}", "?month=2026-06"):
            body = b"{}" if verb in ("POST", "PUT", "PATCH") else None
            reply = request(verb, system.url(service) + address + query, headers=headers, body=body)
            assert told(str(without_address(reply.body)), family) == [], name
            if who is not OPEN:
                assert reply.status in (PASSES if may_open(who) else {401, 403}), (name, reply)


@pytest.mark.parametrize("service", WITH_PAGES)
def test_a_session_of_a_commissioner_learns_of_no_family_from_any_page(
    system: System, family: dict[str, str], visits: Browser, service: str
) -> None:
    visits.url = system.url(service)
    for name, who in PAGES[service].items():
        verb, _, path = name.partition(" ")
        if name == LEAVES or who == OPEN_PAGE:
            continue
        address = path.format(**FILLED | {key: family[key] for key in FILLED if key in family})
        answer = visits.ask(verb, address, {"csrf": "guessed"} if verb == "POST" else None)
        assert told(answer.text, family) == [], name
        assert answer.status_code in (PASSES if who == SIGNED_IN or may_open(who) else {403}), (name, answer)


def test_a_session_opens_no_call_and_a_token_no_page(system: System, visits: Browser) -> None:
    for service in WITH_PAGES:
        visits.url = system.url(service)
        calls = [name for name, who in ACCESS[service].items() if isinstance(who, Permission)]
        for verb, _, path in (name.partition(" ") for name in calls):
            assert visits.ask(verb, path.format(**EXAMPLES)).status_code == 401, path
        headers = {"Authorization": f"Bearer {system.staff_token(ROLE)}"}
        reply = request("GET", f"{system.url(service)}/staff", headers=headers)
        assert (reply.status, reply.headers["location"]) == (303, "/staff/sign-in?next=/staff")


def test_signed_in_at_both_services_each_keeps_its_own_session(system: System, visits: Browser) -> None:
    """Browsers send cookies to every port of a host."""
    assert {name for name in visits.cookies if name.endswith("-session")} == {
        "__Host-pir-session",
        "__Host-pir-reports-session",
    }
    visits.url = system.url("metrics")
    visits.open("/staff")
    visits.send("/staff/sign-out")
    assert "__Host-pir-reports-session" not in visits.cookies
    assert visits.ask("GET", f"{system.url('metrics')}/staff").status_code == 303
    assert visits.ask("GET", f"{system.url('triage')}/staff").status_code == 200
