"""Text that would like to be a program: shown letter by letter on every page where it can stand, and never run."""

from __future__ import annotations

import pytest

from tests.browser.cases import Case, Cases
from tests.browser.desk import LEAD, MANAGER, WORKER, Desk, Person
from tests.browser.test_policy import a_draft
from tests.families import a_referral

TEXT = (
    "{{1234*5678}} ${1234*5678} <%= 1234*5678 %> {% raw %} </textarea></title><script>alert('script')</script>"
    "\"><img src=x onerror=alert('picture')> <svg/onload=alert('drawing')> javascript:alert('address') &lt;b&gt; '\"`"
)
NAME = 'O\'{{1234*5678}}" onfocus=alert(1) autofocus x="&lt;i&gt; ${1234*5678}'
"""Where < and > are refused on arrival."""
CALLED = "<img src=x onerror=alert(1)>{{1234*5678}}'\""
ELEMENTS = "main script, main img, main svg[onload], main [onfocus], main [onerror], main i"


@pytest.fixture
def case(cases: Cases) -> Case:
    """The worker has it, and has written down as much as anybody can."""
    family = a_referral(notes=TEXT)
    family["referrer"] |= {"name": NAME, "role": NAME}
    for person in (*family["babies"], *family["caregivers"]):
        person |= {"given_name": NAME, "family_name": NAME}
    for caregiver in family["caregivers"]:
        caregiver["safe_contact"] = TEXT
    family["home"]["address_lines"] = [NAME, NAME]
    family["consent"]["given_by"] = NAME
    case = cases.send(family, "review")  # no English word stands in it, so that somebody has to read it
    cases.worker.does(case.item, "claim")
    cases.worker.does(case.item, "note", text=TEXT)
    cases.worker.does(case.item, "request-information", asked=TEXT)
    cases.agency.informs(case.reference, notes=TEXT)
    cases.wait_for(case, "claimed", "open")
    return case


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def shows(person: Person, *texts: str) -> None:
    """Letter by letter, and as nothing else."""
    typed = person.main.locator("textarea, input").evaluate_all("(all) => all.map((each) => each.value)")
    shown = in_one_line(" ".join([person.main.inner_text(), *typed]))
    for text in texts:
        assert in_one_line(text) in shown
    assert person.page.locator(ELEMENTS).count() == 0
    assert "7006652" not in person.page.title()


def test_what_agencies_and_colleagues_write_is_only_shown(desk: Desk, cases: Cases, case: Case) -> None:
    worker, lead = desk.sit_down(WORKER), desk.sit_down(LEAD)
    worker.opens(case.path)
    shows(worker, TEXT, NAME)
    lead.opens(case.path)
    lead.presses("A quality review")
    shows(lead, TEXT, NAME)

    cases.worker.does(case.item, "override", routes=["targeted"], tier="targeted", reason=TEXT)
    worker.opens(f"/staff/referrals/{case.reference}")
    shows(worker)
    worker.opens(case.path)
    worker.presses("A quality review")
    shows(worker, TEXT)


def test_what_was_typed_is_shown_again_as_it_was_typed(desk: Desk, case: Case) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens(f"{case.path}/decline")
    worker.opens(f"/staff/items/{case.item}/override?routes=targeted&tier=targeted&urgency=now")
    worker.fills("Why do you decide differently?", TEXT * 60)
    worker.presses("Decide")
    worker.reads("Use 10,000 characters or fewer")
    shows(worker, TEXT)

    worker.opens("/staff/find")
    for label in ("NHS number", "First name", "Last name", "Day", "Postcode (optional)"):
        worker.fills(label, NAME)
    worker.presses("Find this family")
    worker.reads("There is a problem")
    shows(worker, NAME)
    worker.fills("Reference", TEXT)
    worker.presses("Find this reference")
    shows(worker, TEXT[:100])


@pytest.mark.parametrize("place", ["reference", "assignee", "view", "after", "done", "next"])
def test_an_address_that_somebody_else_wrote_does_nothing(desk: Desk, cases: Cases, place: str) -> None:
    from urllib.parse import quote

    worker = desk.sit_down(WORKER)
    for path in ("/staff/queues/all", "/staff", "/staff/services", "/staff/enquiries", "/staff/find"):
        worker.opens(f"{path}?{place}={quote(TEXT)}")
        shows(worker)
        worker.does_not_read("7006652")


def test_an_enquiry_is_only_shown(desk: Desk, cases: Cases) -> None:
    case = cases.enquiry(topic=TEXT[:200], notes=TEXT)
    worker = desk.sit_down(WORKER)
    worker.opens(f"/staff/enquiries/{case.item}")
    worker.presses("A quality review")
    shows(worker, TEXT[:200].strip(), TEXT)
    worker.fills("Time", TEXT)
    worker.presses("Arrange it")
    shows(worker, TEXT[:100])


def test_a_draft_of_a_policy_is_only_shown(desk: Desk, cases: Cases) -> None:
    manager = desk.sit_down(MANAGER)
    manager.opens("/staff/policy/drafts/new")
    manager.fills("Or paste the text here", TEXT)
    manager.fills("Note for colleagues (optional)", TEXT)
    manager.presses("Send in the draft")
    shows(manager, TEXT)

    quoted = TEXT.replace("\\", "").replace('"', "'")
    manager.fills("Or paste the text here", a_draft(("Nottingham, year one: four wards", quoted)))
    manager.presses("Send in the draft")
    manager.is_told("The draft is kept.")
    shows(manager, TEXT, quoted)
    manager.opens("/staff/policy")
    shows(manager, TEXT[:100])


def test_a_colleague_with_an_odd_name_is_only_shown(desk: Desk, cases: Cases) -> None:
    case = cases.plain()
    with desk.called(LEAD, CALLED, person_id="dev-hostile"):
        odd = desk.sit_down(LEAD, is_fresh=True)
    odd.opens("/staff/team")
    shows(odd, CALLED)
    odd.opens("/staff/team/dev-hostile")
    shows(odd, CALLED)
    odd.opens(case.path)
    odd.presses("Take this on")
    odd.is_told("You have taken this on.")
    lead = desk.sit_down(LEAD)
    for path in (case.path, f"{cases.plain().path}/assign", f"/staff/queues/all?reference={case.reference}"):
        lead.opens(path)
        shows(lead, CALLED)
    cases.query("DELETE FROM triage.colleague WHERE id = 'dev-hostile'")
