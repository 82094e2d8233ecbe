"""What each page for members works with: made once in app.py (`FrontContext`), and for a request (`MemberVisit`)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from services.referral.agencies import AgencyActor
from services.referral.front.clients import TriageClient
from services.referral.front.mailing import Mailing
from services.referral.front.members import Member
from services.referral.front.providers import AgencyProvider
from services.referral.front.sessions import MemberDoor, SignedIn
from services.referral.identity import Identities
from services.referral.request_limits import RequestLimits
from services.referral.submitting.idempotency import Answer
from services.referral.submitting.prepare import Arrival, Preparing
from services.referral.webhooks.client import WebhookClient
from shared.database import seen_by
from shared.pages import Pages
from shared.policy import Policy
from shared.problems import FieldError, Problem
from shared.service_map import ServiceMap
from shared.sign_in import read_form
from shared.web import NO_STORE, cause_of
from shared.working_time import day_in_london

HOME: Final = "/refer"
SIGN_IN: Final = "/refer/sign-in"
SIGN_OUT: Final = "/refer/sign-out"
_PAGE: Final = re.compile(r"/refer(?:/[A-Za-z0-9-]{1,64}){0,5}", re.ASCII)
_READING: Final = ("GET", "HEAD")
NAVIGATION: Final = (("Your referrals", HOME), ("Refer a family", "/refer/new"), ("Ask for advice", "/refer/enquiry"))
FOR_STAFF: Final = (("Calls you took", HOME), ("Ask for advice", "/refer/enquiry"))
FOR_KEEPERS: Final = (
    ("Your agency", "/refer/agency"),
    ("Colleagues", "/refer/colleagues"),
    ("Calls to your system", "/refer/webhook"),
)


@dataclass(frozen=True, slots=True)
class FrontContext:
    """`submit` is the batch writer's: it answers once a new referral is committed. `now` is the wall clock in UTC.

    `client_address_header` is that of the nearest proxy, empty without one; `asks` limits how often one place asks for
    codes. `take_a_call` is the staff page where somebody who takes calls begins.
    """

    engine: AsyncEngine
    preparing: Preparing
    submit: Callable[[Arrival], Awaitable[Answer | Problem]]
    pages: Pages
    door: MemberDoor
    mailing: Mailing
    triage: TriageClient
    webhooks: WebhookClient
    service_map: ServiceMap
    providers: Mapping[str, AgencyProvider]
    client_address_header: str
    asks: RequestLimits
    take_a_call: str
    now: Callable[[], datetime]

    @property
    def identities(self) -> Identities:
        return self.preparing.identities


def local_page(address: str | None) -> str:
    """The address itself when it is one of the members' pages, else their home: never another site, never a sign-in."""
    if not address or not _PAGE.fullmatch(address) or address.startswith((SIGN_IN, SIGN_OUT)):
        return HOME
    return address


def to(page: str) -> Response:
    """After a form: to a page that can be loaded again."""
    return RedirectResponse(page, 303, NO_STORE)


@dataclass(frozen=True, slots=True)
class MemberVisit:
    """One request of somebody who is signed in. All of it happens at `now`."""

    request: Request
    signed_in: SignedIn
    context: FrontContext
    now: datetime

    @property
    def member(self) -> Member:
        return self.signed_in.member

    @property
    def engine(self) -> AsyncEngine:
        return self.context.engine

    def own_rows(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction for what is shown of referrals: those of other agencies are not there."""
        return seen_by(self.engine, self.member.agency.id)

    @property
    def identities(self) -> Identities:
        return self.context.identities

    @property
    def policy(self) -> Policy:
        return self.context.preparing.policy

    @property
    def today(self) -> date:
        """The day in London."""
        return day_in_london(self.now)

    @property
    def by(self) -> AgencyActor:
        """Who acts, for the steps of the intake."""
        return AgencyActor(self.now, cause_of(self.request), self.member.agency, self.member.actor)

    async def form(self) -> FormData:
        """What was sent; raises the problems of shared.sign_in.read_form."""
        return await read_form(self.request, self.signed_in)

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """The page, with the links that the member has."""
        links = [*NAVIGATION, *(FOR_KEEPERS if self.member.is_keeper else ())]
        if self.member.is_staff:
            links = [*FOR_STAFF, ("Take a call", self.context.take_a_call)]
        path = self.request.url.path
        navigation = [
            {"text": text, "href": href, "current": href == path, "active": href == path} for text, href in links
        ]
        shown: dict[str, Any] = {"now": self.now, "navigation": navigation} | values
        return self.context.pages.render(
            self.request, template, status=status, take_a_call=self.context.take_a_call, **shown
        )


def beside_boxes(found: Iterable[FieldError]) -> dict[str, Any]:
    """For a template: the mistakes by name in HTML, and the summary of them on top, which leads to the boxes."""
    mistakes = {each.pointer: each.detail for each in found}
    errors = [{"text": words, "href": f"#{name.replace('.', '-')}"} for name, words in mistakes.items()]
    return {"mistakes": mistakes, "errors": errors}


def front_context(request: Request) -> FrontContext:
    """A dependency for pages that are there for everybody."""
    context: FrontContext = request.app.state.front_context
    return context


Front = Annotated[FrontContext, Depends(front_context)]


async def optional_member(request: Request) -> SignedIn | None:
    """The member if somebody is signed in."""
    if not hasattr(request.state, "visitor"):
        door: MemberDoor = request.app.state.sign_in
        request.state.visitor = await door.find(request)
    found: SignedIn | None = request.state.visitor
    return found


def sign_in_at(page: str) -> str:
    """The sign-in page, which leads to `page` afterwards."""
    return f"{SIGN_IN}?next={quote(local_page(page), safe='/')}"


async def _member_visit(request: Request) -> MemberVisit:
    context, signed_in = front_context(request), await optional_member(request)
    if signed_in is None:
        page = request.url.path if request.method in _READING else HOME
        raise HTTPException(303, headers={"Location": sign_in_at(page)} | NO_STORE)
    return MemberVisit(request, signed_in, context, context.now())


async def _keeper_visit(request: Request) -> MemberVisit:
    visit = await _member_visit(request)
    if not visit.member.is_keeper:
        raise Problem("forbidden", "Only a keeper of your agency may do this")
    return visit


async def _referrer_visit(request: Request) -> MemberVisit:
    visit = await _member_visit(request)
    if visit.member.is_staff:
        raise Problem("forbidden", "A form for a caller begins at “Take a call”, on the staff pages")
    return visit


SignedInVisit = Annotated[MemberVisit, Depends(_member_visit)]
"""A page for every member; without a session a redirect (303) to the sign-in page, which leads back here."""
ReferrerVisit = Annotated[MemberVisit, Depends(_referrer_visit)]
"""A page for those who refer in their own name: staff who take calls get Problem "forbidden"."""
KeeperVisit = Annotated[MemberVisit, Depends(_keeper_visit)]
"""A page for those who keep the list of an agency's people; others get Problem "forbidden"."""
