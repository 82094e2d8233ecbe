"""Which step of a work item is possible when: by its state, and for some steps by its route. Shown in the docs."""

from __future__ import annotations

from typing import Final

from services.triage.planning import FAMILY_WORK
from shared.events import Route

STEPS: Final[dict[str, frozenset[str]]] = {
    "claim": frozenset({"open", "waiting_list", "waiting_for_referrer"}),
    "release": frozenset({"claimed"}),
    "assign": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
    "accept": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer"}),
    "decline": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer"}),
    "override": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer"}),
    "request-information": frozenset({"open", "claimed"}),
    "wait": frozenset({"open", "claimed"}),
    "offer-interim": frozenset({"waiting_list"}),
    "contact-attempt": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
    "first-contact": frozenset({"accepted"}),
    "arrange": frozenset({"open", "claimed", "waiting_for_referrer", "accepted"}),
    "deliver": frozenset({"open", "claimed", "waiting_for_referrer", "accepted"}),
    "note": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
    "close": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
}
"""step → states of the item from which it is possible."""

ENQUIRIES: Final = frozenset({Route.CONSULTATION, Route.TRAINING})
"""Routes where a colleague is talked to or taught: arranged, held, counted with who came."""

ONLY_FOR: Final[dict[str, frozenset[Route]]] = {
    "wait": FAMILY_WORK,
    "offer-interim": FAMILY_WORK,
    "arrange": ENQUIRIES,
    "deliver": ENQUIRIES,
}
"""Steps that some routes alone have. Nobody waits for a place where a decision or a danger is looked at."""


def is_possible(step: str, *, route: str, state: str) -> bool:
    """Whether an item of this route and state can take the step; an ended item (closed, declined) can take none."""
    return state in STEPS[step] and (step not in ONLY_FOR or route in ONLY_FOR[step])


def possible(*, route: str, state: str) -> tuple[str, ...]:
    """Every step that is possible now, in the order of the table."""
    return tuple(step for step in STEPS if is_possible(step, route=route, state=state))
