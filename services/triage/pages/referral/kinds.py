"""What each kind of work asks of a person: one sentence, the first step, and the steps that are of no use on it.

One table by route. The pages offer steps by it; what the API refuses is in work_items/steps.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.triage.work_items.conditions import ENQUIRIES
from shared.events import FAMILY_WORK, SAFEGUARDING, WALL_CLOCK, Route, Tier

RINGS: Final = SAFEGUARDING | {Route.PNMH_EMERGENCY}
"""Routes on which a person rings somebody, and writes down who took it."""

TEAM_OF: Final = {
    Tier.UNIVERSAL: Route.UNIVERSAL,
    Tier.TARGETED: Route.TARGETED,
    Tier.SPECIALIST_SHORT: Route.PIR_SHORT,
    Tier.SPECIALIST_LONG: Route.PIR_LONG,
}
"""Level of support → the team that gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfWork:
    """`now` is what a person does first. `first` are steps: the first that is possible has the button; `also` stand
    beside it. `hides` are of no use here; `says` are other words for a step, `button` for the first one's button.
    Where `rings_family` is false, the referrer is rung first, or somebody whose number is in the policy.
    """

    now: str
    first: tuple[str, ...]
    also: tuple[str, ...] = ()
    hides: frozenset[str] = frozenset()
    says: Mapping[str, str] = field(default_factory=dict)
    button: str = ""
    rings_family: bool = False


_PLACES: Final = frozenset({"accept", "wait", "offer-interim", "first-contact"})
"""Only a team that works with families takes one on, in a place, and meets it."""
_DECIDES: Final = ("claim", "override", "take-over")
NOT_TOLD: Final = "Write down who took it, when, and their reference. The system does not tell them."


def _rings(now: str, *, hides: frozenset[str] = frozenset({"contact-attempt"})) -> KindOfWork:
    return KindOfWork(
        now=now,
        first=("rung", "claim", "take-over"),
        also=("claim",),
        hides=_PLACES | hides | {"decline", "request-information"},
    )


def _asks(now: str, *, first: tuple[str, ...] = ("request-information",), **more: Any) -> KindOfWork:
    return KindOfWork(now=now, first=("claim", *first, "override", "take-over"), hides=_PLACES, **more)


_TEAM: Final = KindOfWork(
    now="Accept the family for a place, or put it on the waiting list.",
    first=("claim", "accept", "contact-attempt", "close", "take-over"),
    rings_family=True,
)


def _declines(why: str) -> KindOfWork:
    return KindOfWork(
        now=f"{why} So the rules would decline. A lead confirms the decline, or one of you decides otherwise.",
        first=("decline", "claim", "override", "take-over"),
        also=("override",),
        hides=_PLACES | {"contact-attempt"},
        says={"decline": "Confirm the decline", "override": "Do not decline: decide differently"},
    )


_ENQUIRY: Final = KindOfWork(
    now="Get in touch with whoever asks, and arrange a date.",
    first=("claim", "arrange", "deliver", "take-over"),
    hides=_PLACES,
)

KINDS: Final[Mapping[str, KindOfWork]] = {
    **dict.fromkeys(FAMILY_WORK, _TEAM),
    **dict.fromkeys(ENQUIRIES, _ENQUIRY),
    Route.SIGNPOST_AGE: _declines("The child is too old for this service."),
    Route.SIGNPOST_AREA: _declines("The family lives outside our area."),
    Route.ADVICE_TO_REFERRER: _declines("The family has said no to a referral."),
    Route.EMERGENCY_CALL: _rings("Ring 999 now, unless you know that somebody has."),
    Route.MASH: _rings("Ring children's social care (MASH) now."),
    Route.MASH_HOME_LA: _rings("Ring children's social care of the council where the family lives."),
    Route.PNMH_EMERGENCY: _rings("Ring the mental health crisis team now.", hides=frozenset()),
    Route.SAFEGUARDING_LEAD: _rings("Ring the safeguarding lead: a parent is a child too.", hides=frozenset()),
    Route.SOCIAL_WORKER_LINK: _rings("Ring the social worker, and join their plan.", hides=frozenset()),
    Route.BEREAVEMENT_REVIEW: KindOfWork(
        now="Ring the team that knows the family. Ask what the family knows and what they wish, and decide together.",
        first=("claim", "note", "take-over"),
        hides=_PLACES | {"decline"},
        says={"note": "Write down what they said"},
    ),
    Route.REVIEW_BIRTH_OUTCOME: KindOfWork(
        now="Ask the team that knows the family gently how the birth went. Never ask the family first.",
        first=("birth-outcome", "claim", "take-over"),
        also=("claim",),
        hides=_PLACES | {"decline", "contact-attempt"},
    ),
    Route.REVIEW_DUPLICATE: KindOfWork(
        now="Compare the two referrals, and say whether they are of one family.",
        first=("claim", "confirm-duplicate", "take-over"),
        hides=_PLACES | {"decline", "contact-attempt"},
        button="Compare the two referrals",
    ),
    Route.REVIEW: KindOfWork(
        now="Read why a person is needed. Agree with what the rules suggest, or decide differently.",
        first=_DECIDES,
        hides=_PLACES,
    ),
    Route.REVIEW_CALL_BACK: _asks(
        "Ring the family back: they asked for help themselves. Then decide.",
        first=("contact-attempt",),
        rings_family=True,
    ),
    Route.REVIEW_LOCATION: _asks("Ask the referrer where the family lives, then decide where it goes."),
    Route.REVIEW_RESPONSIBLE: _asks("Find out which council is responsible for the child, then decide."),
    Route.INFO_REQUEST: _asks(
        "Ask the referrer if the family agrees to be referred.", first=("answered", "request-information")
    ),
    Route.PHASE_HOLD: _asks(
        "The family waits until the service opens in its ward. Look whether somebody else can help until then, "
        "and write a note: it sets the day of the next look.",
        first=("note",),
    ),
}


def kind_of(row: Any) -> KindOfWork:
    return KINDS[row.route]


def hidden_steps(row: Any) -> frozenset[str]:
    """Steps that the page of this item does not offer: nothing due now or within 4 hours waits for an answer."""
    paused = frozenset({"request-information"}) if row.urgency in WALL_CLOCK else frozenset()
    return kind_of(row).hides | paused
