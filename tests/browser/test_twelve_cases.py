"""Twelve awkward cases, as somebody meets them who has never seen these pages: what to do and whom to ring, at a glance.

They are those of the demo's morning (docs/demo.md). Everything that is looked for stands on the first screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from deploy.demo.families.morning import GONE_LATE, morning
from deploy.demo.families.sent import Sent, What
from tests.browser.cases import Cases
from tests.browser.desk import DESKTOP, LEAD, PHONE, WORKER, Desk, Person
from tests.builders import a_policy
from tests.journeys.people import Agency
from tests.system import System

TAKE_ON: Final = "Take this on to see whom to ring."
MASH: Final = "0115 496 0101"
ON_CALL: Final = "0115 496 0103"
LATE: Final = "Leonie Marsh has it, 8 days over. Do not wait for them."
OVER: Final = "Take this over from a colleague"


@dataclass(frozen=True)
class Glance:
    """`words` say what to do; `first` is the first button for anybody, and `known` what anybody reads beside it.

    `button` is that of whoever has it, `own` what only they read, `calls` the people of the referral whom they may ring.
    """

    route: str
    words: str
    button: str
    known: tuple[str, ...] = (TAKE_ON,)
    own: tuple[str, ...] = ()
    calls: tuple[str, ...] = ("referrer",)
    first: str = "Take this on"
    role: str = WORKER


TEAM: Final = "Accept the family for a place, or put it on the waiting list."
CASES: Final = {
    "MORNING-01, 999": Glance(
        "emergency_call",
        "Ring 999 now, unless you know that somebody has.",
        "I have rung",
        ("999", ON_CALL, LATE),
        first=OVER,
    ),
    "MORNING-01, MASH": Glance(
        "mash", "Ring children's social care (MASH) now.", "I have rung", (MASH, ON_CALL, LATE), first=OVER
    ),
    "MORNING-02": Glance("bereavement_review", "Ring the team that knows the family.", "Write down what they said"),
    "MORNING-03": Glance(
        "pir_short",
        TEAM,
        "Accept the family",
        (TAKE_ON, "Contact the family only in the safe way."),
        ("only in the safe way: Only face to face at the clinic, Tuesdays 10 to 12. Leave no message.",),
    ),
    "MORNING-04": Glance(
        "pir_short",
        TEAM,
        "Accept the family",
        (TAKE_ON, "There are 2 babies: ask after each of them."),
        calls=("carer", "referrer"),
    ),
    "MORNING-05-2": Glance(
        "review_duplicate",
        "Compare the two referrals, and say whether they are of one family.",
        "Compare the two referrals",
    ),
    "MORNING-06": Glance(
        "review_birth_outcome",
        "Never ask the family first.",
        "Write down how the birth went",
        first="Write down how the birth went",
    ),
    "MORNING-07": Glance(
        "review_location", "Ask the referrer where the family lives", "Ask the referrer for information"
    ),
    "MORNING-08": Glance("pir_short", TEAM, "Accept the family", own=("(father)",), calls=("carer", "referrer")),
    "MORNING-09": Glance(
        "pir_short",
        TEAM,
        "Accept the family",
        own=("(mother, speaks Ukrainian, book an interpreter first)",),
        calls=("carer", "referrer"),
    ),
    "MORNING-10-2": Glance(
        "signpost_age",
        "The child is too old for this service. So the rules would decline.",
        "Confirm the decline",
        first="Confirm the decline",
        role=LEAD,
    ),
    "MORNING-11": Glance(
        "pir_short",
        TEAM,
        "Accept the family",
        (TAKE_ON, f"A parent is a child too: ring the safeguarding lead as well, {ON_CALL}."),
        calls=("carer", "referrer"),
    ),
    "MORNING-11, safeguarding": Glance(
        "safeguarding_lead",
        "Ring the safeguarding lead: a parent is a child too.",
        "I have rung",
        (ON_CALL,),
        first="I have rung",
    ),
    "MORNING-12": Glance(
        "mash",
        "Ring children's social care (MASH) now.",
        "I have rung",
        (MASH, ON_CALL, "Withdrawn, but the worry stays: go on."),
        first="I have rung",
    ),
}
"""External reference of the referral, and which of its work; what is read."""


@dataclass
class Morning:
    """Bodies as they were sent, and references, by external reference."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def the_morning(system: System) -> Morning:
    """The twelve cases, sent by their agencies; a colleague has had the first for eight days."""
    cases, found = Cases(system), Morning()
    for each in morning(now=datetime.now(UTC).replace(microsecond=0), policy=a_policy()):
        _send(cases, found, each)
    for route in ("emergency_call", "mash"):
        cases.lead.does(cases.lead.finds(route, found.references[GONE_LATE]), "claim")
    cases.query(
        """UPDATE triage.work_item SET received_at = received_at - interval '8 days', due_at = due_at - interval '8 days'
           WHERE reference = $1""",
        found.references[GONE_LATE],
    )
    return found


