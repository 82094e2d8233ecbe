"""The forms of a work item's steps: who is offered which, what each asks and offers to choose, words for mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData, ImmutableMultiDict

from services.triage.pages.forms import TypedDay, text_in
from services.triage.pages.labels import is_loss
from services.triage.pages.referral.decision_view import without_the_decline
from services.triage.pages.referral.kinds import RINGS, TEAM_OF, hidden_steps, kind_of
from services.triage.pages.steps import calls
from services.triage.pages.steps.birth_outcome import OUTCOMES, BirthOutcome, steps_of
from services.triage.pages.steps.calls import contact_choices, rung_choices
from services.triage.work_items import bodies, item, steps
from services.triage.work_items.bodies import Body
from services.triage.work_items.conditions import PLACE_FREE, is_safety
from services.triage.work_items.item import ItemDetails
from services.triage.work_items.places import full_routes
from services.triage.work_items.working import NEEDS_WORDS, needs_lead
from services.triage.work_items.working import offers as interim_offers
from shared.access import Permission, Staff
from shared.events import DECLINE_ROUTES, ClosureReason, DeclineReason, Mode, PlaceKind, Route, Tier, Urgency
from shared.pages import wording
from shared.policy import Policy
from shared.problems import FieldError
from shared.working_time import day_in_london

BIRTH_OUTCOME: Final = "birth-outcome"
WORDS: Final = {
    **wording.STEPS,
    "deliver": "Record who came",
    BIRTH_OUTCOME: "Write down how the birth went",
    "rung": "I have rung",
    "answered": "Write down what they answered",
}
"""What the button of a step says."""

Typed = dict[str, Any]
"""What somebody typed, by field: text, a TypedDay, or a list of what they ticked; empty fields are left out."""

DAYS: Final = frozenset({"on", "born_on"})
LISTS: Final = frozenset({"routes"})
"""Fields of three boxes, and those where several are ticked."""
TOO_LONG: Final = "Use 10,000 characters or fewer"
DECLINED_FOR: Final = {
    "E6": DeclineReason.OVER_AGE,
    "E10": DeclineReason.OUT_OF_AREA,
    "E13": DeclineReason.CONSENT_REFUSED,
}
"""Rule that proposes to decline → the reason that belongs to it."""


@dataclass(frozen=True, slots=True)
class StepForm:
    """`fields` are the body's, each with the words that say what is missing; `steps` what it takes when not its own."""

    step: str
    body: type[Body]
    fields: Mapping[str, str] = field(default_factory=dict)
    done: str = ""
    steps: Callable[[Any, Any], Sequence[tuple[str, Body]]] | None = None

    @property
    def template(self) -> str:
        return f"steps/{self.step.replace('-', '_')}.html"

    @property
    def permission(self) -> Permission:
        return steps.STEPS[self.step].permission if self.step in steps.STEPS else Permission.WORK_ITEMS

    def taken(self, body: Body, row: Any) -> Sequence[tuple[str, Body]]:
        """The steps of work_items.steps that this form takes for an item as stored: one, for most."""
        return self.steps(body, row) if self.steps else [(self.step, body)]

    def read(self, form: FormData | ImmutableMultiDict[str, Any]) -> Typed:
        """What was typed, without what was left empty; line ends as everywhere else."""
        typed: Typed = {}
        for name in self.fields:
            if name in DAYS:
                day = TypedDay.of(form, name)
                typed[name] = None if day.is_empty else day
            elif name in LISTS:
                typed[name] = list(dict.fromkeys(str(value).strip() for value in form.getlist(name)))
            else:
                typed[name] = text_in(form, name).replace("\r\n", "\n")
        return {name: value for name, value in typed.items() if value}

    def check(self, typed: Typed, *, today: date) -> tuple[Body | None, dict[str, str]]:
        """The body of the step, or every mistake by its field; `today` is the day in London."""
        try:
            return self.body.model_validate(typed, context={"today": today}), {}
        except ValidationError as error:
            return None, dict(reversed([self._mistake(found["loc"], found["type"]) for found in error.errors()]))

    def mistakes_of(self, errors: Sequence[FieldError]) -> dict[str, str]:
        """What a step itself found wrong, by field."""
        return dict(self._mistake(tuple(error.pointer.split("/")[1:]), error.code) for error in errors)

    def _mistake(self, place: Sequence[int | str], kind: str) -> tuple[str, str]:
        name = str(place[0]) if place else kind
        if name not in self.fields:
            name = next(iter(self.fields))
        return name, TOO_LONG if kind == "string_too_long" else self.fields[name]


_OFFER: Final = {"offer": "Choose what was offered"}
_DAY: Final = {"on": "Enter the day it happened: today or before, and not before the referral came"}
_NOTE: Final = {"note": "Write a note, or leave it"}

