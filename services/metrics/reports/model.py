"""A report as it is stored, shown and downloaded: figures after disclosure control, each with what it means.

Nothing here holds an exact count: whoever reads the table of reports learns no more than what is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mark(StrEnum):
    """Why a number is not there, in the shorthand of the Government Statistical Service."""

    NONE = ""
    SMALL = "c"
    """1 to 7: held back so that nobody can be singled out."""
    WITHHELD = "w"
    """Held back because another number could be worked out from it."""
    NOTHING = "z"
    """There was nothing to count: a share of none, a median of none."""
    FEW = "u"
    """Too few to say something reliable: a median of fewer than 8."""
    RANGE = "n"
    """No single per cent: rounded, it would lie on the other side of its target than the exact share."""
    ABSENT = "x"
    """Not available: nobody knows it, or it would be worked out from a number that is held back."""


class Shown(Part):
    """A published number: zero, a multiple of 5 from 10, a share in whole per cent, whole days; or none and why."""

    value: int | None
    mark: Mark = Mark.NONE

    @property
    def text(self) -> str:
        """As it stands in a table: `15`, `[c]`."""
        return f"[{self.mark}]" if self.value is None else f"{self.value}"


ZERO: Final = Shown(value=0)
SMALL: Final = Shown(value=None, mark=Mark.SMALL)
WITHHELD: Final = Shown(value=None, mark=Mark.WITHHELD)
NOTHING: Final = Shown(value=None, mark=Mark.NOTHING)
FEW: Final = Shown(value=None, mark=Mark.FEW)
ABSENT: Final = Shown(value=None, mark=Mark.ABSENT)
RANGE: Final = Shown(value=None, mark=Mark.RANGE)

MARKS: Final[dict[Mark, str]] = {
    Mark.SMALL: "1 to 7: held back so that nobody can be singled out",
    Mark.WITHHELD: "held back because another number could be worked out from it",
    Mark.NOTHING: "nothing to count",
    Mark.FEW: "too few to say",
    Mark.RANGE: "no single per cent: the rounding hides on which side of the target it lies, so the range is given",
    Mark.ABSENT: "not available",
}
"""What each shorthand means; shown under every table."""


class Unit(StrEnum):
    COUNT = "count"
    SHARE = "share"
    """Whole per cent of `numerator` in `denominator`, worked out from the two as they are published."""
    DAYS = "days"
    """Median in whole working days."""


class Verdict(StrEnum):
    MET = "met"
    MISSED = "missed"
    UNSAID = "unsaid"
    """Nothing to count, or the answer would give a number away."""


class Figure(Part):
    """One KPI in one period. `target` is a share from 0 to 1 of the policy; `is_paid`: payment hangs on it.

    `low` and `high`: the lowest and the highest whole per cent that the rounding of the two numbers leaves possible.
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
    value: Shown
    numerator: Shown | None = None
    denominator: Shown | None = None
    low: int | None = None
    high: int | None = None
    target: float | None = None
    verdict: Verdict | None = None
    is_paid: bool = False


class Row(Part):
    """One category of a table: `counts` by column code."""

    code: str
    name: str
    counts: dict[str, Shown]


class Table(Part):
    """A breakdown in one dimension; `total` is counted before rounding, so that the rows need not add up to it."""

    code: str
    title: str
    dimension: str
    columns: dict[str, str]
    """Column code → heading."""
    rows: tuple[Row, ...]
    total: Row
    note: str = ""


class Change(Part):
    """What a later version says differently from the one before."""

    where: str
    before: str
    after: str


class ReportKind(StrEnum):
    CONTRACT = "contract"
    EQUALITY = "equality"
    NEED = "need"


class ReportStatus(StrEnum):
    PUBLISHED = "published"
    NOT_YET = "not_yet"
    """Not over, or not published: no figure is given; `available_on` says when it is, or `waits_because` why not."""
    NO_DATA = "no_data"
    """Before the first referral."""


