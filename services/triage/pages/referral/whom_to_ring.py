"""Whom to ring about a piece of work, and on which number, as the first screen of its page says it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from services.triage.pages.referral.identity_view import (
    INTERPRETER_NEEDED,
    INTERPRETER_NOT_SAID,
    NEEDS,
    ONLY_SAFELY,
    address_of,
    full_name,
    spoken_with,
)
from services.triage.pages.referral.kinds import RINGS, kind_of
from services.triage.work_items.conditions import FAMILY_REPLIED, FAMILY_UNREACHED, UNDELIVERABLE
from shared.events import Facts, Hold, Route
from shared.pages.facts import CARERS
from shared.pages.names import council_name, language_name
from shared.pages.wording import word_for
from shared.policy import Policy
from shared.service_map import ServiceMap

ASK_ON_CALL: Final = "ask the person on call for the number"
ASK_REFERRER: Final = "no number is known, ask the referrer"
BEFORE_RINGING: Final = {
    INTERPRETER_NEEDED: "book an interpreter first",
    INTERPRETER_NOT_SAID: "ask about an interpreter first",
}
TO_KNOW: Final = {
    INTERPRETER_NEEDED: "needs an interpreter",
    INTERPRETER_NOT_SAID: "nobody said if an interpreter is needed",
}
SHORT: Final = 240
"""Characters of an address or a safe way on the first screen: nearly all of them whole, for half of one misleads."""
BEGINNING: Final = 240
"""Characters of the referrer's words there, below the first button."""


class Call(NamedTuple):
    """Somebody to ring; `instead` says what to do where there is no number, or none that may be rung.

    `mail` is an address to write to where there is no number.
    """

    who: str
    phone: str = ""
    instead: str = ""
    mail: str = ""


class FirstScreen(NamedTuple):
    """Of what was sent, what somebody needs before they ring: who the family is and lives where, how the words begin.

    `who` is the first carer, and what it takes to speak with them.
    """

    who: str = ""
    address: str = ""
    words: str = ""


def first_screen(found: Mapping[str, Any] | None, *, is_rung: bool) -> FirstScreen:
    """`found` is who the family is, for somebody who may know; empty parts where nothing was sent.

    `is_rung`: the family itself is, and its number has beside it who they are.
    """
    document = (found or {}).get("document") or {}
    address = address_of(document.get("home") or {}).replace("\n", ", ")
    words = " ".join(str(document.get("notes") or "").split())
    carers = () if is_rung else document.get("caregivers") or ()
    who = _named(carers[0], spoken_with(carers[0], must_be_careful=False), is_rung=False) if carers else ""
    return FirstScreen(who, shortened(address), shortened(words, BEGINNING, " …"))


def shortened(text: str, length: int = SHORT, more: str = " … All of it stands below") -> str:
    """As it is, or its first words: all of it stands below on the page."""
    return text if len(text) <= length else text[:length].rsplit(maxsplit=1)[0] + more


def whom_to_ring(
    row: Any,
    *,
    facts: Facts | None,
    policy: Policy,
    service_map: ServiceMap,
    on: date,
    found: Mapping[str, Any] | None = None,
    holds: Collection[str] = (),
) -> list[Call]:
    """In the order in which they are rung; nobody when the work has ended.

    `found` is who the family is, for somebody who may know. Without it only numbers that are no secret are told.
    """
    if row.ended_at:
        return []
    document = (found or {}).get("document") or {}
    carers = document.get("caregivers") or () if rings_family(row, holds) else ()
    told = list(_of_policy(row, facts, policy, service_map, on)) if row.route in RINGS else []
    family = [_carer(each, must_be_careful=Hold.C2 in holds) for each in carers[:1]]
    return [*told, *family, *_referrer(document.get("referrer") or {})]


def rings_family(row: Any, holds: Collection[str]) -> bool:
    """Whether the first carer is rung, and not only whoever sent the referral or the person on call."""
    asks_the_referrer = row.state == "waiting_for_referrer" or UNDELIVERABLE in row.marks or Hold.C1 in holds
    is_to_family = FAMILY_UNREACHED in row.marks or FAMILY_REPLIED in row.marks
    return (is_to_family or kind_of(row).rings_family) and not asks_the_referrer


def _of_policy(row: Any, facts: Facts | None, policy: Policy, service_map: ServiceMap, on: date) -> Iterator[Call]:
    """Numbers of the service map, else those of the policy that it names for nothing else; then the person on call."""
    emergency, *others = (Call(each.who, each.phone) for each in policy.ring)
    if row.route == Route.EMERGENCY_CALL:
        yield emergency
    elif row.route == Route.MASH_HOME_LA:
        authority = facts.place.authority if facts else None
        if authority and authority != policy.authority:
            yield Call(f"Children's social care for {council_name(authority)}", instead=ASK_ON_CALL)
    elif row.route != Route.SAFEGUARDING_LEAD:
        ward = facts.place.ward if facts else None
        named = service_map.signposts(Route(row.route), ward=ward, on=on)
        of_others = {each.contact.phone for each in service_map.services} - {each.contact.phone for each in named}
        free = [each for each in others if each.phone not in of_others]
        yield from [Call(each.name, each.contact.phone) for each in named] or free or others
    through = "Safeguarding lead, through " if row.route == Route.SAFEGUARDING_LEAD else ""
    yield Call(f"{through}{policy.on_call.name}", policy.on_call.phone)


def _carer(person: Mapping[str, Any], *, must_be_careful: bool) -> Call:
    """The first carer is whom the referral is mostly about. Where a safe way is known or needed, no number is told."""
    told = spoken_with(person, must_be_careful=must_be_careful)
    who = _named(person, told)
    if way := told["safe_contact"]:
        return Call(f"{who}, {ONLY_SAFELY}", instead=shortened(way))
    return Call(who, str(person.get("phone") or ""), ASK_REFERRER)


def _named(person: Mapping[str, Any], told: Mapping[str, Any], *, is_rung: bool = True) -> str:
    return f"{full_name(person) or 'The carer'} ({', '.join(_about(told, is_rung=is_rung))})"


def _about(told: Mapping[str, Any], *, is_rung: bool) -> Iterator[str]:
    """`mother`, `speaks Ukrainian`, `book an interpreter first`; or `needs an interpreter`, when others are rung."""
    relationship = word_for(CARERS)(told.get("relationship")) or "carer"
    yield relationship[:1].lower() + relationship[1:]
    if (language := told.get("preferred_language")) and not str(language).startswith("en"):
        yield f"speaks {language_name(str(language))}"
    if words := (BEFORE_RINGING if is_rung else TO_KNOW).get(told["interpreter_needed"]):
        yield words
    if "bsl" in (told.get("communication_needs") or ()):
        yield NEEDS["bsl"]


def _referrer(person: Mapping[str, Any]) -> Iterator[Call]:
    """Nobody when no referrer was named."""
    if name := person.get("name"):
        who = f"Referrer {name} ({person['role']})" if person.get("role") else f"Referrer {name}"
        mail = str(person.get("email") or "")
        yield Call(who, str(person.get("phone") or ""), "write to" if mail else "no number was given", mail)
