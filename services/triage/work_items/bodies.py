"""What staff send with each step of a work item. Unknown members are refused; every mistake is named at once."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.events import ClosureReason, DeclineReason, Facts, PlaceKind, Route, Tier, Urgency
from shared.problems import FieldError, Problem
from shared.strict_json import Unreadable, parse_json

Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Offer = Annotated[str, Field(min_length=1, max_length=500)]
"""Words of the policy: what a family on a waiting list is offered meanwhile."""
MOST_PLACES: Final = 10_000
"""Places of one kind on a route: far more than any team has, and as far as waiting lists are counted."""


STAFF_ID: Final = r"^[A-Za-z0-9._|:-]{1,100}$"
"""Of whom work can be given to."""


class ContactOutcome(StrEnum):
    REACHED = "reached"
    NO_ANSWER = "no_answer"
    LEFT_MESSAGE = "left_message"
    WRONG_DETAILS = "wrong_details"


class ContactChannel(StrEnum):
    PHONE = "phone"
    VISIT = "visit"
    TEXT = "text"
    EMAIL = "email"
    LETTER = "letter"
    VIDEO = "video"


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Nothing(Body):
    """No member is needed: `{}`."""


class Assign(Body):
    """A staff id as the identity provider gives it: no spaces and no @, so that no name or address gets in."""

    to: Annotated[str, Field(pattern=STAFF_ID)]


class Accept(Body):
    place: PlaceKind = PlaceKind.INDIVIDUAL


class Decline(Body):
    reason: DeclineReason
    note: Text | None = None


class Override(Body):
    """A person's decision instead of the machine's; both are kept. The reason is for colleagues and the audit.

    Without an urgency, that of the decision so far: leaving it out never slows anything down.
    """

    routes: Annotated[tuple[Route, ...], Field(min_length=1, max_length=10)]
    tier: Tier | None = None
    urgency: Urgency | None = None
    reason: Text


class Judge(Body):
    """Whether two referrals are of one family: the step says which; words for colleagues, if any."""

    note: Text | None = None


class AskForInformation(Body):
    asked: Text


class FirstContact(Body):
    """The day in London on which the family was met or spoken to; today when it is left out. The step checks it."""

    on: date | None = None


class ContactAttempt(FirstContact):
    """`how` the family was tried, when somebody says it."""

    outcome: ContactOutcome
    how: ContactChannel | None = None


class Wait(Body):
    """Without a free place. `offer` is one of the policy's interim offers; null when none was made yet."""

    offer: Offer | None = None


class OfferInterim(Body):
    """Another of the policy's interim offers, in place of the one before."""

    offer: Offer


class Arrange(Body):
    """When a consultation or training takes place: not in the past, at most a year ahead; the step checks that."""

    on: AwareDatetime


class Deliver(Body):
    """Who came to a consultation or training, and on which day (in London): today or before."""

    attendees: Annotated[int, Field(ge=1, le=1000, strict=True)]
    on: date


class Note(Body):
    text: Text


class Reopen(Body):
    """Why it was closed or declined by mistake; kept for colleagues."""

    note: Text


class Close(Body):
    """`note` says who was told and when, or why: needed for safety work, and for what only a lead ends."""

    note: Text | None = None
    reason: Literal[
        ClosureReason.COMPLETED,
        ClosureReason.MOVED_AWAY,
        ClosureReason.DID_NOT_ATTEND,
        ClosureReason.FAMILY_ASKED,
        ClosureReason.PASSED_ON,
        ClosureReason.NO_FURTHER_NEED,
        ClosureReason.AGED_OUT,
        ClosureReason.DIED,
    ]


class Places(Body):
    individual: Annotated[int, Field(ge=0, le=MOST_PLACES, strict=True)]
    group: Annotated[int, Field(ge=0, le=MOST_PLACES, strict=True)] = 0


class Preview(Body):
    facts: Facts
    received_at: AwareDatetime
    policy: str


class Replay(Body):
    """Which stored referrals (by receipt, `until` is out) to decide again, under which policy."""

    model_config = ConfigDict(populate_by_name=True)

    policy: str
    since: Annotated[AwareDatetime, Field(alias="from")]
    until: Annotated[AwareDatetime, Field(alias="to")]


B = TypeVar("B", bound=Body)


def read(model: type[B], body: bytes) -> B:
    """The body as `model`; an empty one is `{}`. Raises Problem 400 when unreadable, 422 with every mistake."""
    try:
        value = parse_json(body) if body.strip() else {}
    except Unreadable as error:
        raise Problem("unreadable", error.detail) from None
    try:
        return TypeAdapter(model).validate_python(value, extra="forbid")
    except ValidationError as error:
        found = []
        for part in error.errors(include_input=False, include_url=False, include_context=False):
            place = part["loc"][:-1] if part["type"] == "extra_forbidden" else part["loc"]
            where = "".join(f"/{each}" for each in place)
            found.append(FieldError(where, part["type"].replace("_", "-"), part["msg"]))
        raise Problem("invalid", errors=found) from None
