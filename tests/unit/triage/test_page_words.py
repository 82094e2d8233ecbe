"""Words for codes and times: every code that people may meet has words, and times are those of London."""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from services.triage.rules import CATALOGUE
from services.triage.rules.assemble import LISTED
from services.triage.work_items.bodies import ContactChannel, ContactOutcome
from services.triage.work_items.conditions import OWN_MARKS
from services.triage.work_items.deadlines import MARKS as MARKED
from services.triage.work_items.deadlines import ItemState
from services.triage.work_items.steps import STEPS as POSSIBLE
from shared.access import Role
from shared.events import Facts, Hold, PlaceKind, codes
from shared.pages import facts, times, wording
from shared.pages.outcomes import DONE, OF_STEP, TROUBLES

ROOT = Path(__file__).parents[3]
CODE_LISTS = [
    each
    for each in vars(codes).values()
    if isinstance(each, type) and issubclass(each, StrEnum) and each is not StrEnum
]
WORDS = {**wording.OF_CODES, **facts.OF_CODES}
HOLD_MARKS = {f"contact_hold_{hold.value.lower()}" for hold in Hold}


@pytest.mark.parametrize("codes_of", [*CODE_LISTS, Role])
def test_every_code_has_words(codes_of: type[StrEnum]) -> None:
    assert set(WORDS[codes_of]) == set(codes_of)


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (wording.MARKS, {*MARKED.values(), *OWN_MARKS, *HOLD_MARKS}),
        (
            wording.STATES,
            {*ItemState, *(state for step in POSSIBLE.values() for state in step.start), "declined", "closed"},
        ),
        (wording.STEPS, set(POSSIBLE)),
        (wording.CONTACTS, set(ContactOutcome)),
        (wording.CHANNELS, set(ContactChannel)),
        (wording.PLACES, set(PlaceKind)),
        (wording.RULE_GROUPS, {rule[0] for rule in LISTED}),
    ],
    ids=["marks", "states", "steps", "contacts", "channels", "places", "rules"],
)
def test_everything_of_a_work_item_has_words(words: dict[str, str], needed: set[str]) -> None:
    assert needed <= set(words)


def test_no_two_codes_of_a_list_have_the_same_words() -> None:
    lists = [*WORDS.values(), wording.MARKS, wording.STATES, wording.STEPS, wording.CONTACTS]
    assert [words for words in lists if len(set(words.values())) < len(words)] == []


def test_every_coded_field_of_the_facts_has_words() -> None:
    coded = {"kind", "consent", "risk_factors", "complex_history", "safety", "mental_health", "care_status", "carer"}
    coded |= {"circumstances", "links", "requested_tier", "nhs_number"}
    assert coded <= set(Facts.model_fields)
    assert coded | {"severity", "domains", "quality"} == set(facts.OF_FIELD)
    assert facts.fact_name("domestic_abuse", "safety") == "Domestic abuse"
    assert facts.fact_name("A2", "source") == "Health Visitor"


def test_a_code_that_nobody_knows_yet_is_shown_as_it_is() -> None:
    assert wording.route_name("new_team") == "new team"
    assert wording.route_name(None) == ""
    assert facts.fact_name("something_new", "a_new_field") == "something new"


def test_a_rule_is_of_the_group_of_its_letter() -> None:
    assert wording.rule_group("S1") == "Safety"
    assert wording.rule_group("E13s") == "Age, place and consent"
    assert wording.rule_group("person") == "A person's decision"


def test_something_is_said_after_every_step() -> None:
    assert set(OF_STEP) == set(POSSIBLE)
    assert set(OF_STEP.values()) <= set(DONE)


def test_every_code_that_a_page_redirects_with_has_words() -> None:
    folders = [ROOT / "services" / "triage" / "pages", ROOT / "shared" / "sign_in"]
    sources = [file.read_text(encoding="utf-8") for folder in folders for file in folder.rglob("*.py")]
    assert {code for source in sources for code in re.findall(r"\?done=([a-z-]+)", source)} <= set(DONE)


