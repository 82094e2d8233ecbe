"""Every call of every service × everybody: a call without a row here fails, and so does a row without a call."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from deploy.local import credentials
from deploy.secrets import CALL_TOKENS
from services.referral.agencies import Agency, digest_of
from services.referral.agency_keys import AgencyKeys
from services.triage.open_referral.vocabulary import id_of
from shared.access import PERMISSIONS, Permission, Role
from shared.openapi import everything
from shared.runtime import Service
from tests.architecture.apps import NAMES, client_of, routes_of


class Who(Enum):
    """Those who are no members of staff."""

    OPEN = auto()
    AGENCY = auto()
    INTERNAL = auto()


OPEN, AGENCY, INTERNAL = Who
P = Permission

WEBHOOK_CALLS: Final = (
    "PUT /internal/webhooks/{agency_id}",
    "GET /internal/webhooks/{agency_id}",
    "DELETE /internal/webhooks/{agency_id}",
    "POST /internal/webhooks/{agency_id}/rotate",
    "POST /internal/webhooks/{agency_id}/replay",
)
EVERYWHERE: Final[dict[str, Who]] = {
    "GET /health/live": OPEN,
    "GET /health/ready": OPEN,
    "GET /metrics": OPEN,
    "GET /asyncapi": OPEN,
    "GET /docs": OPEN,
    "GET /internal/audit": INTERNAL,
    "GET /internal/parked": INTERNAL,
    "POST /internal/parked/{row_id}/replay": INTERNAL,
    "POST /internal/parked/{row_id}/discard": INTERNAL,
}
ACCESS: Final[dict[str, dict[str, Who | Permission]]] = {
    "referral": {
        **EVERYWHERE,
        "POST /referrals": AGENCY,
        "GET /referrals": AGENCY,
        "GET /referrals/{reference}": AGENCY,
        "GET /referrals/{reference}/questions": AGENCY,
        "PATCH /referrals/{reference}": AGENCY,
        "POST /referrals/{reference}/withdrawal": AGENCY,
        "POST /referrals/{reference}/information": AGENCY,
        "POST /referrals/{reference}/challenge": AGENCY,
        "POST /enquiries": AGENCY,
        "GET /requirements": OPEN,
        "PUT /webhook": AGENCY,
        "GET /webhook": AGENCY,
        "DELETE /webhook": AGENCY,
        "POST /webhook/rotate": AGENCY,
        "POST /webhook/replay": AGENCY,
        "POST /fhir/$process-message": AGENCY,
        "GET /fhir/ServiceRequest/{reference}": AGENCY,
        "GET /fhir/metadata": OPEN,
        "GET /fhir/MessageDefinition": OPEN,
        "GET /fhir/Questionnaire/pir-referral": OPEN,
        "GET /fhir/CodeSystem/{name}": OPEN,
        "GET /internal/referrals/{referral_id}/identity": INTERNAL,
        "POST /internal/referrals/search": INTERNAL,
        "POST /internal/referrals/own-names": INTERNAL,
        "GET /internal/front/agencies": INTERNAL,
        "POST /internal/front/calls": INTERNAL,
        "POST /internal/changes": INTERNAL,
        "GET /internal/contacts/{referral_id}": INTERNAL,
        "POST /internal/contacts/replied": INTERNAL,
    },
    "triage": {
        **EVERYWHERE,
        "POST /preview": P.PREVIEW,
        "POST /preview/replay": P.REPLAY_POLICY,
        "GET /queues": P.READ_QUEUES,
        "GET /queues/{route}": P.READ_QUEUES,
        "GET /work-items/{item_id}": P.READ_QUEUES,  # identity in it only with SEE_IDENTITY: tests/journeys
        "POST /work-items/{item_id}/claim": P.WORK_ITEMS,
        "POST /work-items/{item_id}/release": P.WORK_ITEMS,
        "POST /work-items/{item_id}/take-over": P.WORK_ITEMS,
        "POST /work-items/{item_id}/assign": P.LEAD,
        "POST /work-items/{item_id}/hand-back": P.WORK_ITEMS,
        "POST /work-items/{item_id}/take-proposal": P.WORK_ITEMS,
        "POST /work-items/{item_id}/leave-proposal": P.WORK_ITEMS,
        "POST /work-items/{item_id}/reopen": P.LEAD,
        "POST /work-items/{item_id}/confirm-duplicate": P.WORK_ITEMS,
        "POST /work-items/{item_id}/not-duplicate": P.WORK_ITEMS,
        "POST /work-items/{item_id}/accept": P.WORK_ITEMS,
        "POST /work-items/{item_id}/decline": P.CONFIRM_DECLINE,
        "POST /work-items/{item_id}/override": P.WORK_ITEMS,
        "POST /work-items/{item_id}/request-information": P.WORK_ITEMS,
        "POST /work-items/{item_id}/first-contact": P.WORK_ITEMS,
        "POST /work-items/{item_id}/contact-attempt": P.WORK_ITEMS,
        "POST /work-items/{item_id}/note": P.WORK_ITEMS,
        "POST /work-items/{item_id}/close": P.WORK_ITEMS,
        "POST /work-items/{item_id}/wait": P.WORK_ITEMS,
        "POST /work-items/{item_id}/offer-interim": P.WORK_ITEMS,
        "POST /work-items/{item_id}/arrange": P.WORK_ITEMS,
        "POST /work-items/{item_id}/deliver": P.WORK_ITEMS,
        "GET /capacity": P.READ_CAPACITY,
        "PUT /capacity/{route}": P.SET_CAPACITY,
        "GET /audit": P.READ_AUDIT,
        "GET /": OPEN,  # this and what follows: the open directory, Open Referral UK
        "GET /services": OPEN,
        "GET /services/{service_id}": OPEN,
        "GET /service_at_locations": OPEN,
        "GET /taxonomies": OPEN,
        "GET /taxonomy_terms": OPEN,
        "GET /internal/questions/{referral_id}": INTERNAL,
        "GET /internal/subject-access/{referral_id}": INTERNAL,
    },
    "notify": {
        **EVERYWHERE,
        "GET /messages": P.READ_PARKED,
        "GET /internal/messages/{reference}": INTERNAL,
        "POST /internal/sign-in-codes": INTERNAL,
        **dict.fromkeys(WEBHOOK_CALLS, INTERNAL),
        "POST /internal/family-messages/{message_id}/release": INTERNAL,
        "POST /internal/family-messages/{message_id}/keep-back": INTERNAL,
        "GET /internal/subject-access/{referral_id}": INTERNAL,
    },
    "metrics": {
        **EVERYWHERE,
        "GET /totals": OPEN,  # outside development on an internal listener, as /metrics
        "GET /reports": P.READ_REPORTS,
        "GET /reports/contract": P.READ_REPORTS,
        "GET /reports/contract.{suffix}": P.READ_REPORTS,
        "GET /reports/equality": P.READ_REPORTS,
        "GET /reports/equality.{suffix}": P.READ_REPORTS,
        "GET /reports/need": P.READ_REPORTS,
        "GET /reports/need.{suffix}": P.READ_REPORTS,
        "GET /internal/subject-access/{referral_id}": INTERNAL,
        "GET /exports/coded": P.EXPORT_CODED,
        "GET /exports/coded/dictionary": P.EXPORT_CODED,
    },
}
"""Who may make each call; open ones are open to anybody who can reach the port."""

UNLISTED: Final = {"/openapi.json", "/docs.css"}
"""Served beside what OpenAPI lists, to anybody."""
PAGES: Final = ("/staff", "/static/", "/refer/", "/help", "/callbacks/stop")
"""Pages for people: test_page_access.py and test_front_access.py."""

CONTRACT: Final = {  # "Who may do what" of the contract: worker, lead, manager, commissioner, operations, auditor
    P.PREVIEW: "WLM",
    P.READ_QUEUES: "WLM",
    P.WORK_ITEMS: "WL",
    P.SEE_IDENTITY: "WL",
    P.LEAD: "L",
    P.CONFIRM_DECLINE: "L",
    P.REPLAY_POLICY: "LM",
    P.READ_CAPACITY: "WLM",
    P.SET_CAPACITY: "LM",
    P.READ_POLICY: "WLM",
    P.DRAFT_POLICY: "M",
    P.READ_REPORTS: "LMCA",
    P.EXPORT_CODED: "M",
    P.READ_PARKED: "OA",
    P.RESOLVE_PARKED: "O",
    P.READ_AUDIT: "WLMA",
}
LETTERS: Final = dict(zip("WLMCOA", Role, strict=True))

ASKED_INSIDE: Final = {P.SEE_IDENTITY, P.READ_POLICY, P.DRAFT_POLICY, P.RESOLVE_PARKED}
"""Asked for within a call that others may make too, or by a page (test_page_access.py)."""

EXAMPLES: Final = {
    "reference": "PIR-4K7-29M",
    "route": "pir_short",
    "item_id": "019a0000-0000-7000-8000-000000000001",
    "referral_id": "019a0000-0000-7000-8000-000000000002",
    "message_id": "019a0000-0000-7000-8000-000000000003",
    "row_id": "1",
    "agency_id": "019a0000-0000-7000-8000-000000000003",
    "suffix": "csv",
    "service_id": str(id_of("E06000018", "early-help")),
    "name": "safety",
}
KEY: Final = "an-agency-key"
SUNFLOWER: Final = Agency(UUID(int=1), "sunflower", "Sunflower nursery", "team@agency.example.org", "C2")

CALLS: Final = [(service, call) for service in NAMES for call in ACCESS[service]]
STAFF_CALLS: Final = [each for each in CALLS if isinstance(ACCESS[each[0]][each[1]], Permission)]
CLOSED_CALLS: Final = [each for each in CALLS if ACCESS[each[0]][each[1]] is not OPEN]
OPEN_CALLS: Final = [each for each in CALLS if each not in CLOSED_CALLS]
OTHERS_CALLS: Final = [each for each in CLOSED_CALLS if each not in STAFF_CALLS]


def each_of(calls: list[tuple[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("service", "call"), calls, ids=[" ".join(each) for each in calls])


def framework(service: Service) -> FastAPI:
    """The app inside the edge."""
    app = vars(service.app)["_app"]
    assert isinstance(app, FastAPI)
    return app


def listed(service: Service) -> Iterator[str]:
    for path, operations in everything(framework(service))["paths"].items():
        for verb in operations:
            yield f"{verb.upper()} {path}"


@pytest.fixture
def tokens(folder: Path) -> dict[str, Any]:
    return credentials.load(folder / "credentials.json")


@pytest.fixture(autouse=True)
def one_agency(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no database to ask for keys."""

    async def read(self: AgencyKeys, _: float) -> None:
        self._known = {digest_of(KEY): SUNFLOWER}

    monkeypatch.setattr(AgencyKeys, "_read", read)


