"""What chance and the calendar give while one family is invented: dates, numbers to ring, NHS numbers, postcodes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Final, TypeVar

from services.referral.postcodes.lookup import NOTTINGHAM_FILE
from shared.working_time import day_in_london

T = TypeVar("T")

CHECK_DIGITS: Final = 11
"""NHS numbers are checked modulo 11; a remainder that would need the digit 10 gives no number."""


@cache
def postcodes() -> dict[str, list[str]]:
    """Nottingham's postcodes by ward."""
    by_ward: dict[str, list[str]] = {}
    with NOTTINGHAM_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_ward.setdefault(row["ward_code"], []).append(row["postcode"])
    return by_ward


@dataclass(frozen=True, slots=True)
class Hand:
    """One family's share of chance. `at` is when its referral comes; `open_wards` are those open that day."""

    chance: Random
    at: datetime
    open_wards: tuple[str, ...]
    closed_wards: tuple[str, ...]

    @property
    def on(self) -> date:
        """The day of receipt in Europe/London, from which ages count."""
        return day_in_london(self.at)

    def of(self, choices: Sequence[T]) -> T:
        return self.chance.choice(choices)

    def weighed(self, choices: Sequence[tuple[T, int]]) -> T:
        """One of the choices, each with its weight."""
        return self.chance.choices([each for each, _ in choices], [weight for _, weight in choices])[0]

    def happens(self, percent: int) -> bool:
        return self.chance.randrange(100) < percent

    def some(self, choices: Sequence[T], least: int, most: int) -> list[T]:
        """Between `least` and `most` of them, in their own order."""
        taken = self.chance.sample(range(len(choices)), self.chance.randint(least, min(most, len(choices))))
        return [choices[place] for place in sorted(taken)]

    def days_ago(self, least: int, most: int) -> str:
        """A day so many days before the receipt."""
        return (self.on - timedelta(self.chance.randint(least, most))).isoformat()

    def in_days(self, least: int, most: int) -> str:
        return self.days_ago(-most, -least)

    def hours_ago(self, least: int, most: int) -> str:
        """A moment so many hours before the receipt."""
        at = self.at - timedelta(hours=self.chance.randint(least, most))
        return at.isoformat(timespec="seconds")

    def mobile(self) -> str:
        """Of Ofcom's range for drama: nobody has it."""
        return f"07700 900{self.chance.randrange(1000):03d}"

    def nhs_number(self) -> str:
        """A valid number of the range kept for tests (999...)."""
        while True:
            digits = f"999{self.chance.randrange(10**6):06d}"
            check = -sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % CHECK_DIGITS
            if check < CHECK_DIGITS - 1:
                return f"{digits}{check}"

    def home(self, wards: Sequence[str]) -> dict[str, Any]:
        """A real postcode of one of the wards, with an address that is made up half of the time."""
        postcode = self.of(postcodes()[self.of(wards)])
        street = f"{self.chance.randint(1, 120)} {self.of(('Invented', 'Made-Up', 'Example', 'Sample'))} Street"
        home: dict[str, Any] = {"postcode": postcode}
        return home | ({"address_lines": [street, "Nottingham"]} if self.happens(50) else {})
