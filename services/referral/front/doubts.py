"""What may be mistyped or forgotten in a form though a referral may say it: said before it is sent, never refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from services.referral.document.codes import MessageChannel, ToldBy
from services.referral.document.fields import is_valid_nhs_number, nhs_digits
from services.referral.front import filling, typed_dates
from services.referral.front.form import ENTRY_NAMES

FEWEST_DIGITS: Final = 10
"""Of a number in the United Kingdom with its first 0 (Ofcom's numbering plan); those of mobiles have 11."""
MOBILE_DIGITS: Final = 11
ADDRESSES: Final[Mapping[str, str]] = {MessageChannel.SMS: "phone", MessageChannel.EMAIL: "email"}
"""Channel → the member without which nothing can go that way; a letter goes to the home."""
NOBODY_TO_REACH: Final = "There is no phone number and no email address of the family, and no word how to reach them"
LONGEST_PREGNANCY: Final = timedelta(weeks=42)
"""From its first day (NHS: labour is offered before 42 weeks): no due date is further away."""


def doubts_of(document: Mapping[str, Any], *, today: date) -> list[tuple[str, str]]:
    """The last part of a page's address, and the words; `today` is the day in London."""
    found = [
        (filling.page_of(f"{people}.{number - 1}.{member}"), f"{name} {number}: {words}")
        for people, name in ENTRY_NAMES.items()
        for number, person in enumerate(document.get(people) or (), start=1)
        if isinstance(person, dict)
        for member, words in _doubts(person, today)
    ]
    reached = filling.page_of("caregivers.0.phone")
    return found if can_be_reached(document) else [*found, (reached, NOBODY_TO_REACH)]


def has_an_address(document: Mapping[str, Any]) -> bool:
    """Whether somebody can be rung or written to."""
    return _says_of_anybody(document, "phone", "email")


def can_be_reached(document: Mapping[str, Any]) -> bool:
    """By an address, or as they say in words: not everybody has a phone of their own."""
    return _says_of_anybody(document, "phone", "email", "safe_contact")


def _says_of_anybody(document: Mapping[str, Any], *members: str) -> bool:
    people = [each for each in document.get("caregivers") or () if isinstance(each, dict)]
    return any(person.get(member) for person in people for member in members)


def _doubts(person: Mapping[str, Any], today: date) -> Iterator[tuple[str, str]]:
    """The member that it is about, and the words."""
    nhs_number = person.get("nhs_number")
    if isinstance(nhs_number, str) and not is_valid_nhs_number(nhs_digits(nhs_number) or ""):
        yield "nhs_number", "this is no NHS number. Is there a digit wrong?"
    born, due = (typed_dates.day(str(person.get(name) or "")) for name in ("date_of_birth", "due_on"))
    if born and born > today:
        yield "date_of_birth", "the date of birth is still to come. Is it the due date?"
    if due and due > today + LONGEST_PREGNANCY:
        yield "due_on", "the due date is very far away. Is the year right?"
    phone = "".join(each for each in str(person.get("phone") or "") if each.isdigit())
    if phone.startswith("0") and len(phone) < (MOBILE_DIGITS if phone.startswith("07") else FEWEST_DIGITS):
        yield "phone", "the phone number is short. Is a digit missing?"
    wanted = person.get("messages")
    if isinstance(wanted, dict):
        yield from (("messages", f"we send no messages yet. {words}") for words in _of_messages(wanted, person))


def _of_messages(wanted: Mapping[str, Any], person: Mapping[str, Any]) -> Iterator[str]:
    """What contacts/may_message.py still asks of this form."""
    channel = wanted.get("channel")
    if channel in (None, MessageChannel.NONE):
        return
    if wanted.get("is_safe") is not True:
        yield "Say if it is safe to write to them"
    elif wanted.get("told_by") != ToldBy.FAMILY:
        yield "Say who told you that it is safe: it must be they themselves"
    if (address := ADDRESSES.get(str(channel))) and not person.get(address):
        yield f"Their {address} is missing"
