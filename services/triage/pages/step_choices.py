"""What the form of a step offers to choose from, with what is suggested; a query where the choice needs one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.pages.birth_outcome import OUTCOMES
from services.triage.pages.near_rules import without_the_decline
from services.triage.pages.offered import BIRTH_OUTCOME
from services.triage.pages.step_forms import Typed
from services.triage.work_items import item
from services.triage.work_items.conditions import is_safety
from services.triage.work_items.item import ItemDetails
from services.triage.work_items.places import full_routes
from services.triage.work_items.working import needs_lead, offers
from shared.events import ClosureReason, DeclineReason, Mode, PlaceKind, Route, Tier, Urgency
from shared.pages import wording
from shared.policy import Policy

Choices = Callable[[AsyncConnection, ItemDetails, Policy], Awaitable[dict[str, Any]]]
"""For the template: lists of (value, words), and `suggested`: what is chosen before anybody has typed."""

DECLINED_FOR: Final = {
    "E6": DeclineReason.OVER_AGE,
    "E10": DeclineReason.OUT_OF_AREA,
    "E13": DeclineReason.CONSENT_REFUSED,
}
"""Rule that proposes to decline → the reason that belongs to it."""


async def choices(tx: AsyncConnection, step: str, told: ItemDetails, policy: Policy) -> dict[str, Any]:
    """Nothing for a step that has nothing to choose from."""
    return await _OF_STEP[step](tx, told, policy) if step in _OF_STEP else {}


async def _assign(tx: AsyncConnection, told: ItemDetails, _: Policy) -> dict[str, Any]:
    """Whoever has it already is not suggested again."""
    others = [each for each in await item.assignees_for(tx, told.row.route) if each.id != told.row.assignee]
    best = next((each.id for each in others if each.knows_route), "")
    return {"colleagues": others, "suggested": {"to": best}}


async def _accept(tx: AsyncConnection, told: ItemDetails, _: Policy) -> dict[str, Any]:
    is_full = Route(told.row.route) in await full_routes(tx)
    places = list(wording.PLACES.items())
    return {"places": places, "is_full": is_full, "suggested": {"place": PlaceKind.INDIVIDUAL.value}}


async def _decline(_: AsyncConnection, told: ItemDetails, __: Policy) -> dict[str, Any]:
    rules = told.item["decision"]["rules"] if told.item["decision"] else ()
    reason = next((DECLINED_FOR[rule].value for rule in rules if rule in DECLINED_FOR), None)
    return {"reasons": list(wording.DECLINES.items()), "suggested": {"reason": reason}}


async def _override(tx: AsyncConnection, told: ItemDetails, policy: Policy) -> dict[str, Any]:
    return {
        "routes": [(route.value, wording.route_name(route)) for route in Route],
        "tiers": [(tier.value, wording.tier_name(tier)) for tier in Tier],
        "urgencies": [(urgency.value, wording.urgency_name(urgency)) for urgency in Urgency],
        "work": await item.open_items(tx, told.referral_id),
        "suggested": _instead(told, policy),
    }


def _instead(told: ItemDetails, policy: Policy) -> Typed:
    """The decision as it is, to be changed; of a proposed decline, what the need alone would have given."""
    decision = told.item["decision"]
    if decision is None:
        return {"routes": [told.row.route], "urgency": told.row.urgency}
    suggested = {"routes": decision["routes"], "tier": decision["tier"], "urgency": decision["urgency"]}
    if decision["mode"] == Mode.PROPOSE_DECLINE and told.facts:
        need = without_the_decline(told.facts, received_at=told.row.decided_as_of, policy=policy)
        suggested |= {"routes": [route.value for route in need.routes], "tier": need.tier}
    return suggested


async def _contact(_: AsyncConnection, __: ItemDetails, ___: Policy) -> dict[str, Any]:
    return {"outcomes": list(wording.CONTACTS.items())}


async def _offers(_: AsyncConnection, told: ItemDetails, policy: Policy) -> dict[str, Any]:
    """That of the item's own team first."""
    own = [places.interim_offer for places in policy.capacity if places.route == told.row.route]
    listed = sorted(offers(policy), key=lambda offer: offer not in own)
    words = [(offer, offer[:1].upper() + offer[1:]) for offer in listed]
    return {"interim_offers": words, "suggested": {"offer": listed[0] if listed and listed[0] in own else None}}


async def _close(_: AsyncConnection, told: ItemDetails, __: Policy) -> dict[str, Any]:
    """What ends by itself or by a step of its own is nobody's to choose."""
    own = {ClosureReason.WITHDRAWN, ClosureReason.DECIDED_AGAIN, ClosureReason.SAME_FAMILY, ClosureReason.NOT_THE_SAME}
    hint = "Colleagues can read it. The referrer and the family do not get these words."
    if needs_lead(told.row):
        hint = f"{hint} The referrer is told that the work has ended."
    return {
        "reasons": [(str(code), words) for code, words in wording.CLOSURES.items() if code not in own],
        "needs_words": needs_lead(told.row) or is_safety(told.row),
        "hint": hint,
    }


async def _birth_outcome(_: AsyncConnection, __: ItemDetails, ___: Policy) -> dict[str, Any]:
    return {"outcomes": list(OUTCOMES.items())}


_OF_STEP: Final[dict[str, Choices]] = {
    "assign": _assign,
    "accept": _accept,
    "decline": _decline,
    "override": _override,
    "contact-attempt": _contact,
    "wait": _offers,
    "offer-interim": _offers,
    "close": _close,
    BIRTH_OUTCOME: _birth_outcome,
}
