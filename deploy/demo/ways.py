"""What the team has done with a work item so far: ways it can have gone, by the kind of work and its age. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from services.triage.work_items.conditions import SAFETY as SAFETY_ROUTES
from shared.events import FAMILY_WORK, Route, Urgency
from shared.policy import Policy
from shared.working_time import day_in_london

WORKER, LEAD = "triage-worker", "triage-lead"
LOOK: Final = "look"
"""Reading the item, which is a GET; every other step is a POST of its name."""


@dataclass(frozen=True, slots=True)
class Move:
    """One call: who makes it, which step, with what."""

    step: str
    body: dict[str, Any] = field(default_factory=dict)
    who: str = WORKER


@dataclass(frozen=True, slots=True)
class Item:
    """An open work item, as far as its way depends on it."""

    id: UUID
    reference: str
    route: Route
    state: str
    urgency: Urgency
    received_at: datetime


Way = tuple[Move, ...]
Ways = tuple[tuple[int, Way], ...]
"""Each with its weight."""

_look, _claim, _accept, _met = Move(LOOK), Move("claim"), Move("accept"), Move("first-contact")
_in_group = Move("accept", {"place": "group"})
_no_answer = Move("contact-attempt", {"outcome": "no_answer"})
_message_left = Move("contact-attempt", {"outcome": "left_message"})
_reached = Move("contact-attempt", {"outcome": "reached"})
_given_by_lead = Move("assign", {"to": "dev-triage-worker"}, LEAD)
_taken_by_lead = Move("claim", who=LEAD)
LEFT: Final[Way] = (_claim, Move("assign", {"to": "dev-jo-ferreira"}, LEAD))
"""Taken on, given to a colleague, and nothing done since."""


def _note(text: str) -> Move:
    return Move("note", {"text": text})


def _ask(text: str) -> Move:
    return Move("request-information", {"asked": text})


def _close(reason: str, note: str = "Told the referrer by telephone, who agrees.") -> Move:
    """With words, as safety work needs them and a review may be safety work."""
    return Move("close", {"reason": reason, "note": note})


def _override(route: str, tier: str, reason: str) -> Move:
    return Move("override", {"routes": [route], "tier": tier, "reason": reason})


_AT_HOME: Final = _note("Rang in the morning: a home visit suits best, not on Thursdays.")
_SPOKEN: Final = _note("Spoke to the referrer. Strengths: warm at bath time, keeps appointments.")
_PASSED_ON: Final = _note("Handed over by telephone; the name of who took it is in the referrer's record.")
_WHICH_WARD: Final = _ask("Where does the family sleep this week, and is there a postcode we may use?")
_HOW_LONG: Final = _ask("Since when have you seen this, and what has helped so far?")

DECLINES: Final = {
    Route.SIGNPOST_AGE: "over_age",
    Route.SIGNPOST_AREA: "out_of_area",
    Route.ADVICE_TO_REFERRER: "consent_refused",
}
"""Routes that propose a decline, and the reason with which the lead confirms it."""
SAFETY: Final = SAFETY_ROUTES - {Route.REVIEW_BIRTH_OUTCOME}
"""Routes whose work is handed over and then closed; what became of a birth is reviewed."""
ENQUIRIES: Final = {Route.CONSULTATION, Route.TRAINING}

OLD, MIDDLE = timedelta(days=24), timedelta(days=7)

_FAMILIES: Final[dict[timedelta, Ways]] = {
    OLD: (
        (30, (_accept, _reached, _met, _AT_HOME)),
        (10, (_taken_by_lead, _accept, _no_answer, _met)),
        (8, (_in_group, _met)),
        (12, (_accept, _met, _close("completed"))),
        (5, (_accept, _met, _close("no_further_need"))),
        (4, (_claim, _no_answer, _message_left, _close("did_not_attend"))),
        (3, (_claim, _reached, _close("family_asked"))),
        (8, (_claim, _no_answer, _AT_HOME)),
        (6, (_claim,)),
        (10, (_look,)),
        (4, ()),
    ),
    MIDDLE: (
        (14, (_accept, _reached, _met)),
        (10, (_accept, _message_left)),
        (6, (_in_group,)),
        (12, (_claim,)),
        (8, (_claim, _no_answer, _SPOKEN)),
        (6, (_given_by_lead,)),
        (5, (_claim, _HOW_LONG)),
        (3, (_claim, _override("targeted", "targeted", "Early Help knows the family; a start there first."))),
        (3, (_claim, Move("release"))),
        (30, (_look,)),
        (3, ()),
    ),
    timedelta(0): ((12, (_claim,)), (4, (_taken_by_lead,)), (3, (_claim, _HOW_LONG)), (46, (_look,)), (35, ())),
}
_REVIEWS: Final[dict[timedelta, Ways]] = {
    OLD: (
        (30, (_claim, _SPOKEN, _override("pir_short", "specialist_short", "Spoke to the referrer: this is ours."))),
        (12, (_claim, _override("targeted", "targeted", "A group at the Family Hub first, then we look again."))),
        (14, (_claim, _close("no_further_need"))),
        (10, (_claim, _WHICH_WARD)),
        (14, (_claim, _SPOKEN)),
        (14, (_look,)),
        (6, ()),
    ),
    MIDDLE: (
        (15, (_claim, _override("pir_short", "specialist_short", "Read it with the team: shorter work fits."))),
        (14, (_claim, _WHICH_WARD)),
        (25, (_claim,)),
        (10, (_given_by_lead,)),
        (33, (_look,)),
        (3, ()),
    ),
    timedelta(0): ((18, (_claim,)), (6, (_taken_by_lead,)), (40, (_look,)), (36, ())),
}
_SAFETY: Final[dict[timedelta, Ways]] = {
    timedelta(days=1): ((65, (_claim, _PASSED_ON, _close("passed_on"))), (35, (_claim, _PASSED_ON))),
    timedelta(0): ((70, (_claim,)), (30, (_look,))),
}
_WAITING: Final[dict[timedelta, Ways]] = {timedelta(0): ((10, (_claim, _SPOKEN)), (60, (_look,)), (30, ()))}
"""What waits for its ward or for the referrer."""

UNTOUCHED: Final = timedelta(hours=1)
"""What came since then nobody has had time for."""


def item_of(row: Mapping[Any, Any]) -> Item:
    """From a row of triage's."""
    codes = {"route": Route(row["route"]), "urgency": Urgency(row["urgency"])}
    return Item(**(dict(row) | codes))


