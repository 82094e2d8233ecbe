"""A service that is one page and one form behind the real sign-in, on a real PostgreSQL; its clock can be put forward."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import uvicorn
from fastapi import Depends, FastAPI, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from deploy.local import credentials
from deploy.local.identity_provider import IdentityProvider
from deploy.local.ports import free_port
from services.triage import pages as triage_pages
from services.triage import tables
from services.triage.team import keep_colleague
from shared import problems
from shared.access import Permission
from shared.database import create_engine
from shared.pages import Pages
from shared.settings import Settings
from shared.sign_in import Visitor, any_visitor, read_form, visitor
from shared.sign_in.setting_up import install

STAFF: Final = {role: {"id": f"dev-{role}", "name": name} for role, name in credentials.STAFF.items()}


class Clock:
    """The wall clock, and how far a test has put it forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Site:
    """A service with one page for workers and some forms, its provider, and its clock."""

    app: FastAPI

    def __init__(self, provider: IdentityProvider, database: str, url: str, **changes: Any) -> None:
        self.provider, self.database, self.url, self.clock = provider, database, url, Clock()
        told = {name.removeprefix("PIR_").lower(): value for name, value in provider.environment(url).items()}
        whole = {"profile": "development", "DATABASE_URL": database, "KAFKA_BOOTSTRAP_SERVERS": "nowhere"}
        self.settings = Settings(**whole | told | changes)

    @contextmanager
    def open(self) -> Iterator[Site]:
        server = uvicorn.Server(
            uvicorn.Config(lambda: None, port=int(self.url.rpartition(":")[2]), log_config=None, lifespan="off")
        )
        is_up = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(server, is_up)))
        thread.start()
        assert is_up.wait(30)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()

    async def _serve(self, server: uvicorn.Server, is_up: threading.Event) -> None:
        engine = create_engine(self.settings, tables.SCHEMA)
        server.config.app = self.app = an_app(self.settings, engine, self.clock.now)
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        is_up.set()
        await serving
        await engine.dispose()

    def query(self, statement: str) -> list[asyncpg.Record]:
        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.database)
            try:
                rows: list[asyncpg.Record] = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return asyncio.run(ask())


def an_app(settings: Settings, engine: Any, now: Callable[[], datetime]) -> FastAPI:
    """`app.state.sent` is every form of /staff/words that was read."""
    app = FastAPI()
    app.state.sent = []
    problems.install(app)
    folder = Path(triage_pages.__file__).parent
    app.state.pages = Pages(name="Referrals", folder=folder, navigation=(), is_development=True)
    app.include_router(app.state.pages.router())
    install(app, settings, engine=engine, pages=app.state.pages, keep_colleague=keep_colleague, now=now)

    @app.get("/staff")
    @app.get("/staff/queues/{route}")
    async def look(found: Annotated[Visitor, Depends(visitor(Permission.WORK_ITEMS))]) -> Response:
        return PlainTextResponse(f'Hello {found.staff.name} <input type="hidden" name="csrf" value="{found.csrf}">')

    @app.post("/staff/note")
    async def note(request: Request, found: Annotated[Visitor, Depends(any_visitor())]) -> Response:
        await read_form(request, found)
        return RedirectResponse("/staff", 303)

    @app.get("/staff/words")
    async def words_form(found: Annotated[Visitor, Depends(any_visitor())], request: Request) -> Response:
        is_again = getattr(request.state, "is_typed_again", False)
        return HTMLResponse(f"<p>{'Typed before' if is_again else 'New'}</p>{words_of(found)}")

    @app.post("/staff/words")
    async def words(request: Request, found: Annotated[Visitor, Depends(any_visitor())]) -> Response:
        sent = await read_form(request, found)
        app.state.sent.append([each for each in sent.multi_items() if each[0] != "csrf"])
        if sent.get("text") == "refuse this":
            return HTMLResponse(f"<p>Refused, try {len(app.state.sent)}</p>{words_of(found)}", 422)
        return RedirectResponse("/staff", 303)

    @app.get("/staff/gone")
    async def gone(_: Annotated[Visitor, Depends(any_visitor())]) -> Response:
        return HTMLResponse("<p>There is no form here any more</p>")

    @app.post("/staff/gone/send")
    async def to_no_form(request: Request, found: Annotated[Visitor, Depends(any_visitor())]) -> Response:
        await read_form(request, found)
        return RedirectResponse("/staff", 303)

    return app


def words_of(found: Visitor) -> str:
    """A form with every kind of box."""
    return f"""<form method="post" action="/staff/words"><input type="hidden" name="csrf" value="{found.csrf}">
<input type="hidden" name="seen" value="9"><textarea name="text"></textarea><input name="day" value="today">
<input type="radio" name="how" value="phone" checked><input type="radio" name="how" value="visit">
<input type="checkbox" name="who" value="baby" checked><input type="checkbox" name="who" value="carer">
<select name="to"><option value="a" selected>A</option><option value="b">B</option></select></form>"""


@contextmanager
def a_site(database: str, kind: type[IdentityProvider] = IdentityProvider, **changes: Any) -> Iterator[Site]:
    """A site with a provider of this class, both listening; `changes` to its settings."""
    url = f"http://127.0.0.1:{free_port()}"
    provider = kind(STAFF, "pages", "not a secret", [f"{url}/staff/signed-in"])
    provider.start()
    try:
        with Site(provider, database, url, **changes).open() as site:
            yield site
    finally:
        provider.stop()
