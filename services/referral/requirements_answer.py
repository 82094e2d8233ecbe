"""What GET /requirements answers, as a schema for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from services.referral.answers import Answered, PolicyVersion
from shared.events import Route


class Dangers(Answered):
    """Codes with which anything else may be missing; every answer then says whom to ring."""

    safety: list[str]
    """Of the member `safety`."""
    mental_health: list[str]
    """Of the member `mental_health`."""


class AgeWindow(Answered):
    """For which age the support is."""

    since: str = Field(alias="from")
    """From when."""
    until: str
    """Until when."""
    months: int
    """The same as months of age."""
    looked_at_by_a_person_until_days_after: int
    """How many days after that a person still looks before anything is declined."""


class Ward(Answered):
    """A ward."""

    code: str
    """Its ONS code."""
    name: str
    """Its name."""


class Area(Answered):
    """Which council it is."""

    authority: str
    """Its ONS code."""
    name: str
    """Its name."""
    wards_open_today: list[Ward]
    """Wards whose families can be helped now; for others a referral waits."""


class WhatHappensNext(Answered):
    """After a referral was sent."""

    receipt: str
    """What your team's inbox gets."""
    decision_within_working_days: int
    """Working days until a decision."""
    first_contact_within_working_days: int
    """Working days until a team meets the family."""
    challenge: str
    """What you can do about a decline."""
    statuses: dict[str, str]
    """Each status of a referral, in words."""
    statuses_of_enquiries: dict[str, str]
    """Each status of an enquiry, in words."""


class Number(Answered):
    """A number to ring."""

    who: str
    """Whose."""
    phone: str
    """The number."""
    when: str
    """In which danger."""


class RingNow(Answered):
    """Whom to ring in a danger."""

    words: str
    """That this is no emergency service."""
    numbers: list[Number]
    """The emergency services first."""


class Requirements(Answered):
    """What to know before anything is sent; open to all."""

    required: list[str]
    """JSON pointers to what a referral needs."""
    required_in_danger: str
    """When less is enough, in words."""
    dangers: Dangers
    """The codes that make it enough."""
    code_lists: dict[str, list[str]]
    """The codes of each member."""
    code_meanings: dict[str, dict[str, str]]
    """Each code in words; of answers too."""
    age_window: AgeWindow
    """From when until when a child can be referred."""
    area: Area
    """Which council, and its wards that are open today."""
    routes: list[Route]
    """Every team or list that a referral can go to."""
    what_happens_next: WhatHappensNext
    """What you hear after a referral was sent, and when."""
    ring_now: RingNow
    """The numbers of the council's policy, for a danger."""
    policy: PolicyVersion
    """The policy that all of this is from."""
    document: dict[str, Any] = Field(alias="schema")
    """The JSON Schema of a referral."""
