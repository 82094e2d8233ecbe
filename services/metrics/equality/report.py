"""The equality report: every dimension, the gaps in words with the widest first, and how far to trust them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from services.metrics import codes
from services.metrics.equality.caveats import quality
from services.metrics.equality.comparison import TOTAL, Comparison, Pair
from services.metrics.equality.words import Finding
from services.metrics.population import Denominator, Population
from services.metrics.reports.model import Access, Dimension, EqualityReport, Heading

INVENTED: Final = "The numbers of under-twos are invented, to be replaced before anyone acts on them."
NO_NUMBERS: Final = "There are no numbers of under-twos by this, so nothing is compared."
NOTES: Final[dict[str, str]] = {
    codes.WARD: (
        "By the ward the family lives in; shares are of the wards that were open for the whole period, added up."
    ),
    codes.CARER: (
        "A child counts once for each of its carers: fathers are compared with all fathers of under-twos, "
        "whether or not they mainly look after the baby."
    ),
    codes.FATHER_ETHNICITY: "Every baby has a father: those of whom the referral says nothing are under not known.",
    codes.LANGUAGE: "By the language the family speaks; under-twos by the main language at home.",
    codes.CARER_AGE: "By the age of the youngest parent named.",
    codes.DEPRIVATION: "Tenths of all areas in England by the Index of Multiple Deprivation; 1 is the most deprived.",
}


def equality_report(
    heading: Heading,
    counts: Mapping[str, Mapping[str, Pair]],
    *,
    population: Population | None,
    names: Mapping[str, Mapping[str, str]],
    open_wards: Collection[str] | None = None,
) -> EqualityReport:
    """Compare the published counts with the under-twos, in every dimension of `WITH_UNDER_TWOS` that the counts have.

    `counts`: dimension → category → received and accepted as published, the totals under `total`; a category that is
    not there had none. `names`: dimension → category → words. `open_wards`: those open for the whole period; None is
    all. Nothing but published numbers goes in, so that the report gives nothing more away.
    """
    wards = population.under_twos if population else {}
    shut = [ward for ward in wards if open_wards is not None and ward not in open_wards]
    comparisons = [
        Comparison(
            dimension,
            counts[dimension],
            denominator=population.dimensions.get(dimension) if population else None,
            names=names.get(dimension, {}),
            shut=shut if dimension == codes.WARD else (),
        )
        for dimension in codes.WITH_UNDER_TWOS
        if dimension in counts
    ]
    found = [(each, list(each.rows())) for each in comparisons]
    dimensions = [_dimension(each, [row for row, _ in rows]) for each, rows in found]
    gaps = [gap for _, rows in found for _, own in rows for gap in own]
    return EqualityReport(
        heading=heading,
        dimensions=tuple(dimensions),
        gaps=_widest_first(gaps),
        quality=tuple(
            quality(comparisons, dimensions, authority=heading.authority_name, population=population, shut=shut)
        ),
    )


def _widest_first(gaps: list[Finding]) -> tuple[str, ...]:
    """By how wide they are at the least, that is by the end of the interval that is nearer to 1."""
    return tuple(f"{gap.words}." for gap in sorted(gaps, key=lambda gap: -gap.width))


def _dimension(comparison: Comparison, rows: list[Access]) -> Dimension:
    denominator: Denominator | None = comparison.denominator
    notes = [
        NOTES.get(comparison.dimension, "") if denominator else NO_NUMBERS,
        INVENTED if denominator and denominator.is_invented else "",
    ]
    received, accepted = comparison.pair(TOTAL)
    return Dimension(
        code=comparison.dimension,
        title=codes.TITLES[comparison.dimension],
        rows=tuple(rows),
        total_received=received,
        total_accepted=accepted,
        source=denominator.source if denominator else "",
        is_invented=bool(denominator and denominator.is_invented),
        note=" ".join(note for note in notes if note),
    )
