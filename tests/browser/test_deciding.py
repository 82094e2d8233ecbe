"""What is decided about a family: by whom, and what everybody sees before and after."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.cases import Cases
from tests.browser.desk import LEAD, MANAGER, WORKER, Desk
from tests.families import a_referral


def test_a_lead_gives_work_to_the_colleague_who_is_suggested(desk: Desk, cases: Cases) -> None:
    desk.sit_down(WORKER)  # whoever has signed in once can be given work
    case = cases.plain()
    lead = desk.sit_down(LEAD)
    lead.opens(case.path)
    lead.follows("Give it to a colleague")
    lead.reads("Suggested: knows this queue and has the least open work")
    lead.presses(f"Give to {desk.name(WORKER)}")
    lead.is_told(f"Given to {desk.name(WORKER)}: {case.reference}")
    assert cases.lead.sees(case.item)["assignee"] == "dev-triage-worker"


def test_a_worker_can_not_give_work_away(desk: Desk, cases: Cases) -> None:
    case = cases.plain()
    worker = desk.sit_down(WORKER)
    worker.opens(f"{case.path}/assign")
    worker.reads("You can't go on from here")
    worker.opens(case.path)
    worker.does_not_read("Give it to a colleague")


def test_a_lead_confirms_a_proposed_decline(desk: Desk, cases: Cases) -> None:
    case = cases.proposed_decline()
    lead = desk.sit_down(LEAD)
    lead.opens(case.path)
    lead.reads("A lead confirms the decline, or one of you decides otherwise.")
    lead.follows("Confirm the decline")
    expect(lead.page.get_by_label("The child is past the age that this support is for")).to_be_checked()
    lead.presses("Confirm the decline")
    lead.is_told("The referral is declined.")
    assert cases.agency.sees_status(case.reference, "declined")


def test_a_worker_does_not_confirm_a_decline(desk: Desk, cases: Cases) -> None:
    case = cases.proposed_decline()
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.does_not_read("Confirm the decline")
    worker.reads("Do not decline: decide differently")


def test_a_lead_compares_before_and_after_and_decides_differently(desk: Desk, cases: Cases) -> None:
    case = cases.plain()
    lead = desk.sit_down(LEAD)
    lead.opens(case.path)
    lead.follows("Decide differently")
    lead.page.get_by_label("Parent-infant team, short-term work").uncheck()
    lead.chooses("Early Help")
    lead.chooses("Targeted support")
    lead.presses("Compare before and after")
    row = lead.row("Level of support")
    expect(row).to_contain_text("Specialist, short-term")
    expect(row).to_contain_text("Targeted support")

    lead.presses("Decide")
    lead.sees_the_mistake("Write why you decide differently")
    lead.fills("Why do you decide differently?", "Early Help knows them already.")
    lead.presses("Decide")
    lead.is_told("Your decision is in force.")
    lead.unfolds("The decision, and why")
    lead.reads("A person decided")
    lead.reads("Early Help knows them already.")
    lead.page.get_by_text("1 earlier decision").click()
    lead.reads(f"{desk.name(LEAD)}")
    assert cases.lead.items("targeted", case.reference)


def test_a_doubt_says_why_a_person_is_needed_and_what_the_rules_suggest(desk: Desk, cases: Cases) -> None:
    concern = {"severity": "mild", "domains": [], "parent_was_asked": True}
    family = a_referral(concern=concern, complex_history=["previous_removal"], requested_tier=None)
    case = cases.send(family, "review")
    cases.worker.does(case.item, "claim")
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.reads("Why a person: what was told does not fit together.")
    worker.reads("An earlier child was removed.")
    worker.follows("Agree: Early Help")
    worker.fills("Why do you decide differently?", "The earlier child is home again.")
    worker.presses("Decide")
    worker.is_told("Your decision is in force.")
    assert cases.lead.items("targeted", case.reference)


def test_the_clock_stands_still_while_the_referrer_is_asked(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.follows("Ask the referrer for information")
    worker.fills("What do you need to know?", "Since when?")
    worker.presses("Ask the referrer for information")
    worker.is_told("The referrer is asked.")
    worker.reads("The clock stands still until they answer.")
    worker.reads("Go on without their answer")
    worker.does_not_read("Take this on")

    cases.agency.informs(case.reference, notes="Since the birth.")
    cases.wait_for(case, "claimed", "open")
    worker.opens(case.path)
    worker.reads("Since the birth.")


def test_after_a_loss_the_work_goes_to_care_after_a_loss(desk: Desk, cases: Cases) -> None:
    case = cases.overdue_birth()
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.reads("Go gently: the baby may have died")
    worker.follows("Write down how the birth went")
    worker.chooses("The pregnancy ended")
    worker.presses("Write this down")
    worker.is_told("Thank you for asking. It is written down.")
    assert cases.lead.items("bereavement_review", case.reference)


def test_a_birth_needs_its_day(desk: Desk, cases: Cases) -> None:
    case = cases.overdue_birth()
    cases.worker.does(case.item, "claim")
    worker = desk.sit_down(WORKER)
    worker.opens(f"{case.path}/birth-outcome")
    worker.chooses("The baby was born")
    worker.presses("Write this down")
    worker.reads("Enter the day of the birth, today or before, for example 3 5 2026")
    day = datetime.now(UTC).date() - timedelta(days=10)
    for label, number in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        worker.fills(label, str(number))
    worker.presses("Write this down")
    worker.is_told("Thank you for asking.")
    worker.unfolds("History")
    worker.reads("the baby was born on")
    worker.reads("Waiting for the referrer")


def test_a_family_waits_for_a_place_with_something_in_the_meantime(desk: Desk, cases: Cases) -> None:
    with cases.lead.with_places("pir_long", individual=0, group=0):
        case = cases.long_term()
    worker, manager = desk.sit_down(WORKER), desk.sit_down(MANAGER)
    worker.opens(case.path)
    worker.reads("On the waiting list")
    worker.follows("Record an offer while the family waits")
    expect(worker.page.get_by_label("A small group with the parent-infant team")).to_be_checked()
    worker.presses("Record an offer while the family waits")
    worker.is_told("The offer is recorded.")
    worker.reads("a small group with the parent-infant team")

    manager.opens("/staff/capacity")
    expect(manager.row(case.reference)).to_contain_text("A small group with the parent-infant team")


def test_a_worker_puts_a_family_on_the_waiting_list(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.follows("Put the family on the waiting list")
    worker.chooses("Nothing yet")
    worker.presses("Put the family on the waiting list")
    worker.is_told("The family is on the waiting list.")
    worker.reads("The family waits for a place.")
    worker.reads(re.compile(r"Number \d+ on the waiting list\."))  # others may wait
