"""The main journey without a mouse: Tab, Space and Enter, and a focus that can be seen at every stop."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.cases import Cases
from tests.browser.desk import WORKER, Desk, Person

MOST_STOPS = 150
FOCUSED = """() => {
  const at = document.activeElement, label = at.labels?.[0];
  const marks = [at, ...at.children, ...(label ? [label] : [])].flatMap((each) => ["", "::before", "::after"].map(
    (part) => getComputedStyle(each, part || null)));
  return {
    text: [at.innerText, at.value, label?.innerText].join(" "),
    tag: at.tagName,
    isSeen: marks.some((mark) => (mark.outlineStyle !== "none" && parseFloat(mark.outlineWidth) > 0)
      || mark.boxShadow !== "none" || mark.backgroundColor === "rgb(255, 235, 59)"),
  };
}"""


def goes_to(page: Page, text: str, tag: str = "") -> None:
    """Press Tab until the focus stands on what says so; each stop shows where it is."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at["tag"] == "BODY":
            continue  # past the last stop, before the first one
        assert at["isSeen"], f"the focus can't be seen on {at}"
        if text in at["text"] and tag in at["tag"]:
            return
    raise AssertionError(f"no stop says {text}")


def presses(person: Person, text: str, key: str = "Enter", tag: str = "") -> None:
    """What leads to another page."""
    goes_to(person.page, text, tag)
    with person.page.expect_navigation():
        person.page.keyboard.press(key)


def test_the_first_stop_leads_past_the_menu(desk: Desk, cases: Cases) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/queues")
    worker.page.keyboard.press("Tab")
    skip = worker.page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    worker.page.keyboard.press("Enter")
    worker.page.keyboard.press("Tab")
    assert worker.page.evaluate("document.activeElement.closest('main') !== null")


def test_a_family_is_taken_on_and_accepted_by_keyboard_alone(desk: Desk, cases: Cases) -> None:
    case = cases.plain()
    worker = desk.sit_down()
    worker.opens(f"/staff/queues/pir_short?reference={case.reference}")
    presses(worker, "Sign in with your work account")
    expect(worker.page).to_have_title("Who do you want to be? – practice sign-in")
    presses(worker, desk.name(WORKER))
    worker.reads("Showing 1 to 1 of 1.")
    presses(worker, "Take this on")
    worker.is_told(f"You have taken this on: {case.reference}.")
    presses(worker, case.reference, tag="A")
    worker.reads(case.name)

    presses(worker, "Add a note")
    goes_to(worker.page, "", "TEXTAREA")
    worker.page.keyboard.type("Rings back on Monday.")
    presses(worker, "Add a note", "Space", "BUTTON")
    worker.is_told("Your note is added.")

    presses(worker, "Accept the family")
    goes_to(worker.page, "An individual place")
    worker.page.keyboard.press("Space")
    presses(worker, "Accept the family", "Enter", "BUTTON")
    worker.is_told("The family is accepted.")
    presses(worker, "Sign out", "Space")
    worker.reads("You are signed out")


def test_a_mistake_is_the_next_thing_that_is_read(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER)
    worker.opens(f"{case.path}/note")
    presses(worker, "Add a note", "Enter", "BUTTON")
    expect(worker.page.locator(".nhsuk-error-summary")).to_be_focused()
    presses(worker, "Write your note")
    worker.page.keyboard.type("Now it is written.")
    expect(worker.page.get_by_label("Your note", exact=True)).to_have_value("Now it is written.")
