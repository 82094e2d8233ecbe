"""Documents for tests of the referral form: one a scenario, the invented families of the demo, and any that is valid."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from services.referral.document.codes import (
    COMMON,
    ETHNIC_CATEGORIES,
    SOURCES,
    CommunicationNeed,
    Gender,
    MessageChannel,
    Strength,
    ToldBy,
)
from services.referral.document.model import ReferralDocument
from services.referral.front.form import FormPage
from services.referral.front.form_pages import SLUGS, pages_for
from shared.events import (
    Carer,
    CareStatus,
    Circumstance,
    ComplexHistory,
    Consent,
    Domain,
    MentalHealth,
    RiskFactor,
    Safety,
    Severity,
    Tier,
)

NOW: Final = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
_SCENARIOS: Final = Path(__file__).parent / "data" / "scenarios.jsonl"
_AS_NAMED: Final = (
    "source", "risk_factors", "complex_history", "safety", "mental_health", "care_status", "circumstances",
    "requested_tier",
)  # fmt: skip
_HOMES: Final[dict[str, dict[str, Any] | None]] = {
    "known": {"postcode": "NG6 8GB", "address_lines": ["1 High Street", "Bulwell"]},
    "terminated": {"postcode": "NG6 8GB"},
    "unknown": {"postcode": "ZZ99 3VZ"},
    "missing": None,
    "no_fixed_abode": {"no_fixed_abode": True},
    "withheld": {"withheld": True},
}


def page(slug: str, document: dict[str, Any] | None = None) -> FormPage:
    return pages_for(document or {})[SLUGS.index(slug)]


def document_of(facts: dict[str, Any]) -> dict[str, Any]:
    """A referral that could have given these facts."""
    infant = facts["infant"]
    baby = {"given_name": "Robin", "date_of_birth": infant["born_on"], "due_on": infant["due_on"]}
    number = {"valid": "9990000018", "invalid": "9990000019"}.get(facts["nhs_number"])
    carer: dict[str, Any] = {"relationship": facts["carer"], "given_name": "Sana", "phone": "07700 900123"}
    if facts["accessible_information"]:
        carer |= {"preferred_language": "ur", "interpreter_needed": True, "communication_needs": ["audio"]}
    return {
        **{name: facts[name] for name in _AS_NAMED},
        "referrer": {"name": "Ada Okoro", "role": "Health visitor", "email": "ada.okoro@example.org"},
        "babies": [
            {name: value for name, value in (baby | {"nhs_number": None if twin else number}).items() if value}
            for twin in range(infant["count"])
        ],
        "caregivers": [carer],
        "home": _HOMES[facts["place"]["quality"]],
        "consent": {"status": facts["consent"], "recorded_at": "2026-06-14T10:05:00+01:00"},
        "concern": facts["concern"],
        "notes": "Not safe at home.\r\n\r\nPlease ring." if facts["safety_words"] else None,
    }


def scenario_documents() -> dict[str, dict[str, Any]]:
    """Scenario → document; enquiries have none."""
    return {row["id"]: document_of(row["facts"]) for row in _scenarios() if row["facts"]["kind"] == "family"}


def scenario_enquiries() -> dict[str, tuple[str, dict[str, Any]]]:
    """Scenario → the NHS source code of the agency that asks, and what it sends to `POST /enquiries`."""
    facts = {row["id"]: row["facts"] for row in _scenarios() if row["facts"]["kind"] != "family"}
    return {name: (each["source"], _enquiry_of(each)) for name, each in facts.items()}


def _enquiry_of(facts: dict[str, Any]) -> dict[str, Any]:
    """An enquiry that could have given these facts."""
    said = {
        "kind": facts["kind"],
        "referrer": {"name": "Sunny Clarke", "role": "Key person", "email": "sunny.clarke@example.org"},
        "topic": "A baby who looks away",
        "people": 12,
        "safety": facts["safety"],
    }
    return said | ({"notes": "Not safe at home.\r\n\r\nPlease ring."} if facts["safety_words"] else {})


def _scenarios() -> list[dict[str, Any]]:
    return [json.loads(line) for line in _SCENARIOS.read_text(encoding="utf-8").splitlines()]


def meaning(document: dict[str, Any]) -> dict[str, Any]:
    """What the model reads in the document, without members that say nothing: nulls, empty lists, blanks, no tick.

    An empty baby or carer at the end says nothing either.
    """
    read = ReferralDocument.model_validate(document).model_dump(mode="json")
    said: dict[str, Any] = _said(read)
    for people in ("babies", "caregivers"):
        entries = [_said(entry) for entry in read[people]]
        while entries and not entries[-1]:
            entries.pop()
        said.pop(people, None)
        said |= {people: entries} if entries else {}
    return said


def _said(part: dict[str, Any]) -> dict[str, Any]:
    told = {name: _said(value) if isinstance(value, dict) else value for name, value in part.items()}
    return {
        name: value
        for name, value in told.items()
        if value not in (None, [], {})
        and not (isinstance(value, str) and not value.strip())
        and not (name in {"no_fixed_abode", "withheld"} and value is False)
    }


def _some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Each member there, null or missing."""
    return st.fixed_dictionaries({}, optional={name: st.none() | value for name, value in members.items()})


