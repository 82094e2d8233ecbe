"""A danger goes at once: what can't be read of its form goes along in the notes, as it was typed.

`POST /referrals` refuses such a document, because a program can mend it and send it again. A person may not come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.referral.document.checks import is_urgent
from services.referral.front import boxes, filling
from services.referral.front.form import ENTRY_NAMES, Field
from services.referral.front.form_pages import MENTAL_HEALTH

NOT_READ: Final = "(Added by the form: it could not read this, which stands here as it was typed.)"
_STAY: Final = frozenset({"safety", MENTAL_HEALTH, "notes"})
"""What tells of the danger, and where the rest goes."""
_OF_TWO_HOMES: Final = ("no_fixed_abode", "postcode", "address_lines")
"""What goes first when the home is said in two ways. `withheld` stays: it keeps somebody safe."""


@dataclass(frozen=True, slots=True)
class Sendable:
    """`document` is what is sent; `moved` are the names in HTML of what stands in its notes instead."""

    document: dict[str, Any]
    moved: frozenset[str] = frozenset()


def sendable(document: Mapping[str, Any], *, now: datetime, taken: str = "") -> Sendable:
    """What can be sent now. Without a danger, and where the notes can't take the rest, it is the document as it is.

    `taken`: the name of a member that can be read, and goes into the notes all the same.
    """
    as_it_is, lines = Sendable(dict(document)), dict[str, str]()
    if not is_urgent(document):
        return as_it_is
    going, asked = dict(document), [taken] if taken else []
    while places := asked or _refused(going, now):
        asked, (field, name) = [], filling.place_of(places[0])
        if field is None or field.name in _STAY or name in lines:
            return as_it_is
        lines[name] = _line(field, name, going)
        going = filling.without(going, field, name)
    if not lines:
        return as_it_is
    going["notes"] = "\n\n".join(filter(None, [going.get("notes"), "\n".join([NOT_READ, *lines.values()])]))
    return as_it_is if _refused(going, now) else Sendable(going, frozenset(lines))


def _refused(document: Mapping[str, Any], now: datetime) -> list[str]:
    """The places that can't be read, each the one that has to go."""
    pointers = [error.pointer for error in filling.refused_in(document, now=now)]
    two = [f"/home/{member}" for member in _OF_TWO_HOMES if "/home" in pointers and document["home"].get(member)]
    return [two[0] if pointer == "/home" else pointer for pointer in pointers]


def _line(field: Field, name: str, document: Mapping[str, Any]) -> str:
    whose = f"{ENTRY_NAMES[field.people]} {int(name.split('.')[1]) + 1}: " if field.people else ""
    label = field.label if field.label.endswith("?") else f"{field.label}:"
    return f"{whose}{label} {boxes.in_words(field, boxes.shown(field, filling.value_of(document, field, name)))}"
