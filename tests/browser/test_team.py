"""The team: who has how much to do, and which queues each takes."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.cases import Cases
from tests.browser.desk import LEAD, WORKER, Desk


def test_a_lead_says_which_queues_a_colleague_takes(desk: Desk, cases: Cases) -> None:
    desk.sit_down(WORKER)
    lead = desk.sit_down(LEAD)
    lead.opens("/staff/team")
    lead.follows("Change", within=lead.row(desk.name(WORKER)))
    lead.chooses("Early Help")
    lead.presses("Save")
    lead.is_told("The team is changed.")
    expect(lead.row(desk.name(WORKER))).to_contain_text("Early Help")

    case = cases.plain()
    lead.opens(f"{case.path}/assign")
    expect(lead.row(desk.name(WORKER))).to_contain_text("Works in other queues")

    lead.opens("/staff/team")
    lead.follows("Change", within=lead.row(desk.name(WORKER)))
    lead.page.get_by_label("Early Help", exact=True).uncheck()
    lead.presses("Save")
    expect(lead.row(desk.name(WORKER))).to_contain_text("All queues")


def test_going_back_and_pressing_again_gives_to_nobody_else(desk: Desk, cases: Cases) -> None:
    desk.sit_down(WORKER)
    lead = desk.sit_down(LEAD)
    case = cases.plain()
    lead.opens(f"{case.path}/assign")
    lead.presses(f"Give to {desk.name(WORKER)}")
    lead.is_told(f"Given to {desk.name(WORKER)}: {case.reference}")
    lead.page.go_back()
    expect(lead.row(desk.name(WORKER))).to_contain_text("Has it now")
    lead.page.go_back()
    lead.page.go_forward()
    lead.presses(f"Give to {desk.name(WORKER)}")
    lead.is_told(f"Given to {desk.name(WORKER)}: {case.reference}")
    assert cases.lead.sees(case.item)["assignee"] == "dev-triage-worker"


def test_a_lead_gives_several_at_once_from_a_list(desk: Desk, cases: Cases) -> None:
    desk.sit_down(WORKER)
    lead = desk.sit_down(LEAD)
    first, second = cases.plain(), cases.plain()
    for case in (first, second):
        cases.worker.does(case.item, "claim")
    lead.opens("/staff/queues/pir_short?assignee=dev-triage-worker&sort=received&size=50")
    for case in (first, second):
        lead.row(case.reference).get_by_role("checkbox").check()
    lead.presses("Give the chosen work items to somebody")
    lead.presses(f"Give to {desk.name(LEAD)}")
    lead.is_told(f"Given to {desk.name(LEAD)}: ")
    for case in (first, second):
        assert cases.lead.sees(case.item)["assignee"] == "dev-triage-lead"


def test_a_lead_says_until_when_a_colleague_is_away(desk: Desk, cases: Cases) -> None:
    desk.sit_down(WORKER)
    lead = desk.sit_down(LEAD)
    cases.taken_on()
    lead.opens("/staff/team/dev-triage-worker")
    for box, typed in (("Day", "1"), ("Month", "12"), ("Year", "2199")):
        lead.fills(box, typed)
    lead.presses("Save")
    lead.is_told("The team is changed.")
    lead.opens("/staff")
    lead.follows("work items to somebody")
    assert lead.main.get_by_role("checkbox").count() > 0
    lead.opens("/staff/team/dev-triage-worker")
    for box in ("Day", "Month", "Year"):
        lead.fills(box, "")
    lead.presses("Save")
    lead.opens("/staff")
    lead.does_not_read("Away, with open work")


def test_a_worker_sees_the_team_and_does_not_change_it(desk: Desk, cases: Cases) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/team")
    expect(worker.row(desk.name(WORKER))).to_contain_text("(you)")
    expect(worker.main.get_by_role("link", name="Change")).to_have_count(0)
    worker.opens("/staff/team/dev-triage-lead")
    worker.reads("You can't go on from here")
