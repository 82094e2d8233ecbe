"""Samples of every event that was ever published still parse; what is published holds nothing personal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from shared import events
from shared.events import EVENTS, Event, adapter
from shared.messaging.cloudevents import UnreadableRecordError, read_record
from tests.contracts.codes import FILE, codes_now
from tests.contracts.examples import EXAMPLES
from tests.contracts.samples import record_of, sample_of, stored

SAMPLES: Final = stored()
NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)

HEADERS: Final = {
    *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence", "ce_correlationid"),
    *("ce_causationid", "traceparent", "content-type"),
}
MEMBERS: Final = {
    # ids, references and versions
    *("id", "agency_id", "family_id", "decision_id", "work_item_id", "message_id", "reference", "version"),
    # times, days and numbers
    *("received_at", "expected_by", "due_at", "born_on", "due_on", "count", "carer_age", "people"),
    *("attendees", "held_on", "on", "individual", "group"),
    # codes
    *("about", "kind", "source", "consent", "severity", "domains", "risk_factors", "complex_history", "safety"),
    *("mental_health", "care_status", "carer", "circumstances", "links", "link", "requested_tier", "nhs_number"),
    *("full_routes", "ward", "authority", "quality", "baby_ethnicity", "mother_ethnicity", "father_ethnicity"),
    *("language", "decided_by", "eligibility", "mode", "tier", "route", "routes", "urgency", "rules", "rule", "holds"),
    *("reopens", "stops_clock", "tells_referrer", "opened"),
    *("reason", "waiting_for", "channel", "gaps", "accessible_information", "safety_words", "parent_was_asked"),
    *("waiting_list", "is_release", "active", "revoked_keys", "deprivation_decile"),
    *("is_told", "is_same", "by_agency", "is_restricted", "household", "audience"),
    # what holds the above
    *("infant", "place", "concern", "facts", "monitoring", "linked", "others", "decision", "reasons", "policy"),
    # words of our own, and an agency's
    *("text", "slug", "name", "team_inbox"),
}
"""Every member that an event may have. None of them is a name, number, address, contact or text of a family."""

PLAIN_TEXT: Final = {
    *("reference", "id", "rule", "rules", "text", "gaps"),
    *("slug", "name", "team_inbox", "source"),
    *("baby_ethnicity", "mother_ethnicity", "father_ethnicity", "language"),
}
"""Members whose type is any text: ours (rules, references, pointers), an agency's, or codes checked at the edge."""

every_sample = pytest.mark.parametrize("name", SAMPLES)


def type_of(name: str) -> str:
    """The event type of a sample: `referral.triaged.v1+opened` is of a later day than `referral.triaged.v1`."""
    return name.partition("+")[0]


def test_every_event_has_a_sample_and_an_example() -> None:
    assert {type_of(name) for name in SAMPLES} == set(EVENTS), "python -m tests.contracts.write"
    assert [event.type for event in EXAMPLES] == list(EVENTS)


@every_sample
def test_a_stored_sample_still_parses(name: str) -> None:
    sample = SAMPLES[name]
    envelope = read_record(record_of(sample, EVENTS[type_of(name)].topic), heard_at=NOW)
    assert envelope is not None
    assert isinstance(envelope.data, EVENTS[type_of(name)])
    assert (envelope.type, envelope.key) == (type_of(name), UUID(sample["key"]))
    assert envelope.occurred_at == datetime.fromisoformat(sample["headers"]["ce_time"])


@every_sample
def test_a_parsed_sample_says_what_it_said(name: str) -> None:
    data = SAMPLES[name]["data"]
    said = json.loads(adapter(EVENTS[type_of(name)]).validate_python(data).model_dump_json())
    assert known_to(data, said) == data


def known_to(sample: Any, said: Any) -> Any:
    """What is said without the members that the sample does not know, at every depth."""
    if isinstance(sample, dict) and isinstance(said, dict):
        return {member: known_to(sample[member], value) for member, value in said.items() if member in sample}
    if isinstance(sample, list) and isinstance(said, list) and len(sample) == len(said):
        return [known_to(*pair) for pair in zip(sample, said, strict=True)]
    return said


@every_sample
def test_members_that_a_newer_sender_added_are_ignored(name: str) -> None:
    sample = SAMPLES[name]
    plain = read_record(record_of(sample, EVENTS[type_of(name)].topic), heard_at=NOW)
    newer = read_record(record_of(sample, EVENTS[type_of(name)].topic, added_later={"a": 1}), heard_at=NOW)
    assert newer == plain


