"""Where a referral stands in the words of the pages, and which steps stand on its own page as buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.referral.front.after_loss import tells_of_loss
from services.referral.front.authors import AgencyReferral
from services.referral.status import WORK_ENDED, RouteState, Status, Step
from shared.events import Kind, Route
from shared.pages.wording import ROUTES, route_name

STATUS_NAMES: Final[Mapping[Status, str]] = {
    Status.RECEIVED: "Received",
    Status.BEING_REVIEWED: "A person decides",
    Status.WITH_TEAM: "With a team",
    Status.WAITING_FOR_REFERRER: "Needs your answer",
    Status.WAITING_LIST: "On the waiting list",
    Status.ACCEPTED: "Accepted",
    Status.DECLINED: "Declined",
    Status.WITHDRAWN: "Withdrawn",
    Status.CLOSED: "Closed",
}
GROUPS: Final = (
    ("Needs your answer", (Status.WAITING_FOR_REFERRER,)),
    ("Being looked at", (Status.RECEIVED, Status.BEING_REVIEWED)),
    ("With a team", (Status.WITH_TEAM, Status.WAITING_LIST, Status.ACCEPTED)),
    ("Ended", (Status.DECLINED, Status.WITHDRAWN, Status.CLOSED)),
)
RUNG_BY_US: Final[Mapping[Route, str]] = {
    Route.EMERGENCY_CALL: "Our check that 999 was rung",
    Route.MASH: "Our call to children's social care (MASH)",
    Route.MASH_HOME_LA: "Our call to the social care of the council where the family lives",
    Route.PNMH_EMERGENCY: "Our call to the mental health crisis team",
}
"""What a person of ours does there. The call of whoever referred is not made for them."""
KIND_NAMES: Final = {Kind.FAMILY: "Referral", Kind.CONSULTATION: "Question to the team", Kind.TRAINING: "Training"}


def in_words(shown: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """What it is, where it stands, and what happens next."""
    return {
        "what": KIND_NAMES[kind],
        "stands": STATUS_NAMES[Status(shown["status"])],
        "next_step": shown["next_step"],
        "asks_for_agreement": asks_for_agreement(shown),
        "went": _went(shown),
        "is_rung": any(each["route"] in RUNG_BY_US for each in _routes(shown)),
    }


def by_group(shown: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The groups of the start page, the empty ones too."""
    return [(title, [each for each in shown if Status(each["status"]) in statuses]) for title, statuses in GROUPS]


def asks_for_agreement(shown: Mapping[str, Any]) -> bool:
    """Whether the rules sent it back with the one question that nobody has to write: does the family agree?"""
    return any(each["route"] == Route.INFO_REQUEST and each["status"] not in WORK_ENDED for each in _routes(shown))


def _routes(shown: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (shown.get("decision") or {}).get("routes") or ()


def _went(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where it went, in words, and the state there; without what a later decision replaced."""
    return [
        (RUNG_BY_US.get(each["route"]) or route_name(each["route"]), each["status"])
        for each in _routes(shown)
        if each["status"] != RouteState.REPLACED
    ]


def history_of(shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of the history, the last first; `about` is the route that a line names, in words."""
    about = {line["detail"]: route_name(line["detail"]) for line in shown["history"] if line["detail"] in ROUTES}
    return [line | {"about": about.get(line["detail"])} for line in reversed(shown["history"])]


def steps_from(sent: AgencyReferral, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The last part of the address and the words of each step that its author can take now."""
    expects_birth = any(not baby.get("date_of_birth") for baby in document.get("babies") or () if baby)
    asked = (
        ("answer", "Answer our question", Step.INFORM, sent.status is Status.WAITING_FOR_REFERRER),
        ("tell", "Tell us something new", Step.INFORM, True),
        ("born", "The baby is born", Step.AMEND, expects_birth and not tells_of_loss(document)),
        ("correct", "Correct or add to what you sent", Step.AMEND, True),
        ("challenge", "Ask us to look again", Step.CHALLENGE, True),
        ("withdraw", "Withdraw it", Step.WITHDRAW, True),
    )
    return [(slug, words) for slug, words, step, fits in asked if fits and sent.may(step)]
