"""The rows of the need report: the shares of the under-twos that need what, and expected, seen and unmet of a group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from services.metrics.disclosure import Range, range_of
from services.metrics.reports.model import NOTHING, WITHHELD, ZERO, Need, Shown
from shared.policy import Policy

TIERS: Final[Mapping[str, str]] = {
    "universal": "Universal offer only",
    "targeted": "Targeted services",
    "specialist_short": "Shorter-term specialist work",
    "specialist_long": "Longer-term specialist work",
}
OUTREACH: Final[Mapping[str, str]] = {
    "outreach_insecure": "Insecure attachment, unlikely to come before age two",
    "outreach_disorganised": "Disorganised attachment, unlikely to come: support with risks through social care",
}
SPECIALIST: Final = ("specialist_short", "specialist_long")
WARD_TIERS: Final = ("targeted", *SPECIALIST)
"""A ward's row is about families who need more than the universal offer and may come: of these tiers."""

BIRMINGHAM: Final = "E08000025"
BIRMINGHAM_2022: Final[Mapping[str, float]] = {
    "universal": 0.50,
    "targeted": 0.08,
    "specialist_short": 0.02,
    "specialist_long": 0.07,
    "outreach_insecure": 0.20,
    "outreach_disorganised": 0.13,
}
"""Birmingham's needs assessment of 2022, in shares of its 30,672 children under two."""


def shares_of(policy: Policy) -> Mapping[str, float]:
    """The council's own shares, Birmingham's where its policy has none."""
    return policy.need_shares or BIRMINGHAM_2022


def are_borrowed(policy: Policy) -> bool:
    """Tell whether another council reckons with Birmingham's shares, copied into its policy or for lack of own ones."""
    return policy.authority != BIRMINGHAM and dict(shares_of(policy)) == dict(BIRMINGHAM_2022)


def expected(under_twos: int, share: float) -> int:
    """Families expected in a year, a half rounded up: 8 % of 30,672 is 2,454."""
    families = under_twos * Decimal(str(share))
    return int(families.quantize(Decimal(1), rounding=ROUND_HALF_UP))


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