def test_words_are_for_people() -> None:
    said = [*DONE.values(), *(part for trouble in TROUBLES.values() for part in trouble)]
    assert [words for words in said if "_" in words or "item" in words or len(words.split()) > 40] == []


@pytest.mark.parametrize(
    ("at", "day", "told"),
    [
        ("2026-06-15T13:05:00+00:00", "Monday 15 June 2026", "Monday 15 June 2026, 14:05"),
        ("2026-12-31T23:59:00Z", "Thursday 31 December 2026", "Thursday 31 December 2026, 23:59"),
        (datetime(2026, 6, 15, 23, 30, tzinfo=UTC), "Tuesday 16 June 2026", "Tuesday 16 June 2026, 00:30"),
        (date(2026, 6, 1), "Monday 1 June 2026", "Monday 1 June 2026"),
        ("2026-06-01", "Monday 1 June 2026", "Monday 1 June 2026"),
        (None, "", ""),
        ("", "", ""),
    ],
)
def test_times_are_written_out_as_in_london(at: times.Moment, day: str, told: str) -> None:
    assert (times.long_day(at), times.clock(at)) == (day, told)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-06-15T13:05:00Z", "today at 14:05"),
        ("2026-06-14T13:05:00Z", "yesterday at 14:05"),
        ("2026-06-15T23:05:00Z", "tomorrow at 00:05"),
        ("2026-06-17T13:05:00Z", "Wednesday 17 June 2026, 14:05"),
        ("2026-06-15", "Monday 15 June 2026"),
    ],
)
def test_a_time_nearby_is_told_as_people_say_it(at: str, told: str) -> None:
    assert times.near(at, "2026-06-15T09:00:00Z") == told


def test_a_time_has_gone_by_once_the_clock_is_past_it() -> None:
    at = "2026-06-15T13:05:00Z"
    assert not times.is_past(at, at)
    assert times.is_past(at, "2026-06-15T13:05:01Z")
    assert not times.is_past(None, at)


def test_machines_get_the_time_with_its_zone() -> None:
    assert times.machine_time("2026-06-15T13:05:00Z") == "2026-06-15T14:05:00+01:00"
    assert times.machine_time("2026-06-15") == "2026-06-15"
    assert times.machine_time(None) == ""


OLD_WORDS = re.compile(
    r"\btiers?\b|\bopen items?\b|looks after it|front door|waiting longest|member by member|\breferral requests?\b",
    re.IGNORECASE,
)
"""One word for one thing: a level of support, a work item, who has it, children's social care."""
RULE_ID = re.compile(r"\b(?:[SECMNQAXI]\d{1,2}[a-z]?)\b")
TEMPLATES = sorted(
    each for area in ("services/triage", "services/metrics", "shared") for each in (ROOT / area).rglob("*.html")
)


def words_of(template: str) -> str:
    """What of a template a person reads: without marks, comments and expressions, with the words inside them."""
    said = re.findall(r'"([A-Z][^"{}<>]*)"', "".join(re.findall(r"\{[{%].*?[%}]\}", template, re.DOTALL)))
    text = re.sub(r"\{#.*?#\}|\{[{%].*?[%}]\}", " ", template, flags=re.DOTALL)
    return " ".join([re.sub(r"<[^>]*>", " ", text), *said])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.stem)
def test_no_page_has_a_second_word_for_a_thing(template: Path) -> None:
    assert OLD_WORDS.findall(words_of(template.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("rule", sorted(CATALOGUE))
def test_a_rule_is_told_in_words_for_staff(rule: str) -> None:
    """Without the numbers of other rules, a programmer's words, or a hold that no page explains."""
    meaning = CATALOGUE[rule].meaning
    assert not OLD_WORDS.search(meaning)
    assert not RULE_ID.search(meaning)
    assert not re.search(r"\bOwn\b|\bis in\b\.|counts as|\bhold\b", meaning)
