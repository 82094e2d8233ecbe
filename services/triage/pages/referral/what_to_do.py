"""What to do now with a piece of work, as the top of its page says it; and what is to come, by when. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from services.triage.pages.labels import is_loss, loss_in_words, routes_in_words, used_facts
from services.triage.pages.referral.decision_view import without_the_decline
from services.triage.pages.referral.kinds import NOT_TOLD, RINGS, TEAM_OF, kind_of
from services.triage.pages.referral.whom_to_ring import Call
from services.triage.pages.steps.step_forms import Offer
from services.triage.rules.model import support_ends_on
from services.triage.work_items.conditions import (
    ENQUIRIES,
    FACTS_CHANGED,
    FAMILY_REPLIED,
    FAMILY_UNREACHED,
    PLACE_FREE,
    UNDELIVERABLE,
    WITHDRAWN,
    is_call,
    is_contact_due,
    is_on_list,
)
from services.triage.work_items.places import Waiting
from shared.events import DECLINE_ROUTES, FAMILY_WORK, WALL_CLOCK, Facts, Hold, Route, Severity, Tier
from shared.pages.wording import CLOSURES, DECLINES
from shared.policy import Policy

DOUBTS: Final = {
    "A1": "words in what was written may be about safety",
    "A2": "what was asked for is far from what the rules give",
    "A3": "the family plans to move away",
    "A4": "what was told does not fit together",
    "X1": "a court has asked for an assessment",
    "X2": "a parent is very young",
    "N7": "nobody has seen yet how the relationship is",
    "E2": "the due date has passed, and no birth was told",
    "E3": "the dates cannot be right",
    "E5": "the child has just turned two",
    "E6p": "the child is past two, but was born early",
    "E7": "no birth date and no due date were given",
    "E11": "the child is looked after by a council",
    "E12": "it is not clear where the family lives",
    "E14": "the family has not been asked",
    "E14b": "people in the family do not agree with each other",
    "S3": "there is a child protection plan or a pre-birth assessment",
    "S7": "domestic abuse",
    "I3": "another agency may have referred the same family",
}
"""Rule that brings a decision to a person → why, in words for staff."""


@dataclass(frozen=True, slots=True)
class ToDo:
    """`words`, whom to ring and `more` lines come before the buttons: `first`, `also` beside it. `then` comes after."""

    words: str
    first: Offer | None = None
    also: Sequence[Offer] = ()
    more: Sequence[str] = ()
    rings: Sequence[Call] = ()
    then: str = ""


class Held(NamedTuple):
    """A colleague has it; `late` says by how much, or nothing."""

    by: str
    late: str = ""


class Coming(NamedTuple):
    """What is to come; `by` is a moment or a day in ISO 8601, or None where no day is set."""

    what: str
    by: str | None = None


class _Stands(NamedTuple):
    """Where the state says more than the kind of work: words, steps of the button, steps beside it."""

    applies: Callable[[Any], bool]
    words: str
    first: tuple[str, ...]
    also: tuple[str, ...] = ()


def _is_asked(row: Any) -> bool:
    return row.state == "waiting_for_referrer" and row.route not in RINGS


_ANSWER: Final = ("answered", "claim", "take-over")
STANDS: Final = (
    _Stands(
        lambda row: UNDELIVERABLE in row.marks,
        "A message to the referrer's team could not be delivered. Ring them and tell them what it said.",
        ("claim", "close", "take-over"),
    ),
    _Stands(
        lambda row: FAMILY_UNREACHED in row.marks,
        "A message to the family could not be delivered. Ring them. Ask the referrer, if the number is wrong.",
        ("claim", "close", "take-over"),
    ),
    _Stands(
        lambda row: FAMILY_REPLIED in row.marks,
        "The family has answered a text message. What they wrote is not kept: ring them.",
        ("claim", "close", "take-over"),
    ),
    _Stands(
        lambda row: FACTS_CHANGED in row.marks and row.route not in RINGS,
        "The facts have changed since a person decided. Take up what the rules propose now, or leave it.",
        ("take-proposal", "take-over"),
        ("leave-proposal",),
    ),
    _Stands(
        lambda row: _is_asked(row) and row.clock_stands,
        "Ring the referrer, or wait for their answer. The clock stands still until they answer.",
        _ANSWER,
        ("claim",),
    ),
    _Stands(
        _is_asked,
        "Ring the referrer, or wait for their answer. The clock of this work goes on.",
        _ANSWER,
        ("claim",),
    ),
    _Stands(
        lambda row: row.route in ENQUIRIES and row.arranged_for is not None,
        "When it has taken place, write down who came.",
        ("deliver", "arrange", "take-over"),
    ),
    _Stands(
        lambda row: row.route in FAMILY_WORK and row.first_contact_at is not None,
        "Work with the family, and close this when the work has ended.",
        ("contact-attempt", "take-over"),
    ),
    _Stands(
        is_contact_due,
        "Meet or speak with the family for the first time, and write it down with its day.",
        ("contact-attempt", "take-over"),
    ),
    _Stands(
        lambda row: is_on_list(row) and PLACE_FREE in row.marks,
        "A place is free: take the family on.",
        ("accept", "claim", "take-over"),
    ),
    _Stands(
        is_on_list,
        "The family waits for a place. Tell them how long it may take, and what they can do meanwhile.",
        ("claim", "contact-attempt", "take-over"),
    ),
)
"""The first that applies."""


def what_to_do(
    row: Any,
    offers: Sequence[Offer],
    *,
    facts: Facts | None,
    decision: Mapping[str, Any] | None,
    policy: Policy,
    rings: Sequence[Call] = (),
    held: Held | None = None,
    in_line: Waiting | None = None,
    onward: Sequence[Offer] = (),
    loss: str = "",
) -> ToDo:
    """For whoever is offered these steps. When the work has ended: how, and `onward`, the open work beside it."""
    if row.ended_at:
        ending = {**CLOSURES, **DECLINES}.get(row.end_reason or "", "")
        words = f"Nothing more here. {ending}." if ending else "Nothing more here."
        return ToDo(f"{words} There is more to do for this family." if onward else words, also=onward)
    kind, possible = kind_of(row), {offer.step: offer for offer in offers}
    stands = next((each for each in STANDS if each.applies(row)), None)
    words, steps, also = stands[1:] if stands else (kind.now, kind.first, kind.also)
    first = next((possible[step] for step in steps if step in possible), None)
    if first and kind.button and first.step not in ("claim", "take-over"):
        first = first._replace(text=kind.button)
    beside = [possible[step] for step in also if step in possible and (first is None or step != first.step)]
    more = list(_to_know(row, possible, facts, policy, rings, held, loss))
    if row.route == Route.REVIEW and decision and not is_call(row):
        if doubts := why_a_person(decision, policy):
            more.append(f"Why a person: {doubts}")
        if agreed := suggestion(row, decision, facts, policy):
            suggested = routes_in_words(agreed.routes)
            more.append(f"The rules suggest: {suggested}.")
            if first and first.step == "override":
                beside.insert(0, first)
                first = _compared(first, agreed)._replace(text=f"Agree: {suggested}")
    if row.route in DECLINE_ROUTES and decision and (instead := without_decline(row, decision, facts, policy)):
        first = first and _compared(first, instead)
        beside = [_compared(each, instead) for each in beside]
    if decision and Hold.C2 in decision["holds"] and row.route not in RINGS and not rings:
        more.append("Contact the family only in the safe way. When none was given, ask the referrer first.")
    if in_line is not None:
        more.append(_line(in_line))
    return ToDo(words, first, beside, more, rings, NOT_TOLD if row.route in RINGS else "")


def _to_know(
    row: Any,
    possible: Mapping[str, Offer],
    facts: Facts | None,
    policy: Policy,
    rings: Sequence[Call],
    held: Held | None,
    loss: str,
) -> Iterator[str]:
    """What changes how somebody rings, and whom; or how they learn the number."""
    if loss and row.route not in RINGS:
        yield f"Go gently: {loss[:1].lower()}{loss[1:]}."
    if held and "take-over" in possible:
        late = f", {held.late[:1].lower()}{held.late[1:]}" if held.late else ""
        waits = held.late and row.urgency in WALL_CLOCK
        yield f"{held.by} has it{late}. {'Do not wait for them.' if waits else 'Ask them first, or take it over.'}"
    if WITHDRAWN in row.marks:
        yield "Withdrawn, but the worry stays: go on."
    if facts and facts.infant.count > 1 and not loss_in_words(facts, is_known=True):
        yield f"There are {facts.infant.count} babies: ask after each of them."
    age = facts.carer_age if facts else None
    if age is not None and age < policy.priority.young_carer_years and row.route != Route.SAFEGUARDING_LEAD:
        yield f"A parent is a child too: ring the safeguarding lead as well, {policy.on_call.phone}."
    if not rings and "claim" in possible and row.state != "waiting_for_referrer":
        yield "Take this on to see whom to ring."


def _line(waiting: Waiting) -> str:
    place = f"Number {waiting.position} on the waiting list."
    if not waiting.weeks:
        return f"{place} A place is free." if waiting.weeks == 0 else f"{place} How long it takes is not known yet."
    return f"{place} About {waiting.weeks} {'week' if waiting.weeks == 1 else 'weeks'}, if it goes on as it did."


def why_a_person(decision: Mapping[str, Any], policy: Policy) -> str:
    """The doubts that brought it to a person, and the facts they used unless they repeat it, each a sentence."""
    said = []
    for each in decision["reasons"]:
        if doubt := DOUBTS.get(each["rule"]):
            used = used_facts(each.get("facts") or {}, policy)
            told = [(name, value) for name, value in used if value.lower() not in ("yes", "none", doubt)]
            said += [doubt, *(f"{name}: {value}" for name, value in told if not value.isdecimal())]
    return " ".join(f"{each[:1].upper() if number else each[:1]}{each[1:]}." for number, each in enumerate(said))


def _compared(offer: Offer, chosen: Suggestion) -> Offer:
    """A decision leads to before and after at once, with this chosen; every other step stays as it is."""
    if offer.step != "override":
        return offer
    return offer._replace(href=f"{offer.href}?{urlencode(chosen._asdict(), doseq=True)}")


class Suggestion(NamedTuple):
    """As the form of a decision takes it; no tier is empty."""

    routes: list[str]
    urgency: str
    tier: str


def suggestion(row: Any, decision: Mapping[str, Any], facts: Facts | None, policy: Policy) -> Suggestion | None:
    """What the rules would give without the doubt; None when they can't say."""
    if facts is None or facts.concern.severity is Severity.UNKNOWN:
        return None
    tier = decision["tier"] or without_the_decline(facts, received_at=row.decided_as_of, policy=policy).tier
    routes = [route for route in decision["routes"] if route != Route.REVIEW]
    if Route.PHASE_HOLD not in routes and tier in TEAM_OF:
        routes.insert(0, TEAM_OF[Tier(tier)].value)
    return Suggestion(list(dict.fromkeys(routes)), decision["urgency"], tier or "") if routes else None


