"""What is known of a service, and of all those of one authority; every question takes the day it is asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shared.events import Route
from shared.policy import PolicyPart

SIGNPOSTS: Final = (Route.SIGNPOST_AGE, Route.SIGNPOST_AREA, Route.ADVICE_TO_REFERRER, Route.PHASE_HOLD)
"""Routes on which a family or its referrer is told who else can help."""
PREGNANCY_MONTHS: Final = 9
"""Months before the birth are below zero: -9 is from the start of pregnancy."""
UNDER_TWO_MONTHS: Final = 24
"""Birmingham 2022 asks of each service whether children under two are on its caseload."""
SOON_DAYS: Final = 30
"""Entries that run out within this many days are pointed out."""


class Level(StrEnum):
    """The four levels by which both councils map their services."""

    UNIVERSAL = "universal"
    TARGETED = "targeted"
    STATUTORY = "statutory"
    SPECIALIST = "specialist"


class ForWhom(StrEnum):
    """Who may turn to it. Only services for families fill a gap; `elsewhere` is outside the authority's area."""

    FAMILIES = "families"
    PARENTS = "parents"
    PRACTITIONERS = "practitioners"
    ELSEWHERE = "elsewhere"


def _one_line(text: str) -> str:
    """Goes into mails and pages as it is."""
    if not text.strip() or not text.isprintable():
        raise ValueError("has to be one line of words")
    return text.strip()


def _phone(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9]{2,5}( ?[0-9]{2,4}){0,4}", text):
        raise ValueError("has to be a telephone number such as 0115 496 0110")
    return text


def _address(text: str) -> str:
    if not re.fullmatch(r"(https://[A-Za-z0-9.-]+(/[!-~]*)?)?", text):
        raise ValueError("has to be an address that begins with https://")
    return text


def _confirmed(day: object) -> object:
    """A draft has no day yet (deploy/service_map): the message says what a person has to do."""
    if day == "":
        raise ValueError("is empty: ask the service, and put in the day until which the entry is good, as 2027-06-30")
    return day


Line = Annotated[str, AfterValidator(_one_line), Field(max_length=160)]
Phrase = Annotated[Line, AfterValidator(lambda text: text.removesuffix("."))]
"""Stands in a sentence: the full stop is added there."""
Month = Annotated[int, Field(ge=-PREGNANCY_MONTHS, le=240)]
WardCode = Annotated[str, Field(pattern=r"^E05[0-9]{6}$")]


class Contact(PolicyPart):
    """How to reach it: a number is always there, for mails name no web address."""

    phone: Annotated[str, AfterValidator(_phone)]
    web: Annotated[str, AfterValidator(_address)] = ""
    how_to_refer: Phrase


class MappedService(PolicyPart):
    """One service. From `from_months` to `to_months` (out) is the child's age; no `wards` is the whole authority.

    `sees_under_twos`: children under two are on its caseload, not only eligible on paper. `capacity` is places a year.
    `expires_on`: somebody has to confirm the entry by then; that day is in. `routes` are those whose work it takes on
    or on which it is named.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    name: Line
    level: Level
    for_whom: ForWhom = ForWhom.FAMILIES
    offers: Phrase
    from_months: Month
    to_months: Month
    sees_under_twos: bool
    wards: tuple[WardCode, ...] = ()
    routes: tuple[Route, ...] = ()
    capacity: Annotated[int, Field(ge=0)] | None = None
    languages: tuple[Line, ...] = ()
    contact: Contact
    expires_on: Annotated[date, BeforeValidator(_confirmed)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.from_months >= self.to_months:
            raise ValueError("to_months has to be more than from_months")
        if twice := repeated([*self.wards, *self.routes]):
            raise ValueError(f"is listed twice: {twice}")
        if Route.PHASE_HOLD in self.routes and not self.sees_under_twos:
            raise ValueError("is named to families who wait (phase_hold), but has no children under two")
        if (Route.SIGNPOST_AREA in self.routes) is not (self.for_whom is ForWhom.ELSEWHERE):
            raise ValueError("signpost_area and for_whom = elsewhere belong together: outside the area, or inside")
        return self

    def is_live(self, on: date) -> bool:
        return on <= self.expires_on

    def expires_soon(self, on: date) -> bool:
        """Tell whether it is live, and has to be confirmed within 30 days."""
        return 0 <= (self.expires_on - on).days <= SOON_DAYS

    def is_in(self, ward: str | None) -> bool:
        """Tell whether it serves this ward; when that is not known, whether it serves them all."""
        return not self.wards or ward in self.wards

    def is_for_ages(self, from_months: int, to_months: int) -> bool:
        """Tell whether some of its ages are between these (the second is out)."""
        return self.from_months < to_months and from_months < self.to_months

    @property
    def is_unseen_under_two(self) -> bool:
        """Birmingham 2022: "eligible, but no 0-2s on the caseload"."""
        is_eligible = self.for_whom is ForWhom.FAMILIES and self.is_for_ages(0, UNDER_TWO_MONTHS)
        return is_eligible and not self.sees_under_twos


class ServiceMap(PolicyPart):
    """The services of one authority (ONS code). `is_invented`: made up to start with, not for live use."""

    authority: Annotated[str, Field(pattern=r"^E[0-9]{8}$")]
    title: Line
    checked_on: date | None = None
    is_invented: bool = False
    services: tuple[MappedService, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        if twice := repeated(service.id for service in self.services):
            raise ValueError(f"a service id is used twice: {twice}")
        return self

    def signposts(self, route: Route, *, ward: str | None, on: date) -> list[MappedService]:
        """Who to name on a route: those of the ward first, then those of the whole authority; none that expired."""
        live = [each for each in self.services if route in each.routes and each.is_live(on) and each.is_in(ward)]
        return sorted(live, key=lambda service: not service.wards)


def repeated(values: Iterable[str]) -> str:
    """Name what is there more than once; empty when nothing is."""
    return ", ".join(value for value, times in Counter(values).items() if times > 1)
