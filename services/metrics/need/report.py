"""The need report of a year: families expected of the under-twos against those seen, after disclosure control. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from services.metrics.codes import WARD
from services.metrics.counting.book import Book
from services.metrics.counting.cases import Case
from services.metrics.disclosure import Sum, beside, publish
from services.metrics.need import rows
from services.metrics.need.caveats import quality
from services.metrics.need.rows import SPECIALIST, TIERS, WARD_TIERS, SeenBy, expected, shares_of
from services.metrics.population import Denominator, Population
from services.metrics.reports.model import ZERO, Heading, NeedReport, Shown
from services.metrics.reports.terms import Terms
from shared.policy import Policy

NOBODY = Denominator(under_twos={}, source="", is_invented=False)


def need_report(
    heading: Heading, *, policy: Policy, population: Population | None, seen_by_tier: SeenBy, seen_by_ward: SeenBy
) -> NeedReport:
    """Expected families (under-twos x share, each number rounded by itself), seen as published, and unmet.

    `seen_by_tier` by tier code, `specialist` for the two specialist tiers together where that is published;
    `seen_by_ward`: families of `WARD_TIERS` by ward. One that is not there is none. Without a population file the
    report has no rows, and says so.
    """
    shares = shares_of(policy)
    whole = population.whole if population else NOBODY
    by_ward = (population.dimensions.get(WARD) if population else None) or NOBODY
    total = population.total if population else 0
    elsewhere = policy.contract.seen_elsewhere if policy.contract else 0
    names = {code: ward.name for code, ward in policy.ward_by_code.items()}
    tiers = tuple(rows.tiers(total, shares, seen_by_tier, seen_elsewhere=elsewhere)) if population else ()
    wards = tuple(rows.wards(by_ward.under_twos, shares, seen_by_ward, names))
    said = quality(policy, population, tiers=tiers, wards=wards, seen_by_ward=seen_by_ward, on=heading.last_day)
    return NeedReport(
        heading=heading,
        tiers=tiers,
        wards=wards,
        outreach=tuple(rows.outreach(total, shares)) if population else (),
        expected={
            ward: {code: expected(children, shares[code]) for code in TIERS if code in shares}
            for ward, children in by_ward.under_twos.items()
        },
        seen_elsewhere=elsewhere,
        source=_source(whole, by_ward),
        is_invented=whole.is_invented or by_ward.is_invented,
        quality=tuple(said),
    )


def _source(whole: Denominator, by_ward: Denominator) -> str:
    """Where the under-twos are from; the split by ward may have another source than the total."""
    if not whole.source or by_ward.source in ("", whole.source):
        return whole.source
    return f"{whole.source}; by ward: {by_ward.source}"


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
