"""A referral as it is counted: its days in London, its deadlines, and what had become of it by a day. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Final
from uuid import UUID

from shared.events import ClosureReason, Eligibility, Route
from shared.policy import WorkingTime
from shared.working_time import Stop, day_in_london, due_at, merged, moved, working_days_between

SUPPORT: Final = frozenset(
    {
        Route.UNIVERSAL,
        Route.TARGETED,
        Route.PIR_SHORT,
        Route.PIR_LONG,
        Route.PNMH,
        Route.PNMH_EMERGENCY,
        Route.ADULT_MH,
    }
)
"""Routes on which a family is helped; the others look, decide, link up or signpost."""
CHILDRENS_SOCIAL_CARE: Final = frozenset({Route.MASH, Route.MASH_HOME_LA})
"""Routes to that of this council, and of the council a family lives in: two of all that keep a child safe."""
NOT_BY_A_PERSON: Final = frozenset({ClosureReason.WITHDRAWN, ClosureReason.DECIDED_AGAIN, "erased"})
"""Ends that follow from something else: nobody at the team did them."""


def day_of(at: datetime | None) -> date | None:
    """The day in London; None of nothing."""
    return day_in_london(at) if at else None


@dataclass(frozen=True, slots=True)
class Item:
    """One work item; times in UTC, None for what has not happened."""

    route: str
    opened_at: datetime | None = None
    claimed_at: datetime | None = None
    asked_at: datetime | None = None
    listed_at: datetime | None = None
    accepted_at: datetime | None = None
    first_contact_on: date | None = None
    declined_at: datetime | None = None
    decline_reason: str | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None

    @property
    def asked_by_a_person_at(self) -> datetime | None:
        """The question about consent (E14) is asked by the rules themselves."""
        return None if self.route == Route.INFO_REQUEST else self.asked_at

    @property
    def ended_by_a_person_at(self) -> datetime | None:
        return None if self.end_reason in NOT_BY_A_PERSON else self.ended_at

    @property
    def over_at(self) -> datetime | None:
        """A declined item has no end of its own."""
        return self.ended_at or self.declined_at


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The referrer was asked about an item (`stops`); or they answered, or somebody went on with an item.

    `item` is None for an answer, and where rows from before migration 0006 do not tell which item it was.
    """

    at: datetime
    item: UUID | None
    stops: bool

    def ends(self, question: ClockChange) -> bool:
        """Only what came after a question ends it, and a step only the question about its own item."""
        is_about_it = self.item is None or question.item in (None, self.item)
        return not self.stops and self.at > question.at and is_about_it


