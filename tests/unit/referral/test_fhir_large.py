"""Large FHIR messages: reading one takes work in proportion to its size, because all other requests wait meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from services.referral.fhir import notes
from services.referral.fhir.notes import NO_ROOM
from services.referral.fhir.taking import read_message
from tests.fhir_messages import Json, example
from tests.front_documents import NOW


def with_parents_and_relations(many: int) -> list[Json]:
    parents = [{"resourceType": "Patient", "id": f"p{number}", "birthDate": "1990-01-01"} for number in range(many)]
    of_the_last = {"reference": f"Patient/p{many - 1}"}
    return [*parents, *({"resourceType": "RelatedPerson", "patient": of_the_last} for _ in range(many))]


def with_needs_of_carers(many: int) -> list[Json]:
    flag = {
        "resourceType": "Flag",
        "status": "active",
        "category": [{"coding": [{"code": "RA"}]}],
        "code": {"coding": [{"code": "usesbritishsignlanguage"}]},
    }
    return [{"resourceType": "RelatedPerson"}, flag] * many


def with_words(many: int) -> list[Json]:
    """More than there is room for."""
    return [{"resourceType": "CarePlan", "note": [{"text": f"{number:05}" * 5} for number in range(5 * many)]}]


def steps_of(work: Callable[[], Any]) -> int:
    """How many steps the interpreter takes (opcodes)."""
    steps = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


def danger(*resources: Json) -> Json:
    bundle = example("danger", now=NOW)
    bundle["entry"] += [{"fullUrl": f"urn:uuid:m{n}", "resource": each} for n, each in enumerate(resources)]
    return bundle


@pytest.mark.parametrize("more", [with_parents_and_relations, with_needs_of_carers])
def test_twice_as_much_takes_twice_the_work(more: Callable[[int], list[Json]]) -> None:
    def work(many: int) -> int:
        bundle = danger(*more(many))
        return steps_of(lambda: read_message(bundle, now=NOW).reading.document)

    work(1)  # what is made once
    assert work(200) < 2.2 * work(100)


def test_words_without_room_are_measured_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = 0

    def stored(text: str) -> str:
        nonlocal measured
        measured += len(text)
        return as_stored(text)

    as_stored = notes.as_stored
    monkeypatch.setattr(notes, "as_stored", stored)
    bundle = danger(*with_words(400))
    assert NO_ROOM in read_message(bundle, now=NOW).reading.document["notes"]
    assert measured < 3 * 5 * 400 * len("12345" * 5)


def test_the_document_of_a_message_is_made_once() -> None:
    """Each mistake asks whether the family is in danger."""
    reading = read_message(danger(), now=NOW).reading
    assert reading.document is reading.document
    assert reading.is_urgent
