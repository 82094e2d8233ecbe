"""Words for codes that only the pages of the triage team show: rules and their facts, looks, states of messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from services.triage.identity_access import LookReason
from services.triage.rules import CATALOGUE
from shared.events import LOSSES, DecidedBy, Facts, Hold, PlaceQuality, Route
from shared.pages.facts import CIRCUMSTANCES, OF_FIELD, fact_name
from shared.pages.names import council_name
from shared.pages.times import age, long_day
from shared.pages.wording import MESSAGES, route_name, tier_name, word_for
from shared.policy import Policy

LOOKS: Final[dict[str, str]] = {
    LookReason.TEAM_QUEUE: "It is in my team's queue today",
    LookReason.COVERING: "I am covering for a colleague",
    LookReason.RANG: "The family or the referrer rang",
    LookReason.SAFEGUARDING: "A safeguarding check",
    LookReason.QUALITY_REVIEW: "A quality review",
}
"""What somebody may choose; `assigned` is not theirs to choose."""

LOOKED: Final[dict[str, str]] = {
    LookReason.TEAM_QUEUE: "it was in their team's queue",
    LookReason.COVERING: "they covered for a colleague",
    LookReason.RANG: "the family or the referrer rang",
    LookReason.SAFEGUARDING: "for a safeguarding check",
    LookReason.QUALITY_REVIEW: "for a quality review",
    LookReason.ASSIGNED: "it is their own work",
}

MESSAGE_STATES: Final = {
    "due": "On its way",
    "collected": "Waits for the one mail of the day: their team gets many",
    "sent": "Sent",
    "delivered": "Delivered",
    "failed": "Not sent yet, tried again",
    "undeliverable": "Could not be delivered",
    "held": "Held: a person decides about it",
}
HELD: Final = {
    "unclear": "Held: read what was written about safe contact, and decide",
    "closed": "Held: an earlier message did not arrive there. Look at the number or address, and decide",
    "kept-back": "Held: a colleague decided against it",
    "stopped": "Held: they want no messages there",
    "hold": "Held: nothing automatic reaches this family",
    "no-consent": "Held: the family has not agreed",
    "not-wanted": "Held: they want no messages",
    "not-safe": "Held: nobody says that it is safe",
    "not-told": "Held: the family itself has not said that it is safe",
    "no-address": "Held: there is no number or address for it",
    "ended": "Held: the referral was taken back",
    "erased": "Held: who the family is was erased",
    "off": "Held: messages to families are switched off",
}
"""Why a message to a family is held, by the code of the notify service."""
KEPT_BACK: Final = {
    "not_safe": "It would not be safe",
    "told_another_way": "They have been told another way",
    "not_needed": "They do not need to hear this",
}
AUDIENCES: Final = {"agency": "the referrer's team", "household": "the family"}
"""The person on call is named by the kind of the message already."""

FACTS: Final = {
    "source": "Who referred",
    "severity": "How severe the concern is",
    "domains": "Areas of concern",
    "risk_factors": "Risk factors",
    "complex_history": "Complex history",
    "safety": "Safety",
    "safety_words": "Safety words in the notes",
    "mental_health": "Mental health",
    "care_status": "Social care",
    "carer": "Main carer",
    "carer_age": "Age of the youngest parent",
    "circumstances": "Circumstances",
    "consent": "Consent",
    "links": "Linked referrals",
    "nhs_number": "NHS number",
    "accessible_information": "Another language or format",
    "requested_tier": "Asked for",
    "tier": "The rules give",
    "steps": "Steps apart",
    "born_on": "Born on",
    "due_on": "Due on",
    "received_on": "Received on",
    "support_ends_on": "Support ends on",
    "opens_on": "Opens on",
    "days_pregnant": "Days pregnant",
    "days_to_due_date": "Days to the due date",
    "months_old": "Months old",
    "count": "Babies",
    "ward": "Ward",
    "authority": "Council",
    "quality": "Place",
    "kind": "Kind",
    "full_routes": "Teams that are full",
}
_DAYS: Final = frozenset({"born_on", "due_on", "received_on", "support_ends_on", "opens_on"})
_UNITS: Final = {"days": "days", "months": "months", "years": "years", "domains": "areas", "factors": "risk factors"}


def rule_meaning(rule: str, policy: Policy | None) -> str:
    """What a rule says, with the numbers of the policy that was in force; with their names when it is not known."""
    if rule not in CATALOGUE:
        return "A person decided, instead of the rules."
    meaning = " ".join(CATALOGUE[rule].meaning.split())
    return re.sub(r"`(\w+)`", lambda found: _number(found[1], policy), meaning)


def _number(name: str, policy: Policy | None) -> str:
    for part in (policy.age, policy.need, policy.priority, policy.working_time) if policy else ():
        if name in type(part).model_fields:
            unit = _UNITS.get(name.rpartition("_")[2])
            return f"{getattr(part, name)}{f' {unit}' if unit else ''}"
    return name.replace("_", " ")


def used_facts(facts: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
    """The facts a rule used as (name, value) in words; what was not given says so."""
    return [(FACTS.get(name, name.replace("_", " ")), fact_value(name, value, policy)) for name, value in facts.items()]


def fact_value(name: str, value: Any, policy: Policy) -> str:
    """One fact in words: codes, days, places and counts."""
    if value is None or value == []:
        return "none" if value == [] else "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(fact_value(name, each, policy) for each in value)
    if name in _DAYS:
        return long_day(str(value))
    return _code(name, str(value), policy)


def _code(name: str, value: str, policy: Policy) -> str:
    if name == "ward":
        ward = policy.ward_by_code.get(value)
        return ward.name if ward else value
    if name == "authority":
        return policy.authority_name if value == policy.authority else council_name(value)
    if name == "full_routes":
        return route_name(value)
    if name == "tier":
        return tier_name(value)
    return fact_name(value, name) if name in OF_FIELD or name == "source" else value


def told_facts(facts: Facts, policy: Policy) -> list[tuple[str, str]]:
    """What the referral says, as the rules see it: what was not said is left out."""
    said = facts.model_dump(mode="json", exclude={"kind", "links", "full_routes"}, exclude_defaults=True)
    place = {name: value for name, value in said.pop("place", {}).items() if value != PlaceQuality.KNOWN}
    flat = {**said.pop("infant", {}), **place, **said.pop("concern", {}), **said}
    return used_facts(flat, policy)


def age_of_baby(facts: Facts, policy: Policy, *, on: date) -> str:
    """`12 months old`, `34 weeks pregnant`, on a day in London; nothing after a loss, and where no date was given."""
    infant = facts.infant
    if loss_in_words(facts, is_known=True) or not (infant.born_on or infant.due_on):
        return ""
    if infant.born_on:
        return f"{age(infant.born_on, on)} old" if infant.born_on <= on else ""
    weeks, over = divmod((infant.due_on - on).days, 7) if infant.due_on else (0, 0)
    pregnant = policy.age.pregnancy_days // 7 - weeks - (1 if over else 0)
    return f"{pregnant} weeks pregnant" if weeks >= 0 else f"Due {age(infant.due_on or on, on)} ago, no birth told"


def is_loss(decision: Mapping[str, Any] | None) -> bool:
    """Whether it holds everything for care after a loss, known or feared."""
    return bool(decision and Hold.C1 in decision.get("holds", ()))


def loss_of(facts: Facts | None, decision: Mapping[str, Any] | None) -> str:
    """As `loss_in_words`; where the referral says nothing, a person may have decided for care after a loss."""
    known = loss_in_words(facts, is_known=True)
    if known or decision is None or decision["decided_by"] != DecidedBy.PERSON:
        return known or loss_in_words(facts)
    return "The family has had a loss" if Route.BEREAVEMENT_REVIEW in decision["routes"] else loss_in_words(facts)


def loss_in_words(facts: Facts | None, *, is_known: bool = False) -> str:
    """What was lost, as the referral says it; what may be, unless only what `is_known` is asked for."""
    told = [CIRCUMSTANCES[each] for each in facts.circumstances if each in LOSSES] if facts else []
    return " and ".join(told) or ("" if is_known else "The baby may have died")


def message_name(message: Mapping[str, Any]) -> str:
    """`Decision to the referrer's team`."""
    kind, audience = message["kind"], message["audience"]
    return word_for(MESSAGES)(kind) + (f" to {AUDIENCES[audience]}" if audience in AUDIENCES else "")


def routes_in_words(routes: list[str] | tuple[Route, ...]) -> str:
    """One after the other; a name may hold a comma."""
    return "; ".join(route_name(route) for route in routes)


def gap_in_words(pointer: str) -> str:
    """What is still missing, from its place in what was sent: `/babies/0/date_of_birth` → `babies 1 date of birth`."""
    parts = pointer.strip("/").split("/")
    return " ".join(str(int(part) + 1) if part.isdecimal() else part.replace("_", " ") for part in parts)
