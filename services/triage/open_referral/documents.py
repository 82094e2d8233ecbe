"""From a service of the map to its HSDS document: what is published of it, and what is not.

Never published: the number of places, the routes (codes of our own rules), and entries for practitioners only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from services.triage.age_words import age_span
from services.triage.open_referral.vocabulary import (
    AUDIENCES,
    ENGLISH,
    LEVELS,
    OWN,
    TAXONOMIES,
    Taxonomy,
    Term,
    area_uri,
    id_of,
)
from shared.policy import Policy
from shared.service_map import ForWhom, MappedService, ServiceMap

Document = dict[str, Any]
NESTED: Final = frozenset({"phones", "contacts", "service_areas", "languages", "attributes", OWN})
"""Members of a service that a list leaves out unless it is asked for all (`full=true`): HSDS, "Lists"."""
_YEAR: Final = 12
_WHO: Final = {
    ForWhom.FAMILIES: "Families with a child",
    ForWhom.PARENTS: "Parents, for themselves, with a child",
    ForWhom.ELSEWHERE: "Families who live outside {area}, with a child",
}


def is_published(service: MappedService) -> bool:
    """Tell whether the open directory has it: what only practitioners may use is nobody else's."""
    return service.for_whom in _WHO


def in_years(months: int) -> float:
    """Months as years to two places, from which the months can be worked out again; whole years are whole numbers."""
    return months // _YEAR if months % _YEAR == 0 else round(months / _YEAR, 2)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Writes the documents of one map as they are on a day (in London)."""

    service_map: ServiceMap
    policy: Policy
    on: date

    def documents(self) -> list[Document]:
        """Every published service in the map's order, entries that have run out as `inactive`."""
        return [self.document(each) for each in self.service_map.services if is_published(each)]

    def document(self, service: MappedService) -> Document:
        """One service with all that is nested in it; what the map does not say is left out."""
        key = (self.service_map.authority, service.id)
        phone = {"id": str(id_of(*key, "phone")), "number": service.contact.phone, "type": "voice"}
        spoken = [*service.languages, *([] if ENGLISH in service.languages else [ENGLISH])]
        found: Document = {
            "id": str(id_of(*key)),
            "name": service.name,
            "description": service.offers,
            "url": service.contact.web or None,
            "status": "active" if service.is_live(self.on) else "inactive",
            "application_process": service.contact.how_to_refer,
            "eligibility_description": self._eligibility(service),
            **_ages(service),
            "assured_date": self.service_map.checked_on.isoformat() if self.service_map.checked_on else None,
            "phones": [phone],
            "contacts": [{"id": str(id_of(*key, "contact")), "phones": [phone]}],
            "service_areas": list(self._areas(service)),
            "languages": [{"id": str(id_of(*key, "language", name)), "name": name} for name in spoken],
            "attributes": [
                _attribute(key, LEVELS, LEVELS.term(service.level)),
                _attribute(key, AUDIENCES, AUDIENCES.term(service.for_whom)),
            ],
            OWN: {
                "id": service.id,
                "from_months": service.from_months,
                "to_months": service.to_months,
                "sees_under_twos": service.sees_under_twos,
                "is_invented": self.service_map.is_invented,
            },
        }
        return {name: value for name, value in found.items() if value is not None}

    def _eligibility(self, service: MappedService) -> str:
        who = _WHO[service.for_whom].format(area=self.policy.authority_name)
        return f"{who} {age_span(service.from_months, service.to_months)}."

    def _areas(self, service: MappedService) -> Iterator[Document]:
        """The wards, else the whole authority; for families from elsewhere no area has a code."""
        authority = self.service_map.authority
        if service.for_whom is ForWhom.ELSEWHERE:
            area = f"Outside {self.policy.authority_name}"
            yield {"id": str(id_of(authority, service.id, "area", "elsewhere")), "name": area}
            return
        for code in service.wards or (authority,):
            ward = self.policy.ward_by_code.get(code)
            name = self.policy.authority_name if code == authority else ward.name if ward else code
            yield {"id": str(id_of(authority, service.id, "area", code)), "name": name, "uri": area_uri(code)}


def _ages(service: MappedService) -> Document:
    """The child's age in years. HSDS has no age before birth: that stands in the words alone.

    A service for parents themselves has none: HSDS means the age of whoever uses it, and the map the child's.
    """
    if service.for_whom is ForWhom.PARENTS or service.to_months <= 0:
        return {}
    return {"minimum_age": in_years(max(service.from_months, 0)), "maximum_age": in_years(service.to_months)}


def _attribute(key: tuple[str, str], taxonomy: Taxonomy, term: Term) -> Document:
    return {
        "id": str(id_of(*key, "attribute", taxonomy.code)),
        "link_id": str(id_of(*key)),
        "link_entity": "service",
        "link_type": taxonomy.link_type,
        "taxonomy_term_id": taxonomy.term_id(term),
        "taxonomy_term": term_document(taxonomy, term),
    }


def term_document(taxonomy: Taxonomy, term: Term) -> Document:
    """One term as HSDS has it."""
    return {
        "id": taxonomy.term_id(term),
        "code": str(term.code),
        "name": term.name,
        "description": term.description,
        "taxonomy": taxonomy.name,
        "taxonomy_id": taxonomy.id,
    }


def taxonomy_documents() -> list[Document]:
    return [{"id": each.id, "name": each.name, "description": each.description} for each in TAXONOMIES]


def term_documents() -> list[Document]:
    return [term_document(taxonomy, term) for taxonomy in TAXONOMIES for term in taxonomy.terms]


def without_nested(document: Mapping[str, Any]) -> Document:
    """Only what a service has one of, as lists show it."""
    return {name: value for name, value in document.items() if name not in NESTED}