def way_of(item: Item, *, now: datetime, policy: Policy, chance: Random) -> Way:
    """What was done with an open item until `now`."""
    age, route = now - item.received_at, item.route
    if age < UNTOUCHED or (item.urgency is Urgency.FOUR_HOURS and age < timedelta(hours=4)):
        return ()  # one that the on-call contact hears about
    ways = _enquiries(now) if route in ENQUIRIES else _ways_of(route, item, policy)
    fitting = next(each for least, each in ways.items() if age >= least)
    return chance.choices([way for _, way in fitting], [weight for weight, _ in fitting])[0]


def _ways_of(route: Route, item: Item, policy: Policy) -> dict[timedelta, Ways]:
    if reason := DECLINES.get(route):
        decline = Move("decline", {"reason": reason, "note": "Talked it through with the referrer first."}, LEAD)
        return {timedelta(days=3): ((60, (decline,)), (15, (_claim,)), (25, (_look,))), timedelta(0): ((1, (_look,)),)}
    if item.state == "waiting_list":
        offer = next(places.interim_offer for places in policy.capacity if places.route is route)
        return {timedelta(0): ((60, (_look, Move("offer-interim", {"offer": offer}))), (25, (_look,)), (15, ()))}
    if item.state == "waiting_for_referrer" or route is Route.PHASE_HOLD:
        return _WAITING
    if route in SAFETY:
        return _SAFETY
    return _FAMILIES if route in FAMILY_WORK else _REVIEWS


def _enquiries(now: datetime) -> dict[timedelta, Ways]:
    """A talk or a training: held yesterday, agreed for next week, or still to be agreed."""
    held = Move("deliver", {"attendees": 3, "on": day_in_london(now - timedelta(days=1)).isoformat()})
    agreed = Move("arrange", {"on": (now + timedelta(days=7)).isoformat(timespec="minutes")})
    return {
        OLD: ((50, (_claim, held)), (35, (agreed,)), (15, (_look,))),
        MIDDLE: ((40, (agreed,)), (20, (_claim,)), (40, (_look,))),
        timedelta(0): ((25, (_claim,)), (45, (_look,)), (30, ())),
    }
