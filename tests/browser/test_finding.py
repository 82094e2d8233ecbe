"""Finding a family again: by reference, by NHS number, by name and date of birth; and what a look leaves behind."""

from __future__ import annotations

from datetime import date

import pytest

from tests.browser.cases import Case, Cases
from tests.browser.desk import MANAGER, WORKER, Desk, Person
from tests.families import an_nhs_number
from tests.system import eventually


@pytest.fixture
def worker(desk: Desk) -> Person:
    person = desk.sit_down(WORKER)
    person.opens("/staff/find")
    return person


def test_a_reference_may_be_typed_as_people_say_it(worker: Person, cases: Cases) -> None:
    case = cases.plain()
    worker.fills("Reference", case.reference.lower().replace("-", " "))
    worker.presses("Find this reference")
    assert worker.path == case.path


def test_a_reference_that_can_not_be_one_is_said_to_be_so(worker: Person) -> None:
    worker.fills("Reference", "PIR-000-000")
    worker.presses("Find this reference")
    worker.reads("There is a problem")
    assert worker.page.get_by_label("Reference", exact=True).input_value() == "PIR-000-000"


def test_a_family_is_found_by_the_nhs_number_with_a_reason(worker: Person, cases: Cases) -> None:
    case = cases.plain()
    number = case.family["babies"][0]["nhs_number"]
    worker.fills("NHS number", number)
    worker.presses("Find this family")
    worker.reads("There is a problem")
    worker.chooses("The family or the referrer rang")
    worker.fills("NHS number", number)
    worker.presses("Find this family")
    worker.reads("1 referral found")
    worker.follows(case.reference)
    assert worker.path == case.path
    assert number not in str(cases.query("SELECT * FROM triage.audit")), "what was typed is not kept"


def test_a_family_is_found_by_name_and_date_of_birth(worker: Person, cases: Cases) -> None:
    case = cases.plain()
    type_who(worker, case)
    worker.presses("Find this family")
    worker.reads("1 referral found")
    worker.reads(case.reference)
    worker.does_not_read(case.name)

    worker.follows("Look for somebody else")
    type_who(worker, case)
    worker.fills("Postcode (optional)", case.family["home"]["postcode"])
    worker.presses("Find this family")
    worker.reads(case.reference)

    worker.follows("Look for somebody else")
    type_who(worker, case)
    worker.fills("Postcode (optional)", "NG1 1AA")
    worker.presses("Find this family")
    worker.reads("Nobody found")
    worker.reads("Leave the postcode out")


def type_who(person: Person, case: Case) -> None:
    """As the family says it on the phone."""
    baby = case.family["babies"][0]
    born_on = date.fromisoformat(baby["date_of_birth"])
    person.chooses("The family or the referrer rang")
    person.fills("First name", baby["given_name"].upper())
    person.fills("Last name", baby["family_name"].lower())
    for label, number in (("Day", born_on.day), ("Month", born_on.month), ("Year", born_on.year)):
        person.fills(label, str(number))


def test_who_can_not_be_found_is_said_with_what_to_try(worker: Person) -> None:
    worker.chooses("The family or the referrer rang")
    worker.fills("NHS number", an_nhs_number())
    worker.presses("Find this family")
    worker.reads("Nobody found")
    worker.reads("Try the number of the baby, or of the other parent.")


def test_every_search_is_written_down_with_its_reason(worker: Person, cases: Cases) -> None:
    searches = "SELECT count(*) AS n FROM triage.audit WHERE action LIKE '%search%' AND detail LIKE '%rang%'"
    before = cases.query(searches)[0]["n"]
    worker.chooses("The family or the referrer rang")
    worker.fills("NHS number", an_nhs_number())
    worker.presses("Find this family")
    worker.reads("Nobody found")
    assert eventually(lambda: cases.query(searches)[0]["n"] == before + 1, what="the search in the audit")


def test_a_manager_looks_by_reference_only(desk: Desk, cases: Cases) -> None:
    manager = desk.sit_down(MANAGER)
    manager.opens("/staff/find")
    manager.reads("Your role can look by reference.")
    manager.does_not_read("Find this family")
    case = cases.plain()
    manager.fills("Reference", case.reference)
    manager.presses("Find this reference")
    manager.reads("What to do now")
    manager.does_not_read("Who this is about")
    manager.does_not_read(case.name)


def test_back_and_reload_show_what_was_found_and_search_no_second_time(worker: Person, cases: Cases) -> None:
    case = cases.plain()
    type_who(worker, case)
    worker.presses("Find this family")
    worker.reads("1 referral found")
    searches = cases.query("SELECT count(*) AS n FROM triage.audit WHERE action = 'identity.searched'")
    worker.follows(case.reference)
    worker.page.go_back()
    worker.reads("1 referral found")
    worker.page.reload()
    worker.reads(case.reference)
    assert cases.query("SELECT count(*) AS n FROM triage.audit WHERE action = 'identity.searched'") == searches


def test_back_to_a_refused_form_is_no_error(worker: Person, cases: Cases) -> None:
    case = cases.plain()
    worker.presses("Find this family")
    worker.reads("There is a problem")
    worker.opens(case.path)
    worker.page.go_back()
    worker.reads("There is a problem")
    worker.page.reload()
    worker.reads("There is a problem")