async def answer_to(apps: dict[str, Service], service: str, call: str, token: str | None = None) -> httpx.Response:
    verb, _, path = call.partition(" ")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with client_of(apps[service]) as client:
        body = {} if verb in ("POST", "PUT", "PATCH") else None
        return await client.request(verb, path.format(**EXAMPLES), json=body, headers=headers)


def assert_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    if answer.headers["content-type"] == "application/fhir+json":
        assert answer.json()["resourceType"] == "OperationOutcome"
        return
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["type"].startswith("urn:pir:problem:")
    assert "x-content-type-options" in answer.headers


@pytest.mark.parametrize("name", NAMES)
def test_every_call_has_a_row_and_every_row_a_call(apps: dict[str, Service], name: str) -> None:
    assert set(listed(apps[name])) == set(ACCESS[name])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_served_that_is_not_listed(apps: dict[str, Service], name: str) -> None:
    known = {call.partition(" ")[2] for call in ACCESS[name]} | UNLISTED
    app = framework(apps[name])
    paths = [route.path for route in routes_of(app.routes)]
    hidden = [path for path in paths if path not in known and not f"{path}/".startswith(PAGES)]
    assert hidden == []


@pytest.mark.parametrize("name", NAMES)
def test_the_express_lane_has_the_same_calls_as_the_framework(apps: dict[str, Service], name: str) -> None:
    express = vars(apps[name].app)["_express"]
    known = {(verb, path.partition("{")[0]) for verb, _, path in (call.partition(" ") for call in ACCESS[name])}
    assert set(express) <= known