def _send(cases: Cases, found: Morning, each: Sent) -> None:
    agency = Agency(cases.system, each.agency)
    if each.what is What.WITHDRAWAL:
        cases.lead.finds("mash", found.references[each.name])
        assert agency.withdraws(found.references[each.name], each.body["reason"]).status == 200
        return
    found.references[each.name] = agency.refers(each.body)
    found.sent[each.name] = each.body


def glances(person: Person, *texts: str, whole: bool = True) -> None:
    """Reads these in the box on the first screen, without scrolling; or how they begin."""
    for text in texts:
        expect(person.main.locator("#now").get_by_text(text).last).to_be_in_viewport(ratio=1 if whole else 0.15)


def presses_first(person: Person, text: str) -> None:
    """Could press this without scrolling: it is the first button of the page."""
    first = person.main.locator("#now .nhsuk-button").first
    expect(first).to_contain_text(text)
    expect(first).to_be_in_viewport(ratio=1)


def calls_of(body: dict[str, Any], glance: Glance) -> tuple[str, ...]:
    """The numbers of these people, or what is said where one gave none."""
    people = {"referrer": body["referrer"], "carer": body["caregivers"][0]}
    return tuple(people[who].get("phone") or "no number is known, ask the referrer" for who in glance.calls)


def sent_of(body: dict[str, Any]) -> tuple[str, ...]:
    """Where the family lives, and how the referrer's words begin."""
    home = body.get("home") or {}
    lines = ("No fixed address",) if home.get("no_fixed_abode") else (home.get("postcode", ""),)
    return tuple(text for text in (*lines, " ".join(str(body.get("notes", "")).split())[:50]) if text)


@pytest.mark.parametrize("name", CASES)
def test_at_a_glance_anybody_sees_what_to_do_and_whom_to_ring(
    desk: Desk, cases: Cases, the_morning: Morning, name: str
) -> None:
    glance, case = CASES[name], name.partition(",")[0]
    staff = cases.lead if glance.role == LEAD else cases.worker
    item = staff.finds(glance.route, the_morning.references[case])
    people = {size: desk.sit_down(glance.role, size=size) for size in (PHONE, DESKTOP)}
    for person in people.values():
        person.opens(f"/staff/items/{item}")
        glances(person, glance.words, *glance.known)
        presses_first(person, glance.first)

    staff.does(item, "take-over" if case == GONE_LATE else "claim")
    everybodys = tuple(text for text in glance.known if text not in (TAKE_ON, LATE) and "safe way" not in text)
    for size, person in people.items():
        person.opens(f"/staff/items/{item}")
        glances(person, glance.words, *everybodys, *glance.own, *calls_of(the_morning.sent[case], glance))
        where, *words = sent_of(the_morning.sent[case])
        glances(person, where)
        glances(person, *words, whole=size == DESKTOP)
        presses_first(person, glance.button)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_the_start_page_begins_with_the_worst(desk: Desk, the_morning: Morning, size: str) -> None:
    """What it is, how late, and who has it: before anything else, for a colleague too."""
    worker = desk.sit_down(WORKER, size=size)
    worker.opens("/staff")
    line = worker.main.locator("#most-urgent")
    expect(line).to_be_in_viewport(ratio=1)
    expect(line).to_contain_text(the_morning.references[GONE_LATE])
    expect(line).to_contain_text("days over.")
    worker.follows(the_morning.references[GONE_LATE], within=line)
    expect(worker.main.get_by_role("heading", name="What to do now")).to_be_in_viewport()
