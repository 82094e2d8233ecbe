"""Messages to families from end to end in this process: the referral service, notify's own parts, a stand-in for Notify.

Events are carried over by hand, and the clock of sending is the test's: three days pass in a moment.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.govuk_messages import TEMPLATES, Messages
from deploy.local.govuk_notify import StandIn, new_key
from services.notify import rows
from services.notify.delivery import Delivery
from services.notify.family_messages import callbacks, release_api, words
from services.notify.family_messages.callbacks import Callbacks
from services.notify.family_messages.contacts import ContactsClient
from services.notify.family_messages.sending import FamilySender, Items
from services.notify.handlers import handlers
from services.notify.messages import FAMILIES_FIRST, TEXTS_OUT_FIRST
from services.notify.senders.govuk_notify import GovukNotify
from services.referral.app import build
from services.referral.settings import Settings as ReferralSettings
from shared import problems
from shared.database import engine_of
from shared.events import EVENTS, Channel, Envelope, adapter
from shared.internal_client import Called
from shared.messaging.dispatch import dispatch
from shared.messaging.outbox import PARTS
from shared.policy import Policy, load_all
from tests.builders import POLICIES, RETRIES
from tests.integration.behind import Behind, behind
from tests.integration.support import an_event, fetch

TOKEN: Final = "a-token-of-ours-that-has-thirty-two-characters"
TRIAGE: Final = "a-token-of-triage"
MOBILES: Final = ("07700900777", "07700900778")


def policies_on(folder: Path, *, mobiles: tuple[str, ...] = ()) -> Path:
    """The shipped policies with messages to families switched on, and with numbers of people on call."""
    shutil.copytree(POLICIES, folder, dirs_exist_ok=True)
    for file in folder.glob("*.toml"):
        text = file.read_text(encoding="utf-8").replace("on = false", "on = true", 1)
        numbers = ", ".join(f'"{each}"' for each in mobiles)
        file.write_text(text.replace("\n[family_messages]", f"mobiles = [{numbers}]\n\n[family_messages]", 1), "utf-8")
    return folder


@dataclass
class FamilySite:
    """`now` is the clock of sending; `turn` sends what is due by it, `hear` brings notify what referral has said."""

    intake: Behind
    engine: AsyncEngine
    stand_in: StandIn
    notify: GovukNotify
    policy: Policy
    contacts: ContactsClient
    app: FastAPI
    http: httpx.AsyncClient
    database: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _heard: set[UUID] = field(default_factory=set)

    def sender(self) -> FamilySender:
        said = words.load(words.FOLDER, self.policy.family_messages, with_unchecked=True)
        return FamilySender(
            self.engine, self.notify, self.contacts, said, self.policy.on_call.mobiles, lambda: self.now
        )

    def delivery(self, first_part: int = FAMILIES_FIRST) -> Delivery:
        return Delivery(
            dsn="",
            schema="notify",
            engine=self.engine,
            sender=self.sender(),
            writer=Items(len(self.policy.on_call.mobiles)),
            retries=RETRIES,
            first_part=first_part,
            now=lambda: self.now,
            chance=lambda: 1.0,
        )

    async def hear(self) -> None:
        """As the relay and the consumer carry them, each event once, in order."""
        found = await fetch(
            self.intake.admin, "SELECT * FROM event WHERE topic = 'pir.referral.v1' ORDER BY occurred_at"
        )
        new = [row for row in found if row.id not in self._heard]
        self._heard |= {row.id for row in new}
        envelopes = [
            Envelope(
                row.id, row.key, row.type, "/pir/referral", row.sequence, row.occurred_at, row.correlation_id, None,
                None, datetime.now(UTC), adapter(EVENTS[row.type]).validate_json(row.value),
            )
            for row in new
        ]  # fmt: skip
        await self.tell(*envelopes)

    async def tell(self, *events: Envelope[Any]) -> None:
        async with self.engine.begin() as tx:
            await dispatch(events, handlers(self.policy, mail_domain="pir.localhost"), tx)

    async def say(self, referral_id: UUID, data: Any) -> None:
        """An event of triage's."""
        await self.tell(an_event(referral_id, 1, data))
        self.now = max(self.now, datetime.now(UTC))

    async def due(self, first_part: int = FAMILIES_FIRST) -> list[Any]:
        connection = await asyncpg.connect(self.database.replace("postgresql+asyncpg", "postgresql"))
        try:
            await connection.execute("SET search_path = notify")
            parts = [first_part + part for part in range(PARTS)]
            return list(await connection.fetch(rows.DUE, parts, self.now, 100))
        finally:
            await connection.close()

    async def turn(self, delivery: Delivery | None = None, *, first_part: int = FAMILIES_FIRST) -> int:
        """Send what is due; how many that were."""
        if due := await self.due(first_part):
            await (delivery or self.delivery(first_part)).send(due)
        return len(due)

    async def text_out(self) -> int:
        return await self.turn(first_part=TEXTS_OUT_FIRST)

    def later(self, **more: float) -> None:
        self.now += timedelta(**more)

    async def messages(self, reference: str) -> list[Any]:
        """Those to the family, as stored."""
        return list(
            await fetch(
                self.engine,
                "SELECT * FROM message WHERE reference = :ref AND audience = 'household' ORDER BY created_at, id",
                ref=reference,
            )
        )

    async def only(self, reference: str) -> Any:
        [message] = await self.messages(reference)
        return message

    async def state(self, reference: str) -> tuple[str, str | None]:
        row = await self.only(reference)
        return row.state, row.last_error

    async def receipt(self, reference: str, status: str, *, token: str = TOKEN, **more: Any) -> int:
        """A receipt posted to us; its status code."""
        told = {"id": str(UUID(int=1)), "reference": reference, "to": "07700900123", "status": status, **more}
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.http.post("/callbacks/govuk-notify", json=told, headers=headers)
        return answer.status_code

    async def as_triage(self, path: str, body: Any = None, *, actor: str = "dev-worker") -> httpx.Response:
        headers = {"Authorization": f"Bearer {TRIAGE}", "X-PIR-Actor": actor}
        answer = await self.http.post(f"/internal/family-messages/{path}", json=body, headers=headers)
        self.now = max(self.now, datetime.now(UTC))  # what is released is due by the database's clock
        return answer


