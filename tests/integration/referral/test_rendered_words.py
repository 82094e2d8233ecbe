"""The words of whole pages as they are shown, with whom to ring from the policy: plain, and without blame."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

from deploy.setup import add_own_agency
from shared.events import Safety
from tests.builders import a_policy
from tests.integration.conftest import Behind
from tests.integration.front import FrontSite
from tests.integration.referral.test_help_pages import DESK, TYPED, a_parent
from tests.integration.referral.test_referral_form import NO_DANGER, begun, fill_in
from tests.reading import grade, texts_of
from tests.unit.referral.test_help_words import FORBIDDEN

CHILD, ADULT = 5, 7
"""Grades: what a child of ten reads, for parents; what is read in a hurry, for people at work."""
BLAMES: Final = re.compile(r"attachment|failure|non-compliant|refuses|abnormal|service user|\bclient\b", re.IGNORECASE)
NAMES: Final = [ring.who for ring in a_policy().ring]
"""Whom to ring, as they are called: what nobody here may rename."""


def main_of(html: str) -> list[str]:
    """The texts of the part that changes from page to page, but for lists of names to choose from."""
    [inside] = re.findall(r"<main.*?</main>", html, re.DOTALL)
    inside = re.sub(r"<select.*?</select>", "", inside, flags=re.DOTALL)
    return [text if text.endswith((".", "?", "!", ":")) else f"{text}." for text in texts_of(inside)]


def faults(pages: dict[str, str], *, hardest: float, forbidden: re.Pattern[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, html in pages.items():
        said = " ".join(main_of(html))
        if (reached := round(grade(said, ends=".!?:"), 1)) > hardest:
            found[name] = reached
        for who in NAMES:
            said = said.replace(who, "")
        if words := forbidden.findall(said):
            found[name] = words
    return found


async def test_a_child_of_ten_can_read_each_page_of_help_with_whom_to_ring(
    database: str, new_intake: Callable[[], Awaitable[Behind]]
) -> None:
    await add_own_agency(database, DESK)
    parent, shown = a_parent(await new_intake()), {}

    async def looks(name: str, address: str) -> None:
        await parent.opens(address)
        shown[name] = parent.pages[-1]

    await looks("start", "/help")
    await looks("lost", "1")
    shown["lost"] = (await parent.http.post("/help/en/1", data={"csrf": "none"})).text
    await parent.sends("1", safety=Safety.DOMESTIC_ABUSE)
    await looks("not safe at home", "now")
    await looks("gaps", "check")
    for slug in ("2", "3", "4", "5", "6", "7"):
        await looks(f"page {slug} with mistakes", f"{slug}?checked")
        await parent.sends(slug, **TYPED.get(slug, {}))
    await looks("page 1", "1")
    await parent.sends("1", safety=Safety.IMMEDIATE_DANGER)
    await looks("in danger", "now")
    await looks("check", "check")
    await parent.sends("send")
    shown["sent"] = parent.pages[-1]
    assert all(NAMES[-1] in shown[name] for name in ("start", "page 1", "in danger", "not safe at home", "lost"))
    assert faults(shown, hardest=CHILD, forbidden=FORBIDDEN) == {}
    await parent.http.aclose()


async def test_people_at_work_read_each_page_of_the_form_in_a_hurry(site: FrontSite) -> None:
    browser, shown = await site.signed_in(), {}

    async def looks(name: str, address: str) -> None:
        await browser.open(address)
        shown[name] = browser.html

    await looks("before", "/refer/new")
    browser = await begun(site)
    draft = await fill_in(browser)
    for page in ("", "/check", "/ring", "/drop", "/advice", "/relationship?home"):
        await looks(page or "all pages", draft + page)
    await browser.open(f"{draft}/agreement")
    await browser.press(f"{draft}/agreement", consent__status="refused")
    await looks("all pages after a no", draft)
    await looks("check after a no", f"{draft}/check")
    await browser.open(f"{draft}/agreement")
    await browser.press(f"{draft}/agreement", consent__status="given")
    await browser.open(f"{draft}/safety")
    await browser.press(f"{draft}/safety", **NO_DANGER)
    await looks("check again", f"{draft}/check")
    await browser.press()
    shown["sent"] = browser.html
    await looks("home", "/refer")
    await looks("enquiry", "/refer/enquiry")
    assert NAMES[-1] in shown["before"]
    assert faults(shown, hardest=ADULT, forbidden=BLAMES) == {}
