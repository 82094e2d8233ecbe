"""What a bundle says in words: the referrer's own notes, and a paragraph for each thing that other resources say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from services.referral.document.text import NOTES_LENGTH, as_stored
from services.referral.fhir.collecting import Collected
from services.referral.fhir.envelope import BundleEntry, Envelope
from services.referral.fhir.models import CarePlan, Condition, ServiceRequest
from services.referral.fhir.names import WITHDRAWAL_REASONS
from shared.events import Circumstance
from shared.safety_words import FLAGGED

NO_ROOM: Final = "Further words of the message found no room here."


def read_notes(envelope: Envelope, told: Collected, request: BundleEntry[ServiceRequest] | None) -> None:
    """Put `notes`: the referrer's own words, then what other resources say in words, a paragraph each."""
    own = [(each.text, number) for number, each in enumerate(request.resource.note if request else ()) if each.text]
    others = [*_reasons(request), *_words_of_plans(envelope), *_words_of_conditions(envelope), *told.lines]
    told.lines = list(dict.fromkeys(others))
    if own and request:
        told.put("/notes", "\n\n".join(text for text, _ in own), request.at("note", own[0][1]))


def with_lines(notes: str | None, lines: Iterable[str], *, is_urgent: bool) -> str | None:
    """The notes with these lines after them, none of them twice.

    In a danger lines that find no room are left out, those of a safeguarding flag last, because the message must not be
    refused for them; the notes say so. Else the document refuses notes that are too long.
    """
    added = [line for line in lines if not notes or line not in notes]
    joined = _joined(notes, added)
    if not is_urgent or len(as_stored(joined or "")) <= NOTES_LENGTH:
        return joined
    room = NOTES_LENGTH - len(NO_ROOM) - (_length(notes) if notes else 0)
    if room < 0:
        return notes
    kept: set[str] = set()
    for line in sorted(added, key=lambda line: FLAGGED not in line):
        if (length := _length(line)) <= room:
            kept.add(line)
            room -= length
    return _joined(notes, [*(line for line in added if line in kept), NO_ROOM])


def _joined(notes: str | None, lines: Iterable[str]) -> str | None:
    return "\n\n".join(part for part in (notes, *lines) if part) or None


def _length(paragraph: str) -> int:
    """As stored, with the blank line after it: a line end at its end may be one with that."""
    return len(as_stored(f"{paragraph}\n\n"))


def _reasons(request: BundleEntry[ServiceRequest] | None) -> Iterator[str]:
    for each in request.resource.reason_code if request else ():
        if each.words and each.code_of(WITHDRAWAL_REASONS) is None:
            yield f"Reason: {each.words}"


def _words_of_plans(envelope: Envelope) -> Iterator[str]:
    for entry in envelope.of(CarePlan):
        plan = entry.resource
        texts = [plan.description, *(note.text for note in plan.note)]
        for activity in plan.activity:
            texts += [outcome.words for outcome in activity.outcome_codeable_concept]
            texts += [progress.text for progress in activity.progress]
            texts += [activity.detail.description if activity.detail else None]
        yield from (text for text in texts if text)


def _words_of_conditions(envelope: Envelope) -> Iterator[str]:
    for entry in envelope.of(Condition):
        condition = entry.resource
        if condition.code and condition.code.words:
            yield f"Condition: {condition.code.words}"
        yield from (note.text for note in condition.note if note.text)


def with_loss(circumstances: Iterable[str] | None) -> list[str]:
    """The circumstances with the death of the infant among them."""
    return list(dict.fromkeys([*(circumstances or ()), Circumstance.INFANT_DIED.value]))
