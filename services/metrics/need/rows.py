"""The rows of the need report: expected, seen and unmet of a tier, a ward, or the two specialist tiers together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.metrics.disclosure import Range, range_of
from services.metrics.need.shares import OUTREACH, SPECIALIST, TIERS, WARD_TIERS, expected
from services.metrics.reports.model import NOTHING, WITHHELD, ZERO, Need, Shown

Shares = Mapping[str, float]
SeenBy = Mapping[str, Shown]
"""Published numbers of families by tier or ward; one that is not there is none."""


def tiers(under_twos: int, shares: Shares, seen: SeenBy, *, seen_elsewhere: int) -> Iterator[Need]:
    """The tiers that have a share; then, as in Birmingham's table, specialist work together and what is left of it."""
    own = {code: expected(under_twos, shares[code]) for code in TIERS if code in shares}
    for code, families in own.items():
        shown = seen.get(code, ZERO)
        yield need(code, TIERS[code], families, shown, range_of(shown, at_most=families), of=(under_twos, shares[code]))
    if not all(code in own for code in SPECIALIST):
        return
    families = sum(own[code] for code in SPECIALIST)
    share = round(sum(shares[code] for code in SPECIALIST), 9)
    shown, possible = _specialist(seen, at_most=families)
    left = max(0, families - seen_elsewhere)
    yield need("specialist", "Specialist work, both", families, shown, possible, of=(under_twos, share))
    name = "Specialist work, without those whom another service sees"
    yield need("specialist_left", name, left, shown, possible, of=(under_twos, None))


def _specialist(seen: SeenBy, *, at_most: int) -> tuple[Shown, Range]:
    """As published together; else the two added up, held back where that can't be done."""
    if together := seen.get("specialist"):
        return together, range_of(together, at_most=at_most)
    short, long = (seen.get(code, ZERO) for code in SPECIALIST)
    possible = range_of(short, at_most=at_most) + range_of(long, at_most=at_most)
    if ZERO in (short, long):
        return (long if short == ZERO else short), possible
    if short.value is None or long.value is None:
        return WITHHELD, possible
    return Shown(value=short.value + long.value), possible


def wards(under_twos: Mapping[str, int], shares: Shares, seen: SeenBy, names: Mapping[str, str]) -> Iterator[Need]:
    """A ward's families who need more than the universal offer and may come: its cells of those tiers, added up."""
    counted = [code for code in WARD_TIERS if code in shares]
    share = round(sum(shares[code] for code in counted), 9)
    for ward, children in under_twos.items():
        families = sum(expected(children, shares[code]) for code in counted)
        shown = seen.get(ward, ZERO)
        possible = range_of(shown, at_most=families)
        yield need(ward, names.get(ward, ward), families, shown, possible, of=(children, share))


def outreach(under_twos: int, shares: Shares) -> Iterator[Need]:
    """Those who need help but are not expected to come: nobody counts them as seen or unmet here."""
    for code, name in OUTREACH.items():
        if code in shares:
            families = expected(under_twos, shares[code])
            yield Need(
                code=code,
                name=name,
                under_twos=under_twos,
                share=shares[code],
                expected=families,
                seen=NOTHING,
                unmet=None,
            )


def need(code: str, name: str, families: int, seen: Shown, possible: Range, *, of: tuple[int, float | None]) -> Need:
    """A row. `possible`: how many the published number of those seen may stand for; `of`: under-twos and share."""
    return Need(
        code=code,
        name=name,
        under_twos=of[0],
        share=of[1],
        expected=families,
        seen=seen,
        unmet=None if seen.value is None else max(0, families - seen.value),
        unmet_low=max(0, families - possible.high),
        unmet_high=max(0, families - possible.low),
    )
