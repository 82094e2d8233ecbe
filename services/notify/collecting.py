"""The one mail of a day: the words for all that went over what one inbox is sent one by one.

Nothing is lost: each message has its line, with its reference and what happened, made from the same codes as its own
mail would be. What is urgent is never among them (rules.Caps).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid5

from services.notify import templates
from services.notify.content import Content, Next
from services.notify.messages import NAMESPACE
from services.notify.phrases import A_PERSON, NO_PERSONAL_DETAILS, SUPPORT
from services.notify.templates import Council, Words, long_date
from shared.events import Kind, MessageKind

KIND = "collected"
"""In the header X-PIR-Kind; it is no kind of message: each of those keeps its own."""


def id_of(agency_id: UUID, on: date, first: UUID) -> UUID:
    """The same for the same mail at every try; `first` is the oldest message in it."""
    return uuid5(NAMESPACE, f"{agency_id}/{KIND}/{on}/{first}")


def line(kind: MessageKind, *, reference: str, content: Content, council: Council, is_overtaken: bool = False) -> str:
    """One message in a line: what its subject says, and of a decision where the referral goes.

    A day that has passed is promised no more.
    """
    if content.by and content.by < council.on:
        content = content.model_copy(update={"by": None})
    if kind is MessageKind.DECISION:
        said = f"{reference}: {_decided(content)}"
    else:
        said, _ = templates.words(kind, reference=reference, content=content, council=council)
        said += f"; you will hear from us by {long_date(content.by)}" if content.by else ""
    return f"{said}; there is newer word of it" if is_overtaken else said


def _decided(content: Content) -> str:
    person = f"{A_PERSON[0].lower()}{A_PERSON[1:]}"
    if content.is_loss or content.about is not Kind.FAMILY:
        return f"{person} gets in touch with you"
    if content.next is Next.PERSON:
        return f"{person} is looking at it{f' and decides by {long_date(content.by)}' if content.by else ''}"
    names = (SUPPORT.get(route, person) for route in content.routes)
    waits = ", and there is a waiting list" if content.is_waiting_list else ""
    return f"it goes to {' and '.join(dict.fromkeys(f'{name[0].lower()}{name[1:]}' for name in names))}{waits}"


def words(lines: Sequence[str]) -> Words:
    """Subject and body of the mail, one line a message, the oldest first."""
    many = f"{len(lines):,} messages" if lines[1:] else "1 message"
    why = (
        "Your team got more mail from us in a day than we send one by one. Here is the rest. "
        "Nothing urgent is among it: that is always sent at once."
    )
    more = "What happens next with each of them is in your own system, under its reference (GET /referrals)."
    body = "\n\n".join([why, "\n".join(f"- {each}" for each in lines), more, NO_PERSONAL_DETAILS])
    return f"{many} about your referrals, in one mail", f"{body}\n"
