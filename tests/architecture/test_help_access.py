"""Every page of /help without a database: words for all, and no form that was shown to nobody is taken."""

from __future__ import annotations

from typing import Final

import httpx
import pytest

from services.referral.front.family.drafts import COOKIE
from shared.runtime import Service
from tests.architecture.apps import client_of
from tests.architecture.test_front_access import ACCESS, ITS_BROWSER

FORMS: Final = [page for page, who in ACCESS.items() if who is ITS_BROWSER]
OTHERS: Final = [page for page in ACCESS if " /help" in page and page not in FORMS]
FILLED: Final = {"tag": "en", "slug": "1"}
TOKEN: Final = "a" * 43


async def answer_to(service: Service, page: str, **more: str) -> httpx.Response:
    verb, _, path = page.partition(" ")
    body = {"data": {"csrf": more["csrf"]}} if "csrf" in more else {}
    cookies = {"Cookie": f"{COOKIE}={more['token']}"} if "token" in more else {}
    async with client_of(service) as client:
        return await client.request(verb, path.format(**FILLED), headers=cookies, **body)


@pytest.mark.parametrize("page", OTHERS)
async def test_without_a_cookie_there_are_words_only(apps: dict[str, Service], page: str) -> None:
    answer = await answer_to(apps["referral"], page)
    assert answer.status_code in (200, 303)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", FORMS)
@pytest.mark.parametrize(
    "sent", [{}, {"csrf": ""}, {"csrf": TOKEN}, {"csrf": "", "token": TOKEN}, {"csrf": TOKEN, "token": TOKEN}]
)
async def test_a_form_that_was_shown_to_nobody_is_not_taken(
    apps: dict[str, Service], page: str, sent: dict[str, str]
) -> None:
    answer = await answer_to(apps["referral"], page, **sent)
    assert answer.status_code in (403, 415)
    assert answer.headers["content-type"].startswith("text/html")


async def test_whoever_leaves_is_gone_though_the_database_is_away(apps: dict[str, Service]) -> None:
    answer = await answer_to(apps["referral"], "GET /help/leave", token=TOKEN)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://")
    assert "Max-Age=0" in answer.headers["set-cookie"]
