"""When the records of a family may go: a pure answer from dates and codes, by the classes of deploy/retention.toml.

The records of one family (one family id) go together, on the latest of their days: a referral that came again brings
the earlier ones back into use. What can't be known is never decided here: a person looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from services.referral.document.model import years_old
from shared.retention import RecordClass, Schedule, years_after

ADULT: Final = 18
_BEFORE_BIRTH: Final = timedelta(days=320)
"""A birth later than this after the end of all work was in no pregnancy that the work knew of."""
_MARGIN_YEARS: Final = 1
"""Between a due date and a birth that nobody told; a day of birth is certainly within it."""


class ClassCode(StrEnum):
    """The classes that are erased; what each is stands in deploy/retention.toml."""

    ACCEPTED = "accepted"
    SAFEGUARDING = "safeguarding"
    UNBORN = "unborn"
    LOSS = "loss"
    NOT_ACCEPTED = "not-accepted"
    ENQUIRY = "enquiry"


class Waits(StrEnum):
    """Why no day can be said."""

    OPEN = "open"
    HOLD = "hold"
    NO_DATE = "no-date"
    IMPLAUSIBLE = "implausible-date"
    DANGER_WITHOUT_CHILD = "danger-without-child"


FOR_A_PERSON: Final = frozenset({Waits.NO_DATE, Waits.IMPLAUSIBLE, Waits.DANGER_WITHOUT_CHILD})
"""Nothing but a person can end these; the other two end when the work or the hold does."""
WORDS: Final = {
    Waits.OPEN: "work with the family has not ended",
    Waits.HOLD: "a hold keeps it",
    Waits.NO_DATE: "the date of birth of a baby is not known: a person decides",
    Waits.IMPLAUSIBLE: "a date of birth can't be right: a person decides",
    Waits.DANGER_WITHOUT_CHILD: "an enquiry about a danger, of which no child is known: a person decides",
}


@dataclass(frozen=True, slots=True)
class BabyDates:
    """At most one of the two leads: a birth that is known."""

    born_on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What decides of one referral; days are those of London.

    `last_on`: the end of all work, or the last line of the history when that is later; None while work is open.
    `has_danger`: a danger was ticked, or safety work was opened (of words in the notes too), whatever came of it.
    """

    last_on: date | None
    babies: tuple[BabyDates, ...] = ()
    is_enquiry: bool = False
    was_accepted: bool = False
    has_danger: bool = False
    is_loss: bool = False
    has_legal_hold: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """The first day on which the family may be erased, and the class that keeps it longest."""

    on: date
    rule: ClassCode


def due_on(family: Sequence[RecordFacts], schedule: Schedule) -> Due | Waits:
    """Of all referrals of a family at once: a hold on one keeps all, open work on one as well.

    Without one of its referrals a family is due on the same day or an earlier one, never later.
    """
    if any(each.has_legal_hold for each in family):
        return Waits.HOLD
    ends = [each.last_on for each in family if each.last_on is not None]
    if len(ends) < len(family) or not ends:
        return Waits.OPEN
    last = max(ends)
    found = [_due_of(each, last, schedule) for each in family]
    waits = [each for each in found if isinstance(each, Waits)]
    return waits[0] if waits else max((each for each in found if isinstance(each, Due)), key=lambda each: each.on)


def _due_of(facts: RecordFacts, last: date, schedule: Schedule) -> Due | Waits:
    if facts.is_enquiry and facts.has_danger:
        return Waits.DANGER_WITHOUT_CHILD
    rule = class_of(facts)
    kept = schedule[rule]
    days = [years_after(last, kept.years or 0)]
    if kept.birthday is not None:
        if wrong := _unusable(facts, last):
            return wrong
        days += _birthdays(facts.babies, last, kept)
    return Due(max(days), rule)


def class_of(facts: RecordFacts) -> ClassCode:
    """The class of one referral by itself."""
    if facts.is_enquiry:
        return ClassCode.ENQUIRY
    if facts.is_loss:
        return ClassCode.LOSS
    if not (facts.was_accepted or facts.has_danger):
        return ClassCode.NOT_ACCEPTED
    if not any(baby.born_on for baby in facts.babies) and any(baby.due_on for baby in facts.babies):
        return ClassCode.UNBORN
    return ClassCode.ACCEPTED if facts.was_accepted else ClassCode.SAFEGUARDING


def _unusable(facts: RecordFacts, last: date) -> Waits | None:
    """Dates that say nothing; after a loss one baby without a date is enough known: the period after the end counts."""
    undated = [baby for baby in facts.babies if baby.born_on is None and baby.due_on is None]
    one_was_lost = facts.is_loss and len(facts.babies) <= 1
    if (undated or not facts.babies) and not one_was_lost:
        return Waits.NO_DATE
    born = [baby.born_on for baby in facts.babies if baby.born_on]
    if any(years_old(day, last) >= ADULT or day > last + _BEFORE_BIRTH for day in born):
        return Waits.IMPLAUSIBLE
    return None


def _birthdays(babies: Iterable[BabyDates], last: date, kept: RecordClass) -> Iterable[date]:
    """Until which birthday each baby's record is kept; one whose birth was not told is born within the margin."""
    for baby in babies:
        day = baby.born_on or (years_after(baby.due_on, _MARGIN_YEARS) if baby.due_on else None)
        if day is not None:
            was_17 = years_old(day, last) >= ADULT - 1
            yield years_after(day, (kept.birthday_if_17 if was_17 else kept.birthday) or 0)