@dataclass(frozen=True)
class Case:
    """One family referral with its items, and what stopped its clock or let it run again."""

    id: UUID
    received_at: datetime
    working_time: WorkingTime
    agency_id: UUID | None = None
    source: str | None = None
    ward: str | None = None
    authority: str | None = None
    carer: str | None = None
    carer_age: int | None = None
    support_ends_on: date | None = None
    family_id: UUID | None = None
    baby_ethnicity: str | None = None
    mother_ethnicity: str | None = None
    father_ethnicity: str | None = None
    language: str | None = None
    deprivation: int | None = None
    parent_was_asked: bool | None = None
    is_re_referral: bool = False
    has_gaps: bool = False
    tier: str | None = None
    eligibility: str | None = None
    is_priority: bool = False
    urgency: str | None = None
    withdrawn_at: datetime | None = None
    withdrawal_reason: str | None = None
    acknowledged_at: datetime | None = None
    decided_at: datetime | None = None
    person_decided_at: datetime | None = None
    released_at: datetime | None = None
    declined_at: datetime | None = None
    is_erased: bool = False
    is_restricted: bool = False
    was_turned_away_at: datetime | None = None
    """When an earlier referral of the family last ended without a first contact, before this one came."""
    items: tuple[Item, ...] = ()
    clock: tuple[ClockChange, ...] = ()

    @cached_property
    def received_on(self) -> date:
        return day_in_london(self.received_at)

    @cached_property
    def was_turned_away_on(self) -> date | None:
        return day_of(self.was_turned_away_at)

    @cached_property
    def withdrawn_on(self) -> date | None:
        return day_of(self.withdrawn_at)

    @cached_property
    def declined_on(self) -> date | None:
        return day_of(self.declined_at)

    @cached_property
    def accepted_at(self) -> datetime | None:
        """The first time a team that helps took the family on."""
        return _first([item.accepted_at for item in self.items if item.route in SUPPORT])

    @cached_property
    def accepted_on(self) -> date | None:
        return day_of(self.accepted_at)

    @cached_property
    def first_contact_on(self) -> date | None:
        return min((item.first_contact_on for item in self.items if item.first_contact_on), default=None)

    @cached_property
    def seen_on(self) -> date | None:
        """The first day on which a person did something with it: any step on any item, or a decision."""
        steps = [
            at
            for item in self.items
            for at in (
                item.claimed_at,
                item.asked_by_a_person_at,
                item.listed_at,
                item.accepted_at,
                item.declined_at,
                item.ended_by_a_person_at,
            )
        ]
        stepped_on = day_of(_first([*steps, self.person_decided_at]))
        return min((day for day in (stepped_on, self.first_contact_on) if day), default=None)

    @cached_property
    def decided_on(self) -> date | None:
        """A decision that stands: the rules routed it, a person decided, declined or ended it, or a team took it on."""
        accepted = [item.accepted_at for item in self.items]
        return day_of(_first([self.decided_at, self.declined_at, self._ended_by_a_person_at, *accepted]))

    @cached_property
    def _last_end_at(self) -> datetime | None:
        """When the last of its items ended; None while one is open, or there is none."""
        ends = [item.over_at for item in self.items]
        return max((at for at in ends if at), default=None) if ends and all(ends) else None

    @cached_property
    def _ended_by_a_person_at(self) -> datetime | None:
        last = self._last_end_at
        return last if last and any(item.ended_by_a_person_at == last for item in self.items) else None

    @cached_property
    def refused_at(self) -> datetime | None:
        """The last decline, unless something was opened since: an amendment or a challenge brings a referral back."""
        last = max((item.declined_at for item in self.items if item.declined_at), default=self.declined_at)
        is_back = last and any(item.opened_at and item.opened_at > last for item in self.items)
        return None if is_back else last

    @cached_property
    def ended_at(self) -> datetime | None:
        """Withdrawn, declined, or the last of its items ended; None while anything is open."""
        return _first([self.withdrawn_at, self.refused_at, self._last_end_at])

    def is_over(self, day: date) -> bool:
        """Whether by the end of that day it was withdrawn or declined, or all that had been opened had ended.

        What comes later changes nothing in it: a referral that is opened again afterwards was over on that day.
        """
        opened = [item for item in self.items if item.opened_at and day_in_london(item.opened_at) <= day]
        declines = [item.declined_at for item in opened if item.declined_at and _is_by(item.declined_at, day)]
        is_declined = bool(declines) and max(declines) >= max(item.opened_at for item in opened if item.opened_at)
        has_ended = bool(opened) and all(_is_by(item.over_at, day) for item in opened)
        return _is_by(self.withdrawn_at, day) or is_declined or has_ended

    def waits_for_its_ward(self, day: date) -> bool:
        """Whether by the end of that day its ward had not opened (E9), and nobody had taken it on all the same."""
        had_to_wait = self.released_at is not None or self.eligibility == Eligibility.NOT_YET
        return had_to_wait and not _is_by(_first([self.released_at, self._taken_on_at]), day)

    @cached_property
    def seen_due_on(self) -> date:
        return day_in_london(self._due_at(self.working_time.seen_days, self.received_at))

    @cached_property
    def decision_due_on(self) -> date | None:
        """Moved by the working time for which the clock waited for the referrer; None while it waits."""
        return self._moved(self.working_time.decision_days, done_on=self.decided_on)

    @cached_property
    def contact_due_on(self) -> date | None:
        """As `decision_due_on`, whether or not a team has taken the family on.

        Queues reckon it for themselves: services/triage/work_items/deadlines.py.
        """
        times = self.working_time
        days = times.first_contact_priority_days if self.is_priority else times.first_contact_days
        return self._moved(days, done_on=self.first_contact_on)

    @cached_property
    def _taken_on_at(self) -> datetime | None:
        return _first([self.person_decided_at, self.accepted_at])

    @cached_property
    def _asked_from(self) -> datetime | None:
        """From when a decision and a contact can be asked for: the receipt, or the day a family's ward opened (E9).

        None while it is held for that; a person or a team that takes it on before is asked from the receipt on.
        """
        taken_on = self._taken_on_at
        if self.released_at is not None and (taken_on is None or taken_on >= self.released_at):
            return self.released_at
        waits = self.eligibility == Eligibility.NOT_YET and taken_on is None
        return None if waits else self.received_at

    def _due_at(self, days: int, since: datetime) -> datetime:
        return due_at(since, days=days, hours=self.working_time)

    def _moved(self, days: int, *, done_on: date | None) -> date | None:
        """The day on which something is due; None while a question stands that was asked by then, and it is not done.

        Stops that began on a day after it was done move nothing.
        """
        if self._asked_from is None:
            return None
        stops = [stop for stop in self.stops if done_on is None or day_in_london(stop[0]) <= done_on]
        due = moved(self._due_at(days, self._asked_from), stops, hours=self.working_time)
        stands_still = any(ran is None and stopped <= due for stopped, ran in merged(stops))
        return None if stands_still and done_on is None else day_in_london(due)

    @cached_property
    def stops(self) -> Sequence[Stop]:
        """Each question, up to the first that ends it."""
        questions = [change for change in self.clock if change.stops]
        return [
            (asked.at, min((each.at for each in self.clock if each.ends(asked)), default=None)) for asked in questions
        ]

    @cached_property
    def waited_days(self) -> int | None:
        """Working days from the day of receipt to the day of the first contact."""
        return working_days_between(self.received_on, self.first_contact_on) if self.first_contact_on else None

    @cached_property
    def aged_out_on(self) -> date | None:
        """The day support ended for a family that was still waiting for its first contact."""
        ends, ended = self.support_ends_on, day_of(self.ended_at)
        if ends is None or ends <= self.received_on:
            return None
        was_met = self.first_contact_on is not None and self.first_contact_on < ends
        return None if was_met or (ended is not None and ended < ends) else ends

    @cached_property
    def is_incomplete(self) -> bool:
        """Something was missing: it came with gaps, or the referrer had to be asked while it was to be decided."""
        last = day_in_london(self._due_at(self.working_time.decision_days, self.received_at))
        return self.has_gaps or any(day_in_london(item.asked_at) <= last for item in self.items if item.asked_at)


def _first(times: Sequence[datetime | None]) -> datetime | None:
    return min((at for at in times if at), default=None)


def _is_by(at: datetime | None, day: date) -> bool:
    return at is not None and day_in_london(at) <= day
