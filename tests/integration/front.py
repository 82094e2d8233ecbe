"""The pages for people who refer, in this process, with a real notify service that writes mails into a folder."""

from __future__ import annotations

import email
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from deploy.local import credentials
from services.notify import app as notify_app
from services.notify.settings import Settings as NotifySettings
from services.referral import app as referral_app
from services.referral.front import mailing
from services.referral.front.clients import NotifyClient, TriageClient
from services.referral.settings import Settings
from services.referral.webhooks.client import WebhookClient
from tests.forms import Form, FormReader
from tests.integration.all_services import Network
from tests.integration.behind import Behind, Patient, behind
from tests.integration.support import eventually
from tests.rendering import Page

MEMBER: Final = credentials.MEMBERS["health-visiting"]
KEEPER: Final = credentials.KEEPERS["health-visiting"]
LOOPS: Final = ("batch-writer", "codes")


@dataclass
class Browser:
    """One person's: it keeps cookies and remembers the page that it shows."""

    http: httpx.AsyncClient
    html: str = ""

    async def open(self, path: str) -> httpx.Response:
        """The page at `path`, after redirects."""
        answer = await self.http.get(path, follow_redirects=True)
        self.html = answer.text
        return answer

    async def press(
        self, action: str | None = None, *, button: str = "", follow: bool = True, **fields: str | list[str]
    ) -> httpx.Response:
        """Send the form of the page with this action, else the last one, filled in; in names `__` stands for a dot."""
        form = self.form(action)
        sent: dict[str, Any] = form.sent | {name.replace("__", "."): value for name, value in fields.items()}
        if button:
            name, _, value = button.partition("=")
            sent[name] = value
        answer = await self.http.post(form.action, data=sent, follow_redirects=follow)
        if follow:
            self.html = answer.text
        return answer

    def form(self, action: str | None = None) -> Form:
        return next(each for each in reversed(FormReader(self.html).forms) if action in (None, each.action))

    @property
    def page(self) -> Page:
        return Page(self.html)

    @property
    def heading(self) -> str:
        return self.page.words("h1")

    @property
    def links(self) -> list[str]:
        return FormReader(self.html).links


@dataclass
class FrontSite:
    """The referral service and notify on one database; `mails` is where notify writes."""

    referral: Behind
    mails: Path
    browsers: AsyncExitStack
    network: Network

    async def browser(self) -> Browser:
        client = httpx.AsyncClient(
            transport=Patient(app=self.referral.service.app), base_url="https://refer.example.org"
        )
        return Browser(await self.browsers.enter_async_context(client))

    async def signed_in(self, address: str = MEMBER) -> Browser:
        """A browser whose person has typed the code from their mail."""
        browser = await self.browser()
        await browser.open("/refer/sign-in")
        await browser.press(email=address)
        await browser.press(code=await self.code_for(address))
        return browser

    async def code_for(self, address: str) -> str:
        """The code in the newest mail to the address, which may not be there yet; that mail is read only once."""

        async def is_there() -> bool:
            return bool(self.mails_to(address))

        await eventually(is_there, what=f"a code for {address}")
        file, message = self.mails_to(address)[-1]
        file.unlink()
        body = message.get_body()
        assert body is not None
        [code] = re.findall(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b", body.get_content())
        return str(code)

    def mails_to(self, address: str) -> list[tuple[Path, email.message.EmailMessage]]:
        found = []
        for file in sorted(self.mails.rglob("*.eml"), key=lambda each: each.stat().st_mtime_ns):
            message = email.message_from_bytes(file.read_bytes(), policy=default)
            if message["To"] == address:
                found.append((file, message))
        return found


@asynccontextmanager
async def front_site(
    settings: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FrontSite]:
    """Both services on a database with the demo agencies and their people; Kafka and triage are away."""
    network, told = Network(), settings | {"notify_url": "http://notify", "triage_url": "http://triage"}
    for maker in (NotifyClient, TriageClient, WebhookClient):
        monkeypatch.setattr(referral_app, maker.__name__, partial(maker, transport=network))
    network.away.add("triage")
    monkeypatch.setattr(mailing, "APART_SECONDS", (0.0, 0.02))  # what it hides is measured by tests/bench/front.py
    mails = folder / "mail"
    async with AsyncExitStack() as running:
        notify = await running.enter_async_context(behind(notify_app.build, NotifySettings(**told, mail_dir=mails)))
        network.services["notify"] = httpx.ASGITransport(notify.service.app)
        referral = await running.enter_async_context(behind(referral_app.build, Settings(**told), LOOPS))
        yield FrontSite(referral, mails, running, network)
