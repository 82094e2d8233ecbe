"""Kill -9 of the referral service while somebody sends a step, a correction, an enquiry or a request for help.

The browser still shows the form and sends it again. Then it is done once, all that was typed is there, and what is new
has one receipt. All steps, all pages of corrections and each moment take minutes, so they are run by `make
test-faults` alone; one of each kind runs with all other tests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import pytest

from services.referral.front import stepping
from services.referral.front.family import questions
from services.referral.front.form_pages import SLUGS
from tests.browser.cases import Case, Cases
from tests.forms import FormReader
from tests.journeys.people import Member
from tests.journeys.test_front_crash import MOMENTS, killed_meanwhile, referrals
from tests.servers import Servers
from tests.signing_in import Browser
from tests.system import System, eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

ALL: Final = bool(os.environ.get("PIR_FAULTS"))
WHEN: Final = MOMENTS if ALL else MOMENTS[1:2]
WORDS: Final = "She asks for help, Zebedee."
REFERENCE: Final = re.compile(r"PIR-[0-9A-Z]{3}-[0-9A-Z]{3}")
AMENDED: Final = "referral.amended"
DONE: Final = """
    SELECT count(*) AS n FROM referral.audit a JOIN referral.referral r ON r.id = a.referral_id
    WHERE r.reference = $1 AND a.action = $2
