"""Who a referral is about, set out for reading: headed lists of plain values; two referrals side by side.

Values are as they were written; the template escapes them and keeps their lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from services.triage.identity_access import LookReason, write_counted
from services.triage.pages.context import Visit
from services.triage.work_items.deciding import linked_as_duplicate
from services.triage.work_items.item import VIEWED, ItemDetails
from shared.access import Permission
from shared.audit import Actor, Entry
from shared.events import Hold
from shared.pages.facts import CARERS, CONSENTS
from shared.pages.names import language_name
from shared.pages.times import age, clock, long_day
from shared.pages.wording import word_for
from shared.policy import Policy
from shared.safety_words import OTHER_LANGUAGE, is_english

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
DUPLICATE_STEPS: Final = frozenset({"confirm-duplicate", "not-duplicate"})
REACHED_BY: Final = ("Phone", "Email")
ONLY_SAFELY: Final = "only in the safe way"
"""Stands beside a number itself; such a number is no link that a thumb can slip on."""
INTERPRETER_NEEDED: Final = "Needed"
INTERPRETER_NOT_SAID: Final = "Not said: ask"
NO_SAFE_WAY: Final = "None was given: ask the referrer first"
MOST: Final = 3
"""Referrals of others that are shown beside this one."""

Rows = list[tuple[str, str]]
Members = Mapping[str, tuple[str, Callable[[Any], str]]]
"""Member of what was sent → what it is called, and how its value is said."""


def _listed(names: Mapping[str, str]) -> Callable[[Iterable[str]], str]:
    return lambda codes: ", ".join(map(word_for(names), codes))


def _said(words: Callable[[str], str]) -> Callable[[object], str]:
    """A day or time in words; as it was sent when it is neither: whoever looks has to see it all the same."""

    def said(at: object) -> str:
        try:
            return words(str(at))
        except ValueError:
            return str(at)

    return said


def messages_in_words(wanted: Mapping[str, Any]) -> str:
    """`Text messages; safe: yes; said by the family`."""
    how = MESSAGES_BY.get(str(wanted.get("channel")), "not said")
    is_safe = wanted.get("is_safe")
    safe = "not said" if is_safe is None else "yes" if is_safe else "no"
    who = {"family": "the family", "referrer": "the referrer"}.get(str(wanted.get("told_by")), "nobody")
    return f"{how}; safe: {safe}; said by {who}"


MESSAGES_BY: Final = {"none": "None", "sms": "Text messages", "email": "Emails", "letter": "Letters"}
_CARER: Final[Members] = {
    "safe_contact": ("Safe way to make contact", str),
    "messages": ("Messages", messages_in_words),
    "name": ("Name", str),
    "phone": ("Phone", str),
    "email": ("Email", str),
    "preferred_language": ("Language", language_name),
    "interpreter_needed": ("Interpreter", str),
    "communication_needs": ("Needs", _listed(NEEDS)),
    "date_of_birth": ("Born on", _said(long_day)),
    "nhs_number": ("NHS number", str),
}
_BABY: Final[Members] = {
    "name": ("Name", str),
    "date_of_birth": ("Born on", _said(long_day)),
    "due_on": ("Due on", _said(long_day)),
    "sex": ("Sex", word_for(SEXES)),
    "nhs_number": ("NHS number", str),
}
_CONSENT: Final[Members] = {
    "status": ("Consent", word_for(CONSENTS)),
    "given_by": ("Given by", str),
    "recorded_at": ("Recorded", _said(clock)),
    "override_reason": ("Why somebody goes on without", str),
}
_REFERRER: Final[Members] = {
    "name": ("Name", str),
    "role": ("Role", str),
    "phone": ("Phone", str),
    "email": ("Email", str),
}
_NOTES: Final[Members] = {"notes": ("Notes", str), "written_in": ("Written in", language_name)}
_ENQUIRY: Final[Members] = {"topic": ("Topic", str), "people": ("How many people", str)}


class IdentitySection(NamedTuple):
    """A heading and what stands under it; `key` is its anchor. Without rows it is left out."""

    key: str
    heading: str
    rows: Rows


FOLDED: Final = frozenset({"consent", "strengths"})
"""Sections that nobody needs at the first glance."""


def sections(
    found: Mapping[str, Any], policy: Policy, holds: Collection[str] = (), *, on: date
) -> list[IdentitySection]:
    """All that was sent, in the order in which a worker needs it: the referrer's words and number, people, home.

    `holds` are those of the decision: under domestic abuse (C2) each number has the safe way beside it. `on` is the day
    in London on which ages are told.
    """
    document = found.get("document") or {}
    words = ", ".join(safety_words_of(found, policy))
    answers = [_answer(number, each) for number, each in enumerate(found.get("answers") or (), 1)]
    all_of_them = [
        IdentitySection("safety-words", "Words to read with care", [("Found in the text", words)] if words else []),
        IdentitySection("notes", "Notes of the referrer", _rows(document, _NOTES)),
        *answers,
        IdentitySection("referrer", "Who referred", _rows(document.get("referrer"), _REFERRER)),
        IdentitySection("enquiry", "What they ask", _rows(document, _ENQUIRY)),
        *people_and_home(found, holds, on=on),
        IdentitySection("consent", "Consent", _rows(document.get("consent"), _CONSENT)),
        IdentitySection(
            "strengths", "What goes well", _rows(document, {"strengths": ("Strengths", _listed(STRENGTHS))})
        ),
    ]
    return [section for section in all_of_them if section.rows]


def _answer(number: int, each: Mapping[str, Any]) -> IdentitySection:
    is_challenge = each.get("of") == "challenge"
    heading = "Why the referrer asks to look at the decline again" if is_challenge else "Answer of the referrer"
    return IdentitySection(f"answer-{number}", heading, [(_said(clock)(each["at"]), str(each["notes"]))])


def people_and_home(found: Mapping[str, Any], holds: Collection[str] = (), *, on: date) -> list[IdentitySection]:
    """Who it is about, and where they live; with the age on a day, but not after a loss (C1)."""
    document = found.get("document") or {}
    shown = []
    for number, person in enumerate(document.get("caregivers") or (), 1):
        heading = word_for(CARERS)(person.get("relationship")) or "Carer"
        rows = _rows(spoken_with(_named(person), must_be_careful=Hold.C2 in holds), _CARER)
        if person.get("safe_contact") or Hold.C2 in holds:
            rows = [(f"{name}: {ONLY_SAFELY}" if name in REACHED_BY else name, value) for name, value in rows]
        shown.append(IdentitySection(f"carer-{number}", heading, rows))
    for number, person in enumerate(document.get("babies") or (), 1):
        rows = _rows(_named(person), _BABY) or [("Name", "not given")]
        if Hold.C1 not in holds:
            rows = [(name, value + _age(person, on)) if name == "Born on" else (name, value) for name, value in rows]
        shown.append(IdentitySection(f"baby-{number}", f"Baby {number}" if number > 1 else "Baby", rows))
    address = address_of(document.get("home") or {})
    return [*shown, IdentitySection("home", "Home", [("Address", address)] if address else [])]


def spoken_with(person: Mapping[str, Any], *, must_be_careful: bool) -> dict[str, Any]:
    """How to speak with them: whether an interpreter is needed, and where the safe way has to be asked for first."""
    needed, language = person.get("interpreter_needed"), person.get("preferred_language")
    said = INTERPRETER_NEEDED if needed else None
    if needed is False and language:
        said = "Not needed"
    elif needed is None and language and not str(language).startswith("en"):
        said = INTERPRETER_NOT_SAID
    safe = person.get("safe_contact") or (NO_SAFE_WAY if must_be_careful else None)
    return {**person, "interpreter_needed": said, "safe_contact": safe}


def _age(person: Mapping[str, Any], on: date) -> str:
    try:
        born_on = date.fromisoformat(str(person.get("date_of_birth")))
    except ValueError:
        return ""
    return f" ({age(born_on, on)} old)" if born_on <= on else ""


def safety_words_of(found: Mapping[str, Any], policy: Policy) -> list[str]:
    """What of the safety list stands in anything that the referrer wrote in words, once each."""
    document = found.get("document") or {}
    texts = [document.get(name) for name in ("notes", "topic")]
    texts += [(document.get("consent") or {}).get("override_reason")]
    texts += [person.get("safe_contact") for person in document.get("caregivers") or ()]
    texts += [each.get("notes") for each in found.get("answers") or ()]
    found_words = dict.fromkeys(word for text in texts if text for word in policy.safety_words_in(str(text)))
    if any(texts) and not is_english(document.get("written_in")):
        found_words[OTHER_LANGUAGE] = None
    return list(found_words)


def _named(person: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**person, "name": full_name(person)}


def full_name(person: Mapping[str, Any]) -> str:
    parts = (person.get("given_name"), person.get("family_name"))
    return " ".join(str(part) for part in parts if part)


def address_of(home: Mapping[str, Any]) -> str:
    """A line each; or why there is none."""
    if home.get("no_fixed_abode"):
        return "No fixed address"
    if home.get("withheld"):
        return "Kept safe: the notes may say more"
    lines = [*(home.get("address_lines") or ()), *([home["postcode"]] if home.get("postcode") else [])]
    return "\n".join(map(str, lines))


def _rows(part: Mapping[str, Any] | None, members: Members) -> Rows:
    """Those that were given, in the order of `members`."""
    return [(words, say(part[member])) for member, (words, say) in members.items() if part and part.get(member)]


async def side_by_side(visit: Visit, told: ItemDetails) -> dict[str, list[Any]] | None:
    """Two referrals, for whoever says whether they are of one family; None for whoever does not hold the item.

    `heads` are the references; each row is a heading, what each referral says, and whether they say the same.
    Each look is counted and written down.
    """
    row, staff = told.row, visit.staff
    if not visit.may(Permission.SEE_IDENTITY) or row.assignee != staff.id or row.ended_at:
        return None
    async with visit.engine.begin() as tx:
        others = (await linked_as_duplicate(tx, told.referral_id))[:MOST]
        for each in (told.referral_id, *others):
            entry = Entry(Actor("staff", staff.id), VIEWED, visit.now, each, LookReason.ASSIGNED.value)
            await write_counted(tx, entry)
    look = visit.context.families.look
    found = await asyncio.gather(*(look(each, actor=staff.id) for each in (told.referral_id, *others)))
    references = {each["id"]: each["reference"] for each in told.item["links"]}
    heads = [told.item["reference"], *(references.get(str(each), "") for each in others)]
    holds = told.item["decision"]["holds"] if told.item["decision"] else ()
    return {"heads": heads, "rows": list(_beside([each or {} for each in found], holds, on=visit.today))}


def _beside(
    found: list[Mapping[str, Any]], holds: Collection[str], *, on: date
) -> Iterator[tuple[str, list[str], bool]]:
    """Every value that any of them has, as `Baby: Name`, in the order of the page of one referral; with ages."""
    sides = [
        {
            f"{section.heading}: {name}": value
            for section in people_and_home(each, holds, on=on)
            for name, value in section.rows
        }
        | ({"What the referrer wrote": notes} if (notes := (each.get("document") or {}).get("notes")) else {})
        for each in found
    ]
    for heading in dict.fromkeys(heading for side in sides for heading in side):
        said = [side.get(heading, "") for side in sides]
        yield heading, said, len(set(said)) == 1
