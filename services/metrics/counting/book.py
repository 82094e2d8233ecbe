"""What a report counts besides referrals, and the book that holds all of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.metrics.counting.cases import Case
from services.metrics.spans import Span
from shared.policy import WorkingTime
from shared.working_time import day_in_london, due_on


@dataclass(frozen=True)
class SafeguardingItem:
    """An item on the way to children's social care.

    `acknowledged_at`: taken up, or ended by a person; `fell_away_at`: withdrawn or decided again before either.
    """

    opened_at: datetime
    acknowledged_at: datetime | None
    fell_away_at: datetime | None
    working_time: WorkingTime

    @property
    def is_asked_about(self) -> bool:
        """Not when it fell away by the day it was due; what nobody took up by then stays missed."""
        return self.fell_away_at is None or day_in_london(self.fell_away_at) > self.due_on

    @property
    def due_on(self) -> date:
        return due_on(self.opened_at, days=self.working_time.safeguarding_days, hours=self.working_time)

    @property
    def is_in_time(self) -> bool:
        return self.acknowledged_at is not None and day_in_london(self.acknowledged_at) <= self.due_on


@dataclass(frozen=True)
class Session:
    """A consultation or training that took place."""

    route: str
    held_on: date
    attendees: int


@dataclass(frozen=True)
class Message:
    """A message that was handed over, or given up."""

    on: date
    is_undeliverable: bool


@dataclass(frozen=True)
class PlacesTaken:
    """Places of one kind, individual or group, at the end of a month."""

    on: date
    kind: str
    taken: int
    there: int


@dataclass(frozen=True)
class Book:
    """What happened in a span, and what was due in it: each list holds more than the span; the KPIs' dates choose."""

    span: Span
    cases: Sequence[Case]
    safeguarding: Sequence[SafeguardingItem]
    sessions: Sequence[Session]
    messages: Sequence[Message]
    places: Sequence[PlacesTaken]
    agencies: Mapping[UUID, tuple[str, str]]
    """Slug and name by id."""