def without_decline(row: Any, decision: Mapping[str, Any], facts: Facts | None, policy: Policy) -> Suggestion | None:
    """What the need alone would give, in place of a proposed decline; None when it gives nothing to do."""
    if facts is None:
        return None
    need = without_the_decline(facts, received_at=row.decided_as_of, policy=policy)
    routes = [route.value for route in need.routes]
    return Suggestion(routes, decision["urgency"], need.tier or "") if routes else None


def coming(
    row: Any, facts: Facts | None, decision: Mapping[str, Any] | None, policy: Policy, *, on: date
) -> list[Coming]:
    """What happens by when, in the order in which it should. After a loss nobody is told when help would have ended."""
    if row.ended_at:
        return []
    found = []
    if row.escalate_at and row.state == "waiting_for_referrer":
        found.append(Coming("If they do not answer, somebody in the team rings them", row.escalate_at.isoformat()))
    elif row.escalate_at:
        found.append(Coming("If nobody has done it, the team is alerted", row.escalate_at.isoformat()))
    if row.arranged_for:
        found.append(Coming("It takes place", row.arranged_for.isoformat()))
    if facts and facts.infant.born_on and not is_loss(decision) and row.route not in ENQUIRIES:
        ends = support_ends_on(facts.infant.born_on, policy.age)
        if ends > on:
            found.append(Coming("Help from this service ends with the birthday", ends.isoformat()))
    return found
