"""The invented agencies: who refers, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5


@dataclass(frozen=True, slots=True)
class Agency:
    """`source` is an NHS source code; `share` a weight among referrals.

    One that `is_known` is announced; of the others only their referrals say that they are there.
    """

    slug: str
    name: str
    source: str
    share: float
    is_known: bool = True

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"urn:pir:practice:agency:{self.slug}")


AGENCIES: Final = (
    Agency("practice-health-visiting", "Health visiting (practice)", "A2", 38),
    Agency("practice-midwifery", "Midwifery (practice)", "A4", 17),
    Agency("practice-early-help", "Early Help (practice)", "M6", 12),
    Agency("practice-social-care", "Children's social care (practice)", "C1", 10),
    Agency("practice-general-practice", "General practice (practice)", "A1", 9),
    Agency("practice-nursery", "Nurseries (practice)", "C2", 4.5),
    Agency("practice-family-hub", "Family Hub, families themselves (practice)", "B1", 4),
    Agency("practice-voluntary", "Home visiting charity (practice)", "G4", 2.5),
    Agency("practice-paediatrics", "Children's ward (practice)", "F2", 2, is_known=False),
    Agency("practice-asylum", "Asylum support (practice)", "M1", 0.6, is_known=False),
    Agency("practice-police", "Police (practice)", "E1", 0.4),
)
"""Shares after what parent-infant services say of who refers; invented all the same."""
