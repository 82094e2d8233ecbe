"""Whom a message to a family goes to, and where, as the document says it. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from services.referral.contacts.may_message import Refusal, Wish, may_message
from services.referral.document.codes import MessageChannel
from services.referral.document.model import Caregiver, Home, ReferralDocument
from shared.contact_holds import contact_holds
from shared.events import Channel, Facts, Household
from shared.policy import Policy

MOBILE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
DRAMA: Final = "+447700900"
"""Mobile numbers that Ofcom keeps for drama, which the library does not know as mobile; ours and Notify's tests."""
FEWEST_LINES: Final = 3
MOST_LINES: Final = 7
"""Of a letter's address, GOV.UK Notify's own limits; the last line is the postcode."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """`to` is a number in E.164 or an e-mail address, empty for a letter, which has `lines`; both empty: nowhere.

    `words` is all that was said about safe contact and messages, of each caregiver: what a person reads before they let
    a message go.
    """

    wish: Wish
    to: str = ""
    lines: tuple[str, ...] = ()
    language: str | None = None
    words: str = ""


def addressee_of(document: ReferralDocument) -> Addressee:
    """The first caregiver who wants messages; words about safe contact count, whichever caregiver they stand with."""
    wanting = (one for one in document.caregivers if one.messages and _channel(one) is not MessageChannel.NONE)
    one = next(wanting, None)
    if one is None or one.messages is None:
        return Addressee(Wish())
    to, lines = _where(one, document.home)
    wish = Wish(
        channel=_channel(one),
        is_safe=one.messages.is_safe,
        told_by=one.messages.told_by,
        has_address=bool(to or lines),
        has_words=any(each.safe_contact for each in document.caregivers),
    )
    return Addressee(wish, to, lines, one.preferred_language, _words(document))


def _words(document: ReferralDocument) -> str:
    said = [
        [each.safe_contact, each.messages.model_dump(mode="json") if each.messages else None]
        for each in document.caregivers
    ]
    return json.dumps(said, sort_keys=True)


def household_of(
    document: ReferralDocument, facts: Facts, *, received_at: datetime, policy: Policy
) -> Household | None:
    """For the event: how the family wants to hear, when a message may be made; codes only.

    One whose words a person has to read first is made, and held when it would go.
    """
    if not policy.family_messages.on:
        return None
    addressee = addressee_of(document)
    holds = contact_holds(facts, at=received_at, policy=policy)
    refusal = may_message(facts, holds, addressee.wish, is_on=True)
    if refusal not in (None, Refusal.UNCLEAR):
        return None
    return Household(channel=Channel(addressee.wish.channel.value), language=addressee.language)


def stopped(addressee: Addressee) -> Addressee:
    """The same, with no more messages wanted there."""
    return replace(addressee, wish=replace(addressee.wish, is_stopped=True))


def as_dialled(number: str) -> str:
    """`07700 900123`, `(07700) 900123`, `7700900123`, `447700900123` → `+447700900123`; empty for what is no number.

    Of Great Britain, or else one with the code of its country, which GOV.UK Notify writes without the `+`.
    """
    written = number.strip()
    return _valid(written) or (_valid(f"+{written}") if written[:1].isdecimal() else "")


def _valid(number: str) -> str:
    """In E.164; empty for a number that nobody can have, but for those of drama."""
    try:
        found = phonenumbers.parse(number, "GB")
    except NumberParseException:
        return ""
    dialled = phonenumbers.format_number(found, PhoneNumberFormat.E164)
    is_of_drama = dialled.startswith(DRAMA) and len(dialled) == len(DRAMA) + 3
    return dialled if is_of_drama or phonenumbers.is_valid_number(found) else ""


def _channel(one: Caregiver) -> MessageChannel:
    return (one.messages and one.messages.channel) or MessageChannel.NONE


def _where(one: Caregiver, home: Home | None) -> tuple[str, tuple[str, ...]]:
    match _channel(one):
        case MessageChannel.SMS:
            number = as_dialled(one.phone or "")
            return (number if number and _is_mobile(number) else ""), ()
        case MessageChannel.EMAIL:
            return one.email or "", ()
        case _:
            return "", _letter(one, home)


def _is_mobile(number: str) -> bool:
    return number.startswith(DRAMA) or phonenumbers.number_type(phonenumbers.parse(number)) in MOBILE


def _letter(one: Caregiver, home: Home | None) -> tuple[str, ...]:
    """Name, lines, postcode; none without all three: a letter to nobody by name is anybody's to open."""
    name = " ".join(filter(None, (one.given_name, one.family_name)))
    if not (name and home and home.address_lines and home.postcode):
        return ()
    lines = (name, *home.address_lines, home.postcode)
    return lines if FEWEST_LINES <= len(lines) <= MOST_LINES else ()
