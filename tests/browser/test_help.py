"""A parent asks for help in a browser without script: on a telephone, by keyboard alone, in a language from right to left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from services.referral.front.family import asking, drafts
from tests.browser.desk import PHONE, SIZES
from tests.browser.seeing import TOO_WIDE
from tests.browser.test_keyboard import FOCUSED, MOST_STOPS
from tests.system import System

HOME: Final = "/help/en"
LAST: Final = str(asking.LAST)
FILLED: Final = {
    "2": {"Your name": "Quillonia"},
    "3": {"Phone number": "0115 496 0177"},
    "4": {"Born on": "3 3 2026"},
}

BY_KEYBOARD: Final = {
    "safety": "none",
    "caregivers.0.given_name": "Quillonia",
    "caregivers.0.relationship": "father",
    "caregivers.0.phone": "0115 496 0177",
    "babies.0.date_of_birth": "3 3 2026",
}
"""Box → the radio that is chosen, or what is typed; the page on which it stands is not said here."""
THUMB: Final = 44


@pytest.fixture
def window(empty_system: System, browser: Browser) -> Iterator[Page]:
    """Of a parent with a telephone."""
    context = browser.new_context(
        base_url=empty_system.url("referral"),
        java_script_enabled=False,
        viewport=SIZES[PHONE],
        has_touch=True,
        ignore_https_errors=True,
    )
    yield context.new_page()
    context.close()


@pytest.fixture(params=SIZES)
def keys(empty_system: System, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Of somebody without a mouse: at a desk, and with a keyboard on a small screen. What has the focus is looked up."""
    context = browser.new_context(base_url=empty_system.url("referral"), viewport=SIZES[request.param])
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


def goes_to(page: Page, what: str) -> None:
    """Tab until the focus is on what fits this selector; each stop on the way can be seen."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        assert at["tag"] == "BODY" or at["isSeen"], f"the focus can't be seen on {at}"
        if page.evaluate("(what) => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"no stop is {what}")


def chooses(page: Page, name: str, value: str) -> None:
    """The space bar on the first radio of a group, then arrows; the space bar on a tick box."""
    goes_to(page, f'input[name="{name}"]')
    page.keyboard.press("Space")
    for _ in range(MOST_STOPS):
        if page.locator(f'input[name="{name}"][value="{value}"]').is_checked():
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"no {name} is {value}")


def presses(page: Page, what: str) -> None:
    goes_to(page, what)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_whole_way_goes_with_the_keyboard_alone(keys: Page) -> None:
    keys.goto("/help")
    presses(keys, 'main a[href$="/1"]')
    while not keys.url.endswith("/check"):
        for name, said in BY_KEYBOARD.items():
            boxes = keys.locator(f'main [name="{name}"]')
            if boxes.count() and boxes.first.get_attribute("type") == "radio":
                chooses(keys, name, said)
            elif boxes.count():
                goes_to(keys, f'[name="{name}"]')
                keys.keyboard.type(said)
        presses(keys, "main form button[type=submit]")
    presses(keys, 'main form[action$="/send"] button')
    assert re.findall(r"PIR-[\w-]+", keys.inner_text("main"))


def test_a_mistake_is_found_and_mended_with_the_keyboard_alone(keys: Page) -> None:
    keys.goto(f"{HOME}/1")
    chooses(keys, "safety", "none")
    presses(keys, "main form button[type=submit]")
    keys.goto(f"{HOME}/2")
    presses(keys, "main form button[type=submit]")
    expect(keys.locator(".nhsuk-error-summary")).to_be_visible()
    goes_to(keys, '.nhsuk-error-summary a[href="#caregivers-0-given_name"]')
    keys.keyboard.press("Enter")
    expect(keys.locator('[name="caregivers.0.given_name"]')).to_be_focused()
    keys.keyboard.type("Quillonia")
    expect(keys.locator('[name="caregivers.0.given_name"]')).to_have_value("Quillonia")


def test_on_a_telephone_no_page_is_wider_than_the_screen_and_each_button_can_be_hit(window: Page) -> None:
    """44 pixels: what a thumb hits (WCAG 2.5.5, AAA), and the way out is on the screen without scrolling."""
    answers(window)
    for page in ("", *(f"/{each.slug}" for each in asking.PAGES), "/check"):
        window.goto(HOME + page)
        assert window.evaluate(TOO_WIDE) == [], page
        expect(window.get_by_role("link", name="Leave this page", exact=True)).to_be_in_viewport()
        for button in window.locator("main button:visible, main a.nhsuk-button:visible").all():
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= THUMB, page


def test_send_pressed_twice_is_one_request(window: Page) -> None:
    answers(window)
    window.goto(f"{HOME}/check")
    window.locator('main form[action$="/send"] button').dblclick(no_wait_after=True)
    window.wait_for_load_state("networkidle")
    reference = re.findall(r"PIR-[\w-]+", window.inner_text("main"))
    assert len(set(reference)) == 1
    window.goto(f"{HOME}/check")
    assert re.findall(r"PIR-[\w-]+", window.inner_text("main")) == reference


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


@pytest.mark.parametrize("has_script", [True, False])
def test_after_leaving_no_way_back_shows_what_was_ticked(
    empty_system: System, browser: Browser, has_script: bool
) -> None:
    """A browser likes to restore ticks of its own accord, also on a page that it fetches again."""
    context = browser.new_context(
        base_url=empty_system.url("referral"), java_script_enabled=has_script, ignore_https_errors=True
    )
    page = context.new_page()
    page.goto(f"{HOME}/1")
    page.get_by_label("No", exact=True).check()
    page.get_by_label("I do not feel safe at home").check()
    goes_on(page)
    page.goto(f"{HOME}/2")
    page.get_by_label("Mum").check()
    goes_on(page)
    page.get_by_role("link", name="Leave this page", exact=True).click()
    expect(page).to_have_title("Weather")
    for _ in range(6):
        page.go_back()
        assert page.locator("main input:checked").count() == 0
    assert page.url.endswith((HOME, "/1", "blank"))
    context.close()


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
