"""Back, reload and a double click at /refer, in a browser without script: nothing is sent twice, added twice or lost."""

from __future__ import annotations

from playwright.sync_api import expect

from shared.pages.outcomes import DONE
from tests.browser.cases import Cases
from tests.browser.desk import Person
from tests.browser.front import FILLED, HEALTH_VISITOR, Reception, begins, fills_in, fills_the_form, goes_on, slug_of
from tests.browser.test_front_journeys import REFERENCE


def presses_twice(person: Person, button: str, *, shows: str = "") -> None:
    """As quickly as a mouse can; returns when the page that comes of it is there: at another address, or it `shows` this.

    The second press takes the place of the first, whose page may then never come.
    """
    before = person.page.url
    person.main.get_by_role("button", name=button).first.dblclick(no_wait_after=True)
    if shows:
        expect(person.page.locator(shows)).to_have_count(1)
    else:
        expect(person.page).not_to_have_url(before)
    person.page.wait_for_load_state("networkidle")


def referrals(cases: Cases) -> int:
    return int(cases.query("SELECT count(*) AS n FROM referral.referral")[0]["n"])


def references_on(person: Person) -> list[str]:
    return sorted(set(REFERENCE.findall(person.main.inner_text())))


def test_send_pressed_twice_is_one_referral_and_back_and_reload_show_it(reception: Reception, cases: Cases) -> None:
    person = reception.comes(HEALTH_VISITOR)
    draft = begins(person)
    fills_the_form(person)
    before = referrals(cases)
    presses_twice(person, "Confirm and send")
    person.reads("Referral sent")
    sent = references_on(person)
    assert len(sent) == 1
    for way in (person.page.reload, person.page.go_back, person.page.reload, person.page.go_back):
        way()
        assert references_on(person) == sent
        expect(person.page.locator("body")).not_to_contain_text("Robin")
    person.opens(f"{draft}/safety")
    assert references_on(person) == sent
    assert referrals(cases) == before + 1


def test_back_and_reload_in_the_form_show_what_is_saved(reception: Reception) -> None:
    person = reception.comes(HEALTH_VISITOR)
    draft = begins(person)
    person.opens(f"{draft}/babies")
    goes_on(person, **FILLED["babies"])
    goes_on(person, **FILLED["carers"])
    person.page.go_back()
    assert slug_of(person) == "carers"
    expect(person.page.locator('[name="caregivers.0.given_name"]')).to_have_value("Sana")
    person.page.reload()
    fills_in(person, {"caregivers.0.given_name": "Sanaa"})
    person.presses("Save and continue")
    person.opens(f"{draft}/carers")
    expect(person.page.locator('[name="caregivers.0.given_name"]')).to_have_value("Sanaa")
    person.opens(f"{draft}/babies")
    expect(person.page.locator('[name="babies.0.given_name"]')).to_have_value("Robin")


def test_a_page_saved_twice_at_once_is_saved_and_the_next_one_is_shown(reception: Reception) -> None:
    person = reception.comes(HEALTH_VISITOR)
    draft = begins(person)
    person.opens(f"{draft}/words")
    fills_in(person, {"notes": "Pressed twice."})
    presses_twice(person, "Save and continue")
    expect(person.page.locator(".nhsuk-error-summary")).to_have_count(0)
    assert slug_of(person) == "equality"
    person.opens(f"{draft}/words")
    expect(person.page.locator('[name="notes"]')).to_have_value("Pressed twice.")


def test_another_baby_is_added_once_by_a_double_click(reception: Reception) -> None:
    person = reception.comes(HEALTH_VISITOR)
    draft = begins(person)
    person.opens(f"{draft}/babies")
    fills_in(person, FILLED["babies"])
    presses_twice(person, "Add another baby", shows='[name="babies.1.given_name"]')
    person.opens(f"{draft}/babies")
    expect(person.page.locator('[name="babies.0.given_name"]')).to_have_value("Robin")
    expect(person.page.locator('[name="babies.1.given_name"]')).to_have_count(1)
    expect(person.page.locator('[name="babies.2.given_name"]')).to_have_count(0)


def test_news_sent_twice_at_once_are_told_once(reception: Reception, cases: Cases) -> None:
    person = reception.comes(HEALTH_VISITOR)
    begins(person)
    fills_the_form(person)
    person.presses("Confirm and send")
    [reference] = references_on(person)
    person.opens(f"/refer/{reference}/tell")
    fills_in(person, {"notes": "They have moved."})
    presses_twice(person, "Send")
    person.is_told(DONE["told"])
    person.opens(f"/refer/{reference}/copy")
    expect(person.main.get_by_text("They have moved.")).to_have_count(1)
