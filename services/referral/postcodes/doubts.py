"""Does a file look like the directory that this council needs? What speaks against it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.referral.postcodes.deprivation import COUNTRIES, Index
from services.referral.postcodes.packing import Packing
from shared.policy import Policy

SHARE_OF_BEFORE: Final = 0.5
"""A directory only grows: terminated postcodes stay in it."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """`reasons` refuse the file unless somebody insists; `remarks` are only said."""

    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def look_at(packing: Packing, indexes: Mapping[str, Index | None], *, before: int | None, policy: Policy) -> Doubts:
    """`before` is how many postcodes the load before had; `indexes` the edition found for each country."""
    reasons: list[str] = []
    remarks: list[str] = []
    if before and packing.postcodes < SHARE_OF_BEFORE * before:
        reasons.append(f"It has {packing.postcodes:,} postcodes; the load before had {before:,}.")
    wards = {ward for ward, authority in packing.areas if authority == policy.authority}
    missing = [ward for ward in policy.ward_by_code if ward not in wards]
    if len(missing) == len(policy.ward_by_code):
        reasons.append(
            f"No postcode is in a ward of the policy {policy.id} ({policy.authority_name}, {policy.authority})."
        )
    elif missing:
        remarks.append(
            f"No postcode is in these wards of the policy {policy.id}: {', '.join(missing)}. If the ONS gave them new "
            "codes, change the policy: until then a person has to place every family who lives there."
        )
    for country, index in indexes.items():
        if index is None:
            words = (
                f"A rank of deprivation in {COUNTRIES[country]} is {packing.highest_ranks[country]:,}: no edition that "
                "is known here ranks so many areas, so there would be no deciles."
            )
            (reasons if country == policy.authority[0] else remarks).append(words)
    return Doubts(tuple(reasons), tuple(remarks))
