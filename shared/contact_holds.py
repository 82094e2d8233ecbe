"""The contact holds that the facts alone bring about: nothing reaches a household by itself under one of them."""

from __future__ import annotations

from datetime import date, datetime

from shared.events import LOSSES, Facts, Hold, Infant, Safety
from shared.policy import Age, Policy
from shared.working_time import day_in_london


def contact_holds(facts: Facts, *, at: datetime, policy: Policy) -> frozenset[Hold]:
    """C1 by S8 or E2, C2 by S7; triage says the same in its decision, which a message may come before.

    Days count to the day of `at`: of receipt as triage does, of now for what is sent later.
    """
    holds = set()
    if LOSSES.intersection(facts.circumstances) or is_long_overdue(facts.infant, day_in_london(at), policy.age):
        holds.add(Hold.C1)
    if Safety.DOMESTIC_ABUSE in facts.safety:
        holds.add(Hold.C2)
    return frozenset(holds)


def is_long_overdue(infant: Infant, on: date, age: Age) -> bool:
    """E2: no birth date, and due more than `overdue_days` ago; the baby may have died."""
    return infant.unborn_due_on is not None and (on - infant.unborn_due_on).days > age.overdue_days
