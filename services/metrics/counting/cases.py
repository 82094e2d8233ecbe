"""A referral as it is counted: its days in London, its deadlines, and the categories it falls into. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

from shared.events import ClosureReason, Eligibility, Route
from shared.policy import WorkingTime
from shared.working_time import day_in_london, due_on, is_working_day, working_days_between

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
GONE: Final = frozenset({ClosureReason.MOVED_AWAY, ClosureReason.FAMILY_ASKED, ClosureReason.DIED})
"""Ends after which there is nobody to be met: nobody at the team chose them."""
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
    first_contact_at: datetime | None = None
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


@dataclass(frozen=True)
class Case:
    """One family referral with its items and the times at which its clock stopped (True) and ran again (False)."""

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
    was_turned_away_at: datetime | None = None
    """When an earlier referral of the family last ended without a first contact, before this one came."""
    items: tuple[Item, ...] = ()
    clock: tuple[tuple[datetime, bool], ...] = field(default=())

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
    def first_contact_at(self) -> datetime | None:
        return _first([item.first_contact_at for item in self.items])

    @cached_property
    def first_contact_on(self) -> date | None:
        return day_of(self.first_contact_at)

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
                item.first_contact_at,
                item.ended_by_a_person_at,
            )
        ]
        return day_of(_first([*steps, self.person_decided_at]))

    @cached_property
    def decided_on(self) -> date | None:
        """A decision that stands: the rules routed it, a person decided, declined or ended it, or a team took it on."""
        accepted = [item.accepted_at for item in self.items]
        return day_of(_first([self.decided_at, self.declined_at, self._ended_by_a_person_at, *accepted]))

    @cached_property
    def _last_end_at(self) -> datetime | None:
        """When the last of its items ended; None while one is open, or there is none."""
        ends = [item.ended_at or item.declined_at for item in self.items]
        return max((at for at in ends if at), default=None) if ends and all(ends) else None

    @cached_property
    def _ended_by_a_person_at(self) -> datetime | None:
        last = self._last_end_at
        return last if last and any(item.ended_by_a_person_at == last for item in self.items) else None

    @cached_property
    def refused_at(self) -> datetime | None:
        """Declined, and not opened again since: an amendment can bring a declined referral back."""
        is_back = self.declined_at and any(item.opened_at and item.opened_at > self.declined_at for item in self.items)
        return None if is_back else self.declined_at

    @cached_property
    def ended_at(self) -> datetime | None:
        """Withdrawn, declined, or the last of its items ended; None while anything is open."""
        return _first([self.withdrawn_at, self.refused_at, self._last_end_at])

    @cached_property
    def gone_on(self) -> date | None:
        """The day on which there was nobody left to be met: withdrawn, or all ended and the family gone."""
        is_gone = any(item.end_reason in GONE for item in self.items)
        return day_of(_first([self.withdrawn_at, self._last_end_at if is_gone else None]))

    @cached_property
    def seen_due_on(self) -> date:
        return self._due_on(self.working_time.seen_days, self.received_at)

    @cached_property
    def decision_due_on(self) -> date | None:
        """Moved by the working days on which the clock waited for the referrer; None while it waits."""
        if self._asked_from is None:
            return None
        return self._moved(self._due_on(self.working_time.decision_days, self._asked_from), until=self.decided_on)

    @cached_property
    def contact_due_on(self) -> date | None:
        days = (
            self.working_time.first_contact_priority_days if self.is_priority else self.working_time.first_contact_days
        )
        if self._asked_from is None:
            return None
        return self._moved(self._due_on(days, self._asked_from), until=self.first_contact_on)

    @cached_property
    def _asked_from(self) -> datetime | None:
        """From when a decision and a contact can be asked for: the receipt, or the day a family's ward opened (E9).

        None while it is held for that; a person or a team that takes it on before is asked from the receipt on.
        """
        taken_on = _first([self.person_decided_at, self.accepted_at])
        if self.released_at is not None and (taken_on is None or taken_on >= self.released_at):
            return self.released_at
        is_held = self.eligibility == Eligibility.NOT_YET and taken_on is None
        return None if is_held else self.received_at

    def _due_on(self, days: int, since: datetime) -> date:
        return due_on(since, days=days, hours=self.working_time)

    def _moved(self, due: date, *, until: date | None) -> date | None:
        """A stop counts when it began on or before the day as moved so far, and before what was due was done."""
        for stopped, ran in self._stops:
            if stopped > due or (until is not None and stopped > until):
                break
            if ran is None:
                return due if until is not None else None
            for _ in range(working_days_between(stopped, ran)):
                due = _next_working_day(due)
        return due

    @cached_property
    def _stops(self) -> Sequence[tuple[date, date | None]]:
        """From the day it stopped to the day it ran again; asked twice in between is one stop."""
        stops: list[tuple[date, date | None]] = []
        began: date | None = None
        for at, is_stop in sorted(self.clock):
            if is_stop and began is None:
                began = day_in_london(at)
            elif not is_stop and began is not None:
                stops.append((began, day_in_london(at)))
                began = None
        return [*stops, (began, None)] if began else stops

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
        last = self._due_on(self.working_time.decision_days, self.received_at)
        return self.has_gaps or any(day_in_london(item.asked_at) <= last for item in self.items if item.asked_at)


def _first(times: Sequence[datetime | None]) -> datetime | None:
    return min((at for at in times if at), default=None)


def _next_working_day(day: date) -> date:
    day += timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    return day
