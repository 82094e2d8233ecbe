"""A bundle taken apart: its entries as models, references between them, and what is wrong with its form.

Whatever can be read is read. A wrong element is told and then treated as if it were not there, so that one mistake
hides no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError

from services.referral.document.errors import from_pydantic
from services.referral.fhir.issues import MOST_ISSUES, Issue, located, path_of
from services.referral.fhir.models import ACCEPTED, READ, Pointer, Resource

R = TypeVar("R", bound=Resource)
R_co = TypeVar("R_co", bound=Resource, covariant=True)

_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
"""FHIR's id."""
_PASSES: Final = 4
"""Of reading a resource again without its wrong elements; one is enough for all that pydantic tells at once."""
MOST_WRONG: Final = 10 * MOST_ISSUES
"""Wrong elements of a bundle that are looked at one by one. Each takes about 30 µs, and a bundle has room for 120,000:
nothing else is answered meanwhile. A resource with more left than that is told as one mistake, and not read."""


@dataclass(frozen=True, slots=True)
class BundleEntry(Generic[R_co]):
    """One resource that we read, and where it stands."""

    index: int
    name: str
    resource: R_co

    def at(self, *place: int | str) -> tuple[str, ...]:
        """The FHIRPaths of one of its elements."""
        return located(self.index, self.name, path_of(place))


@dataclass(frozen=True)
class Envelope:
    """`malformed` are mistakes that make it no message at all; `issues` those inside its resources.

    `unread` are the entries that hold a resource which we do not read.
    """

    id: str = ""
    entries: tuple[BundleEntry[Any], ...] = ()
    names: tuple[tuple[str, int], ...] = ()
    malformed: tuple[Issue, ...] = ()
    issues: tuple[Issue, ...] = ()
    unread: tuple[int, ...] = ()

    def of(self, kind: type[R]) -> Iterator[BundleEntry[R]]:
        """The entries of this kind, as they stand."""
        return (entry for entry in self.entries if isinstance(entry.resource, kind))

    def first(self, kind: type[R]) -> BundleEntry[R] | None:
        return next(self.of(kind), None)

    def find(self, pointer: Pointer | None, kind: type[R]) -> BundleEntry[R] | None:
        """The resource of this kind that is referred to; None when it is not in the bundle."""
        if pointer is None or not pointer.reference:
            return None
        found = self._by_name.get(pointer.reference) or self._by_name.get(f"urn:uuid:{pointer.reference}")
        return found if found and isinstance(found.resource, kind) else None

    @cached_property
    def _by_name(self) -> dict[str, BundleEntry[Any]]:
        """By fullUrl, and as `Patient/1`; the first of two that share a name."""
        by_index = {entry.index: entry for entry in self.entries}
        found: dict[str, BundleEntry[Any]] = {}
        for name, index in self.names:
            if entry := by_index.get(index):
                found.setdefault(name, entry)
        return found


def opened(value: object) -> Envelope:
    """Take a JSON value apart; never raises."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return Envelope(malformed=(Issue("structure", "A Bundle is needed.", ("Bundle",)),))
    malformed = [*_form(value)]
    bundle_id = value.get("id")
    entries, names, unread = [], [], []
    issues: list[Issue] = []
    raw_entries = value.get("entry")
    for index, raw in enumerate(raw_entries if isinstance(raw_entries, list) else ()):
        resource = raw.get("resource") if isinstance(raw, dict) else None
        name = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(name, str) or not isinstance(resource, dict):
            at = (f"Bundle.entry[{index}].resource",)
            malformed.append(Issue("structure", "An entry holds a resource with its resourceType.", at))
        elif name in READ:
            entry, wrong = _read(index, name, resource, most=MOST_WRONG - len(issues))
            entries.append(entry)
            issues += wrong
            names += [(each, index) for each in _names_of(raw, name)]
        elif name not in ACCEPTED:
            unread.append(index)
    return Envelope(
        bundle_id if isinstance(bundle_id, str) and _ID.fullmatch(bundle_id) else "",
        tuple(entries),
        tuple(names),
        tuple(malformed),
        tuple(issues),
        tuple(unread),
    )


def _form(bundle: dict[str, Any]) -> Iterator[Issue]:
    if bundle.get("type") != "message":
        yield Issue("structure", "The type of the Bundle is message.", ("Bundle.type",))
    bundle_id, entries = bundle.get("id"), bundle.get("entry")
    if bundle_id is None:
        yield Issue("required", "The Bundle has an id: a new one for each message.", ("Bundle.id",))
    elif not isinstance(bundle_id, str) or not _ID.fullmatch(bundle_id):
        yield Issue("value", "An id has 1 to 64 letters, digits, hyphens and dots.", ("Bundle.id",))
    if not isinstance(entries, list) or not entries:
        yield Issue("structure", "A Bundle has entries.", ("Bundle.entry",))
        return
    first = entries[0].get("resource") if isinstance(entries[0], dict) else None
    if isinstance(first, dict) and first.get("resourceType") not in (None, "MessageHeader"):
        yield Issue("structure", "The first entry of a message is its MessageHeader.", ("Bundle.entry[0].resource",))


def _names_of(raw: dict[str, Any], kind: str) -> Iterator[str]:
    resource_id = raw["resource"].get("id")
    if isinstance(full_url := raw.get("fullUrl"), str):
        yield full_url
    if isinstance(resource_id, str):
        yield f"{kind}/{resource_id}"


def _read(index: int, name: str, raw: dict[str, Any], *, most: int) -> tuple[BundleEntry[Any], list[Issue]]:
    """The resource without its wrong elements, and what is wrong with them; nothing of it with over `most` of them."""
    issues: list[Issue] = []
    for _ in range(_PASSES):
        try:
            return BundleEntry(index, name, READ[name].model_validate(raw)), issues
        except ValidationError as error:
            if error.error_count() > most - len(issues):
                issues.append(Issue("structure", "So much of this is wrong that it is not read.", located(index, name)))
                break
            wrong = [each["loc"] for each in error.errors(include_url=False, include_input=False)]
            issues += [
                Issue("structure", found.detail, located(index, name, path_of(place)), found.code)
                for place, found in zip(wrong, from_pydantic(error), strict=True)
            ]
            raw = _without(raw, wrong)
    return BundleEntry(index, name, READ[name]()), issues


def _without(raw: dict[str, Any], places: Iterable[Sequence[int | str]]) -> dict[str, Any]:
    """A copy without the elements at these places; the last first, so that the others stay where they are."""
    kept = deepcopy(raw)
    for *way, last in sorted(places, key=_in_order, reverse=True):
        part: Any = kept
        try:
            for step in way:
                part = part[step]
            del part[last]
        except (KeyError, IndexError, TypeError):  # what holds it went before
            continue
    return kept


def _in_order(place: Sequence[int | str]) -> list[tuple[bool, int, str]]:
    return [(isinstance(step, int), step, "") if isinstance(step, int) else (False, 0, step) for step in place]