@every_sample
def test_headers_that_a_newer_sender_added_are_ignored(name: str) -> None:
    sample = SAMPLES[name]
    newer = sample | {"headers": sample["headers"] | {"ce_later": "1", "baggage": "a=b"}}
    assert read_record(record_of(newer, EVENTS[type_of(name)].topic), heard_at=NOW) is not None


@every_sample
def test_headers_without_which_nothing_is_known_are_asked_for(name: str) -> None:
    for header in ("ce_id", "ce_type", "ce_source", "ce_time", "ce_correlationid"):
        sample = SAMPLES[name] | {"headers": {k: v for k, v in SAMPLES[name]["headers"].items() if k != header}}
        with pytest.raises(UnreadableRecordError):
            read_record(record_of(sample, EVENTS[type_of(name)].topic), heard_at=NOW)


@every_sample
def test_only_what_was_published_first_is_needed(name: str) -> None:
    """A member added since has a default, or older events on the topic could not be read."""
    needed = {member for member, field in EVENTS[type_of(name)].model_fields.items() if field.is_required()}
    assert needed <= set(SAMPLES[name]["data"])


def places(value: Any, place: str = "") -> Iterator[str]:
    """Every member of a JSON value by its place, lists without numbers."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield f"{place}/{name}"
            yield from places(inside, f"{place}/{name}")
    elif isinstance(value, list):
        for inside in value:
            yield from places(inside, place)


@pytest.mark.parametrize("event", EXAMPLES, ids=EVENTS)
def test_what_is_published_today_has_every_member_of_the_sample(event: Event) -> None:
    """A member that went is a new version of the event, or has an event of its own and was never needed."""
    gone = set(places(SAMPLES[event.type])) - set(places(sample_of(event)))
    assert {place for place in gone if not place.startswith(MOVED.get(event.type, "-"))} == set()


MOVED: Final = dict.fromkeys(("referral.received.v1", "referral.amended.v1"), "/data/monitoring")
"""Said by `referral.monitored.v1` now."""


@pytest.mark.parametrize("event", EXAMPLES, ids=EVENTS)
def test_an_example_fills_every_member(event: Event) -> None:
    """Or a member could go unnoticed."""
    empty = {"is_release", "active", "channel", *MOVED.get(event.type, "").split("/")}
    said = json.loads(event.model_dump_json())
    assert {name for name in set(type(event).model_fields) - empty if said[name] in (None, [], {})} == set()


@every_sample
def test_a_sample_has_only_members_that_may_travel(name: str) -> None:
    sample = SAMPLES[name]
    found = {place.rpartition("/")[2] for place in places(sample["data"])}
    assert found - MEMBERS == set()
    assert set(sample["headers"]) <= HEADERS
    assert not re.search(r"\bNG\d|\b999\d{7}\b|@(?!agency\.example\.org)", json.dumps(sample))


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_class_has_only_members_that_may_travel(event: type[Event]) -> None:
    members = {member for each in objects(event) for member in each["properties"]}
    assert members - MEMBERS == set()


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_text_without_a_pattern_is_listed_one_by_one(event: type[Event]) -> None:
    free = {
        member
        for each in objects(event)
        for member, schema in each["properties"].items()
        if any(kind.get("type") == "string" and len(kind.keys() - {"title", "default"}) == 1 for kind in kinds(schema))
    }
    assert free - PLAIN_TEXT == set()


def test_only_an_agency_has_a_name_and_an_address() -> None:
    holders = {
        event.type
        for event in EVENTS.values()
        for each in objects(event)
        if {"name", "team_inbox", "slug"} & set(each["properties"])
    }
    assert holders == {"agency.updated.v1"}


def objects(event: type[Event]) -> list[dict[str, Any]]:
    schema = event.model_json_schema(mode="serialization")
    return [each for each in (schema, *schema.get("$defs", {}).values()) if "properties" in each]


def kinds(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The alternatives of a member, its list's items too."""
    for each in schema.get("anyOf", [schema]):
        yield each
        if "items" in each:
            yield from kinds(each["items"])


def test_no_published_code_was_taken_back() -> None:
    """One may be added, none may change: others store them."""
    known, now = json.loads(FILE.read_text(encoding="utf-8")), codes_now(events)
    assert set(now) == set(known), "python -m tests.contracts.write"
    assert {name: [code for code in codes if code not in now[name]] for name, codes in known.items()} == {
        name: [] for name in known
    }
    assert {name: [code for code in codes if code not in known[name]] for name, codes in now.items()} == {
        name: [] for name in now
    }, "python -m tests.contracts.write"
