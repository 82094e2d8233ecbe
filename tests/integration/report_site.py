"""The reports in this process, pages and API, on the real database: at a fixed time, for people of any role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics import pages as report_pages
from services.metrics import reports_api
from services.metrics.pages.context import PageContext
from services.metrics.reports import store
from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.model import AnyReport
from services.metrics.reports.publishing import Waits
from services.metrics.reports.queries import PublishedReports
from shared import problems
from shared.access import Role, Staff
from shared.pages import Pages
from shared.sign_in import Visitor
from shared.web import Edge
from tests.builders import a_policy
from tests.integration.behind import Patient

NOW: Final = datetime(2026, 9, 15, 12, 0, tzinfo=UTC)
CSRF: Final = "a-csrf-value"
TEMPLATES: Final = Path(report_pages.__file__).parent / "templates"
TRIAGE: Final = "http://triage.example.org"


class Door:
    """Whoever comes is who they say: `X-Role` of the request."""

    public_url = ""

    async def find(self, request: Request) -> Visitor | None:
        role = request.headers.get("x-role")
        return Visitor(PEOPLE[Role(role)], CSRF, b"") if role else None


PEOPLE: Final = {role: Staff(f"dev-{role.value}", f"Person {role.value}", role) for role in Role}


class Tokens:
    """A token is the name of a role."""

    def find(self, token: str) -> Staff | None:
        return PEOPLE[Role(token)] if token in set(Role) else None


@dataclass(frozen=True)
class Site:
    """Somebody at the pages or, with a token, at the API."""

    http: httpx.AsyncClient

    async def see(self, path: str, role: Role = Role.COMMISSIONER, *, status: int = 200) -> str:
        answer = await self.open(path, role)
        assert answer.status_code == status, answer.text
        return answer.text

    async def open(self, path: str, role: Role = Role.COMMISSIONER) -> httpx.Response:
        return await self.http.get(path, headers={"X-Role": role.value})

    async def send(self, path: str, role: Role, *, csrf: str = CSRF, **fields: Any) -> httpx.Response:
        return await self.http.post(path, data={"csrf": csrf, **fields}, headers={"X-Role": role.value})

    async def ask(self, path: str, role: Role = Role.COMMISSIONER, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(path, headers={"Authorization": f"Bearer {role.value}", **named})


@lru_cache(maxsize=1)
def the_pages() -> Pages:
    """Compiled once for all tests."""
    return Pages(name="Reports", folder=TEMPLATES, navigation=report_pages.navigation(TRIAGE), is_development=True)


@asynccontextmanager
async def a_site(
    engine: AsyncEngine, *, now: Callable[[], datetime] = lambda: NOW, waits: Waits | None = None
) -> AsyncIterator[Site]:
    policy, shown = a_policy(), the_pages()
    reports = PublishedReports.of(engine, policy, terms_under(policy, None), now, lambda: waits)
    app = FastAPI(redirect_slashes=False)
    problems.install(app)
    app.state.sign_in, app.state.staff, app.state.pages = Door(), Tokens(), shown
    app.include_router(reports_api.router(reports, shown))
    app.include_router(report_pages.router(PageContext(engine=engine, reports=reports, pages=shown)))
    app.include_router(shown.router())
    transport = Patient(Edge(app, is_development=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        yield Site(http)


async def publish(engine: AsyncEngine, *reports: AnyReport) -> Sequence[AnyReport]:
    """Put them on the shelf, as the service does on the day."""
    async with engine.begin() as tx:
        for report in reports:
            await store.put(tx, report)
    return reports
