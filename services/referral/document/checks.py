"""What has to be there and fit together, looked up in the raw JSON so that every error comes at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from services.referral.document.errors import required
from services.referral.document.fields import is_valid_nhs_number, nhs_digits
from services.referral.document.model import REQUIRED
from shared.events import tells_of_danger
from shared.strict_json import FieldError

_ONE_HOME: Final = "Give an address, no_fixed_abode or withheld, not two of them."

_MOST_PEOPLE: Final = 10
"""A longer list is refused as such."""

Raw = Mapping[str, object]


def is_urgent(raw: Raw) -> bool:
    """Say whether the ticks tell of a danger or a maternal red flag, whatever else can be read.

    Then a referral is accepted with anything missing, and every answer says whom to ring.
    """
    safety, mental_health = raw.get("safety"), raw.get("mental_health")
    ticks = [tick for tick in safety if isinstance(tick, str)] if isinstance(safety, list) else []
    return tells_of_danger(ticks, mental_health if isinstance(mental_health, str) else None)


def gaps(raw: Raw) -> list[FieldError]:
    """List each member that a referral needs and that is missing, null or an empty list."""
    return [*missing_members(raw, REQUIRED), *_missing_people(raw)]


def conflicts(raw: Raw) -> list[FieldError]:
    """List values that are readable and can't both be true."""
    return [*_homes(raw), *_shared_nhs_numbers(raw)]


def missing_members(raw: Raw, needed: Mapping[str, Iterable[str]]) -> Iterator[FieldError]:
    """Each member of `needed` that is missing or null, and in those that are there each of its inner members."""
    for member, inner in needed.items():
        part = raw.get(member)
        if part is None:
            yield required(f"/{member}")
        elif isinstance(part, dict):
            yield from (required(f"/{member}/{name}") for name in inner if part.get(name) is None)


def _missing_people(raw: Raw) -> Iterator[FieldError]:
    for people in ("babies", "caregivers"):
        if raw.get(people) in (None, []):
            yield required(f"/{people}", "At least one is needed.")
    for index, caregiver in _objects(raw, "caregivers"):
        if caregiver.get("relationship") is None:
            yield required(f"/caregivers/{index}/relationship")
        if caregiver.get("given_name") is None and caregiver.get("family_name") is None:
            yield required(f"/caregivers/{index}/given_name", "One name is needed, given_name or family_name.")


def _homes(raw: Raw) -> Iterator[FieldError]:
    home = raw.get("home")
    if not isinstance(home, dict):
        return
    has_address = home.get("postcode") is not None or bool(home.get("address_lines"))
    if has_address + (home.get("no_fixed_abode") is True) + (home.get("withheld") is True) > 1:
        yield FieldError("/home", "conflict", _ONE_HOME)


def _shared_nhs_numbers(raw: Raw) -> Iterator[FieldError]:
    seen: set[str] = set()
    for people in ("babies", "caregivers"):
        for index, person in _objects(raw, people):
            number = person.get("nhs_number")
            digits = nhs_digits(number) if isinstance(number, str) else None
            if digits is None:
                continue
            if digits in seen and is_valid_nhs_number(digits):  # else it stands in where nobody knows the number
                pointer = f"/{people}/{index}/nhs_number"
                yield FieldError(pointer, "conflict", "Two people can't have the same NHS number.")
            seen.add(digits)


def _objects(raw: Raw, member: str) -> Iterator[tuple[int, Raw]]:
    items = raw.get(member)
    for index, item in enumerate(items[:_MOST_PEOPLE] if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield index, item
