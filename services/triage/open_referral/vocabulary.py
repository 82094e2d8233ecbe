"""What the export writes and the import reads: ids, the addresses of areas, and two taxonomies with their terms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.service_map import ForWhom, Level

VERSION: Final = "HSDS-UK-3.0"
PROFILE: Final = "https://open-referral-uk-profile.readthedocs.io/en/latest/"
"""Where the profile is described, as its own pages name it."""
AREA: Final = "http://statistics.data.gov.uk/id/statistical-geography/"
"""An area's name on the web is this and its ONS code: the identifiers of the Office for National Statistics."""
OWN: Final = "pir"
"""The member of a service that is ours alone; the profile lets publishers add members of their own."""
ENGLISH: Final = "English"
"""The map lists languages beside English; a directory has them all."""

_AREA_URI: Final = re.compile(r"https?://statistics\.data\.gov\.uk/(?:id|doc)/statistical-geography/(E[0-9]{8})/?")


def id_of(*parts: str) -> UUID:
    """Make the id of a thing from its names (uuid5), the same in every copy and after every start.

    The authority is one of the names: two councils may both have an `early-help`.
    """
    return uuid5(NAMESPACE_URL, ":".join(["urn:pir:directory", *parts]))


def area_uri(code: str) -> str:
    """Name an area by its ONS code."""
    return f"{AREA}{code}"


def area_code(uri: str) -> str | None:
    """Return the ONS code that such a name ends in; None for any other."""
    found = _AREA_URI.fullmatch(uri)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a taxonomy; `code` is ours and stays when the words change."""

    code: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """`code` is ours; `link_type` says what one of its terms tells of a service."""

    code: str
    name: str
    description: str
    link_type: str
    terms: tuple[Term, ...]

    @property
    def id(self) -> str:
        return str(id_of("taxonomy", self.code))

    def term_id(self, term: Term) -> str:
        return str(id_of("taxonomy", self.code, term.code))

    def term(self, code: str) -> Term:
        """Raises KeyError for a code that this taxonomy does not have."""
        return {each.code: each for each in self.terms}[code]


LEVELS: Final = Taxonomy(
    "level",
    "Level of need",
    "The four levels by which councils map services for families with a baby.",
    "service_type",
    (
        Term(Level.UNIVERSAL, "Universal", "For every family"),
        Term(Level.TARGETED, "Targeted", "For families who need more"),
        Term(Level.STATUTORY, "Statutory", "Children's social care"),
        Term(Level.SPECIALIST, "Specialist", "For the greatest need"),
    ),
)
AUDIENCES: Final = Taxonomy(
    "for-whom",
    "For whom",
    "Who may turn to the service.",
    "intended_audience",
    (
        Term(ForWhom.FAMILIES, "Families", "Parents and their child together"),
        Term(ForWhom.PARENTS, "Parents", "Parents, for themselves"),
        Term(ForWhom.ELSEWHERE, "Families from elsewhere", "Families who live outside the council's area"),
    ),
)
"""Nothing is published that is for practitioners only, so that there is no term for it."""
TAXONOMIES: Final = (LEVELS, AUDIENCES)
