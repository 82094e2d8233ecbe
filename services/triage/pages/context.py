"""What every page works with: made once in app.py (`PageContext`), and for each request (`Visit`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import FormData

from services.triage.clients import AllServices, Arrivals, Families, Messages
from services.triage.trail import AuditTrails
from services.triage.work_items.working import StaffActor, StepContext
from shared.access import Permission, Staff
from shared.audit import Actor, Entry
from shared.pages import Pages
from shared.policy import Policy
from shared.service_map import ServiceMap
from shared.sign_in import Visitor, read_form, visitor
from shared.sign_in.addresses import local_page
from shared.web import cause_of
from shared.working_time import day_in_london


@dataclass(frozen=True, slots=True)
class PageContext:
    """`policies` are those on disk by id; `steps.policy` is the one in force; `now` is the wall clock in UTC.

    `front_url` is where browsers see the referral service's pages, without a slash at its end.
    """

    engine: AsyncEngine
    pages: Pages
    steps: StepContext
    families: Families
    arrivals: Arrivals
    front_url: str
    messages: Messages
    all_services: AllServices
    trails: AuditTrails
    policies: Mapping[str, Policy]
    service_map: ServiceMap
    now: Callable[[], datetime]
    replay_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One comparison of a draft at a time: it takes seconds of the processor that live referrals need too."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in; each handler of a page takes one. All of it happens at `now`."""

    request: Request
    visitor: Visitor
    context: PageContext
    now: datetime

    @property
    def staff(self) -> Staff:
        return self.visitor.staff

    @property
    def engine(self) -> AsyncEngine:
        return self.context.engine

    @property
    def policy(self) -> Policy:
        """The one in force."""
        return self.context.steps.policy

    @property
    def today(self) -> date:
        """The day in London."""
        return day_in_london(self.now)

    @property
    def actor(self) -> StaffActor:
        """The visitor, as who takes a step."""
        return StaffActor(self.staff, self.now, cause_of(self.request))

    def may(self, permission: Permission) -> bool:
        return self.staff.may(permission)

    async def form(self) -> FormData:
        """What was sent; raises the problems of shared.sign_in.read_form."""
        return await read_form(self.request, self.visitor)

    def entry(self, action: str, detail: str) -> Entry:
        """For the audit trail: the visitor does this now."""
        return Entry(Actor("staff", self.staff.id), action, self.now, detail=detail)

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """The page; every template knows `now` and, from shared.pages, who looks."""
        return self.context.pages.render(self.request, template, status=status, **({"now": self.now} | values))


def back_to(page: str, **query: str) -> RedirectResponse:
    """303 to one of our own pages, which may ask for something already, after a form; with what it then says."""
    there = local_page(page)
    return RedirectResponse(f"{there}{'&' if '?' in there else '?'}{urlencode(query, safe=',')}", 303)


def who_may(*permissions: Permission) -> Any:
    """A dependency: the visit, when the visitor's role has any of these permissions. Else as shared.sign_in.visitor."""
    check = visitor(*permissions)

    async def of(request: Request) -> Visit:
        context: PageContext = request.app.state.page_context
        return Visit(request, await check(request), context, context.now())

    return Depends(of)


Anybody = Annotated[Visit, who_may()]
Reader = Annotated[Visit, who_may(Permission.READ_QUEUES)]
Looker = Annotated[Visit, who_may(Permission.SEE_IDENTITY)]
Worker = Annotated[Visit, who_may(Permission.WORK_ITEMS)]
Lead = Annotated[Visit, who_may(Permission.LEAD)]
