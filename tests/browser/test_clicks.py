"""How many clicks the tasks of a day take, typing not counted: each press, link, tick and choice is one.

Counting begins on the start page. Opening an item from one of its lists is the first click.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from shared.settings import ROOT
from tests.browser.cases import Case, Cases
from tests.browser.desk import LEAD, MANAGER, WORKER, Desk, Person
from tests.browser.test_enquiries import type_day


@dataclass
class Clicks:
    """A person whose clicks are counted."""

    person: Person
    desk: Desk
    count: int = 0

    def opens(self, case: Case) -> None:
        """By its link in a list: that of the queue, narrowed to the referral, or of the enquiries."""
        is_enquiry = self.person.path.startswith("/staff/enquiries")
        if not is_enquiry:
            self.person.opens(f"/staff/queues/all?reference={case.reference}")
        while is_enquiry and not self.person.row(case.reference).count():
            self.person.follows("Next page")
        self.count += 1
        rows = self.person.main.locator("tbody tr").filter(has=self.person.page.locator(f"a[href*='{case.item}']"))
        self.person.follows(case.reference, within=rows)

    def follows(self, name: str) -> None:
        self.count += 1
        self.person.follows(name)

    def goes_to(self, name: str) -> None:
        """By the menu."""
        self.count += 1
        self.person.follows(name, within=self.person.page.get_by_role("navigation"))

    def presses(self, name: str) -> None:
        self.count += 1
        self.person.presses(name)

    def chooses(self, label: str) -> None:
        self.count += 1
        self.person.chooses(label)


Task = Callable[[Clicks, Cases], None]


def _takes_on(at: Clicks, cases: Cases) -> None:
    cases.in_danger()
    at.person.opens("/staff")
    at.presses("Take this on")
    at.person.is_told("You have taken this on")


def _sees_the_own(at: Clicks, cases: Cases) -> None:
    case = cases.taken_on()
    at.opens(case)
    at.person.reads(case.family["notes"])


def _sees_another(at: Clicks, cases: Cases) -> None:
    case = cases.plain()
    at.opens(case)
    at.presses("It is in my team's queue today")
    at.person.reads(case.name)


def _tries_to_reach(at: Clicks, cases: Cases) -> None:
    at.opens(cases.taken_on())
    at.presses("No answer")
    at.person.is_told("The contact is recorded.")


def _asks_the_referrer(at: Clicks, cases: Cases) -> None:
    at.opens(cases.taken_on())
    at.follows("Ask the referrer for information")
    at.person.fills("What do you need to know?", "Since when?")
    at.presses("Ask the referrer for information")
    at.person.is_told("The referrer is asked.")


def _accepts(at: Clicks, cases: Cases) -> None:
    at.opens(cases.taken_on())
    at.follows("Accept the family")
    at.presses("Accept the family")
    at.person.is_told("The family is accepted.")


def _meets(at: Clicks, cases: Cases) -> None:
    at.opens(cases.accepted())
    at.chooses("This was the first contact")
    at.presses("Spoke with the family")
    at.person.is_told("The first contact is recorded.")


def _puts_on_the_list(at: Clicks, cases: Cases) -> None:
    at.opens(cases.taken_on())
    at.follows("Put the family on the waiting list")
    at.presses("Put the family on the waiting list")
    at.person.reads("Number ")


def _closes(at: Clicks, cases: Cases) -> None:
    at.opens(cases.accepted())
    at.follows("Close this work")
    at.chooses("The work is complete")
    at.presses("Close this work")
    at.person.is_told("This work is closed.")


def _decides_differently(at: Clicks, cases: Cases) -> None:
    at.opens(cases.taken_on())
    at.follows("Decide differently")
    at.follows("Early Help")
    at.person.fills("Why do you decide differently?", "Known to them.")
    at.presses("Decide")
    at.person.is_told("Your decision is in force.")


def _confirms_a_decline(at: Clicks, cases: Cases) -> None:
    at.opens(cases.proposed_decline())
    at.follows("Confirm the decline")
    at.presses("Confirm the decline")
    at.person.is_told("The referral is declined.")


def _refuses_a_decline(at: Clicks, cases: Cases) -> None:
    at.opens(cases.proposed_decline())
    at.follows("Do not decline: decide differently")
    at.person.fills("Why do you decide differently?", "Born early.")
    at.presses("Decide")
    at.person.is_told("Your decision is in force.")


def _gives(at: Clicks, cases: Cases) -> None:
    at.desk.sit_down(WORKER)
    cases.in_danger()
    at.person.opens("/staff")
    at.follows("Give to somebody")
    at.presses("Give to ")
    at.person.is_told("Given to ")


def _finds(at: Clicks, cases: Cases) -> None:
    case = cases.plain()
    at.person.opens("/staff")
    at.goes_to("Find")
    at.chooses("The family or the referrer rang")
    at.person.fills("NHS number", case.family["babies"][0]["nhs_number"])
    at.presses("Find this family")
    at.person.reads(case.reference)


def _arranges(at: Clicks, cases: Cases) -> None:
    case = cases.enquiry()
    at.person.opens("/staff")
    at.goes_to("Enquiries")
    at.opens(case)
    type_day(at.person, "Day", datetime.now(UTC).date() + timedelta(days=20))
    at.person.fills("Time", "14.30")
    at.presses("Arrange it")
    at.person.is_told("The date is recorded.")


def _records_an_enquiry(at: Clicks, cases: Cases) -> None:
    case = cases.enquiry()
    at.person.opens("/staff")
    at.goes_to("Enquiries")
    at.opens(case)
    type_day(at.person, "Day on which it took place", datetime.now(UTC).date())
    at.person.fills("How many people came", "3")
    at.presses("Record it and end")
    at.person.is_told("It is recorded who came, and when.")


def _compares_a_policy(at: Clicks, cases: Cases) -> None:
    text = (ROOT / "deploy/policies/nottingham.toml").read_text(encoding="utf-8")
    at.person.opens("/staff")
    at.goes_to("Policy")
    at.presses("Send in a draft")
    at.person.fills("Or paste the text here", text.replace("long_term_domains = 3", "long_term_domains = 2"))
    at.presses("Send in the draft")
    at.presses("See what would change")
    at.person.reads("would be decided differently")
    at.person.follows("Compare other days")
    at.person.page.get_by_text("Discard this draft").click()
    at.person.presses("Discard the draft")


TASKS: Final[dict[str, tuple[int, str, Task]]] = {
    "take on the most urgent": (1, WORKER, _takes_on),
    "see who it is about, one's own": (1, WORKER, _sees_the_own),
    "see who it is about, another's": (2, WORKER, _sees_another),
    "try to reach a family": (2, WORKER, _tries_to_reach),
    "ask the referrer": (3, WORKER, _asks_the_referrer),
    "accept": (3, WORKER, _accepts),
    "make the first contact": (3, WORKER, _meets),
    "put on the waiting list, with an offer": (3, WORKER, _puts_on_the_list),
    "close": (4, WORKER, _closes),
    "decide differently": (5, WORKER, _decides_differently),
    "confirm a decline": (4, LEAD, _confirms_a_decline),
    "refuse a decline": (3, LEAD, _refuses_a_decline),
    "give to a colleague": (2, LEAD, _gives),
    "find a family": (3, WORKER, _finds),
    "arrange an enquiry": (3, WORKER, _arranges),
    "record an enquiry": (3, WORKER, _records_an_enquiry),
    "see what a policy would change": (4, MANAGER, _compares_a_policy),
}
"""Task → the most clicks that it may take, whose it is, and how it is done."""


@pytest.mark.parametrize("task", TASKS)
def test_a_task_takes_no_more_clicks_than_it_needs(desk: Desk, cases: Cases, task: str) -> None:
    most, role, does = TASKS[task]
    clicks = Clicks(desk.sit_down(role), desk)
    does(clicks, cases)
    assert clicks.count <= most
