"""Published reports as they would look for Nottingham in June 2026: builders that state only what matters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from services.metrics.disclosure import percent_range
from services.metrics.reports.model import (
    FEW,
    NOTHING,
    SMALL,
    WITHHELD,
    Access,
    Change,
    ContractReport,
    Dimension,
    EqualityReport,
    Figure,
    Heading,
    Need,
    NeedReport,
    ReportKind,
    ReportStatus,
    Row,
    Shown,
    Table,
    Unit,
    Verdict,
)
from shared.events.codes import Tier
from shared.pages.wording import TIERS

COLUMNS: Final = {"received": "Received", "accepted": "Accepted", "declined": "Declined", "withdrawn": "Withdrawn"}
QUALITY: Final = (
    "Ethnic category is known for 4 in 5 mothers.",
    "3 agencies sent referrals without a first concern; they are counted as incomplete.",
)
PERIODS: Final = {
    ReportKind.CONTRACT: ("2026-06", date(2026, 6, 1), date(2026, 6, 30)),
    ReportKind.EQUALITY: ("2026-03--2026-08", date(2026, 3, 1), date(2026, 8, 31)),
    ReportKind.NEED: ("2025-09--2026-08", date(2025, 9, 1), date(2026, 8, 31)),
}
_MARKED: Final = {"c": SMALL, "w": WITHHELD, "z": NOTHING, "u": FEW}

Cell = int | Literal["c", "w", "z", "u"]


def shown(cell: Cell) -> Shown:
    """`15` or, by its shorthand, one that is held back."""
    return _MARKED[cell] if isinstance(cell, str) else Shown(value=cell)


def a_heading(kind: ReportKind = ReportKind.CONTRACT, **changes: Any) -> Heading:
    """Published, second version, with one figure changed."""
    period, first_day, last_day = PERIODS[kind]
    usual: dict[str, Any] = {
        "kind": kind,
        "period": period,
        "first_day": first_day,
        "last_day": last_day,
        "authority": "E06000018",
        "authority_name": "Nottingham",
        "policy": "nottingham",
        "policy_version": 3,
        "contract_year": 4,
        "is_payment_year": True,
        "status": ReportStatus.PUBLISHED,
        "version": 2,
        "published_at": datetime(2026, 8, 7, 8, 0, tzinfo=UTC),
        "changes": (Change(where="Referrals received", before="135", after="140"),),
    }
    return Heading(**(usual | changes))


def a_figure(code: str = "received", value: Cell = 140, **changes: Any) -> Figure:
    """A count, unless `changes` say otherwise."""
    usual: dict[str, Any] = {
        "code": code,
        "name": code.replace("_", " ").capitalize(),
        "definition": f"What {code.replace('_', ' ')} means, in a sentence.",
        "numerator_means": "Referrals of families",
        "counted_by": "The day on which the referral came in",
        "source": "Referral events",
        "quality": "Complete: every referral is counted.",
        "unit": Unit.COUNT,
        "value": shown(value),
    }
    return Figure(**(usual | changes))


def a_share(code: str, numerator: Cell, denominator: Cell, *, target: float | None = None, **changes: Any) -> Figure:
    """A share of the two published numbers; its verdict is worked out from them."""
    below = shown(denominator).value
    above = shown(numerator).value
    known = below and above is not None
    value: Cell = round(100 * (above or 0) / (below or 1)) if known else "z" if below == 0 else "w"
    verdict = None
    if target is not None:
        verdict = (
            (Verdict.MET if (above or 0) >= target * (below or 0) else Verdict.MISSED) if known else Verdict.UNSAID
        )
    usual: dict[str, Any] = {
        "denominator_means": "Referrals due in the month",
        "unit": Unit.SHARE,
        "numerator": shown(numerator),
        "denominator": shown(denominator),
        "target": target,
        "verdict": verdict,
        **dict(zip(("low", "high"), percent_range(shown(numerator), shown(denominator)) or (), strict=False)),
    }
    return a_figure(code, value, **(usual | changes))


def a_wait(tier: Tier, days: Cell) -> Figure:
    name = f"Waiting time, {TIERS[tier].lower()}"
    return a_figure(f"wait_{tier.value}", days, name=name, unit=Unit.DAYS, numerator_means="Working days, median")


def figures() -> tuple[Figure, ...]:
    """Counts, shares met and missed, one held back, one of nothing, waits with one too few."""
    counts: dict[str, Cell] = {
        "received": 140, "accepted": 95, "declined": 15, "withdrawn": "c", "aged_out_waiting": 0, "re_referred": "c",
        "bounced": "w", "consultations": 20, "trainings": "c", "trained_people": 45, "places_individual": 25,
        "places_group": 15, "undeliverable": 0,
    }  # fmt: skip
    return (
        *(a_figure(code, cell) for code, cell in counts.items()),
        a_share("acknowledged_at_once", 140, 140, target=0.98),
        a_share("seen_by_a_person", 120, 125, target=0.95, is_paid=True),
        a_share("decided_in_time", 105, 125, target=0.9, is_paid=True),
        a_share("contacted_in_time", 70, 75, target=0.9, is_paid=True),
        a_share("contacted_in_time_priority", "c", 20, target=0.95, is_paid=True),
        a_share("safeguarding_acknowledged", 0, 0, target=1.0, is_paid=True),
        a_share("incomplete", 15, 140),
        a_share("fathers", 25, 140),
        a_share("parent_was_asked", 105, 140, target=0.8),
        a_wait(Tier.UNIVERSAL, 3),
        a_wait(Tier.TARGETED, 6),
        a_wait(Tier.SPECIALIST_SHORT, 12),
        a_wait(Tier.SPECIALIST_LONG, 31),
        a_wait(Tier.PNMH, "u"),
    )


def a_row(code: str, name: str, *cells: Cell, columns: dict[str, str] | None = None) -> Row:
    return Row(code=code, name=name, counts=dict(zip(columns or COLUMNS, map(shown, cells), strict=True)))


def a_table(code: str = "by_source", *rows: Row, **changes: Any) -> Table:
    """Referrals by who sent them, unless said otherwise."""
    usual: dict[str, Any] = {
        "code": code,
        "title": "Referrals by source",
        "dimension": "source",
        "columns": COLUMNS,
        "rows": rows
        or (
            a_row("A2", "Health Visitor", 65, 45, "c", "w"),
            a_row("A4", "Maternity Service", 40, 30, "w", "c"),
            a_row("B1", "Self", 20, 10, "c", 0),
            a_row("C1", "Social Services", "c", "c", 0, 0),
            a_row("G4", "Voluntary Sector", "w", "w", 0, 0),
        ),
        "total": a_row("total", "All", 140, 95, 15, "c"),
        "note": "A referral has one source.",
    }
    return Table(**(usual | changes))


def tables() -> tuple[Table, ...]:
    agencies = {"received": "Received", "incomplete": "Incomplete"}
    return (
        a_table(),
        a_table(
            "by_ward",
            a_row("E05012275", "Bulwell", 45, 30, "c", 0),
            a_row("E05012270", "Aspley", 40, 30, "w", "c"),
            a_row("E05012281", "Hyson Green & Arboretum", 30, 20, "c", 0),
            a_row("E05012287", "St. Ann's", 20, 15, 0, 0),
            a_row("elsewhere", "Another council", "c", 0, "c", 0),
            a_row("not_known", "Not known", "w", "c", 0, "w"),
            title="Referrals by ward",
            dimension="ward",
            note="",
        ),
        a_table(
            "by_tier",
            a_row("universal", "Universal support", 20, 20, 0, 0),
            a_row("specialist_long", "Specialist, longer-term", 45, 40, "c", 0),
            a_row("none", "No tier yet", 75, 35, "w", "c"),
            title="Referrals by tier",
            dimension="tier",
        ),
        a_table(
            "incomplete_by_agency",
            a_row("early-help-north", "Early Help North", 30, 10, columns=agencies),
            a_row("maternity", "Maternity unit", 40, "c", columns=agencies),
            title="Incomplete referrals by agency",
            dimension="agency",
            columns=agencies,
            total=a_row("total", "All", 140, 15, columns=agencies),
        ),
    )


def a_contract_report(**changes: Any) -> ContractReport:
    """Every kind of figure and of table, with figures that are held back."""
    usual: dict[str, Any] = {
        "heading": a_heading(), "figures": figures(), "tables": tables(), "quality": QUALITY,
    }  # fmt: skip
    return ContractReport(**(usual | changes))


def some_months(count: int = 13) -> list[ContractReport]:
    """Monthly reports up to June 2026, oldest first; in the fourth nearly everything is held back."""
    made = []
    for step in range(count):
        months = 2026 * 12 + 5 - (count - 1 - step)
        first = date(months // 12, months % 12 + 1, 1)
        last = date.fromordinal(date((months + 1) // 12, (months + 1) % 12 + 1, 1).toordinal() - 1)
        heading = a_heading(period=f"{first:%Y-%m}", first_day=first, last_day=last, version=1, changes=())
        due: Cell = 100 + 5 * step
        in_time: Cell = "c" if step == 3 else due - 15 + 5 * (step % 3)
        some = (a_figure("received", due), a_share("decided_in_time", in_time, due, target=0.9, is_paid=True))
        made.append(a_contract_report(heading=heading, figures=some, tables=()))
    return made


def an_access(code: str, name: str, received: Cell, accepted: Cell, **changes: Any) -> Access:
    """Referred about as often as their share suggests, unless said otherwise."""
    usual: dict[str, Any] = {
        "population": 1000,
        "population_share": 12.0,
        "referred_share": 12.0,
        "ratio": 1.0,
        "low": 0.7,
        "high": 1.4,
        "gap": "none",
        "words": f"{name} families are referred about as often as their share of under-twos suggests.",
    }
    return Access(code=code, name=name, received=shown(received), accepted=shown(accepted), **(usual | changes))


_HELD_BACK: Final = dict.fromkeys(("referred_share", "ratio", "low", "high")) | {"gap": "unknown"}
_WHITE: Final = {
    "population": 4800,
    "population_share": 57.0,
    "referred_share": 71.0,
    "ratio": 1.24,
    "low": 1.13,
    "high": 1.36,
}
_ASIAN: Final = {
    "population": 1500,
    "population_share": 18.0,
    "referred_share": 7.0,
    "ratio": 0.39,
    "low": 0.24,
    "high": 0.6,
}


def dimensions() -> tuple[Dimension, ...]:
    fewer = "Asian mothers are referred less than half as often as their share of under-twos suggests."
    unknown = "Held back, so nothing can be said."
    return (
        Dimension(
            code="mother_ethnicity",
            title="Ethnic category of the mother",
            rows=(
                an_access("white", "White", 500, 370, **_WHITE, gap="more", words="White mothers are referred more often."),
                an_access("asian", "Asian or Asian British", 50, 35, **_ASIAN, gap="fewer", words=fewer),
                an_access("black", "Black or Black British", 85, 60),
                an_access("other", "Other ethnic groups", "c", "c", **_HELD_BACK, words=unknown),
                an_access(
                    "not_known", "Not known", 65, 20, **_HELD_BACK, population=None, population_share=None, words=unknown
                ),
            ),
            total_received=shown(705),
            total_accepted=shown(490),
            source="Invented: no count of under-twos by ethnic category of the mother is published for Nottingham.",
            is_invented=True,
            note="Not stated and not known are kept apart.",
        ),
        Dimension(
            code="ward",
            title="Ward",
            rows=(an_access("E05012275", "Bulwell", 180, 130), an_access("E05012287", "St. Ann's", "c", "w", **_HELD_BACK, words=unknown)),
            total_received=shown(705),
            total_accepted=shown(490),
            source="Office for National Statistics, 2023",
            is_invented=False,
        ),
    )  # fmt: skip


def an_equality_report(**changes: Any) -> EqualityReport:
    """Fewer, more, no difference, held back, and a category without a population."""
    usual: dict[str, Any] = {
        "heading": a_heading(ReportKind.EQUALITY, version=1, changes=()),
        "dimensions": dimensions(),
        "gaps": ("Asian mothers are referred less than half as often as their share of under-twos suggests.",),
        "quality": QUALITY,
    }
    return EqualityReport(**(usual | changes))


def a_need(code: str, name: str, expected: int, seen: Cell, **changes: Any) -> Need:
    known = shown(seen).value
    unmet = None if known is None else max(0, expected - known)
    return Need(code=code, name=name, expected=expected, seen=shown(seen), unmet=unmet, **({"under_twos": None, "share": None} | changes))  # fmt: skip


def a_need_report(**changes: Any) -> NeedReport:
    """Tiers, wards and outreach for 8,420 children under two."""
    usual: dict[str, Any] = {
        "heading": a_heading(ReportKind.NEED, version=1, changes=()),
        "tiers": (
            a_need("universal", "Universal support", 4210, 310, share=0.5),
            a_need("targeted", "Targeted support", 674, 240, share=0.08),
            a_need("specialist_short", "Specialist, short-term", 168, 180, share=0.02),
            a_need("specialist_long", "Specialist, longer-term", 589, "c", share=0.07),
        ),
        "wards": (
            a_need("E05012275", "Bulwell", 55, 20, under_twos=640),
            a_need("E05012270", "Aspley", 62, 25, under_twos=720),
            a_need("E05012287", "St. Ann's", 51, "c", under_twos=590),
        ),
        "outreach": (
            a_need("outreach_insecure", "Insecure attachment", 1684, 0, share=0.2),
            a_need("outreach_disorganised", "Disorganised attachment", 1095, 0, share=0.13),
        ),
        "expected": {
            "E05012275": {"universal": 320, "targeted": 51, "specialist_short": 13, "specialist_long": 45},
            "E05012270": {"universal": 360, "targeted": 58, "specialist_short": 14, "specialist_long": 50},
            "E05012287": {"universal": 295, "targeted": 47, "specialist_short": 12, "specialist_long": 41},
        },
        "seen_elsewhere": 340,
        "source": "Invented: no count of under-twos by ward is published.",
        "is_invented": True,
        "quality": QUALITY,
    }
    return NeedReport(**(usual | changes))
