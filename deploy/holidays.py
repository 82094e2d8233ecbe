"""Write the bank holidays of England: `python -m deploy.holidays > deploy/reference/bank-holidays.csv`.

The dates come from PyPI `holidays` (test group). Services read the file: importing the library costs 17 MB and 0.3 s
in each of them. A test compares the two; run this again when the government adds a day.
"""

from __future__ import annotations

import csv
import sys

import holidays

YEARS = range(2018, 2061)


def main() -> None:
    """One line a day: date, name."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["date", "name"])
    writer.writerows(sorted(holidays.country_holidays("GB", subdiv="ENG", years=YEARS).items()))


if __name__ == "__main__":
    main()
