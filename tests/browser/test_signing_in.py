"""Signing in and out: who comes in, where to, and what an old page is worth afterwards."""

from __future__ import annotations

import pytest

from tests.browser.cases import Cases
from tests.browser.desk import LEAD, MANAGER, WORKER, Desk, Person


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_whoever_signs_in_gets_the_page_they_asked_for(desk: Desk, cases: Cases, has_script: bool) -> None:
    case = cases.plain()
    worker = desk.sit_down(has_script=has_script)
    desk.sign_in(worker, WORKER, at=case.path)
    assert worker.path == case.path
    worker.reads(case.reference)


def loses_the_session(person: Person) -> None:
    """As when it ran out, or the browser was closed meanwhile."""
    person.page.context.clear_cookies(name="__Host-pir-session")


def signs_in_again(desk: Desk, person: Person, role: str = WORKER) -> None:
    person.presses("Sign in with your work account")
    person.presses(desk.name(role))


def test_a_note_typed_when_the_session_had_ended_comes_back_and_is_saved(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER, is_fresh=True)
    worker.opens(f"{case.path}/note")
    worker.fills("Your note", "A long call.\nShe said: <yes> & thanks.")
    loses_the_session(worker)
    worker.presses("Add a note")
    worker.reads("What you typed is kept for 1 hour")
    signs_in_again(desk, worker)
    worker.reads("You were signed out. What you typed is here; send it again.")
    assert worker.page.get_by_label("Your note", exact=True).input_value() == "A long call.\nShe said: <yes> & thanks."
    worker.presses("Add a note")
    worker.is_told("Your note is added")
    assert "She said: <yes> & thanks." in str(cases.lead.sees(case.item, why="quality_review")["texts"])


def test_every_choice_and_box_comes_back_too(desk: Desk) -> None:
    worker = desk.sit_down(WORKER, is_fresh=True)
    worker.opens("/staff/find")
    worker.chooses("The family or the referrer rang")
    worker.fills("First name", "Zoë")
    worker.fills("Day", "29")
    loses_the_session(worker)
    worker.presses("Find this family")
    signs_in_again(desk, worker)
    worker.reads("What you typed is here")
    assert worker.page.get_by_label("The family or the referrer rang", exact=True).is_checked()
    values = [worker.page.get_by_label(label, exact=True).input_value() for label in ("First name", "Day", "Reference")]
    assert values == ["Zoë", "29", ""]


def test_what_somebody_typed_is_not_shown_to_who_signs_in_instead(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER, is_fresh=True)
    worker.opens(f"{case.path}/note")
    worker.fills("Your note", "For my own eyes")
    loses_the_session(worker)
    worker.presses("Add a note")
    signs_in_again(desk, worker, LEAD)
    worker.does_not_read("What you typed is here")
    assert worker.page.get_by_label("Your note", exact=True).input_value() == ""


def test_an_old_page_is_refused_after_signing_out(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER, is_fresh=True)
    worker.opens(f"{case.path}/note")
    worker.fills("Your note", "Written before signing out")
    other = worker.page.context.new_page()
    other.goto(f"{desk.home}/staff")
    other.get_by_role("button", name="Sign out").click()
    other.get_by_text("You are signed out").first.wait_for()

    worker.presses("Add a note")
    worker.reads("Sign in")
    worker.does_not_read("Written before signing out")
    assert "note" not in str(cases.lead.sees(case.item, why="quality_review")["texts"])
    worker.page.go_back()
    worker.page.go_back()
    worker.page.reload()
    worker.does_not_read(case.name)


def test_the_back_button_shows_no_family_after_signing_out(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER, is_fresh=True)
    worker.opens(case.path)
    worker.reads(case.name)
    worker.presses("Sign out")
    worker.reads("You are signed out")
    worker.page.go_back()
    worker.does_not_read(case.name)


def test_a_form_of_another_session_is_refused(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    worker = desk.sit_down(WORKER, is_fresh=True)
    worker.opens(f"{case.path}/note")
    worker.fills("Your note", "For the wrong person")
    tab = worker.page.context.new_page()
    tab.goto(f"{desk.home}/staff")
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_text("You are signed out").first.wait_for()
    tab.goto(f"{desk.home}/staff")
    tab.get_by_role("button", name="Sign in with your work account").click()
    tab.get_by_role("button", name=desk.name(LEAD)).click()
    tab.get_by_role("button", name="Sign out").wait_for()
    worker.presses("Add a note")
    worker.reads("You can't go on from here")
    assert cases.lead.sees(case.item, why="quality_review")["texts"] == []


def test_who_does_not_want_to_sign_in_is_told_so(desk: Desk, cases: Cases) -> None:
    nobody = desk.sit_down()
    nobody.opens("/staff/queues")
    nobody.presses("Sign in with your work account")
    nobody.presses("Do not sign in")
    nobody.reads("Start again")


@pytest.mark.parametrize("role", ["commissioner", "operations", "auditor"])
def test_roles_without_queues_are_told_what_is_theirs(desk: Desk, cases: Cases, role: str) -> None:
    person = desk.sit_down(role)
    person.opens("/staff")
    person.reads("Welcome")
    case = cases.plain()
    person.opens(case.path)
    person.reads("You can't go on from here")
    person.does_not_read(case.reference)


def test_a_manager_sees_the_work_and_not_the_family(desk: Desk, cases: Cases) -> None:
    case = cases.taken_on()
    manager = desk.sit_down(MANAGER)
    manager.opens(case.path)
    manager.reads("The decision")
    manager.does_not_read(case.name)
    manager.does_not_read("Who this is about")
    manager.does_not_read("What you can do")