def test_roles_have_the_permissions_of_the_contract() -> None:
    assert {each: {LETTERS[letter] for letter in letters} for each, letters in CONTRACT.items()} == PERMISSIONS


def test_every_permission_is_asked_for_somewhere() -> None:
    asked = {who for rows in ACCESS.values() for who in rows.values() if isinstance(who, Permission)}
    assert asked | ASKED_INSIDE == set(Permission)


@each_of(CLOSED_CALLS)
async def test_without_a_token_the_answer_is_401(apps: dict[str, Service], service: str, call: str) -> None:
    answer = await answer_to(apps, service, call)
    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@each_of(CLOSED_CALLS)
async def test_an_unknown_token_is_401(apps: dict[str, Service], service: str, call: str) -> None:
    assert_problem(await answer_to(apps, service, call, "nobodys-token"), 401)


@each_of(CLOSED_CALLS)
async def test_an_odd_authorization_is_401(apps: dict[str, Service], service: str, call: str) -> None:
    verb, _, path = call.partition(" ")
    async with client_of(apps[service]) as client:
        for header in ("", "Bearer", "Bearer  ", "Basic bm9ib2R5Om5vdGhpbmc=", "bearer \u00e9"):
            odd = {"Authorization": header.encode("latin-1")}
            assert_problem(await client.request(verb, path.format(**EXAMPLES), headers=odd), 401)


