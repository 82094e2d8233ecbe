"""What a KPI is: what it counts, out of what, by which date, and where it comes from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from services.metrics.counting.book import Book
from services.metrics.counting.cases import Case
from services.metrics.reports.model import Unit

DAY_RECEIVED: Final = "the day it was received"
REFERRAL: Final = "referral events"
TRIAGE: Final = "triage events: work items and decisions"
NOTIFY: Final = "message events"


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One line of the table.

    `over`: what is looked at; `day`: which date puts each into a month (None: into none); `numerator` and
    `denominator`: how much each adds; `wait`: for a median, the days of each (None: not looked at).
    `counted_by`, `source` and `quality` are sentences for the report. `numerator_cell` and `denominator_cell` name a
    number that another KPI or a table publishes too, so that it is published once and the same. `missed_of`: the share
    of whose missed part this count is a part. Targets are the policy's: `[contract.targets]`.
    """

    code: str
    name: str
    definition: str
    numerator_means: str
    denominator_means: str = ""
    counted_by: str
    source: str
    quality: str
    unit: Unit
    over: Callable[[Book], Sequence[Any]]
    day: Callable[[Any], date | None]
    numerator: Callable[[Any], int] = lambda _: 1
    denominator: Callable[[Any], int] | None = None
    wait: Callable[[Any], int | None] | None = None
    numerator_cell: str = ""
    denominator_cell: str = ""
    missed_of: str = ""


def cases(book: Book) -> Sequence[Case]:
    """Most KPIs look at the family referrals."""
    return book.cases


def counted(code: str, name: str, definition: str, **rest: Any) -> Kpi:
    """A number of things."""
    return Kpi(code=code, name=name, definition=definition, numerator_means=name, unit=Unit.COUNT, **rest)


def share(code: str, name: str, definition: str, **rest: Any) -> Kpi:
    """Some of them out of all."""
    return Kpi(code=code, name=name, definition=definition, unit=Unit.SHARE, **rest)


def working_days(days: int) -> str:
    """In words: `1 working day`, `20 working days`."""
    return "1 working day" if days == 1 else f"{days} working days"


def is_on_time(done: date | None, due: date | None) -> bool:
    """Whether it was done on or before the day it was due."""
    return done is not None and due is not None and done <= due