"""
HELP: Final = {
    "safety": "none",
    "caregivers.0.given_name": "Zebedee",
    "caregivers.0.relationship": "father",
    "caregivers.0.phone": "0115 496 0177",
    "notes": WORDS,
}


@dataclass(frozen=True)
class Doing:
    """What the form is filled in with, its line in the audit trail, and a referral from which it can be done."""

    boxes: Mapping[str, str]
    action: str
    case: Callable[[Cases], Case] = Cases.plain


def _declined(cases: Cases) -> Case:
    case = cases.proposed_decline()
    cases.lead.does(case.item, "decline", reason="over_age")
    cases.agency.sees_status(case.reference, "declined")
    return case


STEPS: Final[dict[str, Doing]] = {
    "tell": Doing({"notes": WORDS}, "referral.informed"),
    "answer": Doing({"notes": WORDS}, "referral.informed"),
    "born": Doing({"babies.0.date_of_birth": "1 11 2026"}, AMENDED, Cases.overdue_birth),
    "challenge": Doing({"notes": WORDS}, "referral.challenged", _declined),
    "withdraw": Doing({"reason": "family_declined", "sure": "1"}, "referral.withdrawn"),
}
CORRECTIONS: Final[dict[str, Doing]] = {
    slug: Doing(boxes, AMENDED)
    for slug, boxes in {
        "words": {"notes": WORDS},
        "safety": {"safety": "domestic_abuse"},
        "agreement": {"consent.given_by": "Zebedee"},
        "loss": {"circumstances": "planned_move_out"},
        "babies": {"babies.0.given_name": "Zebedee"},
        "carers": {"caregivers.0.given_name": "Zebedee"},
        "contact": {"caregivers.0.safe_contact": WORDS},
        "language": {"caregivers.0.preferred_language": "pl"},
        "home": {"home.address_lines": "Zebedee Street"},
        "relationship": {"concern.severity": "severe"},
        "around-them": {"care_status": "prebirth"},
        "equality": {"babies.0.sex": "1"},
        "you": {"referrer.name": "Zebedee"},
    }.items()
}


def some_of(table: Mapping[str, Doing]) -> list[str]:
    """The first of them with all other tests."""
    return list(table) if ALL else list(table)[:1]


def test_each_step_and_each_page_of_corrections_is_in_the_tables() -> None:
    assert set(STEPS) == {each.form.slug for each in stepping.STEP_PAGES}
    assert set(CORRECTIONS) == set(SLUGS)


@pytest.fixture(scope="module")
def system(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    name = stack.new_database()
    with System(stack, stack.url_of(name), tmp_path_factory.mktemp("system")) as running:
        yield running
    stack.drop_database(name)


@pytest.fixture(scope="module")
def keeper(system: System) -> Iterator[Member]:
    """Takes referrals over, and so does all that an author can do."""
    with Member(system) as member:
        member.email = str(system.credentials["keepers"]["health-visiting"])
        member.signs_in()
        yield member


def pressed_until_answered(system: System, browser: Browser, seconds: float, path: str, fields: dict[str, Any]) -> None:
    """Press and kill; then the same form again, which the browser still shows."""
    press = partial(browser.ask, "POST", path, fields)
    killed_meanwhile(system, seconds, press)
    answer = press()
    assert answer.status_code == HTTPStatus.SEE_OTHER, (path, answer.text)


def filled_in(browser: Browser, path: str, boxes: Mapping[str, str]) -> dict[str, Any]:
    """What a browser sends of the form that is shown, with these boxes filled in."""
    browser.open(path)
    form = next(each for each in FormReader(browser.words).forms if each.action == path)
    return form.sent | dict(boxes)


def does_once(system: System, keeper: Member, seconds: float, doing: Doing, page: str) -> None:
    case = doing.case(Cases(system))
    keeper.open(f"/refer/{case.reference}")
    keeper.send(f"/refer/{case.reference}/take-over")
    path = f"/refer/{case.reference}/{page}"
    pressed_until_answered(system, keeper, seconds, path, filled_in(keeper, path, doing.boxes))
    [row] = system.query(DONE, case.reference, doing.action)
    assert row["n"] == 1
    keeper.open(f"/refer/{case.reference}/copy")
    assert keeper.words.count("Zebedee") == sum("Zebedee" in typed for typed in doing.boxes.values())


@pytest.mark.parametrize("seconds", WHEN)
@pytest.mark.parametrize("step", some_of(STEPS))
def test_a_step_is_done_once(system: System, keeper: Member, step: str, seconds: float) -> None:
    does_once(system, keeper, seconds, STEPS[step], step)


@pytest.mark.parametrize("seconds", WHEN)
@pytest.mark.parametrize("slug", some_of(CORRECTIONS))
def test_a_correction_is_made_once(system: System, keeper: Member, slug: str, seconds: float) -> None:
    does_once(system, keeper, seconds, CORRECTIONS[slug], f"correct/{slug}")


def assert_one_receipt(system: System, reference: str) -> None:
    system.totals_at_rest()
    eventually(lambda: system.receipts()[reference], what=f"a receipt for {reference}")
    assert system.receipts()[reference] == 1


@pytest.mark.parametrize("seconds", WHEN)
def test_an_enquiry_is_one_with_one_receipt(system: System, keeper: Member, seconds: float) -> None:
    before = referrals(system)
    boxes = {"kind": "consultation", "topic": "Zebedee", "referrer.name": "Bryn Talbot", "referrer.role": "Team lead"}
    pressed_until_answered(system, keeper, seconds, "/refer/enquiry", filled_in(keeper, "/refer/enquiry", boxes))
    assert referrals(system) == before + 1
    [row] = system.query("SELECT reference FROM referral.referral ORDER BY received_at DESC LIMIT 1")
    keeper.open(f"/refer/{row['reference']}/copy")
    assert "Zebedee" in keeper.words
    assert_one_receipt(system, row["reference"])


@pytest.mark.parametrize("seconds", WHEN)
def test_a_request_for_help_is_one_with_one_receipt(system: System, seconds: float) -> None:
    before = referrals(system)
    with Browser(system.url("referral")) as parent:
        for page in questions.PAGES:
            path = f"/help/en/{page.slug}"
            names = {each.at(0) for each in page.fields}
            fields = filled_in(parent, path, {name: typed for name, typed in HELP.items() if name in names})
            assert parent.ask("POST", path, fields).status_code == HTTPStatus.SEE_OTHER
        parent.open("/help/en/check")
        assert WORDS in parent.words
        pressed_until_answered(system, parent, seconds, "/help/en/send", parent.hidden)
        parent.open("/help/en/sent")
        [reference] = set(REFERENCE.findall(parent.words))
    assert referrals(system) == before + 1
    assert_one_receipt(system, reference)
