"""A worker's day with one family: from the list to the end of the work."""

from __future__ import annotations

import pytest

from tests.browser.cases import Cases
from tests.browser.desk import WORKER, Desk, Person


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def worker(desk: Desk, request: pytest.FixtureRequest) -> Person:
    return desk.sit_down(WORKER, has_script=request.param)


def test_a_worker_takes_a_family_from_the_list_to_the_end(worker: Person, cases: Cases) -> None:
    case = cases.plain()
    worker.opens("/staff")
    worker.reads("Today")
    worker.follows("Parent-infant team, short-term work")
    find(worker, case.reference)

    worker.presses("Take this on", within=worker.row(case.reference))
    worker.is_told(f"You have taken this on: {case.reference}.")
    assert case.reference in worker.path, "the list is narrowed as before"
    worker.follows(case.reference)
    worker.reads(case.name)

    worker.presses("No answer")
    worker.is_told("The contact is recorded.")
    worker.reads("1 try, the last today: no answer")

    worker.follows("Add a note")
    worker.fills("Your note", "Best on Tuesdays.\nNot before ten.")
    worker.presses("Add a note")
    worker.is_told("Your note is added.")
    worker.unfolds("History")
    worker.reads("Best on Tuesdays.")

    worker.follows("Accept the family")
    worker.chooses("An individual place")
    worker.presses("Accept the family")
    worker.is_told("The family is accepted.")

    worker.reads("Meet or speak with the family for the first time")
    worker.chooses("This was the first contact")
    worker.presses("Spoke with the family")
    worker.is_told("The first contact is recorded.")

    worker.follows("Close this work")
    worker.chooses("The work is complete")
    worker.presses("Close this work")
    worker.is_told("This work is closed.")
    worker.reads("Nothing more here. The work is complete.")
    states = cases.query("SELECT state, end_reason FROM triage.work_item WHERE id = $1", case.item)
    assert [tuple(state) for state in states] == [("closed", "completed")]


def find(person: Person, reference: str) -> None:
    """Narrow a queue to one referral, by its form."""
    person.page.get_by_text("Filter and sort").click()
    person.fills("Reference", reference)
    person.presses("Show these")
    person.reads(f"reference: {reference}")


def test_whoever_does_not_work_on_it_says_why_they_look(desk: Desk, cases: Cases) -> None:
    case = cases.plain()
    worker = desk.sit_down(WORKER)
    worker.opens(case.path)
    worker.does_not_read(case.name)

    worker.presses("The family or the referrer rang")
    worker.reads(case.name)
    worker.reads(case.family["notes"])
    looks = cases.query(
        """SELECT detail FROM triage.audit a JOIN triage.referral r ON r.id = a.referral_id
           WHERE reference = $1 AND action = 'identity.viewed'""",
        case.reference,
    )
    assert [look["detail"] for look in looks] == ["rang"]


def test_a_form_with_nothing_chosen_says_what_is_missing_and_keeps_the_rest(worker: Person, cases: Cases) -> None:
    case = cases.taken_on()
    worker.opens(f"{case.path}/note")
    worker.presses("Add a note")
    worker.sees_the_mistake("Write your note")
    worker.opens(f"{case.path}/close")
    worker.presses("Close this work")
    worker.sees_the_mistake("Choose why the work ends")


def test_a_step_that_fits_no_more_is_not_offered(worker: Person, cases: Cases) -> None:
    case = cases.closed()
    worker.opens(f"{case.path}/accept")
    worker.reads("This is not possible now: closed.")
    worker.does_not_read("What you can do")
