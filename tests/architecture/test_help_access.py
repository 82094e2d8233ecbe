"""Every page of /help: open to all who ask in the right way, and to no form of anybody else."""

from __future__ import annotations

from typing import Final

import httpx
import pytest

from services.referral.front.family.drafts import COOKIE
from shared.runtime import Service
from tests.architecture.apps import client_of, routes_of
from tests.architecture.test_access import framework

EVERYBODY, WITH_ITS_SECRET = "everybody", "whoever was shown the form"
PAGES: Final = {
    "GET /help": EVERYBODY,
    "GET /help/{tag}": EVERYBODY,
    "GET /help/{tag}/now": EVERYBODY,
    "GET /help/{tag}/{slug}": EVERYBODY,  # what was typed only to the browser with the cookie
    "GET /help/{tag}/check": EVERYBODY,
    "GET /help/{tag}/sent": EVERYBODY,
    "GET /help/leave": EVERYBODY,
    "POST /help/{tag}/{slug}": WITH_ITS_SECRET,
    "POST /help/{tag}/send": WITH_ITS_SECRET,
}
"""Page → who gets more from it than the words that all may read."""
FORMS: Final = [page for page, who in PAGES.items() if who is WITH_ITS_SECRET]
FILLED: Final = {"tag": "en", "slug": "1"}
TOKEN: Final = "a" * 43


async def answer_to(service: Service, page: str, **more: str) -> httpx.Response:
    verb, _, path = page.partition(" ")
    body = {"data": {"csrf": more["csrf"]}} if "csrf" in more else {}
    cookies = {"Cookie": f"{COOKIE}={more['token']}"} if "token" in more else {}
    async with client_of(service) as client:
        return await client.request(verb, path.format(**FILLED), headers=cookies, **body)


def test_every_page_has_a_row_and_every_row_a_page(apps: dict[str, Service]) -> None:
    routes = [each for each in routes_of(framework(apps["referral"]).routes) if each.path.startswith("/help")]
    assert {f"{verb} {each.path}" for each in routes for verb in each.methods - {"HEAD"}} == set(PAGES)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in FORMS])
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