FORMS: Final[dict[str, StepForm]] = {
    form.step: form
    for form in (
        StepForm(
            "rung",
            calls.Rung,
            {
                "by": "Choose who rang",
                "who": "Enter who took it: their name and team, in 200 characters or fewer",
                "on": "Enter the day of the call, today or before, for example 3 5 2026",
                "at": "Enter the time of the call, for example 14:30",
                "reference": "Enter their reference in 200 characters or fewer",
                "then": "Choose what happens with this work",
                **_NOTE,
            },
            done="rung",
            steps=calls.rung_steps,
        ),
        StepForm(
            "answered",
            calls.Answered,
            {"text": "Write what they answered"},
            done="answered",
            steps=calls.answered_steps,
        ),
        StepForm("take-proposal", bodies.Nothing),
        StepForm("leave-proposal", bodies.Nothing),
        StepForm("claim", bodies.Nothing),
        StepForm("take-over", bodies.Nothing),
        StepForm("confirm-duplicate", bodies.Judge, _NOTE),
        StepForm("not-duplicate", bodies.Judge, _NOTE),
        StepForm(
            BIRTH_OUTCOME,
            BirthOutcome,
            {
                "answer": "Choose what you were told",
                "born_on": "Enter the day of the birth, today or before, for example 3 5 2026",
                **_NOTE,
            },
            done="birth-noted",
            steps=steps_of,
        ),
        StepForm("accept", bodies.Accept, {"place": "Choose which kind of place"}),
        StepForm(
            "contact-attempt",
            calls.ContactForm,
            {
                "outcome": "Choose what came of it",
                "how": "Choose how",
                "first": "It is the first contact only when you met them or spoke with them",
                **_DAY,
                **_NOTE,
            },
            steps=calls.contact_steps,
        ),
        StepForm("note", bodies.Note, {"text": "Write your note"}),
        StepForm(
            "request-information",
            calls.AskForm,
            {"asked": "Write what you need to know", "answer": "Write what they answered, or leave it"},
            steps=calls.ask_steps,
        ),
        StepForm("wait", bodies.Wait, _OFFER),
        StepForm("offer-interim", bodies.OfferInterim, _OFFER),
        StepForm(
            "override",
            bodies.Override,
            {
                "routes": "Choose at least one and at most ten places where the family should go",
                "tier": "Choose a level of support, or none",
                "urgency": "Choose how soon",
                "reason": "Write why you decide differently",
            },
        ),
        StepForm("decline", bodies.Decline, {"reason": "Choose why", "note": NEEDS_WORDS}),
        StepForm("assign", bodies.Assign, {"to": "Choose a colleague"}),
        StepForm("hand-back", bodies.Nothing),
        StepForm("release", bodies.Nothing),
        StepForm(
            "close",
            bodies.Close,
            {"reason": "Choose why the work ends", "note": NEEDS_WORDS},
        ),
        StepForm("reopen", bodies.Reopen, {"note": "Write why it is opened again"}),
    )
}
"""By the name of the step, which is also in the address; as the page offers them, what brings work forward first."""
ONE_BUTTON: Final = frozenset(step for step, form in FORMS.items() if not form.fields)
"""Steps without a question: a button on the page itself."""
ON_THEIR_PAGE: Final = ("arrange", "deliver")
"""Steps of consultations and training, on the page of the enquiry."""
_AT: Final = list(FORMS).index("contact-attempt")
ORDER: Final = (*list(FORMS)[:_AT], *ON_THEIR_PAGE, *list(FORMS)[_AT:])
"""Every step as the page of an item offers it."""


class Offer(NamedTuple):
    """A button (`is_form`) or a link to a form."""

    step: str
    text: str
    href: str
    is_form: bool


def offers(row: Any, staff: Staff) -> list[Offer]:
    """What this person may do with the item as stored, where it is of use; of an ended one only what opens it again."""
    possible = set(steps.offered(row, staff))
    if row.route == Route.REVIEW_BIRTH_OUTCOME and possible & {"override", "claim"}:
        possible.add(BIRTH_OUTCOME)
    if row.route in RINGS and possible & {"claim", "close"}:
        possible.add("rung")
    is_asked = row.state == "waiting_for_referrer"
    if is_asked and "claim" in possible:
        possible.add("answered")
    words = {**WORDS, **kind_of(row).says, **({"claim": "Go on without their answer"} if is_asked else {})}
    address = {step: f"/staff/items/{row.id}/{step}" for step in FORMS}
    address |= dict.fromkeys(ON_THEIR_PAGE, f"/staff/enquiries/{row.id}")
    shown = [step for step in ORDER if step in possible - hidden_steps(row)]
    return [Offer(step, words[step], address[step], step in ONE_BUTTON) for step in shown]


