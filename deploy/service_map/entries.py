"""From an HSDS document to entries of a draft: what it says is cleaned, what it does not say is left empty.

An empty member is a mistake to the loader, so that a person has to fill it in: nothing is guessed. What our own export
says in the member `pir` is taken over; from others come name, words, ages, wards, languages and how to reach it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.service_map import cleaning
from deploy.service_map.sources import SourceError
from services.triage.open_referral.vocabulary import AUDIENCES, ENGLISH, LEVELS, OWN, Taxonomy, area_code
from shared.service_map import PREGNANCY_MONTHS, ForWhom
from shared.strict_json import Unreadable, parse_json

MOST_SERVICES: Final = 500
"""A map that a person has to confirm entry by entry; the one that ships has 16."""
MOST_NESTED: Final = 100
"""Of each list in a service, so many are looked at; Birmingham has 69 wards."""
OLDEST_MONTHS: Final = 240
"""The oldest child of a map (shared/service_map/model.py)."""
ADULT_YEARS: Final = 16
"""From this lowest age on the service is for whoever comes, not for their child."""
_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{1,40}")
_WARD: Final = re.compile(r"E05[0-9]{6}")

Empty = str
"""`""`: a person fills it in."""


@dataclass(slots=True)
class Entry:
    """One service of a draft, with remarks for the person who confirms it. `authority` is the one it is all over."""

    id: str = ""
    name: str = ""
    level: str = ""
    for_whom: str = ""
    offers: str = ""
    from_months: int | Empty = ""
    to_months: int | Empty = ""
    sees_under_twos: bool | Empty = ""
    wards: list[str] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    phone: str = ""
    web: str = ""
    how_to_refer: str = ""
    authority: str = ""
    is_invented: bool = False
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """The entries of a document; `is_part`: the directory says that it has more pages."""

    entries: list[Entry]
    is_part: bool


def read_entries(body: bytes) -> Reading:
    """Read a page of services, a list of them, or one service.

    Raises SourceError for what is not JSON, holds no services, or more than 500 of them.
    """
    try:
        document = parse_json(body)
    except Unreadable as error:
        raise SourceError(f"this is not a document of services: {error.detail}") from error
    services, taken, entries = _services(document), set[str](), list[Entry]()
    for number, service in enumerate(services, start=1):
        entry = (
            _entry(service) if isinstance(service, dict) else Entry(remarks=["this one is no object in the document"])
        )
        entry.id = _unique(entry.id or _slug(entry.name) or f"service-{number}", taken)
        entries.append(entry)
    pages = document.get("total_pages") if isinstance(document, dict) else None
    return Reading(entries, is_part=isinstance(pages, int) and pages > 1)


def _services(document: object) -> list[object]:
    match document:
        case {"contents": list(found)} | list(found):
            services = found
        case {"id": _, "name": _}:
            services = [document]
        case _:
            raise SourceError("this is neither a page of services (HSDS: contents), a list of them, nor one service")
    if not services:
        raise SourceError("there is no service in this document")
    if len(services) > MOST_SERVICES:
        raise SourceError(f"more than {MOST_SERVICES} services: ask for fewer at a time (per_page)")
    return services


def _entry(service: Mapping[str, Any]) -> Entry:
    own, entry = service.get(OWN), Entry()
    entry.name = _line(service, "name", entry)
    entry.offers = _line(service, "description", entry)
    entry.how_to_refer = _line(service, "application_process", entry)
    entry.level = _code(service, LEVELS)
    entry.for_whom = _code(service, AUDIENCES)
    entry.languages = [name for name in dict.fromkeys(_languages(service)) if name != ENGLISH]
    entry.phone = next(filter(None, map(cleaning.phone, _numbers(service))), "")
    entry.web = _web(service, entry)
    if isinstance(own, dict):
        _take_own(own, entry)
    else:
        _take_ages(service, entry)
    _take_areas(service, entry)
    if service.get("status") != "active":
        entry.remarks.append("the document does not call it active: is it still there?")
    return entry


def _line(service: Mapping[str, Any], member: str, entry: Entry) -> str:
    value = service.get(member)
    if not isinstance(value, str):
        if value is not None:
            entry.remarks.append(f"{member} is no text in the document")
        return ""
    words = cleaning.line(value)
    if len(words) > cleaning.LINE:
        entry.remarks.append(f"{member} is cut: the document has {len(value)} characters")
    return cleaning.cut(words)


def _nested(parent: Mapping[str, Any], member: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; nothing where there is no list."""
    found = parent.get(member)
    for each in found[:MOST_NESTED] if isinstance(found, list) else []:
        if isinstance(each, dict):
            yield each


