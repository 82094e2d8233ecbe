"""What comes after sending: a question that is asked in triage is answered on the page, and staff read the answer."""

from __future__ import annotations

from tests.browser.cases import Cases
from tests.browser.desk import Person
from tests.browser.front import HEALTH_VISITOR, Reception, begins, fills_in, fills_the_form
from tests.browser.test_front_journeys import sends


def sends_one(person: Person) -> str:
    begins(person)
    fills_the_form(person)
    return sends(person)


def is_asked(cases: Cases, reference: str, words: str) -> str:
    """Somebody has taken it on and asks, and the referral says so; returns the item."""
    item = cases.worker.finds("pir_short", reference)
    cases.worker.does(item, "claim")
    cases.worker.does(item, "request-information", asked=words)
    cases.agency.sees_status(reference, "waiting_for_referrer")
    return item


def test_a_question_is_answered_and_staff_read_it(reception: Reception, cases: Cases) -> None:
    person = reception.comes(HEALTH_VISITOR)
    reference = sends_one(person)
    item = is_asked(cases, reference, "Since when does she cry?")
    person.opens("/refer")
    person.reads("Needs your answer")
    person.follows(reference)
    person.reads("Since when does she cry?")
    person.follows("Answer our question")
    fills_in(person, {"notes": "Since the third week."})
    person.page.locator("#continue").click()
    person.does_not_read("There is a problem")
    assert "Since the third week." in str(cases.worker.sees(item))
