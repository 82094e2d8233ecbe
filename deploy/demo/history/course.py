"""One referral or enquiry on its way: what is known of it, its open work, and what is going to happen when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from heapq import heappop, heappush
from typing import Any
from uuid import UUID

from deploy.demo.chance import Chance
from deploy.demo.history.families import Family, Wards
from deploy.demo.history.places import Places
from deploy.demo.history.seasons import Season
from deploy.demo.history.telling import Teller
from services.triage.work_items.conditions import ENQUIRIES
from services.triage.work_items.deadlines import ItemState
from services.triage.work_items.steps import ANY_OPEN, UNDECIDED
from shared.events import AboutWorkItem, LinkedReferral, Route, Urgency
from shared.policy import Policy
from shared.working_time import Stop, day_in_london, due_at, moved

Step = Callable[[datetime], object]


@dataclass(frozen=True, slots=True)
class World:
    """What all referrals share."""

    chance: Chance
    policy: Policy
    wards: Wards
    places: Places
    seasons: Mapping[date, Season]
    now: datetime
    references: Iterator[str]

    def season(self, at: datetime) -> Season:
        """Of the month of `at`; the last one for what comes later."""
        month = day_in_london(at).replace(day=1)
        return self.seasons.get(month) or self.seasons[max(self.seasons)]


@dataclass(slots=True)
class PastItem:
    """A work item, with what triage's table of steps and its conditions ask of a row."""

    id: UUID
    route: Route
    urgency: Urgency
    opened_at: datetime
    counts_from: datetime
    due_at: datetime
    state: ItemState = ItemState.OPEN
    marks: tuple[str, ...] = ()
    assignee: str | None = None
    opened_first_at: datetime | None = None
    accepted_at: datetime | None = None
    first_contact_at: datetime | None = None
    escalations: int = 0

    @property
    def is_open(self) -> bool:
        return self.state in ANY_OPEN

    @property
    def is_to_do(self) -> bool:
        """Nobody has taken it on yet."""
        return self.state in UNDECIDED


@dataclass
class Course:
    """The state of one referral; `family` changes with every amendment."""

    world: World
    teller: Teller
    family: Family
    received_at: datetime
    family_id: UUID
    plan: Callable[[Course, PastItem], None]
    """What will be done with an item is settled when it is opened."""
    linked: tuple[LinkedReferral, ...] = ()
    version: int = 1
    stops: list[Stop] = field(default_factory=list)
    """When its clock waited for the referrer."""
    released_at: datetime | None = None
    """When its ward opened, if it was held for that."""
    items: list[PastItem] = field(default_factory=list)
    urgency: Urgency = Urgency.ROUTINE
    is_priority: bool = False
    is_decided: bool = False
    decided_by_person: bool = False
    """An override or a decline stands."""
    ended_at: datetime | None = None
    is_withdrawn: bool = False
    is_over: bool = False
    """Nothing more is done."""
    is_erased: bool = False
    _agenda: list[tuple[datetime, int, Step]] = field(default_factory=list)
    _planned: int = 0

    @property
    def chance(self) -> Chance:
        return self.world.chance

    @property
    def policy(self) -> Policy:
        return self.world.policy

    @cached_property
    def season(self) -> Season:
        """Of the month in which it was received."""
        return self.world.season(self.received_at)

    @property
    def is_a_persons(self) -> bool:
        """A person has decided, or a team has it: what the rules say of new facts is no more than a proposal."""
        return self.decided_by_person or any(
            item.accepted_at and item.route not in ENQUIRIES for item in self.open_items
        )

    @property
    def open_items(self) -> list[PastItem]:
        return [item for item in self.items if item.is_open]

    def was_open(self, at: datetime) -> bool:
        """Whether something was still going on at that moment."""
        return self.ended_at is None or self.ended_at > at

    def later(self, at: datetime, step: Step) -> None:
        """Plan a step."""
        heappush(self._agenda, (at, self._planned, step))
        self._planned += 1

    def run(self) -> None:
        """Take the steps in the order of time, with those that follow from them, up to now."""
        while self._agenda and not self.is_over:
            at, _, step = heappop(self._agenda)
            if at > self.world.now:
                return
            step(at)

    def say(self, at: datetime, item: PastItem, event: type[AboutWorkItem], **members: Any) -> UUID:
        """Say something about a work item."""
        return self.teller.say(at, event, work_item_id=item.id, route=item.route, **members)

    def end(self, at: datetime) -> None:
        """An item is over; with the last one the referral is."""
        self.ended_at = None if self.open_items else at

    def due(self, days: int, *, since: datetime | None = None) -> date:
        """The day by which something is due: from the release or receipt on, moved as queues and reports move it."""
        hours = self.policy.working_time
        due = due_at(since or self.released_at or self.received_at, days=days, hours=hours)
        return day_in_london(due if since else moved(due, self.stops, hours=hours))
