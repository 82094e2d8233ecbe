"""What somebody once found on a Monday with these pages, each fault once more: it must not come back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from shared.settings import ROOT
from tests.browser.cases import Case, Cases
from tests.browser.desk import LEAD, MANAGER, PHONE, WORKER, Desk, Person
from tests.browser.test_enquiries import type_day
from tests.families import a_referral

TODAY = datetime.now(UTC).date()
IN_A_CLOSED_WARD = "NG3 5GA"


def due_of(person: Person) -> str:
    return person.main.locator("#now li").filter(has_text="By when").inner_text()


def came_days_ago(cases: Cases, case: Case, days: int) -> None:
    """As if it had come so many days before, with the same time to do it."""
    cases.query(
        """UPDATE triage.work_item SET received_at = received_at - $2::interval, counts_from = counts_from - $2::interval,
           base_due_at = base_due_at - $2::interval, due_at = due_at - $2::interval WHERE reference = $1""",
        case.reference,
        timedelta(days=days),
    )


def test_a_question_to_the_referrer_never_stops_the_clock_of_an_emergency(desk: Desk, cases: Cases) -> None:
    """A2; and whoever has it is not told to take it on."""
    case = cases.in_danger()
    cases.worker.does(case.item, "claim")
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    assert not worker.main.get_by_role("link", name="Ask the referrer for information").count()
    received = due_of(worker).partition("Received")[2]
    cases.worker.does(case.item, "request-information", asked="Which door?")
    worker.opens(case.path)
    worker.does_not_read("The clock stands still")
    assert due_of(worker).partition("Received")[2] == received


def test_after_a_loss_no_birthday_no_place_and_no_age(desk: Desk, cases: Cases) -> None:
    """A5."""
    case = cases.send(a_referral(circumstances=["infant_died"]), "bereavement_review")
    cases.worker.does(case.item, "claim")
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.reads("Go gently: the baby died")
    for gone in ("ends with the birthday", "Accept the family", "A place in a group", "months old"):
        worker.does_not_read(gone)


def test_a_contact_counts_on_the_day_it_was_made(desk: Desk, cases: Cases) -> None:
    """A7: a visit on another day, written up today; and the tries stand on top of the page (B15)."""
    case = cases.accepted()
    came_days_ago(cases, case, 7)
    cases.worker.does(case.item, "contact-attempt", outcome="no_answer")
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.reads("1 try, the last today: no answer")
    day = TODAY - timedelta(days=3)
    type_day(worker, "On which day?", day)
    worker.chooses("This was the first contact")
    worker.presses("Spoke with the family")
    worker.is_told("The first contact is recorded.")
    expect(worker.main.locator("#dates + dl")).to_contain_text(f"First contact{day:%A} {day.day} {day:%B}")
    worker.unfolds("History")
    expect(worker.main.locator("#history > div > ol").first).not_to_contain_text("looked at who the family is")


def test_a_lead_has_the_declines_and_reads_what_the_referrer_was_sent(desk: Desk, cases: Cases) -> None:
    """B14; no message is named twice over (bug 7)."""
    case = cases.proposed_decline()
    lead = desk.sit_down(LEAD)
    lead.opens("/staff")
    lead.follows("Declines to confirm")
    lead.opens(f"/staff/queues/all?view=declines&reference={case.reference}")
    lead.follows("Confirm the decline", within=lead.row(case.reference))
    lead.presses("Confirm the decline")
    lead.is_told("The referral is declined.")
    lead.unfolds("Messages")
    lead.main.locator("#messages details summary").first.click()
    expect(lead.main.locator("#messages details").first).to_contain_text(case.reference)
    names = lead.texts("#messages li")
    assert names
    assert not [name for name in names if re.search(r"\b(to the \w+(?: \w+)*) \1\b", name)]


def test_a_day_that_has_passed_is_told_as_overdue_after_acceptance_too(desk: Desk, cases: Cases) -> None:
    """B16, on the phone's first screen."""
    case = cases.accepted()
    came_days_ago(cases, case, 60)
    worker = desk.sit_down(WORKER, size=PHONE)
    worker.opens(case.path)
    assert "First contact: overdue by" in due_of(worker)
    expect(worker.main.locator("#now").get_by_text("Overdue", exact=True)).to_be_visible()


def test_a_family_that_waits_for_its_ward_is_looked_at_again(desk: Desk, cases: Cases) -> None:
    """B17: months from now, and not red for ever."""
    case = cases.send(a_referral(home={"postcode": IN_A_CLOSED_WARD}), "phase_hold")
    came_days_ago(cases, case, 30)
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    assert "Look again: due" in due_of(worker)
    expect(worker.main.locator("#now").get_by_text("Overdue", exact=True)).to_have_count(0)


def test_whoever_decides_differently_has_the_new_work_and_reads_the_reason(desk: Desk, cases: Cases) -> None:
    """B18."""
    case = cases.taken_on()
    cases.worker.does(case.item, "override", routes=["targeted"], tier="targeted", reason="Known to Early Help")
    worker = desk.sit_down(WORKER)
    worker.opens(f"/staff/items/{cases.lead.finds('targeted', case.reference)}")
    worker.reads("Who has it: You")
    worker.unfolds("The decision, and why")
    worker.reads("Known to Early Help")


def test_whoever_put_the_family_on_the_waiting_list_still_sees_it(desk: Desk, cases: Cases) -> None:
    """B19: no reason is asked for."""
    case = cases.taken_on()
    cases.worker.does(case.item, "wait")
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.does_not_read("Why are you looking?")
    expect(worker.main.locator("#who")).to_be_visible()
    expect(worker.main).to_contain_text(case.name)


def test_a_draft_like_the_policy_in_force_says_so(desk: Desk, cases: Cases) -> None:
    """Bug 6: it was kept without a word."""
    manager = desk.sit_down(MANAGER)
    manager.opens("/staff/policy/drafts/new")
    text = (ROOT / "deploy/policies/nottingham.toml").read_text(encoding="utf-8")
    manager.fills("Or paste the text here", text)
    manager.presses("Send in the draft")
    manager.reads("This is the policy in force: nothing is changed.")
