"""Which drafts hold nothing yet, so that of a flood only the newest few are kept; never one in which somebody typed.

In the memory of one process, by digests of addresses: the rows do not say where they come from. Whoever types into a
form whose draft is gone begins again, with what they typed (asking.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from services.referral.front.family.floods import MOST_OF_ONE, Households
from services.referral.front.form import NONE

MOST_EMPTY: Final = MOST_OF_ONE
"""Of one address."""
MOST_EMPTY_OF_ALL: Final = 1_000
"""A row takes some 300 bytes. Before a form is begun nothing is stored at all."""


def says_nothing(answers: Mapping[str, Any]) -> bool:
    """Whether the answers are none, or that nobody is in danger."""
    return not any(value and value != [NONE] for value in answers.values())


@dataclass(slots=True)
class EmptyDrafts:
    """Rows that hold nothing, the oldest first, each with whose it is."""

    _households: Households = field(default_factory=Households)
    _rows: OrderedDict[UUID, bytes] = field(default_factory=OrderedDict)

    def begun(self, address: str, row_id: UUID) -> UUID | None:
        """One more; returns the one that has to go for it, if any."""
        household = self._households(address)
        self._rows[row_id] = household
        own = [each for each, whose in self._rows.items() if whose == household]
        oldest = own[0] if len(own) > MOST_EMPTY else next(iter(self._rows))
        if len(own) <= MOST_EMPTY and len(self._rows) <= MOST_EMPTY_OF_ALL:
            return None
        del self._rows[oldest]
        return oldest

    def is_empty_no_more(self, row_id: UUID) -> None:
        """Somebody typed."""
        self._rows.pop(row_id, None)
