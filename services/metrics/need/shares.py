"""Which share of the under-twos needs what: the codes of a policy's need shares, and Birmingham's for those without."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

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
