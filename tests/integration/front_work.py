"""Own work on the pages for referrers: what is set up behind them, and how it is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import httpx

from services.referral.erasing import erase
from services.referral.front import authors, members
from services.referral.front.members import Member
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.audit import Actor
from shared.events import WaitingFor, WorkItemWaiting
from tests.integration.front import MEMBER, Browser, FrontSite
from tests.integration.referral.test_referral_after_decision import Sent, a_sent
from tests.integration.support import fetch

SETUP: Final = Actor("operator", "test")


@dataclass
class Front:
    """The site, and what is set up behind the pages."""

    site: FrontSite
    settings: dict[str, Any]

    async def member(self, address: str) -> Member:
        async with self.site.referral.engine.connect() as tx:
            found = await members.by_email(tx, identities_of(Settings(**self.settings)), address)
        assert found
        return found

    async def added(self, address: str, *, is_keeper: bool = False, **known: str) -> Member:
        """One more person of the health visitors."""
        async with self.site.referral.engine.begin() as tx:
            await members.add(
                tx,
                identities_of(Settings(**self.settings)),
                slug="health-visiting",
                email=address,
                is_keeper=is_keeper,
                actor=SETUP,
                at=datetime.now(UTC),
                known=known,
            )
        return await self.member(address)

    async def sent(self, address: str = MEMBER, **changes: Any) -> Sent:
        """A referral of this member."""
        sent = await a_sent(self.site.referral, **changes)
        sent.began -= timedelta(minutes=1)  # what triage says of it is heard before what the author does next
        async with self.site.referral.engine.begin() as tx:
            await authors.keep(tx, sent.id, (await self.member(address)).id)
        return sent

    async def stored(self, sent: Sent) -> dict[str, Any]:
        """The document and the answers, as staff see them."""
        headers = {"Authorization": f"Bearer {self.settings['PIR_TOKEN_TRIAGE_REFERRAL']}", "X-PIR-Actor": "tess"}
        answer = await self.site.referral.http.get(f"/internal/referrals/{sent.id}/identity", headers=headers)
        body: dict[str, Any] = answer.json()
        return body

    async def audited(self, sent: Sent) -> list[tuple[str, str]]:
        """Who of the agency did what to it, in order."""
        rows = await fetch(
            self.site.referral.engine,
            "SELECT actor_id, action FROM audit WHERE referral_id = :id AND actor_kind = 'member' ORDER BY id",
            id=sent.id,
        )
        return [(row.actor_id, row.action) for row in rows]

    async def erased(self, sent: Sent) -> None:
        async with self.site.referral.engine.begin() as tx:
            assert await erase(tx, sent.reference, actor=SETUP, at=datetime.now(UTC))


def page_of(sent: Sent, slug: str = "") -> str:
    return f"/refer/{sent.reference}{slug and '/'}{slug}"


async def filled(browser: Browser, path: str, **fields: Any) -> httpx.Response:
    """Open a form and send it; a redirect is followed."""
    assert (await browser.open(path)).status_code == 200
    return await browser.press(path, **fields)


async def statuses(browser: Browser, *paths: str) -> set[int]:
    return {(await browser.open(path)).status_code for path in paths}


async def waits(sent: Sent, *, after: int) -> None:
    """Staff asked the referrer something."""
    what = {"work_item_id": uuid4(), "route": "pir_short", "waiting_for": WaitingFor.REFERRER}
    await sent.hears(WorkItemWaiting, after=after, **what)
