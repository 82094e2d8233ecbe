"""Where a referral stands, derived from what happened; and the steps an agency may take from there.

One table each: `STEPS` is shown in the docs, and any step that is not in it is refused with 409.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from shared.events import DECLINE_ROUTES, DecidedBy, Decision, Eligibility, Kind, Mode, Route
from shared.working_time import day_in_london


class Status(StrEnum):
    RECEIVED = "received"
    BEING_REVIEWED = "being_reviewed"
    WITH_TEAM = "with_team"
    WAITING_FOR_REFERRER = "waiting_for_referrer"
    WAITING_LIST = "waiting_list"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class Step(StrEnum):
    AMEND = "amend"
    INFORM = "inform"
    WITHDRAW = "withdraw"
    CHALLENGE = "challenge"


class RouteState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    WAITING_FOR_REFERRER = "waiting_for_referrer"
    WAITING_LIST = "waiting_list"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CLOSED = "closed"
    REPLACED = "replaced"


_OPEN: Final = (
    Status.RECEIVED,
    Status.BEING_REVIEWED,
    Status.WITH_TEAM,
    Status.WAITING_FOR_REFERRER,
    Status.WAITING_LIST,
    Status.ACCEPTED,
)

STEPS: Final[dict[Status, frozenset[Step]]] = {
    **dict.fromkeys(_OPEN, frozenset({Step.AMEND, Step.INFORM, Step.WITHDRAW})),
    Status.DECLINED: frozenset({Step.AMEND, Step.WITHDRAW, Step.CHALLENGE}),
    Status.WITHDRAWN: frozenset(),
    Status.CLOSED: frozenset(),
}
"""A declined referral may be amended, which new facts bring to triage again, and challenged, once.

What is withdrawn or closed starts anew.
"""


class Progress(BaseModel):
    """What is known of a referral's way: times of what happened and the state of each route."""

    decision: Decision | None
    decided_by: DecidedBy | None
    withdrawn_at: datetime | None
    declined_at: datetime | None
    routes: dict[str, RouteState]


NEXT_STEP: Final[dict[Status, str]] = {
    Status.RECEIVED: "We are reading the referral now.",
    Status.BEING_REVIEWED: "A person is looking at this and will decide.",
    Status.WITH_TEAM: "The team will get in touch with the family.",
    Status.WAITING_FOR_REFERRER: "We need more information from you. The clock waits until you answer.",
    Status.WAITING_LIST: "The family is on the waiting list. The team gets in touch as soon as there is a place.",
    Status.ACCEPTED: "The team is working with the family.",
    Status.DECLINED: "We can't offer this family a place. The reasons say what else may help.",
    Status.WITHDRAWN: "You withdrew this referral. Nothing more will happen.",
    Status.CLOSED: "Our work with this family has ended.",
}


NEXT_STEP_OF_ENQUIRY: Final[dict[Status, str]] = {
    **NEXT_STEP,
    Status.RECEIVED: "We are reading it now.",
    Status.BEING_REVIEWED: "A person is looking at this.",
    Status.WITH_TEAM: "The team will get in touch with you.",
    Status.WAITING_LIST: "The team will get in touch with you.",
    Status.ACCEPTED: "The team has taken it on and will agree a day with you.",
    Status.DECLINED: "We can't do this for you.",
    Status.WITHDRAWN: "You withdrew this. Nothing more will happen.",
    Status.CLOSED: "This is done.",
}
"""An enquiry is about no family."""


def next_step(status: Status, kind: str) -> str:
    """What happens next, in a sentence; `kind` is what the referral is."""
    return (NEXT_STEP if kind == Kind.FAMILY else NEXT_STEP_OF_ENQUIRY)[status]


ALSO_REFERRED: Final = "Another agency has also referred this family. We work with the family once, for both of you."
ERASED: Final = "What we held about this family has been erased. Nothing more will happen."
MAY_CHALLENGE: Final = "If you see a decline differently, you can ask us once to look again."
CHALLENGED: Final = "You asked us to look again. Another lead than the one who decided does so."
_UNDECIDED: Final = (Status.RECEIVED, Status.BEING_REVIEWED)
_WITH_FAMILY: Final = (Status.WITH_TEAM, Status.WAITING_LIST, Status.ACCEPTED)


def dates(
    status: Status, decision: Decision | None, *, decision_by: date, contact_due_at: datetime | None
) -> dict[str, str | None]:
    """By when the agency hears a decision, by when the family is met, and the next of the two (`expected_by`).

    None once it is done, when there is none (a family that waits for its ward to open), and while the clock waits for
    the referrer. A date that passed stays.
    """
    waits = decision is not None and decision.waits_for_ward
    decided_by = decision_by if status in _UNDECIDED and not waits else None
    contact = day_in_london(contact_due_at) if contact_due_at and status in _WITH_FAMILY else None
    named = {"decision_by": decided_by, "first_contact_by": contact, "expected_by": decided_by or contact}
    return {name: day.isoformat() if day else None for name, day in named.items()}


ENDED: Final = frozenset({Status.WITHDRAWN, Status.DECLINED, Status.CLOSED})
_ENDED: Final = frozenset({RouteState.DECLINED, RouteState.CLOSED})
WORK_ENDED: Final = _ENDED | {RouteState.REPLACED}
_WEIGHT: Final = {
    RouteState.REPLACED: 0,
    RouteState.DECLINED: 1,
    RouteState.CLOSED: 1,
    RouteState.OPEN: 2,
    RouteState.CLAIMED: 3,
    RouteState.WAITING_LIST: 4,
    RouteState.ACCEPTED: 5,
    RouteState.WAITING_FOR_REFERRER: 6,
}
"""What has not ended counts before what has, in the order of `status_of`."""


