"""Names of councils and languages by the codes that referrals bring: no code stands where a person reads."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import Final

_REFERENCE: Final = Path(__file__).parents[2] / "deploy" / "reference"


@lru_cache(maxsize=2)
def _named(file: str) -> dict[str, str]:
    with (_REFERENCE / file).open(encoding="utf-8", newline="") as lines:
        return {row["code"]: row["name"] for row in csv.DictReader(lines)}


def council_name(code: str) -> str:
    """Of an ONS code of a council in England or Wales; a newer one is `another council`."""
    return _named("authorities.csv").get(code, "another council")


def language_name(tag: str) -> str:
    """Of a language tag (BCP 47), by its first part: `pt-BR` is Portuguese. A rare one is told with its tag."""
    return _named("languages.csv").get(tag.partition("-")[0].lower(), f"Another language (tag {tag})")