@asynccontextmanager
async def family_site(
    database: str, settings: dict[str, Any], tmp_path: Path, *, mobiles: tuple[str, ...] = ()
) -> AsyncIterator[FamilySite]:
    folder = policies_on(tmp_path / "policies", mobiles=mobiles)
    policy = load_all(folder)["nottingham"]
    told = settings | {"policies_dir": folder}
    stand_in = StandIn(Messages(new_key()), "http://127.0.0.1:1/nobody", TOKEN, delay=0.01, attempts=1)
    stand_in.start()
    engine = engine_of(database, "notify")
    templates = {channel: TEMPLATES[channel.value] for channel in Channel}
    async with behind(build, ReferralSettings(**told), ("batch-writer",)) as intake:
        site: FamilySite
        notify = GovukNotify(stand_in.url, stand_in.messages.key, templates, now=lambda: datetime.now(UTC))
        contacts = ContactsClient(
            Called("http://referral", settings["PIR_TOKEN_NOTIFY_REFERRAL"]),
            transport=httpx.ASGITransport(app=intake.service.app),
        )
        app = FastAPI()
        problems.install(app)
        said = words.load(words.FOLDER, policy.family_messages, with_unchecked=True, takes_replies=True)
        app.include_router(
            callbacks.router(
                Callbacks(engine, contacts, said, RETRIES, TOKEN, now=lambda: site.now, wake_relay=lambda: None)
            )
        )
        app.include_router(release_api.router(engine, TRIAGE))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://notify") as http:
            site = FamilySite(intake, engine, stand_in, notify, policy, contacts, app, http, database)
            try:
                yield site
            finally:
                await notify.close()
                await contacts.close()
                await engine.dispose()
                await asyncio.to_thread(stand_in.stop)
