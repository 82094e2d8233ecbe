"""The staff pages in this process, on the real database: some pages, and people of any role who visit them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI, Request

from services.triage import pages as triage_pages
from services.triage.clients import Arrivals, Families, Messages
from services.triage.pages.context import PageContext
from services.triage.staff_notes import StaffNotes
from services.triage.work_items.working import StepContext
from shared import problems
from shared.access import Role, Staff
from shared.crypto import LocalKey, Safe, read_key
from shared.pages import Pages
from shared.policy import Policy
from shared.sign_in import Visitor
from shared.web import Edge
from tests.builders import a_policy, a_writer, policies
from tests.integration.behind import Behind

CSRF: Final = "a-csrf-value"
TEMPLATES: Final = Path(triage_pages.__file__).parent


class Door:
    """Whoever comes is who they say: `X-Role` of the request."""

    public_url = ""

    async def find(self, request: Request) -> Visitor:
        role = Role(request.headers["x-role"])
        return Visitor(Staff(f"dev-{role.value}", f"Person {role.value}", role), CSRF, b"")


@dataclass(frozen=True)
class Visits:
    """Somebody at the pages."""

    http: httpx.AsyncClient

    async def see(self, path: str, role: Role = Role.WORKER, *, status: int = 200) -> str:
        answer = await self.http.get(path, headers={"X-Role": role.value})
        assert answer.status_code == status, answer.text
        return answer.text

    async def send(
        self, path: str, role: Role = Role.WORKER, *, csrf: str = CSRF, file: bytes | None = None, **fields: Any
    ) -> httpx.Response:
        """A form, from its own page; `on_day` is the field `on-day`."""
        named = {name.replace("_", "-"): str(value) for name, value in fields.items()}
        files = {"file": ("draft.toml", file, "application/toml")} if file is not None else None
        return await self.http.post(path, data={"csrf": csrf, **named}, files=files, headers={"X-Role": role.value})


@asynccontextmanager
async def visits(
    triage: Behind,
    settings: Mapping[str, Any],
    *,
    families: Families | None = None,
    arrivals: Arrivals | None = None,
    messages: Messages | None = None,
    front_url: str = "",
    policy: Policy | None = None,
    now: Callable[[], datetime],
) -> AsyncIterator[Visits]:
    """A client at an app that has the pages, with the edge around it."""
    unused: dict[str, Any] = {part.name: None for part in fields(PageContext) if part.default_factory is MISSING}
    known = {
        "engine": triage.engine,
        "pages": Pages(name="Referrals", folder=TEMPLATES, navigation=(), is_development=True),
        "steps": StepContext(policy or a_policy(), StaffNotes(Safe(LocalKey(read_key(settings["triage_master_key"]))))),
        "families": families,
        "arrivals": arrivals,
        "messages": messages,
        "service_map": a_writer().service_map,
        "front_url": front_url,
        "policies": policies(),
        "now": now,
    }
    room = PageContext(**unused | known)
    app = FastAPI(redirect_slashes=False)
    triage_pages.install(app, room)
    app.include_router(room.pages.router())
    app.state.sign_in, app.state.pages = Door(), room.pages
    problems.install(app)
    transport = httpx.ASGITransport(Edge(app, is_development=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        yield Visits(http)


def read(html: str) -> str:
    """What is read in the main part: without tags, one space between words."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2].partition("</main>")[0])))


def title_of(html: str) -> str:
    found = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
    assert found
    return unescape(found[1])
