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
    lead.reads(f"{desk.name(WORKER)}: ")
    lead.reads("works in other queues")

    lead.opens("/staff/team")
    lead.follows("Change", within=lead.row(desk.name(WORKER)))
    lead.page.get_by_label("Early Help", exact=True).uncheck()
    lead.presses("Save")
    expect(lead.row(desk.name(WORKER))).to_contain_text("All queues")


def test_a_worker_sees_the_team_and_does_not_change_it(desk: Desk, cases: Cases) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/team")
    expect(worker.row(desk.name(WORKER))).to_contain_text("(you)")
    expect(worker.main.get_by_role("link", name="Change")).to_have_count(0)
    worker.opens("/staff/team/dev-triage-lead")
    worker.reads("You can't go on from here")
