"""Pages of the triage team in an app of their own, at whose door stands whoever a request names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage import pages as triage_pages
from services.triage.pages.context import PageContext
from services.triage.work_items.working import StepContext
from shared import problems
from shared.access import Role, Staff
from shared.ids import uuid7
from shared.messaging.outbox import Cause
from shared.pages import Pages
from shared.sign_in import Visitor
from tests.builders import a_policy
from tests.rendering import Page

TEMPLATES = Path(__file__).parents[2] / "services" / "triage" / "pages"
CSRF = "a-csrf-value"
PEOPLE = {role: Staff(f"a-{role.value}", f"The {role.value}", role) for role in Role}


class Door:
    """Whoever comes has the role that the request names."""

    async def find(self, request: Request) -> Visitor:
        request.scope["pir_cause"] = Cause(uuid7())  # as the edge of the service does
        return Visitor(PEOPLE[Role(request.headers["role"])], CSRF, b"")


class Somebody:
    """Somebody of a role who opens pages and sends their forms; redirects are not followed."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str, *, role: Role = Role.LEAD) -> httpx.Response:
        return await self._http.get(path, headers={"role": role})

    async def send(self, path: str, *, role: Role = Role.LEAD, csrf: str = CSRF, **fields: Any) -> httpx.Response:
        return await self._http.post(path, data={"csrf": csrf, **fields}, headers={"role": role})


@asynccontextmanager
async def somebody_at(
    *, engine: AsyncEngine, now: Callable[[], datetime], families: Any = None
) -> AsyncIterator[Somebody]:
    pages = Pages(name="Referrals", folder=TEMPLATES, navigation=(), is_development=True)
    desk = StepContext(a_policy(), cast("Any", None))
    room = cast("PageContext", SimpleNamespace(engine=engine, pages=pages, steps=desk, families=families, now=now))
    app = FastAPI()
    problems.install(app)
    triage_pages.install(app, room)
    app.state.sign_in, app.state.pages = Door(), pages
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://triage") as client:
        yield Somebody(client)


def words_of(answer: httpx.Response) -> str:
    """What is read on the page, without its frame."""
    return Page(answer.text).words("main")
