"""Referrals as agencies send them: the sample, about a family that nobody else's test knows."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parent / "data" / "referral.json"


@cache
def _sample() -> str:
    return SAMPLE.read_text(encoding="utf-8")


def a_referral(**changes: Any) -> dict[str, Any]:
    """The sample with invented people of its own and an external reference of its own; `changes` replace members."""
    today, now = datetime.now(UTC).date(), datetime.now(UTC)
    text = re.sub(r"\{today-(\d+)d\}", lambda found: str(today - timedelta(int(found[1]))), _sample())
    text = text.replace("{now-1h}", (now - timedelta(hours=1)).isoformat(timespec="seconds"))
    body: dict[str, Any] = json.loads(text)
    name = f"Test-{''.join(secrets.choice('abcdefghklmnoprstuvw') for _ in range(10)).title()}"
    [baby] = body["babies"]
    mother, father = body["caregivers"]
    body["external_reference"] = f"T-{secrets.token_hex(8)}"
    baby |= {"family_name": name, "nhs_number": an_nhs_number(), "date_of_birth": _some_day(today)}
    mother["family_name"] = father["family_name"] = name
    return body | changes


def an_nhs_number() -> str:
    """A valid number of the range kept for tests (999...)."""
    while True:
        digits = f"999{secrets.randbelow(10**6):06d}"
        check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
        if check != 10:
            return digits + str(check % 11)


def _some_day(today: date) -> str:
    return str(today - timedelta(30 + secrets.randbelow(400)))
