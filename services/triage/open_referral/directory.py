"""A day's documents, made when somebody asks first that day; what a question finds in them; and pages of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.triage.open_referral.documents import Document, Publisher, without_nested
from shared.policy import Policy
from shared.service_map import ServiceMap

PER_PAGE: Final = 50
MOST_PER_PAGE: Final = 200
"""As many as our other lists give at once."""
_SEARCHED: Final = ("name", "description", "eligibility_description", "application_process")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a service has to be, all of it at once (HSDS: parameters are cumulative); None asks for nothing.

    Ages are years, as the profile has them: `minimum_age` finds services whose own is at least that, `maximum_age`
    those whose own is at most that. A service without ages is found by neither. `search` is words that all have to
    stand in its name, its description or how to get there, in any case.
    """

    search: str | None = None
    taxonomy_id: str | None = None
    taxonomy_term_id: str | None = None
    minimum_age: float | None = None
    maximum_age: float | None = None

    def takes(self, document: Document) -> bool:
        terms = [attribute["taxonomy_term"] for attribute in document["attributes"]]
        return (
            (self.taxonomy_id is None or any(term["taxonomy_id"] == self.taxonomy_id for term in terms))
            and (self.taxonomy_term_id is None or any(term["id"] == self.taxonomy_term_id for term in terms))
            and (self.minimum_age is None or document.get("minimum_age", -1) >= self.minimum_age)
            and (self.maximum_age is None or document.get("maximum_age", float("inf")) <= self.maximum_age)
            and self._reads(document)
        )

    def _reads(self, document: Document) -> bool:
        text = " ".join(document[member] for member in _SEARCHED).casefold()
        return all(word in text for word in (self.search or "").casefold().split())


class Directory:
    """The published services of a map. Takes no memory and no time before it is asked."""

    def __init__(self, service_map: ServiceMap, policy: Policy) -> None:
        self._map = service_map
        self._policy = policy
        self._made: tuple[date, dict[str, Document]] | None = None

    def service(self, id_: str, *, on: date) -> Document | None:
        """One service by its id, with all that is nested in it; None when there is none that is published."""
        return self._of(on).get(id_.lower())

    def services(self, wanted: Filter, *, on: date, is_full: bool) -> list[Document]:
        """Those that fit, in the map's order."""
        found = [each for each in self._of(on).values() if wanted.takes(each)]
        return found if is_full else [without_nested(each) for each in found]

    def _of(self, on: date) -> dict[str, Document]:
        """Kept for the day: what changes by itself is only which entries have run out, and that goes by days."""
        if self._made is None or self._made[0] != on:
            documents = Publisher(self._map, self._policy, on).documents()
            self._made = (on, {each["id"]: each for each in documents})
        return self._made[1]


def page_of(items: Sequence[Document], *, page: int, per_page: int) -> Document:
    """One page as HSDS has it, numbered from 1; a page after the last one is empty."""
    contents = items[(page - 1) * per_page : page * per_page]
    pages = -(-len(items) // per_page)
    return {
        "total_items": len(items),
        "total_pages": pages,
        "page_number": page,
        "size": len(contents),
        "first_page": page == 1,
        "last_page": page >= pages,
        "empty": not contents,
        "contents": contents,
    }
