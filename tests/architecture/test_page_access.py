"""Every staff page × every role: a page without a row here fails, and so does a row without a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.access import PERMISSIONS, Permission, Role, Staff
from shared.runtime import Service
from shared.sign_in import Visitor
from tests.architecture.apps import NAMES, client_of, routes_of
from tests.architecture.test_access import EXAMPLES, framework

P = Permission
OPEN, SIGNED_IN = "open", "signed in"
Who = str | Permission | tuple[Permission, ...]

STEPS: Final[dict[str, Permission]] = {
    "assign": P.LEAD,
    "decline": P.CONFIRM_DECLINE,
    "reopen": P.LEAD,
    **dict.fromkeys(
        (
            "claim",
            "release",
            "take-over",
            "hand-back",
            "confirm-duplicate",
            "not-duplicate",
            "take-proposal",
            "leave-proposal",
            "accept",
            "override",
            "request-information",
            "contact-attempt",
            "rung",
            "answered",
            "note",
            "wait",
            "offer-interim",
            "close",
            "birth-outcome",
        ),
        P.WORK_ITEMS,
    ),
}
EVERYWHERE: Final[dict[str, Who]] = {
    "GET /static/{stamp}/{name:path}": OPEN,
    "GET /staff/sign-in": OPEN,
    "GET /staff/sign-in/start": OPEN,
    "GET /staff/sign-in/keys": OPEN,  # our public ones, for a provider that asks for signed requests
    "GET /staff/signed-in": OPEN,
    "GET /staff/signed-out": OPEN,
    "GET /staff/accessibility": OPEN,
    "POST /staff/sign-out": SIGNED_IN,
    "POST /staff/back-channel-logout": OPEN,  # the identity provider, by a token that it signed
}
TRIAGE: Final[dict[str, Who]] = {
    "GET /staff": SIGNED_IN,
    "GET /staff/find": P.READ_QUEUES,
    "POST /staff/find": P.READ_QUEUES,
    "GET /staff/find/family": P.SEE_IDENTITY,
    "POST /staff/find/family": P.SEE_IDENTITY,
    "GET /staff/arrivals/new": P.WORK_ITEMS,
    "POST /staff/arrivals/new": P.WORK_ITEMS,
    "GET /staff/queues": P.READ_QUEUES,
    "GET /staff/queues/{name}": P.READ_QUEUES,
    "GET /staff/items/{item_id}": P.READ_QUEUES,  # who it is only after POST look
    "GET /staff/items/{item_id}/look": P.SEE_IDENTITY,
    "POST /staff/items/{item_id}/look": P.SEE_IDENTITY,
    **{
        f"{verb} /staff/items/{{item_id}}/messages/{{message_id}}/{step}": P.WORK_ITEMS
        for step in ("release", "keep-back")
        for verb in ("GET", "POST")
    },
    "GET /staff/referrals/{reference}": P.READ_QUEUES,
    **{f"{verb} /staff/items/{{item_id}}/{step}": who for step, who in STEPS.items() for verb in ("GET", "POST")},
    "GET /staff/capacity": P.READ_CAPACITY,
    "GET /staff/capacity/{route}": P.SET_CAPACITY,
    "POST /staff/capacity/{route}": P.SET_CAPACITY,
    "GET /staff/policy": P.READ_POLICY,
    "GET /staff/policy/{name}/{version}": P.READ_POLICY,
    "GET /staff/policy/{name}/{version}/file": P.READ_POLICY,
    "GET /staff/policy/drafts/new": P.DRAFT_POLICY,
    "POST /staff/policy/drafts/new": P.DRAFT_POLICY,
    "GET /staff/policy/drafts/{draft_id}": P.READ_POLICY,
    "GET /staff/policy/drafts/{draft_id}/file": P.READ_POLICY,
    "POST /staff/policy/drafts/{draft_id}/compare": P.REPLAY_POLICY,
    "POST /staff/policy/drafts/{draft_id}/discard": P.DRAFT_POLICY,
    "GET /staff/services": (P.READ_QUEUES, P.READ_REPORTS),
    "GET /staff/enquiries": P.READ_QUEUES,
    "GET /staff/enquiries/{item_id}": P.READ_QUEUES,
    "GET /staff/enquiries/{item_id}/look": P.SEE_IDENTITY,
    "POST /staff/enquiries/{item_id}/look": P.SEE_IDENTITY,
    "POST /staff/enquiries/{item_id}/arrange": P.WORK_ITEMS,
    "POST /staff/enquiries/{item_id}/deliver": P.WORK_ITEMS,
    "GET /staff/team": P.READ_QUEUES,
    "GET /staff/team/{colleague_id}": P.LEAD,
    "POST /staff/team/{colleague_id}": P.LEAD,
    "GET /staff/give": P.LEAD,
    "POST /staff/give": P.LEAD,
    "GET /staff/audit": P.READ_AUDIT,
    "GET /staff/parked": P.READ_PARKED,
    "POST /staff/parked/{service}/{row_id}/replay": P.RESOLVE_PARKED,
    "GET /staff/parked/{service}/{row_id}/discard": P.RESOLVE_PARKED,
    "POST /staff/parked/{service}/{row_id}/discard": P.RESOLVE_PARKED,
}
METRICS: Final[dict[str, Who]] = {
    "GET /staff": P.READ_REPORTS,
    "GET /staff/kpis": P.READ_REPORTS,
    "GET /staff/kpis/{code}": P.READ_REPORTS,
    "GET /staff/equality": P.READ_REPORTS,
    "GET /staff/equality/{period}.{suffix}": P.READ_REPORTS,
    "GET /staff/need": P.READ_REPORTS,
    "GET /staff/need/{period}.{suffix}": P.READ_REPORTS,
    "GET /staff/reports": P.READ_REPORTS,
    "GET /staff/reports/{month}": P.READ_REPORTS,
    "GET /staff/reports/{month}/one-page": P.READ_REPORTS,
    "GET /staff/reports/{month}.{suffix}": P.READ_REPORTS,
    "GET /staff/about": P.READ_REPORTS,
    "GET /staff/export": P.EXPORT_CODED,
    "POST /staff/export": P.EXPORT_CODED,
    "GET /staff/export/dictionary.csv": P.EXPORT_CODED,
}
PAGES: Final = {
    "referral": {"GET /static/{stamp}/{name:path}": OPEN},
    "triage": EVERYWHERE | TRIAGE,
    "metrics": EVERYWHERE | METRICS,
}
"""Service → its pages, and who may open each."""
FILLED: Final = EXAMPLES | {
    "name": "pir_short",
    "version": "1",
    "draft_id": EXAMPLES["item_id"],
    "colleague_id": "dev-triage-worker",
    "service": "metrics",
    "stamp": "0",
    "code": "received",
    "month": "2026-06",
    "period": "2026-03--2026-08",
}
CLOSED: Final = [(service, page) for service in PAGES for page, who in PAGES[service].items() if who != OPEN]
each_closed: Final = pytest.mark.parametrize(("service", "address"), CLOSED, ids=[" ".join(each) for each in CLOSED])


class Door:
    """Stands for the session table: lets in whoever is asked for."""

    def __init__(self, role: Role | None) -> None:
        self._role = role

    async def find(self, _: Request) -> Visitor | None:
        return Visitor(Staff("dev", "A person", self._role), "token", b"") if self._role else None


def pages_of(app: FastAPI) -> Iterator[str]:
    for route in routes_of(app.routes):
        if route.path.startswith(("/staff", "/static/")):
            yield from (f"{verb} {route.path}" for verb in route.methods - {"HEAD"})


async def answer_to(service: Service, address: str, role: Role | None) -> httpx.Response:
    framework(service).state.sign_in = Door(role)
    verb, _, path = address.partition(" ")
    async with client_of(service) as client:
        body: dict[str, Any] = {"data": {"csrf": "token"}} if verb == "POST" else {}
        return await client.request(verb, path.format(**FILLED), **body)


@pytest.mark.parametrize("service", NAMES)
def test_every_page_has_a_row_and_every_row_a_page(apps: dict[str, Service], service: str) -> None:
    assert set(pages_of(framework(apps[service]))) == set(PAGES.get(service, {}))


@each_closed
async def test_without_a_session_the_way_leads_to_the_sign_in(
    apps: dict[str, Service], service: str, address: str
) -> None:
    answer = await answer_to(apps[service], address, None)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/staff/sign-in?next=")


@each_closed
async def test_a_role_opens_exactly_the_pages_that_it_may(apps: dict[str, Service], service: str, address: str) -> None:
    who = PAGES[service][address]
    wanted = who if isinstance(who, tuple) else (who,) if isinstance(who, Permission) else ()
    for role in Role:
        answer = await answer_to(apps[service], address, role)
        is_allowed = not wanted or any(role in PERMISSIONS[each] for each in wanted)
        assert (answer.status_code != 403) is is_allowed, (role, answer.status_code)
        if answer.status_code != 303:
            kind = "text/csv" if answer.is_success and address.endswith(".csv") else "text/html"
            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["cache-control"] == "no-store"
