"""What is true of a work item, each fact said once: a condition in SQL and, beside it, the same of one row in Python.

Nothing else decides on the state of a work item: API, pages, gauges, timers and steps all take it from here. A test
compares SQL and Python on random rows. SQL names the columns of `work_item` without a prefix.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from shared.events import DECLINE_ROUTES, FAMILY_WORK, SAFETY_ROUTES, WALL_CLOCK, Route
from shared.working_time import LONDON

SAFETY: Final = SAFETY_ROUTES
"""Routes of safety work; a `review` that safety words (A1) brought about is safety work too."""
ENQUIRIES: Final = frozenset({Route.CONSULTATION, Route.TRAINING})
"""Routes on which a colleague is talked to or taught: arranged, held, counted with who came."""

UNDELIVERABLE: Final = "undeliverable"
FAMILY_UNREACHED: Final = "family_unreached"
FAMILY_REPLIED: Final = "family_replied"
CALLS: Final = frozenset({UNDELIVERABLE, FAMILY_UNREACHED, FAMILY_REPLIED})
"""Marks of an item that is there so that somebody rings: the agency, or the family. No decision opens or ends it."""
SAFETY_WORDS: Final = "safety_words"
FACTS_CHANGED: Final = "facts_changed"
PLACE_FREE: Final = "place_free"
WITHDRAWN: Final = "withdrawn"
CHALLENGED: Final = "challenged"
OTHER_WITHDRAWN: Final = "other_withdrawn"
AGES_OUT_SOON: Final = "ages_out_soon"
WAITING_LIST: Final = "waiting_list"
OWN_MARKS: Final = frozenset(
    {*CALLS, FACTS_CHANGED, PLACE_FREE, WITHDRAWN, CHALLENGED, OTHER_WITHDRAWN, AGES_OUT_SOON, WAITING_LIST}
)
"""Marks of the item itself, whatever is decided later."""


IS_CALL: Final = f"marks ?| CAST('{{{','.join(sorted(CALLS))}}}' AS text[])"


def _any(column: str, values: Iterable[str]) -> str:
    return f"{column} = ANY('{{{','.join(sorted(values))}}}')"


IS_OPEN: Final = "ended_at IS NULL"
IS_WITHOUT_TEAM: Final = "accepted_at IS NULL"
IS_FAMILY_WORK: Final = _any("route", FAMILY_WORK)
IS_ENQUIRY: Final = _any("route", ENQUIRIES)
IS_ON_WALL_CLOCK: Final = _any("urgency", WALL_CLOCK)
IS_SAFETY: Final = f"({_any('route', SAFETY)} OR route = 'review' AND marks ? '{SAFETY_WORDS}')"
IS_WATCHED: Final = f"({IS_SAFETY} OR {IS_ON_WALL_CLOCK})"
IS_ATTENDED: Final = "(accepted_at IS NOT NULL OR opened_first_at IS NOT NULL AND assignee IS NOT NULL)"
IS_UNREAD_SAFETY: Final = f"({IS_SAFETY} AND NOT {IS_ATTENDED})"
OUTLIVES: Final = f"(accepted_at IS NOT NULL OR {IS_UNREAD_SAFETY} OR {IS_CALL})"
IS_MET: Final = f"({IS_FAMILY_WORK} AND first_contact_at IS NOT NULL OR {IS_ENQUIRY} AND accepted_at IS NOT NULL)"
RUNS: Final = f"(NOT clock_stands AND NOT {IS_MET})"
IS_OVERDUE: Final = f"({RUNS} AND due_at < :now)"
IS_DUE_TODAY: Final = f"({RUNS} AND due_at >= :now AND due_at < :tomorrow)"
IS_CONTACT_DUE: Final = f"(accepted_at IS NOT NULL AND {IS_FAMILY_WORK} AND first_contact_at IS NULL)"
WAITS_FOR_REFERRER: Final = "state = 'waiting_for_referrer'"
IS_ON_LIST: Final = f"(marks ? '{WAITING_LIST}' AND {IS_WITHOUT_TEAM})"
IS_UNASSIGNED: Final = f"(assignee IS NULL AND NOT {WAITS_FOR_REFERRER})"
IS_PROPOSED_DECLINE: Final = _any("route", DECLINE_ROUTES)
IS_UNOPENED_IN_TIME: Final = "(opened_first_at IS NULL AND (escalations > 0 OR escalate_at <= :now))"
IS_NEAR_BIRTHDAY: Final = (
    f"(first_contact_at IS NULL AND (marks ?| ARRAY['{AGES_OUT_SOON}', 'time_short'] OR age_out_warning_on <= :today))"
)


def is_safety(row: Any) -> bool:
    """Danger, or a loss: until somebody has opened it and has it, only a lead's words end it."""
    return row.route in SAFETY or (row.route == Route.REVIEW and SAFETY_WORDS in row.marks)


def is_watched(row: Any) -> bool:
    """Its clock never stops, and on-call hears of it until it is done: safety work, `now` and `4h`."""
    return is_safety(row) or row.urgency in WALL_CLOCK


def is_attended(row: Any) -> bool:
    """Somebody has opened it and has it, or a team has taken it on."""
    return row.accepted_at is not None or (row.opened_first_at is not None and row.assignee is not None)


def is_unread_safety(row: Any) -> bool:
    return is_safety(row) and not is_attended(row)


def is_call(row: Any) -> bool:
    """There so that somebody rings, whatever was decided."""
    return bool(CALLS.intersection(row.marks))


def outlives(row: Any) -> bool:
    """Neither another decision nor a decline ends it: accepted, unread safety work, or somebody to ring."""
    return row.accepted_at is not None or is_unread_safety(row) or is_call(row)


def stays_open(row: Any, *, decided_on: UUID) -> bool:
    """Whether a person's decision on the item `decided_on` leaves this one open, though it has no place for it.

    Safety work of others too: whoever has it ends it, with words that say who was told.
    """
    return outlives(row) or (row.id != decided_on and is_safety(row))


def is_met(row: Any) -> bool:
    """What was due is done while it is open: a team has met the family, a consultation or training is arranged.

    Anything else is done when a person ends it.
    """
    if row.route in FAMILY_WORK:
        return row.first_contact_at is not None
    return row.route in ENQUIRIES and row.accepted_at is not None


def runs(row: Any) -> bool:
    """Whether the deadline counts: the clock does not stand, and what is due is not done yet."""
    return not row.clock_stands and not is_met(row)


def is_overdue(row: Any, now: datetime) -> bool:
    return runs(row) and row.due_at < now


def is_contact_due(row: Any) -> bool:
    """A team has taken the family on and has not met or spoken to them yet."""
    return row.accepted_at is not None and row.route in FAMILY_WORK and row.first_contact_at is None


def is_on_list(row: Any) -> bool:
    """On the waiting list, also while a colleague holds it."""
    return WAITING_LIST in row.marks and row.accepted_at is None


def is_proposed_decline(row: Any) -> bool:
    """Only a lead ends it: as a decline, or with words."""
    return row.route in DECLINE_ROUTES


def tomorrow(now: datetime) -> datetime:
    """Midnight in London at which today ends."""
    midnight = now.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)
