"""The need report made of exact numbers: families seen in a contract year, after disclosure control. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.metrics.codes import WARD
from services.metrics.counting.book import Book
from services.metrics.counting.cases import Case
from services.metrics.disclosure import Sum, beside, publish
from services.metrics.need.report import need_report
from services.metrics.need.shares import SPECIALIST, TIERS, WARD_TIERS
from services.metrics.reports.model import ZERO, Heading, NeedReport, Shown
from services.metrics.reports.terms import Terms


def make_need(heading: Heading, book: Book, terms: Terms, *, earlier: NeedReport | None = None) -> NeedReport:
    """Families seen in a year, that is with a first contact in it, by tier and by ward, against those expected."""
    seen = _each_family_once(case for case in book.cases if case.first_contact_on in book.span)
    tiers = Counter(dict.fromkeys(TIERS, 0))
    tiers.update(case.tier for case in seen if case.tier is not None and case.tier in TIERS)
    ward_of = terms.dimensions[WARD].category
    wards = Counter(dict.fromkeys(terms.policy.ward_by_code, 0))
    wards.update(ward_of(case) for case in seen if case.tier in WARD_TIERS)
    cells = {f"tier/{tier}": number for tier, number in tiers.items()}
    cells |= {f"ward/{ward}": number for ward, number in wards.items()}
    cells |= {"tier/specialist": sum(tiers[tier] for tier in SPECIALIST)}
    sums = (
        Sum("tier/specialist", tuple(f"tier/{tier}" for tier in SPECIALIST)),
        Sum("in wards", tuple(f"ward/{ward}" for ward in wards)),
        Sum("in wards", tuple(f"tier/{tier}" for tier in WARD_TIERS)),
    )
    before, all_sums = beside(_published_cells(earlier), cells, sums)
    shown = publish(cells, all_sums, before=before)
    return need_report(
        heading,
        policy=terms.policy,
        population=terms.population,
        seen_by_tier={code: shown.get(f"tier/{code}", ZERO) for code in (*TIERS, "specialist")},
        seen_by_ward={ward: shown[f"ward/{ward}"] for ward in wards},
    )


def _each_family_once(cases: Iterable[Case]) -> list[Case]:
    """Of a family that was referred again and met again the first contact."""
    first: dict[UUID, tuple[date, Case]] = {}
    for case in cases:
        family, met_on = case.family_id or case.id, case.first_contact_on
        if met_on is not None and (family not in first or met_on < first[family][0]):
            first[family] = (met_on, case)
    return [case for _, case in first.values()]


def _published_cells(report: NeedReport | None) -> dict[str, Shown]:
    """By the names of the cells of a year."""
    if report is None:
        return {}
    tiers = {f"tier/{need.code}": need.seen for need in report.tiers if need.code in (*TIERS, "specialist")}
    return tiers | {f"ward/{need.code}": need.seen for need in report.wards}