@each_of(STAFF_CALLS)
async def test_a_role_gets_in_exactly_where_it_has_the_permission(
    apps: dict[str, Service], tokens: dict[str, Any], service: str, call: str
) -> None:
    wanted = ACCESS[service][call]
    assert isinstance(wanted, Permission)
    for role in Role:
        answer = await answer_to(apps, service, call, tokens["staff"][role]["token"])
        if role in PERMISSIONS[wanted]:
            assert answer.status_code in (200, 422, 503), (role, answer.text)
        else:
            assert_problem(answer, 403)


@each_of(OTHERS_CALLS)
async def test_staff_tokens_open_no_door_of_agencies_or_services(
    apps: dict[str, Service], tokens: dict[str, Any], service: str, call: str
) -> None:
    for role in Role:
        assert_problem(await answer_to(apps, service, call, tokens["staff"][role]["token"]), 401)


@each_of(CLOSED_CALLS)
async def test_an_agency_gets_in_to_its_own_calls_only(apps: dict[str, Service], service: str, call: str) -> None:
    answer = await answer_to(apps, service, call, KEY)
    if ACCESS[service][call] is AGENCY:
        assert answer.status_code in (400, 415, 422, 503), answer.text  # FHIR takes another type
    else:
        assert_problem(answer, 401)


CALLERS: Final = {
    ("triage", "GET /internal/audit"): {"REFERRAL"},
    ("notify", "GET /internal/audit"): {"REFERRAL", "TRIAGE"},
    ("metrics", "GET /internal/audit"): {"REFERRAL", "TRIAGE"},
    ("notify", "POST /internal/sign-in-codes"): {"REFERRAL"},
    **{("notify", call): {"REFERRAL"} for call in WEBHOOK_CALLS},
    ("referral", "POST /internal/changes"): {"NOTIFY"},
    ("referral", "GET /internal/contacts/{referral_id}"): {"NOTIFY"},
    ("referral", "POST /internal/contacts/replied"): {"NOTIFY"},
    ("triage", "GET /internal/questions/{referral_id}"): {"REFERRAL"},
    **{
        (service, "GET /internal/subject-access/{referral_id}"): {"REFERRAL"}
        for service in ("triage", "notify", "metrics")
    },
}
"""Which services make an internal call, where it is not triage alone."""


@pytest.mark.parametrize("variable", CALL_TOKENS)
@each_of(CLOSED_CALLS)
async def test_a_token_opens_the_calls_of_one_service_at_one_other(
    apps: dict[str, Service], tokens: dict[str, Any], service: str, call: str, variable: str
) -> None:
    answer = await answer_to(apps, service, call, tokens["secrets"][variable])
    caller, called = variable.removeprefix("PIR_TOKEN_").split("_")
    callers = CALLERS.get((service, call), {"TRIAGE"}) if ACCESS[service][call] is INTERNAL else set()
    if called == service.upper() and caller in callers:
        assert answer.status_code in (422, 503), answer.text  # who looks is not said, or there is no database
    else:
        assert_problem(answer, 401)


@each_of(OPEN_CALLS)
async def test_open_calls_ask_for_nothing(apps: dict[str, Service], service: str, call: str) -> None:
    assert (await answer_to(apps, service, call)).status_code in (200, 503)


async def test_who_may_not_look_is_told_nothing_about_the_address(apps: dict[str, Service]) -> None:
    """A mistake in the address is named only to those who may make the call."""
    async with client_of(apps["triage"]) as client:
        assert_problem(await client.get("/work-items/not-an-id"), 401)
        assert_problem(await client.get("/queues/no-such-route"), 401)
