"""Builders that state only what matters: everything else is a family whom triage routes by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from services.notify.sending_rules import Retries
from services.notify.writing import Writer
from services.triage.rules import decide
from shared.crypto import KEY_BYTES, LocalKey
from shared.encryption_keys import HeldKey
from shared.events import (
    Carer,
    CareStatus,
    Circumstance,
    ComplexHistory,
    Concern,
    Consent,
    Decision,
    Domain,
    Facts,
    Infant,
    Kind,
    Link,
    MentalHealth,
    NhsNumber,
    Place,
    PlaceQuality,
    RiskFactor,
    Route,
    Safety,
    Severity,
    Tier,
)
from shared.policy import Policy, load_all
from shared.service_map import ServiceMap

POLICIES: Final = Path(__file__).parents[1] / "deploy" / "policies"
NOTTINGHAM: Final = "E06000018"
GEDLING: Final = "E07000173"
BULWELL: Final = "E05012275"
SHERWOOD: Final = "E05012288"
OLD_ARBORETUM: Final = "E05001822"
TODAY: Final = date(2026, 6, 15)
BORN: Final = date(2025, 9, 1)


@cache
def policies() -> dict[str, Policy]:
    return load_all(POLICIES)


def a_key(use: str, number: int = 1, *, before: int | None = None) -> HeldKey:
    """A key of this number, and the one that is accepted beside it."""
    current, other = (LocalKey(bytes([each]) * KEY_BYTES) if each else None for each in (number, before))
    assert current
    return HeldKey(use, f"PIR_{use.upper()}_KEY", current, other)


def a_policy(name: str = "nottingham") -> Policy:
    return policies()[name]


RETRIES: Final = Retries(first=timedelta(seconds=30), longest=timedelta(hours=1), give_up=timedelta(hours=72))
"""As settings.py has them."""


def a_writer(**changes: Any) -> Writer:
    """Writes mails of a council without services, from us@pir.localhost."""
    service_map = ServiceMap(authority=NOTTINGHAM, title="None yet")
    return Writer(a_policy(), service_map, "Referrals <us@pir.localhost>", "us@pir.localhost", **changes)


def at_home(ward: str | None = BULWELL, authority: str | None = NOTTINGHAM) -> Place:
    return Place(ward=ward, authority=authority, quality=PlaceQuality.KNOWN)


def elsewhere() -> Place:
    """Next door in Gedling."""
    return Place(authority=GEDLING, quality=PlaceQuality.KNOWN)


def not_open_yet() -> Place:
    return at_home(ward=SHERWOOD)


def placeless(quality: PlaceQuality) -> Place:
    return Place(quality=quality)


def withheld() -> Place:
    return placeless(PlaceQuality.WITHHELD)


def a_family(
    *,
    born_on: date | None = None,
    due_on: date | None = None,
    babies: int = 1,
    home: Place | None = None,
    consent: Consent = Consent.GIVEN,
    severity: Severity = Severity.MILD,
    domains: Iterable[Domain] = (Domain.MAIN_CARER,),
    risk_factors: Iterable[RiskFactor] = (),
    complex_history: Iterable[ComplexHistory] = (),
    safety: Iterable[Safety] = (),
    mental_health: MentalHealth = MentalHealth.NONE,
    care_status: CareStatus = CareStatus.NONE,
    carer: Carer = Carer.MOTHER,
    carer_age: int | None = None,
    accessible_information: bool = False,
    circumstances: Iterable[Circumstance] = (),
    links: Iterable[Link] = (),
    safety_words: bool = False,
    requested_tier: Tier | None = None,
    nhs_number: NhsNumber = NhsNumber.VALID,
    full_routes: Iterable[Route] = (),
    source: str = "A2",
    kind: Kind = Kind.FAMILY,
    has_dates: bool = True,
) -> Facts:
    """Nine months old in Bulwell, a mild worry, consent given. Without either date the baby is born on `BORN`."""
    if has_dates and born_on is None and due_on is None:
        born_on = BORN
    return Facts(
        kind=kind,
        source=source,
        infant=Infant(born_on=born_on, due_on=due_on, count=babies),
        place=at_home() if home is None else home,
        consent=consent,
        concern=Concern(severity=severity, domains=tuple(domains)),
        risk_factors=tuple(risk_factors),
        complex_history=tuple(complex_history),
        safety=tuple(safety),
        mental_health=mental_health,
        care_status=care_status,
        carer=carer,
        carer_age=carer_age,
        accessible_information=accessible_information,
        circumstances=tuple(circumstances),
        links=tuple(links),
        safety_words=safety_words,
        requested_tier=requested_tier,
        nhs_number=nhs_number,
        full_routes=tuple(full_routes),
    )


def an_enquiry(kind: Kind = Kind.CONSULTATION, *, safety: Iterable[Safety] = (), safety_words: bool = False) -> Facts:
    """A practitioner's request: no child."""
    return Facts(kind=kind, source="C2", safety=tuple(safety), safety_words=safety_words)


def a_work_item(**changes: Any) -> Any:
    """A row of `work_item` as stored: open, of a team, received today at noon and due in 20 days; nobody has it."""
    at = noon(TODAY)
    known: dict[str, Any] = {
        "id": UUID(int=1),
        "reference": "PIR-4K7-29M",
        "route": "pir_short",
        "tier": "specialist_short",
        "urgency": "routine",
        "state": "open",
        "marks": [],
        "assignee": None,
        "held_before": None,
        "received_at": at,
        "counts_from": at,
        "due_at": at + timedelta(days=20),
        "clock_stands": False,
        "escalate_at": None,
        "opened_first_at": None,
        "accepted_at": None,
        "first_contact_at": None,
        "arranged_for": None,
        "ended_at": None,
        "end_reason": None,
    }
    return SimpleNamespace(**known | changes)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def decided(facts: Facts, *, on: date = TODAY, policy: str = "nottingham") -> Decision:
    """The machine's decision on `facts`, received at noon of that day."""
    return decide(facts, received_at=noon(on), policy=a_policy(policy))
