"""The page of a person's records: what is marked for a reviewer, in which words codes are said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.referral.records.gathering import GatheredRecord
from services.referral.records.page import render, sections
from services.referral.records.page_words import DANGEROUS, EXEMPT, THIRD_PARTY, did, value_of, who

AT = datetime(2026, 11, 29, 18, 0, tzinfo=UTC)
DOCUMENT: dict[str, Any] = {
    "referrer": {"name": "Ada Okoro"},
    "babies": [{"given_name": "Robin", "date_of_birth": "2026-02-03", "sex": "2"}],
    "caregivers": [{"relationship": "mother", "given_name": "Sana"}],
    "home": {"postcode": "NG6 8GB"},
    "notes": "Robin <cries>.",
}


def a_record(facts: dict[str, Any] | None = None, *, routes: tuple[str, ...] = (), **more: Any) -> GatheredRecord:
    identity = {"document": DOCUMENT | more, "answers": []}
    row = {"identity": identity, "agency": "Health visiting", "external_reference": None, "gaps": []}
    row |= {"received_at": "2026-11-29T09:00:00+00:00", "facts": facts or {}}
    referral = {"referral": [row], "history": [], "kin": [], "hold": [], "audit": []}
    names = ("assignee", "held_before", "ended_by", "tier", "opened_first_at", "accepted_at", "first_contact_on")
    item = dict.fromkeys((*names, "first_contact_at", "interim_offer", "ended_at", "end_reason"))
    item |= {"state": "open", "urgency": "routine", "received_at": "2026-11-29T09:00:00+00:00", "due_at": None}
    items = [item | {"id": str(number), "route": route} for number, route in enumerate(routes)]
    triage = {"work_item": items, "colleague": [], "decision": [], "staff_text": [], "referral": [], "audit": []}
    notify: dict[str, Any] = {"message": [], "audit": []}
    metrics: dict[str, Any] = {"referral": [], "work_item": [], "audit": []}
    services = {"referral": referral, "triage": triage, "notify": notify, "metrics": metrics}
    return GatheredRecord("PIR-234-679", services, ())


def marks_of(record: GatheredRecord, title: str) -> tuple[str, ...]:
    [found] = [entry for section in sections(record) for entry in section.entries if entry.title == title]
    return found.marks


def test_without_a_danger_only_what_may_be_about_others_is_marked() -> None:
    record = a_record()
    assert marks_of(record, "Their words") == (THIRD_PARTY,)
    assert marks_of(record, "The person who wrote") == marks_of(record, "Carer") == (THIRD_PARTY,)
    assert marks_of(record, "Home") == marks_of(record, "Baby") == ()


@pytest.mark.parametrize(
    ("facts", "routes"),
    [
        ({"safety": ["significant_harm"]}, ()),
        ({"care_status": "cp_plan"}, ()),
        ({"mental_health": "harm_baby_plan"}, ()),
        ({}, ("mash",)),
    ],
)
def test_every_word_of_a_record_with_a_danger_may_be_exempt(facts: dict[str, Any], routes: tuple[str, ...]) -> None:
    assert marks_of(a_record(facts, routes=routes), "Their words") == (THIRD_PARTY, EXEMPT)


@pytest.mark.parametrize(
    ("facts", "home"), [({"safety": ["domestic_abuse"]}, {"postcode": "NG6 8GB"}), ({}, {"withheld": True})]
)
def test_who_lives_where_is_marked_under_violence_and_with_a_home_kept_safe(
    facts: dict[str, Any], home: dict[str, Any]
) -> None:
    record = a_record(facts, home=home)
    assert DANGEROUS in marks_of(record, "Home")
    assert DANGEROUS in marks_of(record, "Carer")
    assert DANGEROUS in marks_of(record, "Their words")


def test_the_page_says_codes_in_words_escapes_what_was_written_and_counts_the_marks() -> None:
    page = render([a_record({"circumstances": ["infant_died"]})], at=AT)
    assert "Robin &lt;cries&gt;." in page
    assert "Tuesday 3 February 2026" in page
    assert "<dd>Female</dd>" in page
    assert "3 places are marked" in page
    assert "has lost a baby" in page
    assert "has lost a baby" not in render([a_record()], at=AT)


def test_of_an_enquiry_nothing_is_said_of_a_baby_whom_nobody_named() -> None:
    facts = {"kind": "consultation", "source": "A1", "infant": {"count": 1}, "consent": "not_sought"}
    [coded] = [each for each in sections(a_record(facts)) if each.heading == "What our programs work with"]
    assert [name for name, _ in coded.entries[0].lines] == ["What it is about", "Kind of agency"]


def test_who_did_what_is_said_in_words() -> None:
    assert who("staff", "t", {"t": "Tess"}) == "Tess"
    assert who("system", "rules", {}) == "The rules (a program)"
    assert did("identity.viewed", "rang") == "looked at who the family is, because the family or the referrer rang"
    assert did("item.claim", None) == "took the step “Take this on”"
    assert did("something.new", None) == "something: new"
    assert value_of("communication_needs", ["braille"]) == "Braille"
    assert value_of("at", "not a time") == "not a time"
