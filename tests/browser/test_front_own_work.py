"""What comes after sending: an answer, news, corrections, a copy, colleagues, advice; for everybody, in every state."""

from __future__ import annotations

from tests.browser.cases import Cases
from tests.browser.desk import Person
from tests.browser.front import HEALTH_VISITOR, KEEPER, Reception, begins, fills_in, fills_the_form
from tests.browser.test_front_journeys import sends
from tests.browser.test_front_pages import LONG, wrong_with
from tests.system import call, eventually


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


def test_the_pages_after_sending_are_for_everybody(reception: Reception, cases: Cases) -> None:
    person = reception.sit_down(HEALTH_VISITOR)
    reference = sends_one(person)
    is_asked(cases, reference, LONG)
    wrong: dict[str, list[str]] = {}

    def looks(name: str) -> None:
        wrong[name] = wrong_with(person.page, f"own-{name}")

    for name in ("", "answer", "tell", "withdraw", "correct", "correct/contact", "copy"):
        person.opens(f"/refer/{reference}/{name}".rstrip("/"))
        looks(name.replace("/", "-") or "referral")
    for name in ("answer", "tell", "withdraw"):
        person.opens(f"/refer/{reference}/{name}")
        person.page.locator("#continue").click()
        looks(f"{name}-mistake")
    person.opens(f"/refer/{reference}/correct/contact")
    fills_in(person, {"caregivers.0.phone": "none", "caregivers.0.safe_contact": LONG})
    person.page.locator("#continue").click()
    looks("correct-mistake")
    person.opens("/refer/enquiry")
    looks("enquiry")
    person.presses("Send", within=person.main)
    looks("enquiry-mistake")
    person.opens("/refer")
    looks("home")
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_pages_of_a_keeper_are_for_everybody(reception: Reception) -> None:
    keeper = reception.sit_down(KEEPER)
    wrong = {}
    keeper.opens("/refer/agency")
    wrong["agency"] = wrong_with(keeper.page, "agency")
    keeper.opens("/refer/webhook")
    wrong["no-webhook"] = wrong_with(keeper.page, "no-webhook")
    webhook, key = f"{reception.home}/webhook", reception.system.agency_key("health-visiting")
    assert call("PUT", webhook, token=key, body={"url": "http://127.0.0.1:9/hooks"}).status == 201
    eventually(lambda: call("GET", webhook, token=key).body["last_error"], what="a call that nobody takes")
    keeper.opens("/refer/webhook")
    wrong["webhook"] = wrong_with(keeper.page, "webhook")
    assert call("DELETE", webhook, token=key).status == 204
    keeper.opens("/refer/colleagues")
    wrong["colleagues"] = wrong_with(keeper.page, "colleagues")
    keeper.presses("Add", within=keeper.main)
    wrong["colleagues-mistake"] = wrong_with(keeper.page, "colleagues-mistake")
    keeper.opens("/refer/colleagues")
    keeper.main.get_by_role("link", name="End").first.click()
    wrong["end"] = wrong_with(keeper.page, "colleague-end")
    assert {name: found for name, found in wrong.items() if found} == {}
