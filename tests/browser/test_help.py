"""A parent asks for help in a browser without script: by keyboard, on a small screen, in a language from right to left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from services.referral.front.family import asking, drafts
from tests.browser.seeing import faults_when_large
from tests.system import System

HOME: Final = "/help/en"
LAST: Final = str(asking.LAST)
FILLED: Final = {
    "2": {"Your name": "Quillonia"},
    "3": {"Phone number": "0115 496 0177"},
    "4": {"Born on": "3 3 2026"},
}


@pytest.fixture
def window(empty_system: System, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=empty_system.url("referral"), java_script_enabled=False)
    context.route(re.compile(r"^https://"), lambda route: route.fulfill(body="<title>Weather</title>It rains"))
    yield context.new_page()
    context.close()


@pytest.fixture
def seen(empty_system: System, browser: Browser) -> Iterator[Page]:
    """With script, which axe itself needs."""
    context = browser.new_context(base_url=empty_system.url("referral"))
    yield context.new_page()
    context.close()


def goes_on(page: Page, button: str = "Continue") -> None:
    page.get_by_role("button", name=button).click()


def answers(page: Page) -> None:
    """The three questions, up to the page that asks for the postcode."""
    page.goto(f"{HOME}/1")
    page.get_by_label("No", exact=True).check()
    goes_on(page)
    page.get_by_label("Mum").check()
    for number in ("2", "3", "4"):
        for label, text in FILLED[number].items():
            page.get_by_label(label).fill(text)
        goes_on(page)


def opens(path: str) -> Callable[[Page], None]:
    def way(page: Page) -> None:
        page.goto(path)

    return way


def a_question(tag: str, slug: str) -> Callable[[Page], None]:
    """With whatever is missing said at the top."""

    def way(page: Page) -> None:
        page.goto(f"/help/{tag}/1")
        page.locator("main form button").first.click()
        page.goto(f"/help/{tag}/{slug}?checked")

    return way


def checks(page: Page) -> None:
    answers(page)
    page.goto(f"{HOME}/check")


def sends(page: Page) -> None:
    checks(page)
    goes_on(page, "Send")


def loses(page: Page) -> None:
    page.goto(f"{HOME}/1")
    page.context.clear_cookies()
    goes_on(page)


WAYS: Final[dict[str, Callable[[Page], None]]] = {
    "help start": opens("/help"),
    "help start in Urdu": opens("/help/ur"),
    "help now": opens(f"{HOME}/now"),
    **{f"help page {page.slug}": a_question("en", page.slug) for page in asking.PAGES},
    "help page 2 in Urdu": a_question("ur", "2"),
    "help page 6 in Urdu": a_question("ur", "6"),
    "help check with gaps": a_question("en", "check"),
    "help check": checks,
    "help sent": sends,
    "help lost": loses,
}


@pytest.mark.parametrize("name", WAYS)
def test_a_page_of_help_is_for_everybody(seen: Page, name: str) -> None:
    WAYS[name](seen)
    expect(seen).to_have_title(re.compile(r"– (Family support|خاندان کی مدد)$"))
    expect(seen.locator("h1")).to_have_count(1)
    assert faults_when_large(seen, name.replace(" ", "-")) == []


def test_by_keyboard_alone_the_way_out_is_the_second_stop(window: Page) -> None:
    window.goto(f"{HOME}/2")
    for stop in ("Skip to the main part of this page", "Leave this page now"):
        window.keyboard.press("Tab")
        expect(window.locator(":focus")).to_have_text(stop)
    window.keyboard.press("Enter")
    expect(window).to_have_title("Weather")


def test_after_leaving_the_way_back_shows_nothing(window: Page) -> None:
    answers(window)
    window.goto(f"{HOME}/3")
    expect(window.get_by_label("Phone number")).to_have_value("0115 496 0177")
    window.get_by_role("link", name="Leave this page", exact=True).click()
    expect(window).to_have_title("Weather")
    assert [each for each in window.context.cookies() if each["name"] == drafts.COOKIE] == []
    for _ in range(3):
        window.go_back()
        expect(window.locator("body")).not_to_contain_text("0177")
        expect(window.locator("body")).not_to_contain_text("Quillonia")
        for box in window.locator("main input[type=tel], main input[type=text]").all():
            expect(box).to_have_value("")


def test_after_sending_back_and_reload_show_the_same_reference_and_nothing_else(window: Page) -> None:
    answers(window)
    goes_on(window, "Skip to the end")
    goes_on(window, "Send")
    reference = re.findall(r"PIR-[\w-]+", window.inner_text("main"))
    for way in (window.reload, window.go_back, window.reload):
        way()
        assert re.findall(r"PIR-[\w-]+", window.inner_text("main")) == reference
        expect(window.locator("body")).not_to_contain_text("Quillonia")


def test_the_summary_of_mistakes_leads_to_the_box(window: Page) -> None:
    window.goto(f"{HOME}/1")
    goes_on(window)
    goes_on(window)
    expect(window).to_have_title(f"Look again: Page 2 of {LAST} – Family support")
    window.get_by_role("link", name="Tell us what to call you").click()
    assert window.url.endswith("#caregivers-0-given_name")


def test_urdu_reads_from_right_to_left(window: Page) -> None:
    window.goto("/help/ur")
    assert window.locator("html").get_attribute("dir") == "rtl"
    heading, width = window.locator("h1").bounding_box(), window.viewport_size
    assert heading is not None
    assert width is not None
    assert heading["x"] + heading["width"] > width["width"] / 2
