"""The audit page: who looked at a family, and why."""

from __future__ import annotations

from tests.browser.cases import Cases
from tests.browser.desk import LEAD, WORKER, Desk


def test_a_lead_finds_who_looked_at_a_family_and_why(desk: Desk, cases: Cases) -> None:
    case = cases.plain()
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.presses("I am covering for a colleague")
    worker.reads(case.name)

    lead = desk.sit_down(LEAD)
    lead.opens("/staff/audit")
    lead.fills("Reference", case.reference)
    lead.page.get_by_label("Person").select_option(label=desk.name(WORKER))
    lead.presses("Show these")
    lead.reads("looked at who the family is: they covered for a colleague")
    lead.does_not_read(case.name)


def test_a_worker_sees_their_own_looks_only(desk: Desk) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/audit")
    worker.follows("My own looks")
    worker.reads("The families you looked at, and the reason that is kept.")
    worker.does_not_read("Looks without work")
