"""What comes after sending, without a mouse: Tab, Space and Enter, letters into boxes, a focus that is seen everywhere.

The keeper of an agency takes a referral over, and does all that an author can do with it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from shared.events import Kind
from shared.pages.facts import KINDS
from shared.pages.outcomes import DONE
from tests.browser.cases import Case, Cases
from tests.browser.desk import Person
from tests.browser.front import KEEPER, Reception
from tests.browser.test_front_own_work import is_asked
from tests.browser.test_keyboard import goes_to, presses

NEW: Final = "new.colleague@health-visiting.example.org"
BUTTON, LINK, TEXT, BOX = "BUTTON", "A", "TEXTAREA", "INPUT"
"""Kinds of stops."""


@pytest.fixture
def keeper(reception: Reception) -> Person:
    return reception.sit_down(KEEPER)


def types(person: Person, stop: str, letters: str, tag: str = BOX) -> None:
    goes_to(person.page, stop, tag)
    person.page.keyboard.type(letters)


def ticks(person: Person, stop: str) -> None:
    """The first radio of a group, or a tick box."""
    goes_to(person.page, stop, BOX)
    person.page.keyboard.press("Space")


def takes_over(person: Person, case: Case) -> None:
    person.opens("/refer")
    presses(person, "Your agency", tag=LINK)
    presses(person, case.reference, tag=LINK)
    presses(person, "Take it over", tag=BUTTON)
    person.is_told(DONE["yours-now"])


def test_one_is_taken_over_and_its_question_answered(keeper: Person, cases: Cases) -> None:
    case = cases.plain()
    item = is_asked(cases, case.reference, "Since when does she cry?")
    takes_over(keeper, case)
    presses(keeper, "Your referrals", tag=LINK)
    keeper.reads("Needs your answer")
    presses(keeper, case.reference, tag=LINK)
    keeper.reads("Since when does she cry?")
    presses(keeper, "Answer our question", tag=LINK)
    types(keeper, "", "Since the third week.", TEXT)
    presses(keeper, "Send the answer", tag=BUTTON)
    keeper.is_told(DONE["answer-sent"])
    assert "Since the third week." in str(cases.worker.sees(item))


def test_news_are_told_and_what_was_sent_is_corrected_and_copied(keeper: Person, cases: Cases) -> None:
    case = cases.plain()
    takes_over(keeper, case)
    presses(keeper, "Tell us something new", tag=LINK)
    types(keeper, "", "They have moved in with her mother.", TEXT)
    presses(keeper, "Send", tag=BUTTON)
    keeper.is_told(DONE["told"])
    presses(keeper, "Correct or add to what you sent", tag=LINK)
    presses(keeper, "How to reach them safely", tag=LINK)
    goes_to(keeper.page, "Phone number", BOX)
    keeper.page.keyboard.press("Control+A")
    keeper.page.keyboard.type("07700 900999")
    presses(keeper, "Save", tag=BUTTON)
    keeper.is_told(DONE["corrected"])
    presses(keeper, "A copy for your own record", tag=LINK)
    keeper.reads("07700 900999")
    keeper.reads("They have moved in with her mother.")
    presses(keeper, f"Back to {case.reference}", tag=LINK)
    keeper.reads("What you can do")


def test_a_birth_is_told(keeper: Person, cases: Cases) -> None:
    case = cases.overdue_birth()
    takes_over(keeper, case)
    presses(keeper, "The baby is born", tag=LINK)
    types(keeper, "Date of birth", f"{datetime.now(UTC).date() - timedelta(days=9):%-d %-m %Y}")
    presses(keeper, "Save", tag=BUTTON)
    keeper.is_told(DONE["birth-told"])


def test_a_decline_is_challenged(keeper: Person, cases: Cases) -> None:
    case = cases.proposed_decline()
    takes_over(keeper, case)
    cases.lead.does(case.item, "decline", reason="over_age")
    cases.agency.sees_status(case.reference, "declined")
    presses(keeper, "Your referrals", tag=LINK)
    presses(keeper, case.reference, tag=LINK)
    presses(keeper, "Ask us to look again", tag=LINK)
    types(keeper, "", "They have no other help.", TEXT)
    presses(keeper, "Ask us to look again", tag=BUTTON)
    keeper.is_told(DONE["challenged"])


def test_one_is_withdrawn(keeper: Person, cases: Cases) -> None:
    case = cases.plain()
    takes_over(keeper, case)
    presses(keeper, "Withdraw it", tag=LINK)
    ticks(keeper, "The family does not want it")
    presses(keeper, "Continue", tag=BUTTON)
    presses(keeper, "Withdraw it", tag=BUTTON)
    keeper.is_told(DONE["withdrawn"])
    assert cases.agency.sees_status(case.reference, "withdrawn")


def test_advice_is_asked_for(keeper: Person, cases: Cases) -> None:
    keeper.opens("/refer")
    presses(keeper, "Ask for advice", tag=LINK)
    ticks(keeper, KINDS[Kind.CONSULTATION])
    types(keeper, "What is it about?", "A baby who looks away")
    types(keeper, "Your name", "Bryn Talbot")
    types(keeper, "Your role", "Team lead")
    presses(keeper, "Send", tag=BUTTON)
    keeper.reads("Your team's inbox gets a receipt")
    presses(keeper, "See how it stands", tag=LINK)
    keeper.reads("It is about: A baby who looks away")


def test_a_colleague_is_added_and_their_access_ended(keeper: Person) -> None:
    keeper.opens("/refer")
    presses(keeper, "Colleagues", tag=LINK)
    types(keeper, "Their work email address", NEW)
    presses(keeper, "Add", tag=BUTTON)
    keeper.reads(NEW)
    presses(keeper, NEW, tag=LINK)
    keeper.reads(f"End access for {NEW}?")
    presses(keeper, "End access", tag=BUTTON)
    keeper.does_not_read(NEW)
