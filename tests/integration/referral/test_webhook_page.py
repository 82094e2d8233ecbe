"""What the keepers of an agency see of its webhook, and nobody else: the state and the last ten calls, by codes."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from services.referral.webhooks.client import WebhookClient
from tests.integration.front import KEEPER, Browser, FrontSite
from tests.integration.support import fetch

PAGE = "/refer/webhook"
URL = "http://127.0.0.1:9/hooks?word=that-lets-in"


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    return settings | {"webhook_local": True}


@pytest.fixture
async def keeper(site: FrontSite) -> Browser:
    return await site.signed_in(KEEPER)


async def put(site: FrontSite, slug: str = "health-visiting") -> str:
    headers = {"Authorization": f"Bearer {site.referral.key(slug)}"}
    answer = await site.referral.http.put("/webhook", json={"url": URL}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


async def state(site: FrontSite, **values: Any) -> None:
    """Write it into the row, as the loop does."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    async with site.referral.admin.begin() as tx:
        await tx.execute(sa.text(f"UPDATE notify.webhook_endpoint SET {columns}"), values)


async def test_without_a_webhook_the_page_says_so(keeper: Browser) -> None:
    assert (await keeper.open(PAGE)).status_code == 200
    assert keeper.heading == "Calls to your system"
    assert "has not asked us to call it" in keeper.html
    assert PAGE in keeper.links


async def test_the_state_and_the_last_ten_calls_are_shown_by_codes(site: FrontSite, keeper: Browser) -> None:
    secret = await put(site)
    await state(site, state="active", last_error="http-500", last_success_at=datetime.now(UTC))
    async with site.referral.admin.begin() as tx:
        await tx.execute(
            sa.text("""
                INSERT INTO notify.webhook_delivery (id, endpoint_id, type, referral_id, reference, version, made_at,
                                                     state, due_at, attempts, last_error)
                SELECT gen_random_uuid(), e.id, 'referral.question', gen_random_uuid(), 'PIR-4K7-2' || chr(64 + n), 1,
                    now(), CASE WHEN n = 12 THEN 'due' ELSE 'given_up' END, now() + interval '10 minutes', 3, 'timeout'
                FROM notify.webhook_endpoint e, generate_series(1, 12) n ORDER BY n
            """)
        )
    await keeper.open(PAGE)
    words = keeper.page.words("main")
    for said in ("In use", "127.0.0.1:9", "it answered 500", "We asked you something", "no answer within 15 seconds"):
        assert said in words, said
    shown = [f"PIR-4K7-2{chr(64 + number)}" for number in range(12, 2, -1)]
    assert [link.rpartition("/")[2] for link in keeper.links if "PIR-" in link] == shown
    assert (words.count("Given up"), words.count("3 tries"), words.count("next try")) == (9, 10, 1)
    assert "that-lets-in" not in keeper.html
    assert secret not in keeper.html


@pytest.mark.parametrize("why", ["gone", "dead"])
async def test_when_it_is_off_keepers_read_it_on_the_first_page_and_others_do_not(
    site: FrontSite, keeper: Browser, ada: Browser, why: str
) -> None:
    await put(site)
    await keeper.open("/refer")
    assert "stopped calling" not in keeper.html
    await state(site, state="off", why_off=why)
    await keeper.open("/refer")
    assert "We have stopped calling your agency’s system" in keeper.html
    await keeper.open(PAGE)
    assert {"gone": "wants no more calls", "dead": "none of our calls for 5 days"}[why] in keeper.html
    await ada.open("/refer")
    assert "stopped calling" not in ada.html
    assert PAGE not in ada.links
    assert (await ada.open(PAGE)).status_code == 403


async def test_another_agency_s_is_not_shown(site: FrontSite, keeper: Browser) -> None:
    await put(site, "nursery")
    await state(site, state="off", why_off="dead")
    await keeper.open("/refer")
    assert "stopped calling" not in keeper.html
    await keeper.open(PAGE)
    assert "has not asked us to call it" in keeper.html


async def test_while_notify_does_not_answer_the_pages_are_there(site: FrontSite, keeper: Browser) -> None:
    await put(site)
    site.network.away.add("notify")
    assert (await keeper.open("/refer")).status_code == 200
    assert (await keeper.open(PAGE)).status_code == 200
    assert "can’t say now" in keeper.html


async def test_the_first_page_waits_a_second_at_most_for_notify(
    site: FrontSite, keeper: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(self: WebhookClient, agency: Any) -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    monkeypatch.setattr(WebhookClient, "get", hangs)
    began = time.monotonic()
    assert (await keeper.open("/refer")).status_code == 200
    assert 0.9 < time.monotonic() - began < 4


async def test_setting_it_says_nothing_to_the_log_or_the_trail(site: FrontSite, keeper: Browser) -> None:
    await put(site)
    rows = await fetch(site.referral.admin, "SELECT action, detail FROM notify.audit")
    assert [(row.action, row.detail) for row in rows] == [("webhook.set", None)]
