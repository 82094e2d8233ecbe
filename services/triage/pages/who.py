"""Who a referral is about, as the page sets it out: from what the agency sent to headed lists of plain values. Pure.

Values are as they were written; the template escapes them and keeps their lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from shared.pages.facts import CARERS, CONSENTS
from shared.pages.times import clock, long_day
from shared.pages.wording import word_for
from shared.policy import Policy

NEEDS: Final = {
    "bsl": "British Sign Language",
    "easy_read": "Easy read",
    "large_print": "Large print",
    "braille": "Braille",
    "audio": "Audio",
}
SEXES: Final = {"1": "Male", "2": "Female", "9": "Indeterminate", "X": "Not known"}
STRENGTHS: Final = {
    "engages_with_services": "Works well with services",
    "supportive_family": "A supportive family",
    "stable_home": "A stable home",
    "warm_moments_seen": "Warm moments were seen",
    "other": "Something else",
}

_TITLES: Final = {"challenge": "Why the referrer asks to look at the decline again"}

Rows = list[tuple[str, str]]


class Section(NamedTuple):
    """A heading and what stands under it; `key` is its anchor. Without rows it is left out."""

    key: str
    heading: str
    rows: Rows


def sections(found: Mapping[str, Any], policy: Policy) -> list[Section]:
    """All that was sent, in the order in which a worker needs it: words to read with care, people, home, notes."""
    document = found.get("document") or {}
    words = safety_words_of(found, policy)
    referrer = _referrer(document.get("referrer") or {})
    all_of_them = [
        Section("safety-words", "Words to read with care", [("Found in the text", ", ".join(words))] if words else []),
        *people_and_home(found),
        Section("consent", "Consent", _consent(document.get("consent") or {})),
        Section("referrer", "Who referred", referrer),
        Section("enquiry", "What they ask", _rows(document, {"topic": "Topic", "people": "How many people"})),
        Section("strengths", "What goes well", _listed("Strengths", document.get("strengths"), STRENGTHS)),
        Section("notes", "Notes of the referrer", _rows(document, {"notes": "Notes"})),
        *(
            Section(
                f"answer-{number}",
                _TITLES.get(each.get("of"), "Answer of the referrer"),
                [(_in_words(clock, each["at"]), str(each["notes"]))],
            )
            for number, each in enumerate(found.get("answers") or (), 1)
        ),
    ]
    return [section for section in all_of_them if section.rows]


def people_and_home(found: Mapping[str, Any]) -> list[Section]:
    """Who it is about, and where they live."""
    document = found.get("document") or {}
    return [
        *_people("carer", document.get("caregivers") or (), _carer),
        *_people("baby", document.get("babies") or (), _baby),
        Section("home", "Home", _home(document.get("home") or {})),
    ]


def safety_words_of(found: Mapping[str, Any], policy: Policy) -> list[str]:
    """What of the safety list stands in anything that the referrer wrote in words, once each."""
    document = found.get("document") or {}
    texts = [document.get(name) for name in ("notes", "topic")]
    texts += [(document.get("consent") or {}).get("override_reason")]
    texts += [person.get("safe_contact") for person in document.get("caregivers") or ()]
    texts += [each.get("notes") for each in found.get("answers") or ()]
    return list(dict.fromkeys(word for text in texts if text for word in policy.safety_words_in(str(text))))


def _people(kind: str, people: Iterable[Mapping[str, Any]], of: Any) -> Iterable[Section]:
    for number, person in enumerate(people, 1):
        heading, rows = of(person, number)
        yield Section(f"{kind}-{number}", heading, rows)


def _carer(person: Mapping[str, Any], _: int) -> tuple[str, Rows]:
    rows = [
        *_rows(person, {"safe_contact": "Safe way to make contact"}),
        *_name(person),
        *_rows(person, {"phone": "Phone", "email": "Email"}),
        *_interpreter(person),
        *_rows(person, {"preferred_language": "Language (code)"}),
        *_listed("Needs", person.get("communication_needs"), NEEDS),
        *_day(person, "date_of_birth", "Born on"),
        *_rows(person, {"nhs_number": "NHS number"}),
    ]
    return word_for(CARERS)(person.get("relationship")) or "Carer", rows


def _baby(person: Mapping[str, Any], number: int) -> tuple[str, Rows]:
    sex = [("Sex", word_for(SEXES)(person.get("sex")))] if person.get("sex") else []
    rows = [
        *_name(person),
        *_day(person, "date_of_birth", "Born on"),
        *_day(person, "due_on", "Due on"),
        *sex,
        *_rows(person, {"nhs_number": "NHS number"}),
    ]
    return f"Baby {number}" if number > 1 else "Baby", rows or [("Name", "not given")]


def _name(person: Mapping[str, Any]) -> Rows:
    name = " ".join(str(person[part]) for part in ("given_name", "family_name") if person.get(part))
    return [("Name", name)] if name else []


def _interpreter(person: Mapping[str, Any]) -> Rows:
    return [("Interpreter", "Needed")] if person.get("interpreter_needed") else []


def _day(person: Mapping[str, Any], member: str, words: str) -> Rows:
    return [(words, _in_words(long_day, person[member]))] if person.get(member) else []


def _in_words(words: Callable[[str], str], at: object) -> str:
    """A day or time in words; as it was sent when it is neither: whoever looks has to see it all the same."""
    try:
        return words(str(at))
    except ValueError:
        return str(at)


def _home(home: Mapping[str, Any]) -> Rows:
    if home.get("no_fixed_abode"):
        return [("Address", "No fixed address")]
    if home.get("withheld"):
        return [("Address", "Kept safe: it was not sent")]
    lines = [*map(str, home.get("address_lines") or ()), *([str(home["postcode"])] if home.get("postcode") else [])]
    return [("Address", "\n".join(lines))] if lines else []


def _consent(consent: Mapping[str, Any]) -> Rows:
    rows = [("Consent", word_for(CONSENTS)(consent.get("status")))] if consent.get("status") else []
    rows += _rows(consent, {"given_by": "Given by"})
    rows += [("Recorded", _in_words(clock, consent["recorded_at"]))] if consent.get("recorded_at") else []
    return rows + _rows(consent, {"override_reason": "Why somebody goes on without"})


def _referrer(referrer: Mapping[str, Any]) -> Rows:
    return _rows(referrer, {"name": "Name", "role": "Role", "phone": "Phone", "email": "Email"})


def _listed(words: str, codes: Iterable[str] | None, names: Mapping[str, str]) -> Rows:
    found = ", ".join(word_for(names)(code) for code in codes or ())
    return [(words, found)] if found else []


def _rows(part: Mapping[str, Any], members: Mapping[str, str]) -> Rows:
    """Those that were given, in this order."""
    return [(words, str(part[member])) for member, words in members.items() if part.get(member) not in (None, "")]