def _code(service: Mapping[str, Any], taxonomy: Taxonomy) -> str:
    """The word of our own taxonomy, by its id; what others call alike means something else."""
    for attribute in _nested(service, "attributes"):
        term = attribute.get("taxonomy_term")
        for known in taxonomy.terms:
            if isinstance(term, dict) and term.get("id") == taxonomy.term_id(known):
                return str(known.code)
    return ""


def _languages(service: Mapping[str, Any]) -> Iterator[str]:
    for language in _nested(service, "languages"):
        name = language.get("name")
        if isinstance(name, str) and (words := cleaning.cut(cleaning.line(name))):
            yield words


def _numbers(service: Mapping[str, Any]) -> Iterator[str]:
    """Of the service first; older documents have them at its contacts."""
    for holder in (service, *_nested(service, "contacts")):
        for phone in _nested(holder, "phones"):
            if isinstance(number := phone.get("number"), str):
                yield number


def _web(service: Mapping[str, Any], entry: Entry) -> str:
    url = service.get("url")
    web = cleaning.address(url) if isinstance(url, str) else ""
    if url and not web:
        entry.remarks.append("its address on the web is left out: it has to begin with https://")
    return web


def _take_own(own: Mapping[str, Any], entry: Entry) -> None:
    """What our own export says; a member of another type is as if it were not there."""
    if isinstance(id_ := own.get("id"), str) and _SLUG.fullmatch(id_):
        entry.id = id_
    for member in ("from_months", "to_months"):
        value: Any = own.get(member)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if is_whole and -PREGNANCY_MONTHS <= value <= OLDEST_MONTHS:
            setattr(entry, member, value)
    if isinstance(sees := own.get("sees_under_twos"), bool):
        entry.sees_under_twos = sees
    entry.is_invented = own.get("is_invented") is True


def _take_ages(service: Mapping[str, Any], entry: Entry) -> None:
    """Others' ages, which are those of whoever uses the service; a highest age may be in or out."""
    lowest, highest = _years(service, "minimum_age"), _years(service, "maximum_age")
    if lowest is not None and lowest >= ADULT_YEARS:
        entry.remarks.append(f"for people of {lowest:g} and older: which age of the child? for_whom may be parents")
        return
    if lowest is not None:
        entry.from_months = round(lowest * 12)
    if highest is not None:
        entry.to_months = min(round(highest * 12), OLDEST_MONTHS)
        entry.remarks.append(f"maximum_age is {highest:g} years: up to that birthday, or the year after it too?")


def _years(service: Mapping[str, Any], member: str) -> float | None:
    value: Any = service.get(member)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) and 0 <= value <= 150 else None  # noqa: PLR2004  years


def _take_areas(service: Mapping[str, Any], entry: Entry) -> None:
    """Wards, or the authority for all of them. A place that has no ward's code leaves one empty: not everywhere."""
    unknown = []
    for area in _nested(service, "service_areas"):
        uri = area.get("uri")
        code = area_code(uri) if isinstance(uri, str) else None
        if code is None:
            unknown.append(cleaning.cut(cleaning.line(str(area.get("name") or area.get("service_area") or "no name"))))
        elif _WARD.fullmatch(code):
            entry.wards.append(code)
        else:
            entry.authority = code
    entry.wards = list(dict.fromkeys(entry.wards))
    if entry.for_whom == ForWhom.ELSEWHERE:
        return
    if unknown:
        entry.remarks.append(f"which wards are these? {'; '.join(unknown)}"[:300])
    if entry.authority and not unknown:
        entry.wards = []
    elif unknown or not entry.wards:
        entry.wards.append("")


def _slug(name: str) -> str:
    """An id made of a name: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:36].rstrip("-")


def _unique(id_: str, taken: set[str]) -> str:
    wanted = id_ if _SLUG.fullmatch(id_) else f"service-{id_}"[:36].rstrip("-")
    found, number = wanted, 1
    while found in taken:
        number += 1
        found = f"{wanted[:36].rstrip('-')}-{number}"
    taken.add(found)
    return found
