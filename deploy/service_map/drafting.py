"""A draft of a service map from a directory's document, as a file for a person who confirms it entry by entry.

No service starts with it: each `expires_on` is empty, and so is whatever the document does not say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from deploy.service_map.cleaning import LINE, line
from deploy.service_map.entries import Entry, read_entries
from deploy.service_map.sources import SourceError, name_of, read_source
from shared.events import Route
from shared.service_map import ForWhom

_HEAD: Final = """\
# A DRAFT, from another directory. Nobody has confirmed an entry of it, and no service starts with it.
# For each entry: ring the service, correct what is wrong, fill in what is "", and put the day until which the entry is
# good into expires_on. Decide on which routes it is named. Take out what is not for families with a baby.
# Then: python -m deploy.service_map check <this file>. What each member means is in docs/service-map.md."""


def draft(source: str, to: Path, *, on: date) -> str:
    """Write the draft; returns what to do next, in words.

    Raises SourceError for a source that can't be used, and for a file that is there already.
    """
    found = read_entries(read_source(source))
    text = "\n".join(_lines(found.entries, line(name_of(source)), on)) + "\n"
    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SourceError(f"{to} is there already, and is left as it is") from None
    except OSError as error:
        raise SourceError(f"{to} can't be written: {error.strerror}") from error
    part = " The directory has more pages (page, per_page): draft from each." if found.is_part else ""
    return (
        f"{to}: {len(found.entries)} services, none of them confirmed.{part} Ask each service, fill in what is empty, "
        f"then: python -m deploy.service_map check {to}"
    )


def _lines(entries: Sequence[Entry], source: str, on: date) -> Iterator[str]:
    authorities = {entry.authority for entry in entries if entry.authority}
    authority = authorities.pop() if len(authorities) == 1 else ""
    yield _HEAD
    yield _member("authority", authority, "ONS code of the council")
    yield _member("title", f"Draft from {source}"[:LINE])
    yield f"# read on {on}"
    if any(entry.is_invented for entry in entries):
        yield "is_invented = true   # the directory says that it is made up"
    for entry in entries:
        yield ""
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    is_elsewhere = entry.for_whom == ForWhom.ELSEWHERE
    yield "[[services]]"
    for remark in entry.remarks:
        yield f"# {line(remark)}"
    yield _member("id", entry.id)
    yield _member("name", entry.name)
    yield _member("level", entry.level, "universal, targeted, statutory or specialist")
    yield _member("for_whom", entry.for_whom, "families, parents, practitioners or elsewhere")
    yield _member("offers", entry.offers)
    yield _member("from_months", entry.from_months, "the child's age; -9 is the start of pregnancy")
    yield _member("to_months", entry.to_months, "out: 24 is up to the second birthday")
    yield _member("sees_under_twos", entry.sees_under_twos, "true or false: are children under two on the caseload?")
    yield _member("wards", entry.wards, "ONS codes; [] is the whole authority")
    yield _member("routes", [Route.SIGNPOST_AREA.value] if is_elsewhere else [])
    if entry.languages:
        yield _member("languages", entry.languages)
    yield _member("contact.phone", entry.phone, "a number that families can ring")
    if entry.web:
        yield _member("contact.web", entry.web)
    yield _member("contact.how_to_refer", entry.how_to_refer, "in a few words")
    yield _member("expires_on", "", "nobody has confirmed this entry")


def _member(name: str, value: str | bool | int | list[str], hint: str = "") -> str:
    """One line of TOML. A text is printable by now, so that JSON's quotes are TOML's; the hint is for an empty one."""
    is_empty = value == "" or (isinstance(value, list) and "" in value)
    return f"{name} = {json.dumps(value, ensure_ascii=False)}{f'   # {hint}' if hint and is_empty else ''}"