async def choices(
    tx: AsyncConnection, step: str, told: ItemDetails, policy: Policy, *, now: datetime
) -> dict[str, Any]:
    """For the template: lists of (value, words), and `suggested`: what is chosen before anybody has typed."""
    chosen: dict[str, Any] = {}
    match step:
        case "assign":
            people = await item.assignees_for(tx, [told.row.route], today=day_in_london(now))
            chosen = {"colleagues": people, "holder": told.row.assignee}
        case "accept":
            is_full = PLACE_FREE not in told.row.marks and Route(told.row.route) in await full_routes(tx)
            suggested = {"place": PlaceKind.INDIVIDUAL.value}
            chosen = {"places": list(wording.PLACES.items()), "is_full": is_full, "suggested": suggested}
        case "override":
            chosen = _decisions(told, policy) | {"work": await item.open_items(tx, told.referral_id)}
        case "decline":
            rules = told.item["decision"]["rules"] if told.item["decision"] else ()
            reason = next((DECLINED_FOR[rule].value for rule in rules if rule in DECLINED_FOR), None)
            chosen = {"reasons": list(wording.DECLINES.items()), "suggested": {"reason": reason}}
            chosen["needs_words"] = is_safety(told.row)
        case "contact-attempt":
            chosen = contact_choices(told.row, day_in_london(now))
        case "rung":
            chosen = rung_choices(now, is_plan=told.row.route == Route.SOCIAL_WORKER_LINK)
        case "birth-outcome":
            chosen = {"outcomes": list(OUTCOMES.items())}
        case "wait" | "offer-interim":
            chosen = _interim(told, policy)
        case "close":
            chosen = _endings(told)
    return chosen


def _decisions(told: ItemDetails, policy: Policy) -> dict[str, Any]:
    """Suggested is the decision as it is; of a proposed decline, what the need alone would have given."""
    decision, row = told.item["decision"], told.row
    suggested = {"routes": [row.route], "urgency": row.urgency}
    if decision is not None:
        suggested = {name: decision[name] for name in ("routes", "tier", "urgency")}
        if decision["mode"] == Mode.PROPOSE_DECLINE and told.facts:
            need = without_the_decline(told.facts, received_at=row.decided_as_of, policy=policy)
            suggested |= {"routes": [route.value for route in need.routes], "tier": need.tier}
    return {
        "routes": [(route.value, wording.route_name(route)) for route in Route],
        "tiers": [(tier.value, wording.tier_name(tier)) for tier in Tier],
        "urgencies": [(urgency.value, wording.urgency_name(urgency)) for urgency in Urgency],
        "teams": list(_teams(row.route, suggested)),
        "suggested": suggested,
    }


def _teams(decided: str, suggested: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A team in place of what is decided on, with all else as it is: the query of the comparison, and its name.

    Nothing where somebody rings for safety: that is chosen by hand.
    """
    if decided in RINGS:
        return
    replaced = {decided, *TEAM_OF.values(), *DECLINE_ROUTES}
    others = [route for route in suggested["routes"] if route not in replaced]
    for tier, team in TEAM_OF.items():
        chosen = {"routes": [team.value, *others], "tier": tier.value, "urgency": suggested["urgency"]}
        if team not in suggested["routes"]:
            yield urlencode(chosen, doseq=True), wording.route_name(team)


def _interim(told: ItemDetails, policy: Policy) -> dict[str, Any]:
    """What the policy offers to families who wait: that of the item's own team first, and suggested."""
    own = [places.interim_offer for places in policy.capacity if places.route == told.row.route]
    listed = sorted(interim_offers(policy), key=lambda offer: offer not in own)
    words = [(offer, offer[:1].upper() + offer[1:]) for offer in listed]
    return {"interim_offers": words, "suggested": {"offer": listed[0] if listed and listed[0] in own else None}}


def _endings(told: ItemDetails) -> dict[str, Any]:
    """What ends by itself or by a step of its own is nobody's to choose. After a loss only a twin may turn two."""
    hidden = {
        ClosureReason.WITHDRAWN,
        ClosureReason.DECIDED_AGAIN,
        ClosureReason.SAME_FAMILY,
        ClosureReason.NOT_THE_SAME,
    }
    if is_loss(told.item["decision"]) and not (told.facts and told.facts.infant.count > 1):
        hidden.add(ClosureReason.AGED_OUT)
    hint = "Colleagues can read it. The referrer and the family do not get these words."
    return {
        "reasons": [(str(code), words) for code, words in wording.CLOSURES.items() if code not in hidden],
        "needs_words": needs_lead(told.row) or is_safety(told.row),
        "hint": f"{hint} The referrer is told that the work has ended." if needs_lead(told.row) else hint,
    }
