"""How many pages are loaded for a referral, from the start page on, and the pages at its turnings, for everybody."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Response

from deploy.local import credentials
from tests.browser.desk import PHONE, Person
from tests.browser.front import FILLED, HEALTH_VISITOR, Reception, begins, fills_in, goes_on, slug_of
from tests.browser.seeing import faults

MOST: Final = 14
MOST_NEXT_TIME: Final = 13
EARLY_HELP: Final = credentials.MEMBERS["early-help"]
"""No other test refers in this name: the first time is the first."""


def loads_for_a_referral(person: Person) -> list[str]:
    """The paths of all pages that a browser shows for a usual referral; what only leads on is none."""
    loaded: list[str] = []

    def notes(response: Response) -> None:
        if response.request.resource_type == "document" and not 300 <= response.status < 400:
            loaded.append(response.url.partition("://")[2].partition("/")[2])

    person.page.on("response", notes)
    person.opens("/refer")
    person.page.locator("main").get_by_role("link", name="Refer a family").click()
    person.presses("Begin")
    while (slug := slug_of(person)) != "check":
        fills_in(person, FILLED.get(slug, {}))
        person.presses("Save and skip what is optional" if slug == "relationship" else "Save and continue")
    person.presses("Confirm and send")
    person.reads("Referral sent")
    person.page.remove_listener("response", notes)
    return loaded


def test_a_usual_referral_loads_at_most_fourteen_pages_the_first_time_and_thirteen_the_next(
    reception: Reception,
) -> None:
    person = reception.comes(EARLY_HELP, size=PHONE, is_fresh=True)
    first, second = loads_for_a_referral(person), loads_for_a_referral(person)
    assert len(first) <= MOST, first
    assert len(second) <= MOST_NEXT_TIME, second
    assert any(each.endswith("/you") for each in first)
    assert not any(each.endswith("/you") for each in second)
    for loaded in (first, second):
        assert {"safety", "agreement", "loss", "contact", "home"} <= {each.rpartition("/")[2] for each in loaded}


def test_the_turnings_of_the_form_are_for_everybody(reception: Reception) -> None:
    person = reception.sit_down(HEALTH_VISITOR)
    draft, wrong = begins(person), {}
    for slug in ("safety", "agreement", "babies", "carers", "relationship", "you"):
        person.opens(f"{draft}/{slug}")
        fills_in(person, FILLED.get(slug, {}))
        person.presses("Save and see all pages")
    person.opens(f"{draft}/home")
    goes_on(person, home__withheld=["true"])
    person.reads("The address stays secret")
    wrong["after-home"] = faults(person.page, "after-home")
    person.opens(draft)
    person.reads("All that we need is there")
    wrong["tasks-enough"] = faults(person.page, "tasks-enough")
    person.opens(f"{draft}/check")
    wrong["check-optional"] = faults(person.page, "check-optional")
    person.opens(f"{draft}/agreement")
    goes_on(person, consent__status=["refused"])
    person.reads("The family said no")
    wrong["advice"] = faults(person.page, "advice")
    person.opens(draft)
    wrong["tasks-said-no"] = faults(person.page, "tasks-said-no")
    person.opens(f"{draft}/check")
    wrong["check-said-no"] = faults(person.page, "check-said-no")
    assert {name: found for name, found in wrong.items() if found} == {}
