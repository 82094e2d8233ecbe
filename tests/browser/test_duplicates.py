"""Two agencies may have referred one family: both side by side, and a person who says which it is."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.cases import Case, Cases
from tests.browser.desk import LEAD, PHONE, SIZES, WORKER, Desk
from tests.families import a_referral
from tests.journeys.people import Agency


def referred_twice(cases: Cases) -> tuple[str, Case]:
    """The first agency's reference, and the second one's referral with its question; the worker has taken it on."""
    family = a_referral()
    first = cases.agency.refers(family)
    people = {name: family[name] for name in ("babies", "caregivers", "home")}
    body = a_referral() | people | {"notes": "Seen at the nursery."}
    second = Agency(cases.system, "social-care").refers(body)
    case = Case(body, second, cases.lead.finds("review_duplicate", second))
    cases.worker.does(case.item, "claim")
    return first, case


def test_a_worker_compares_both_and_says_that_it_is_one_family(desk: Desk, cases: Cases) -> None:
    first, case = referred_twice(cases)
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.follows("It is the same family")
    worker.reads("Who each referral is about")
    heads = worker.texts("#compared thead th")
    assert heads == ["What", case.reference, first, "Same"]
    expect(worker.main).to_contain_text(case.name)
    worker.fills("Note for colleagues, if you wish", "The mother said so on the phone.")
    worker.presses("It is the same family")
    worker.is_told("It is one family.")
    assert cases.worker.sees(case.item)["state"] == "closed"

    lead = desk.sit_down(LEAD)
    lead.opens(case.path)
    lead.unfolds("History")
    lead.reads("found that two agencies referred the same family")
    lead.follows("Open it again")
    lead.page.get_by_role("textbox").first.fill("They are cousins.")
    lead.presses("Open it again")
    assert cases.lead.finds("review_duplicate", case.reference)


def test_it_is_not_the_same_family_on_the_phone(desk: Desk, cases: Cases) -> None:
    """Without a script; the table is a list of cards there, and nothing runs off the side."""
    _, case = referred_twice(cases)
    worker = desk.sit_down(WORKER, size=PHONE, has_script=False)
    worker.opens(case.path)
    worker.follows("It is not the same family")
    table = worker.main.locator("#compared")
    expect(table).to_contain_text(re.compile(r"\(\d+ (?:days|weeks|months) old\)"))
    box = table.bounding_box()
    assert box
    assert box["x"] + box["width"] <= SIZES[PHONE]["width"]
    worker.presses("It is not the same family")
    worker.is_told("They are not the same family.")
    assert cases.lead.finds("pir_short", case.reference)


def test_whoever_has_not_taken_it_on_sees_nobody(desk: Desk, cases: Cases) -> None:
    _, case = referred_twice(cases)
    lead = desk.sit_down(LEAD)
    lead.opens(f"{case.path}/confirm-duplicate")
    lead.reads("Take this on to see both referrals side by side.")
    lead.does_not_read(case.name)
