"""What an agency sends, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from deploy.demo.families.needs import Family
from services.referral.document.text import NAME_LENGTH


class What(StrEnum):
    """The calls of the intake that the demo makes."""

    REFERRAL = "referral"
    CHANGE = "change"
    WITHDRAWAL = "withdrawal"
    ENQUIRY = "enquiry"


@dataclass(frozen=True, slots=True)
class Sent:
    """`body` of a call, sent `at` by `agency` (a slug). `name` is the external reference of the referral it is about.

    An enquiry has no external reference: there `name` only tells it from others.
    """

    at: datetime
    agency: str
    what: What
    name: str
    body: dict[str, Any]

    @property
    def key(self) -> str:
        """Its Idempotency-Key: sent again after an interruption, it is answered as before."""
        return f"{self.name}-{self.what}"


def finished(family: Family, name: str) -> Family:
    """The referral with its external reference, who consented, and the names in its notes."""
    [baby, *_], [parent, *_] = family["babies"], family["caregivers"]
    notes = (
        family["notes"].replace("{parent}", parent["given_name"]).replace("{baby}", baby.get("given_name", "the baby"))
    )
    consent = dict(family.get("consent", {}))
    if consent.get("status") == "given":
        consent["given_by"] = f"{parent['given_name']} {parent['family_name']}"[:NAME_LENGTH]
    return (
        family
        | {"external_reference": name, "notes": notes[0].upper() + notes[1:]}
        | ({"consent": consent} if consent else {})
    )
