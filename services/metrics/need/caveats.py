"""How far need against seen can be trusted, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from services.metrics.codes import ELSEWHERE, NOT_KNOWN, WARD
from services.metrics.disclosure import STEP, range_of
from services.metrics.need.rows import OUTREACH, TIERS, SeenBy, are_borrowed, shares_of
from services.metrics.population import Population
from services.metrics.reports.model import ZERO, Need
from shared.policy import Policy

EACH_BY_ITSELF = (
    "A child stands for a family. Each number of families expected is rounded by itself, so that wards and tiers may "
    "add up to a few more or fewer than the total."
)
SEEN_IS_ROUNDED = (
    f"Numbers of families seen are published to the nearest {STEP}: what is unmet may be {STEP // 2} more or fewer."
)
AT_MOST = (
    "Universal and targeted: most of these families are seen by health visitors, Family Hubs and Early Help without a "
    "referral, so what is unmet there is the most it can be, not a gap."
)
NO_PLACE = {ELSEWHERE: "live in another council's area", NOT_KNOWN: "have no known ward"}


def quality(
    policy: Policy,
    population: Population | None,
    *,
    tiers: Sequence[Need],
    wards: Sequence[Need],
    seen_by_ward: SeenBy,
    on: date,
) -> Iterator[str]:
    """Every sentence of the report; `on` is the last day of its period."""
    yield from _shares(policy)
    if population is None:
        yield f"There is no population file for {policy.authority_name}: no family can be expected."
        return
    yield from _invented(population)
    yield from (EACH_BY_ITSELF, SEEN_IS_ROUNDED, AT_MOST)
    yield _elsewhere(policy.contract.seen_elsewhere if policy.contract else 0)
    yield from (said for row in tiers if (said := _between(row)))
    yield from _wards(policy, wards, seen_by_ward, on)


def _shares(policy: Policy) -> Iterator[str]:
    if are_borrowed(policy):
        yield (
            f"{policy.authority_name} has no shares of its own: "
            "they are those of Birmingham's needs assessment of 2022."
        )
    else:
        yield f"The shares are those of the policy {policy.id}, version {policy.version}."
    known, shares = {**TIERS, **OUTREACH}, shares_of(policy)
    if missing := [code for code in known if code not in shares]:
        yield f"The policy has no share for {', '.join(missing)}: nothing is expected there."
    if unknown := [code for code in shares if code not in known]:
        yield f"The policy has shares that no row is for: {', '.join(unknown)}."


def _invented(population: Population) -> Iterator[str]:
    by_ward = population.dimensions.get(WARD)
    if population.whole.is_invented:
        yield f"The {population.total:,} children under two are invented, to be replaced before anyone acts on them."
    if by_ward is None:
        yield "There are no numbers of under-twos by ward: nothing is expected there."
    elif by_ward.is_invented:
        yield "The children under two by ward are invented, to be replaced before anyone acts on them."


def _elsewhere(families: int) -> str:
    if not families:
        return "Nobody has told how many families with a specialist need another service sees: none are taken off."
    return f"About {families:,} families a year with a specialist need are seen by another service: they are taken off."


def _between(row: Need) -> str:
    """What can be said of unmet need where the number seen is held back."""
    if row.seen.value is not None:
        return ""
    return f"{row.name}: between {row.unmet_low:,} and {row.unmet_high:,} unmet; the number seen is held back."


def _wards(policy: Policy, wards: Sequence[Need], seen: SeenBy, on: date) -> Iterator[str]:
    if held_back := [row for row in wards if row.seen.value is None]:
        yield (
            f"In {len(held_back)} of {len(wards)} wards the number seen is held back: "
            "what is unmet lies between two numbers."
        )
    if shut := [row for row in wards if not policy.is_open(row.code, on)]:
        yield f"{len(shut)} of {len(wards)} wards were not open at the end of the period: their families wait."
    for code, words in NO_PLACE.items():
        shown = seen.get(code, ZERO)
        if shown.value:
            yield f"About {shown.value:,} of the families seen {words} and are in no ward's row."
        elif range_of(shown, at_most=1).high:
            yield f"Some of the families seen {words} and are in no ward's row; their number is held back."
