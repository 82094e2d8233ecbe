"""A policy in words: what it says, what differs from another, what is wrong with a draft. Pure: no clock, no I/O."""

from services.triage.policy_words.mistakes import UnusableDraftError, read_draft
from services.triage.policy_words.sections import (
    Difference,
    Line,
    Section,
    differences,
    sections,
)

__all__ = [
    "Difference",
    "Line",
    "Section",
    "UnusableDraftError",
    "differences",
    "read_draft",
    "sections",
]