def _codes(codes: Any) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from([str(code) for code in codes]), unique=True)


def _code(codes: Any) -> st.SearchStrategy[str]:
    return st.sampled_from([str(code) for code in codes])


NAMES: Final = st.text(st.characters(categories=["L", "Nd", "Zs"]), min_size=1, max_size=12).map(
    lambda text: f"A{text}"
)
TEXTS: Final = st.text(min_size=1, max_size=40).filter(lambda text: "\x00" not in text)
DAYS: Final = st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(str)
BIRTHS_OF_CARERS: Final = st.dates(date(1930, 1, 1), date(2016, 1, 1)).map(str)
MOMENTS: Final = st.builds(
    lambda back, hours: (NOW - timedelta(seconds=back)).isoformat()[:19] + f"{hours:+03}:30",
    st.integers(10**5, 6 * 10**7),
    st.integers(-11, 13),
) | st.sampled_from(["2025-10-26T01:30:00+01:00", "2025-10-26T01:30:00Z", "2026-06-14T00:00:00+01:00", "2026-03-29T01:30:00.125Z"])  # fmt: skip
PHONES: Final = st.sampled_from(["07700 900123", "+44 7700 900124", "0115 496 0123"])
EMAILS: Final = st.sampled_from(["sana@example.org", "a.b+c@example.co.uk"])

ANY_DOCUMENT: Final = _some(
    external_reference=NAMES,
    source=_code(SOURCES),
    referrer=_some(name=NAMES, role=NAMES, email=EMAILS, phone=PHONES),
    babies=st.lists(
        _some(
            given_name=NAMES,
            family_name=NAMES,
            date_of_birth=DAYS,
            due_on=DAYS,
            sex=_code(Gender),
            nhs_number=st.sampled_from(["9990000018", "999 000 0019"]),
            ethnic_category=_code(ETHNIC_CATEGORIES),
        ),
        max_size=3,
    ),
    caregivers=st.lists(
        _some(
            relationship=_code(Carer),
            given_name=NAMES,
            family_name=NAMES,
            date_of_birth=BIRTHS_OF_CARERS,
            nhs_number=st.just("9990000026"),
            ethnic_category=_code(ETHNIC_CATEGORIES),
            phone=PHONES,
            email=EMAILS,
            preferred_language=_code(sorted(COMMON)) | st.sampled_from(["pt-BR", "bfi", "rmn"]),
            interpreter_needed=st.booleans(),
            communication_needs=_codes(CommunicationNeed),
            safe_contact=TEXTS,
            messages=_some(channel=_code(MessageChannel), is_safe=st.booleans(), told_by=_code(ToldBy)),
        ),
        max_size=3,
    ),
    home=_some(postcode=st.just("NG6 8GB"), address_lines=st.lists(NAMES, max_size=5))
    | _some(no_fixed_abode=st.booleans())
    | _some(withheld=st.booleans()),
    consent=_some(status=_code(Consent), given_by=NAMES, recorded_at=MOMENTS, override_reason=TEXTS),
    concern=_some(severity=_code(Severity), domains=_codes(Domain), parent_was_asked=st.booleans()),
    risk_factors=_codes(RiskFactor),
    strengths=_codes(Strength),
    complex_history=_codes(ComplexHistory),
    safety=_codes(Safety),
    mental_health=_code(MentalHealth),
    care_status=_code(CareStatus),
    circumstances=_codes(Circumstance),
    requested_tier=_code(Tier),
    notes=TEXTS,
)
"""Each member that the model knows, and readable; things that are needed may be missing."""
