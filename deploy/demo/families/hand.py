"""What chance and the calendar give while one family is invented: dates, numbers to ring, NHS numbers, postcodes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Final

from deploy.demo.chance import Chance
from services.referral.postcodes.lookup import NOTTINGHAM_FILE
from shared.working_time import day_in_london

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


class Hand(Chance):
    """One family's share of chance. `at` is when its referral comes; `open_wards` are those open that day."""

    def __init__(
        self, random: Random, at: datetime, open_wards: Sequence[str] = (), closed_wards: Sequence[str] = ()
    ) -> None:
        super().__init__(random)
        self.at, self.open_wards, self.closed_wards = at, open_wards, closed_wards

    @property
    def on(self) -> date:
        """The day of receipt in Europe/London, from which ages count."""
        return day_in_london(self.at)

    def days_ago(self, least: int, most: int) -> str:
        """A day so many days before the receipt."""
        return (self.on - timedelta(self.between(least, most))).isoformat()

    def in_days(self, least: int, most: int) -> str:
        return self.days_ago(-most, -least)

    def hours_ago(self, least: int, most: int) -> str:
        """A moment so many hours before the receipt."""
        at = self.at - timedelta(hours=self.between(least, most))
        return at.isoformat(timespec="seconds")

    def mobile(self) -> str:
        """Of Ofcom's range for drama: nobody has it."""
        return f"07700 900{self.between(0, 999):03d}"

    def nhs_number(self) -> str:
        """A valid number of the range kept for tests (999...)."""
        while True:
            digits = f"999{self.between(0, 10**6 - 1):06d}"
            check = -sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % CHECK_DIGITS
            if check < CHECK_DIGITS - 1:
                return f"{digits}{check}"

    def home(self, wards: Sequence[str]) -> dict[str, Any]:
        """A real postcode of one of the wards, with an address that is made up half of the time."""
        postcode = self.of(postcodes()[self.of(wards)])
        street = f"{self.between(1, 120)} {self.of(('Invented', 'Made-Up', 'Example', 'Sample'))} Street"
        home: dict[str, Any] = {"postcode": postcode}
        return home | ({"address_lines": [street, "Nottingham"]} if self.happens(0.5) else {})