class Heading(Part):
    """What every report says about itself. A period is closed: `first_day` and `last_day` are both in it.

    `terms`: a digest of what the figures depend on in the policy (`contract_terms`), empty in older reports.
    `contract_year` counts from 1; `is_payment_year`: payment is linked to the KPIs in it. `is_practice`: made from
    invented families to show what a report looks like. `waits_because`: why one whose day has come is not there yet,
    as the rest of a sentence.
    """

    kind: ReportKind
    period: str
    """`2026-06` for a month, `2026-03--2026-08` for a half-year, `2025-09--2026-08` for a contract year."""
    first_day: date
    last_day: date
    authority: str
    authority_name: str
    policy: str
    policy_version: int
    terms: str = ""
    contract_year: int | None = None
    is_payment_year: bool = False
    status: ReportStatus
    version: int = 1
    published_at: datetime | None = None
    available_on: date | None = None
    waits_because: str = ""
    is_practice: bool = False
    changes: tuple[Change, ...] = ()


class ContractReport(Part):
    """The monthly contract report. `quality` are sentences on how far the data can be trusted."""

    heading: Heading
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    quality: tuple[str, ...] = ()


class Access(Part):
    """One category against the under-twos: is it referred as often as its share of them suggests?

    `referred_share` and `population_share` in whole per cent, below 10 with one decimal; `ratio` = the first ÷ the
    second, with `low` and `high` around it at 95 %, which take the rounding of the counts in; None where a number is
    held back. `accepted_ratio` with its ends is the same of the accepted referrals.
    """

    code: str
    name: str
    received: Shown
    accepted: Shown
    population: int | None
    population_share: float | None
    referred_share: float | None
    ratio: float | None
    low: float | None
    high: float | None
    gap: Literal["fewer", "more", "none", "unknown"]
    words: str
    accepted_ratio: float | None = None
    accepted_low: float | None = None
    accepted_high: float | None = None


class Dimension(Part):
    """One way to look at access. `source` says where the population is from; `is_invented`: not real numbers."""

    code: str
    title: str
    rows: tuple[Access, ...]
    total_received: Shown
    total_accepted: Shown
    source: str
    is_invented: bool
    note: str = ""


class EqualityReport(Part):
    heading: Heading
    dimensions: tuple[Dimension, ...]
    gaps: tuple[str, ...]
    """The gaps in words, the widest first."""
    quality: tuple[str, ...] = ()


class Need(Part):
    """Families expected in a year against those seen; `unmet` = expected - seen, never below 0.

    `unmet_low` and `unmet_high`: what the published number of those seen leaves possible, also where it is held back.
    """

    code: str
    name: str
    under_twos: int | None
    share: float | None
    expected: int
    seen: Shown
    unmet: int | None
    unmet_low: int | None = None
    unmet_high: int | None = None


class NeedReport(Part):
    """Need against seen, by tier and by ward; `outreach` are those who need help but are not expected to come.

    `expected` of `wards` by tier: ward code → tier → families.
    """

    heading: Heading
    tiers: tuple[Need, ...]
    wards: tuple[Need, ...]
    outreach: tuple[Need, ...]
    expected: dict[str, dict[str, int]]
    seen_elsewhere: int = 0
    """Families a year whom another service sees (Birmingham: about 340 by perinatal mental health)."""
    source: str
    is_invented: bool
    quality: tuple[str, ...] = ()


AnyReport = ContractReport | EqualityReport | NeedReport
MODELS: Final[dict[ReportKind, type[ContractReport | EqualityReport | NeedReport]]] = {
    ReportKind.CONTRACT: ContractReport,
    ReportKind.EQUALITY: EqualityReport,
    ReportKind.NEED: NeedReport,
}


def figure_of(figures: Sequence[Figure], code: str) -> Figure | None:
    """The figure with this code, if the report has it."""
    return next((figure for figure in figures if figure.code == code), None)
