"""Between the boxes of a page and the document: what to show, what was typed, what is wrong and what is missing.

Pure: a document comes in as JSON and a new one goes out. What was typed is only put where it belongs; whether it can be
read is asked of the document's own model, so that a form and `POST /referrals` accept and refuse the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.referral.document.checks import gaps
from services.referral.document.errors import Invalid
from services.referral.document.model import MOST_BABIES, MOST_CAREGIVERS
from services.referral.document.read import read_referral
from services.referral.front import boxes
from services.referral.front.after_loss import MISSING_AFTER_LOSS, tells_of_loss
from services.referral.front.form import ANY, ENTRY_NAMES, Field, FieldKind, FormPage
from services.referral.front.form_pages import MISSING, PAGES
from shared.strict_json import FieldError

Form = Mapping[str, Sequence[str]]
"""What a browser sends: name in HTML → values."""
Document = Mapping[str, Any]
"""A referral as JSON, finished or not."""

ADD, REMOVE = "add", "remove"
"""Names of the buttons; the value of Remove is the position in the list, from 0."""

_MOST: Final = {"babies": MOST_BABIES, "caregivers": MOST_CAREGIVERS}
_ENTRY: Final = re.compile(r"(babies|caregivers)\.(0|[1-9][0-9]?)\.([a-z_]+(?:\.[a-z_]+)?)")
_TICKS: Final = frozenset({FieldKind.CHECKS, FieldKind.FLAG})
"""Only of these does a name that did not come say "none"; of the others it was not on the page, or not touched."""
_NEEDED_PARTS: Final[Mapping[str, Any]] = {"consent": {}, "concern": {}, "referrer": {}, "caregivers": [{}]}
"""So that what is missing of a part is named member by member, also where the part itself is not there."""
_WORDS: Final = {
    "invalid-date": "Enter a day that there is, the year with all four digits, for example 12 3 2026",
    "invalid-time": "Enter the day, and the time if you know it, for example 12 3 2026 14:30",
    "not-in-list": "Choose from the list",
    "wrong-type": "Choose from what is offered",
    "empty": "There is nothing in it that can be seen. Write it again, or leave it empty",
    "repeated": "Choose each only once",
    "invalid-phone": "Enter a number that can be rung, with the area code, for example 0115 496 0101",
    "invalid-email": "Enter one address, for example name@example.org",
}
"""Kind of error → what to do; for others the model's own words do."""
_OF_PARTS: Final = {
    "/home": "Enter an address, or tick one of the two boxes: not both",
    "/home/address_lines": "Write the address in 5 lines at most",
    "/babies": f"Enter {MOST_BABIES} babies at most",
    "/caregivers": f"Enter {MOST_CAREGIVERS} carers at most",
}
"""Place of an error that is not of one box → what to do."""


def values_of(page: FormPage, document: Document) -> dict[str, list[str]]:
    """Name in HTML → what its box shows, for every field of the page and every entry of its lists, one at least."""
    return {
        field.at(number): boxes.shown(field, _holder(document, field, number).get(field.member))
        for field in page.fields
        for number in range(max(1, len(_entries(document, field.people))))
    }