def by_route(items: Iterable[tuple[str, str]]) -> dict[str, RouteState]:
    """One state a route, from route and state of all its items, the latest changed last: the weightiest counts."""
    states: dict[str, RouteState] = {}
    for route, value in items:
        state = RouteState(value)
        if _WEIGHT[state] >= _WEIGHT[states.get(route, RouteState.REPLACED)]:
            states[route] = state
    return states


def outcome(
    withdrawn_at: datetime | None, declined_at: datetime | None, states: Collection[RouteState]
) -> Status | None:
    """How the referral has ended; None while it is open. While a team works with the family no other's no is an end.

    Work that has ended beside another team's no is an end, not a decline.
    """
    current = [state for state in states if state is not RouteState.REPLACED]
    if withdrawn_at is not None:
        return Status.WITHDRAWN
    if declined_at is not None and RouteState.ACCEPTED not in current:
        return Status.DECLINED
    return Status.CLOSED if RouteState.CLOSED in current and _ENDED.issuperset(current) else None


def ended_at(
    withdrawn_at: datetime | None, declined_at: datetime | None, closed_at: datetime | None, states: Iterable[str]
) -> datetime | None:
    """When the referral ended; None while it is open."""
    ends = {Status.WITHDRAWN: withdrawn_at, Status.DECLINED: declined_at, Status.CLOSED: closed_at}
    found = outcome(withdrawn_at, declined_at, [RouteState(state) for state in states])
    return ends[found] if found else None


def status_of(progress: Progress) -> Status:
    """The status, from the strongest fact down."""
    if ended := outcome(progress.withdrawn_at, progress.declined_at, progress.routes.values()):
        return ended
    current = [state for state in progress.routes.values() if state is not RouteState.REPLACED]
    checks: tuple[tuple[Status, bool], ...] = (
        (Status.RECEIVED, progress.decision is None),
        (Status.WAITING_FOR_REFERRER, RouteState.WAITING_FOR_REFERRER in current),
        (Status.ACCEPTED, RouteState.ACCEPTED in current),
        (Status.WAITING_LIST, RouteState.WAITING_LIST in current),
        (Status.WITH_TEAM, progress.decision is not None and progress.decision.mode is Mode.AUTO_ROUTE),
    )
    return next((status for status, holds in checks if holds), Status.BEING_REVIEWED)


DECLINE_RULES: Final = frozenset({"E6", "E6p", "E10", "E13"})
"""Rules whose only outcome is that the family is not eligible."""


_OF_OTHERS: Final = frozenset({"I3", "M4", "Q3"})
"""Rules that say what others have told us of the family: an agency hears of a link once a person confirmed it."""


def shown_to_agency(progress: Progress) -> dict[str, Any] | None:
    """The decision as the agency may see it: a decline that nobody confirmed is "a person is looking at this".

    So is the question whether two referrals are of one family; what else is known of the family is not said.
    """
    decision = progress.decision
    if decision is None:
        return None
    is_unconfirmed = (
        decision.eligibility is Eligibility.NOT_ELIGIBLE
        and progress.decided_by is not DecidedBy.PERSON
        and progress.declined_at is None
    )
    is_looked_at = is_unconfirmed or (
        decision.mode is Mode.HUMAN_REVIEW and progress.decided_by is not DecidedBy.PERSON
    )
    hidden_rules = _OF_OTHERS | (DECLINE_RULES if is_unconfirmed else frozenset())
    hidden_routes: Collection[Route] = DECLINE_ROUTES if is_unconfirmed else frozenset()
    routes = [route for route in decision.routes if route not in hidden_routes]
    routes = [route for route in routes if route is not Route.REVIEW_DUPLICATE]
    if not routes:
        routes = [Route.REVIEW]
    reasons = [
        {"rule": reason.rule, "text": reason.text} for reason in decision.reasons if reason.rule not in hidden_rules
    ]
    if is_looked_at:  # with every look of a person, so that a hidden decline can't be told from another
        reasons.append({"rule": "review", "text": "A person is looking at this referral before anything is decided."})
    return {
        "eligibility": Eligibility.PROVISIONAL if is_unconfirmed else decision.eligibility,
        "mode": Mode.HUMAN_REVIEW if is_unconfirmed else decision.mode,
        "tier": decision.tier,
        "routes": [{"route": route, "status": _state_shown(progress, route)} for route in routes],
        "urgency": decision.urgency,
        "reasons": reasons,
        "policy": decision.policy.model_dump(),
    }


def _state_shown(progress: Progress, route: Route) -> RouteState:
    """A review of ours stands for the question that the agency is not told of."""
    found = progress.routes.get(route)
    if found is None and route is Route.REVIEW:
        found = progress.routes.get(Route.REVIEW_DUPLICATE)
    return found or RouteState.OPEN


def shown_route(progress: Progress, detail: str | None) -> str | None:
    """The route that a line of the history names, as the agency may see it: no decline before it is confirmed."""
    if detail == Route.REVIEW_DUPLICATE:
        return Route.REVIEW.value
    if detail not in DECLINE_ROUTES or progress.declined_at is not None:
        return detail
    is_a_persons = progress.decided_by is DecidedBy.PERSON and progress.decision and detail in progress.decision.routes
    return detail if is_a_persons else Route.REVIEW.value
