"""The need report of a year: what the shares of a policy expect of the under-twos, held against those seen."""

from __future__ import annotations

from services.metrics.codes import WARD
from services.metrics.need import rows
from services.metrics.need.quality import quality
from services.metrics.need.rows import SeenBy
from services.metrics.need.shares import TIERS, expected, shares_of
from services.metrics.population import Denominator, Population
from services.metrics.reports.model import Heading, NeedReport
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