def digest_of(page: FormPage, document: Document) -> str:
    """Of what the page shows: 64 bits, to tell whether it shows something else by now."""
    said = json.dumps(values_of(page, document), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def read_page(page: FormPage, document: Document, form: Form) -> dict[str, Any]:
    """The document with the members of this page as the form says; other names in the form are ignored.

    An empty box removes its member; what can't be read stays as typed, for the model to refuse. An entry of a list that
    the form does not name is left alone. Entries that were emptied are removed, and empty ones at the end, but never
    the only one; not when Add or Remove was pressed, because the positions on the page still count then.
    """
    read = dict(document)
    for field in page.fields:
        for number in _numbers(page, field, form):
            name = field.at(number)
            if name in form or field.kind in _TICKS:
                before = _holder(read, field, number).get(field.member)
                _put(read, field, number, boxes.read_box(field, form.get(name, ()), before))
    if page.can_add and ADD not in form and REMOVE not in form:
        _drop_empty(page.each_of, document, read)
    return read


def add_entry(page: FormPage, document: Document) -> dict[str, Any]:
    """The document with an empty entry more in the list of the page; as it is when the list is full."""
    entries = _entries(document, page.each_of) or [{}]
    is_full = not page.can_add or len(entries) >= _MOST[page.each_of]
    return dict(document) | ({} if is_full else {page.each_of: [*entries, {}]})


def remove_entry(page: FormPage, document: Document, number: int) -> dict[str, Any]:
    """The document without the entry at this position, from 0, and all that other pages say of it."""
    entries = _entries(document, page.each_of)
    if not page.can_add or not 0 <= number < len(entries):
        return dict(document)
    return dict(document) | {page.each_of: [*entries[:number], *entries[number + 1 :]] or [{}]}


def titles_of(page: FormPage, document: Document) -> dict[str, str]:
    """`caregivers.0` → `Carer 1: Sana Shah`: for a page that asks about each and does not ask for the names."""
    return {
        f"{people}.{number}": f"{ENTRY_NAMES[people]} {number + 1}: {name}"
        for people in dict.fromkeys(field.people for field in page.fields if field.people and not page.can_add)
        for number, entry in enumerate(_entries(document, people))
        if (name := " ".join(_names(entry)))
    }


def summary_of(page: FormPage, document: Document) -> list[tuple[str, str]]:
    """Label and answer in words, of each member that is there; `Baby 2: Date of birth` where there may be several."""
    values = values_of(page, document)
    return [
        (f"{each.title}: {field.label}" if each.people else field.label, words)
        for each in page.field_sets(values)
        for field, name in each.fields
        if (words := boxes.in_words(field, values[name]))
    ]


def wants_an_answer(page: FormPage, document: Document) -> bool:
    """Whether a field of the page that is not optional has no answer; "none of these" is one."""
    return bool(unanswered_of(page, document))


def unanswered_of(page: FormPage, document: Document) -> list[FieldError]:
    """Each field of the page that is not optional and has no answer, by its name in HTML."""
    values = values_of(page, document)
    return [
        FieldError(name, "required", f"{field.label} Choose an answer")
        for each in page.field_sets(values)
        for field, name in each.fields
        if not field.is_optional and not any(values[name])
    ]


def errors_of(page: FormPage, document: Document, *, now: datetime) -> list[FieldError]:
    """What can't be read or can't be true of this page, in the order of its boxes, one a box; nothing that is missing.

    `pointer` is the name in HTML. The words never hold what was typed. `now` is aware.
    """
    order = {
        name: place
        for place, name in enumerate(
            name for each in page.field_sets(values_of(page, document)) for _, name in each.fields
        )
    }
    names = {field.name for field in page.fields}
    found: dict[str, FieldError] = {}
    for error in refused_in(document, now=now):
        field, name = place_of(error.pointer)
        if field is not None and field.name in names:
            found.setdefault(name, FieldError(name, error.code, _said(error, field)))
    return sorted(found.values(), key=lambda error: order.get(error.pointer, len(order)))


def wrong_in(document: Document, *, now: datetime) -> set[str]:
    """The names of all fields with something that `errors_of` would say, from one reading."""
    places = (place_of(error.pointer)[0] for error in refused_in(document, now=now))
    return {field.name for field in places if field is not None}


def refused_in(document: Document, *, now: datetime) -> list[FieldError]:
    """All that the document's model refuses, but for what is missing."""
    try:
        read_referral(dict(document), now=now)
    except Invalid as refused:
        return [error for error in refused.errors if error.code != "required"]
    return []


def value_of(document: Document, field: Field, name: str) -> Any:
    """The member that this name in HTML is of; None when it is not there."""
    return _holder(document, field, _number_in(name)).get(field.member)


def without(document: Document, field: Field, name: str) -> dict[str, Any]:
    """The document without the member that this name in HTML is of."""
    left = dict(document)
    _put(left, field, _number_in(name), None)
    return left


def missing_of(document: Document) -> dict[str, list[FieldError]]:
    """Page → what a referral needs and the document does not say, as errors of that page; also in a danger."""
    whole = dict(document)
    whole |= {part: empty for part, empty in _NEEDED_PARTS.items() if whole.get(part) in (None, [])}
    words = {**MISSING, **(MISSING_AFTER_LOSS if tells_of_loss(document) else {})}
    found: dict[str, list[FieldError]] = {page.slug: [] for page in PAGES}
    for gap in gaps(whole):
        field, name = place_of(gap.pointer)
        if field is not None:
            detail = f"{_whose(gap.pointer)}{words[field.name]}"
            found[page_of(name)].append(FieldError(name, gap.code, detail))
    return {slug: errors for slug, errors in found.items() if errors}


def place_of(pointer: str) -> tuple[Field | None, str]:
    """The first field that the place is in, or that is in the place, and its name in HTML."""
    steps = pointer.removeprefix("/").replace("/", ".").split(".")
    for page in PAGES:
        for field in page.fields:
            own = field.name.split(".")
            if all(mine == step or (mine == ANY and step.isdecimal()) for mine, step in zip(own, steps, strict=False)):
                return field, field.at(int(steps[1]) if field.people and len(steps) > 1 else 0)
    return None, ""


def field_of(pointer: str) -> str:
    """`/caregivers/0/phone` → `caregivers.0.phone`, the name in HTML; of a part or a list, its first field.

    A name in HTML gives itself; what is no place of the form, nothing.
    """
    return place_of(pointer)[1]


def page_of(pointer: str) -> str:
    """The slug of the page that asks about this place, or empty when none does; a name in HTML will do too."""
    field, _ = place_of(pointer)
    return next((page.slug for page in PAGES if field in page.fields), "")


def _entries(document: Document, people: str) -> list[Any]:
    entries = document.get(people)
    return entries if isinstance(entries, list) else []


def _holder(document: Document, field: Field, number: int) -> Mapping[str, Any]:
    """The object that has the member: the document, a part of it, or an entry of a list; empty if missing."""
    if field.is_direct:
        return document
    part = document.get(field.name.partition(".")[0])
    if field.people:
        part = next(iter(_entries(document, field.people)[number : number + 1]), None)
        part = part.get(field.part) if field.part and isinstance(part, dict) else part
    return part if isinstance(part, dict) else {}


def _number_in(name: str) -> int:
    """The position in `caregivers.1.phone`; 0 for a name that is of nobody."""
    found = _ENTRY.fullmatch(name)
    return int(found[2]) if found else 0


def _numbers(page: FormPage, field: Field, form: Form) -> list[int]:
    """The positions that the form names by any field of the page; 0 alone for a field without."""
    if not field.people:
        return [0]
    members = {each.name.partition(f".{ANY}.")[2] for each in page.fields if each.people == field.people}
    found = (_ENTRY.fullmatch(name) for name in form)
    return sorted({int(name[2]) for name in found if name and name[1] == field.people and name[3] in members})


def _put(document: dict[str, Any], field: Field, number: int, value: Any) -> None:
    """Set the member, or remove it for None; a part that says nothing more goes, an entry of a list keeps its place."""
    holder = dict(_holder(document, field, number))
    if value is None and field.member not in holder:
        return
    holder |= {field.member: value}
    if value is None:
        del holder[field.member]
    head = field.name.partition(".")[0]
    if field.people:
        entries = _entries(document, head)
        document[head] = [*entries, *({} for _ in range(number + 1 - len(entries)))]
        document[head][number] = _with_part(document[head][number], field.part, holder) if field.part else holder
    elif field.is_direct and value is not None:
        document[head] = value
    elif holder and not field.is_direct:
        document[head] = holder
    else:
        document.pop(head, None)


def _with_part(entry: Any, part: str, holder: dict[str, Any]) -> dict[str, Any]:
    """The entry with this part of it; one that says nothing more goes."""
    rest = {name: value for name, value in entry.items() if name != part} if isinstance(entry, dict) else {}
    return rest | ({part: holder} if holder else {})


def _drop_empty(people: str, before: Document, read: dict[str, Any]) -> None:
    was, entries = _entries(before, people), _entries(read, people)
    last = max((number for number, entry in enumerate(entries) if not _is_empty(entry)), default=-1)
    kept = [
        entry
        for number, entry in enumerate(entries)
        if not _is_empty(entry) or (number < last and all(map(_is_empty, was[number : number + 1])))
    ]
    read[people] = kept or [{}]


def _is_empty(entry: Any) -> bool:
    return not entry or (isinstance(entry, dict) and all(value in (None, []) for value in entry.values()))


def _names(entry: Any) -> Iterator[str]:
    for member in ("given_name", "family_name"):
        name = entry.get(member) if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield name


def _whose(pointer: str) -> str:
    """`Carer 2: ` for a place in the second caregiver."""
    people, _, rest = pointer.removeprefix("/").partition("/")
    number = rest.partition("/")[0]
    return f"{ENTRY_NAMES[people]} {int(number) + 1}: " if people in ENTRY_NAMES and number else ""


def _said(error: FieldError, field: Field) -> str:
    """The summary at the top of a page shows these words alone, so they begin with what they are about."""
    if words := _OF_PARTS.get(error.pointer):
        return words
    label = field.label if field.label.endswith("?") else f"{field.label}."
    return f"{_whose(error.pointer)}{label} {_WORDS.get(error.code, error.detail)}"
