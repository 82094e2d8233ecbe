"""Webhooks in this process: the referral service and notify on one database, a clock to turn, loops to start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify import app as notify_app
from services.notify.mail import Mail
from services.notify.senders import HANDED_OVER, DeliveryResult
from services.notify.sending_rules import Retries
from services.notify.settings import Settings as NotifySettings
from services.notify.webhooks import loop as loop_module
from services.notify.webhooks import secrets
from services.notify.webhooks.feed import FeedClient
from services.notify.webhooks.loop import WebhookLoop
from services.notify.webhooks.network import Networks, SystemNames
from services.notify.webhooks.posting import Poster
from services.notify.webhooks.secrets import EndpointSecrets
from services.notify.webhooks.sending import EndpointSender
from services.referral import app as referral_app
from services.referral.settings import Settings
from services.referral.webhooks.client import WebhookClient
from shared.internal_client import Called
from tests.families import a_referral
from tests.integration.all_services import Network
from tests.integration.behind import Behind, behind
from tests.integration.support import eventually, fetch, running

SLUG: Final = "health-visiting"
RETRIES: Final = Retries(timedelta(seconds=30), timedelta(hours=1), timedelta(hours=72))


@dataclass
class Clock:
    """The time of day, and what a test adds to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Mails:
    """A mail server that takes all, or refuses all."""

    taken: list[Mail] = field(default_factory=list)
    error: str | None = None
    batch: int = 50

    async def send(self, mails: Sequence[Mail]) -> AsyncIterator[list[DeliveryResult]]:
        for mail in mails:
            if self.error is None:
                self.taken.append(mail)
            yield [HANDED_OVER if self.error is None else DeliveryResult(self.error)]


class Counting(FeedClient):
    """Counts how often the referral service is asked."""

    asked = 0

    async def changes(self, endpoints: Any) -> Any:
        self.asked += 1
        return await super().changes(endpoints)


@dataclass
class WebhookSite:
    """`loop` makes one more copy of notify's loop; `call` is what an agency's program does."""

    referral: Behind
    notify: Behind
    network: Network
    settings: NotifySettings
    feed: Counting
    clock: Clock = field(default_factory=Clock)
    mails: Mails = field(default_factory=Mails)

    @property
    def engine(self) -> AsyncEngine:
        """With all rights in the schema of notify."""
        return self.notify.admin

    def loop(self, *, seconds: float = 15, networks: Networks | None = None, trust: Any = None) -> WebhookLoop:
        sender = EndpointSender(
            engine=self.notify.engine,
            poster=Poster(networks or Networks(SystemNames()), trust=trust, seconds=seconds),
            secrets=EndpointSecrets(secrets.held(self.settings).safe),
            retries=RETRIES,
            now=self.clock,
            may_be_local=True,
            chance=lambda: 0.5,
        )
        return WebhookLoop(
            dsn=self.notify.service.settings.dsn,
            schema="notify",
            engine=self.notify.engine,
            feed=lambda: self.feed,
            sender=lambda: sender,
            mail=self.mails,  # type: ignore[arg-type]  a generator without its further protocol
            settings=self.settings,
            now=self.clock,
        )

    async def call(self, method: str, path: str = "", body: Any = None, *, slug: str = SLUG) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.referral.key(slug)}"}
        return await self.referral.http.request(method, f"/webhook{path}", json=body, headers=headers)

    async def put(self, url: str, *, slug: str = SLUG) -> str:
        """The secret. It begins where the feed ends."""
        await self.referral.is_settled()
        answer = await self.call("PUT", "", {"url": url}, slug=slug)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["secret"])

    async def state(self, *, slug: str = SLUG) -> dict[str, Any]:
        answer = await self.call("GET", slug=slug)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refer(self, *, slug: str = SLUG) -> str:
        """A referral of the agency; returns its reference."""
        answer = await self.referral.send(a_referral(), slug=slug)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["reference"])

    async def withdraw(self, reference: str, *, slug: str = SLUG) -> None:
        headers = {"Authorization": f"Bearer {self.referral.key(slug)}", "Idempotency-Key": f"w-{reference}"}
        path = f"/referrals/{reference}/withdrawal"
        answer = await self.referral.http.post(path, json={"reason": "moved_away"}, headers=headers)
        assert answer.status_code == 200, answer.text

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """The state of the webhook, once it is so."""

        async def is_so() -> bool:
            state = await self.state()
            return all(state[name] == value for name, value in wanted.items())

        await eventually(is_so, what=f"a webhook with {wanted}")
        return await self.state()

    async def deliveries(self) -> Sequence[Any]:
        return await fetch(self.engine, "SELECT * FROM webhook_delivery ORDER BY position")

    async def active(self, url: str, loop: WebhookLoop) -> str:
        """An endpoint that has been checked, by a loop that has ended; returns the secret."""
        secret = await self.put(url)
        async with running(loop):
            await self.until(state="active")
        return secret


@asynccontextmanager
async def webhook_site(
    settings: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WebhookSite]:
    network, told = Network(), settings | {"notify_url": "http://notify", "referral_url": "http://referral"}
    monkeypatch.setattr(referral_app, "WebhookClient", partial(WebhookClient, transport=network))
    monkeypatch.setattr(loop_module, "POLL_SECONDS", 0.1)
    notified = NotifySettings(**told, mail_dir=folder / "mail", webhook_local=True)
    async with AsyncExitStack() as all_of_it:
        notify = await all_of_it.enter_async_context(behind(notify_app.build, notified))
        network.services["notify"] = httpx.ASGITransport(notify.service.app)
        referral = await all_of_it.enter_async_context(behind(referral_app.build, Settings(**told), ("batch-writer",)))
        network.services["referral"] = httpx.ASGITransport(referral.service.app)
        feed = Counting(Called("http://referral", told["PIR_TOKEN_NOTIFY_REFERRAL"]), transport=network)
        all_of_it.push_async_callback(feed.close)
        yield WebhookSite(referral, notify, network, notified, feed)
