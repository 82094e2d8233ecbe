"""The mail that tells a team that its system is called no more."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import uuid5

from services.notify import mail
from services.notify.messages import message_id_header
from services.notify.settings import Settings
from services.notify.webhooks.endpoints import DEAD_AFTER, WhyOff

KIND: Final = "webhook-off"
"""In the header X-PIR-Kind; it is no kind of a message, because it is about no referral."""
_WHY: Final = {
    WhyOff.GONE: "It answered that it wants no more calls (410 Gone).",
    WhyOff.DEAD: f"It has taken none of our calls for {DEAD_AFTER.days} days.",
}


def words(why: WhyOff, refer_at: str) -> tuple[str, str]:
    """Subject and body. No address of the system: a mail is read by many."""
    subject = "We have stopped calling your system"
    body = (
        "Your system asked us to call it when one of your referrals changes.\n"
        "We have stopped calling it.\n\n"
        f"{_WHY[why]}\n\n"
        "No referral is lost. You see each of them on our pages, and your system can\n"
        "still ask us for all changes.\n\n"
        "Please tell the people who look after your system. When it works again, they\n"
        "set its address anew (PUT /webhook). We then tell it all that has changed\n"
        "since.\n\n"
        f"Keepers of your agency see its last calls here: {refer_at}/webhook\n"
    )
    return subject, body


def written(endpoint: Any, settings: Settings, *, at: datetime) -> mail.Mail | None:
    """The mail to the team's inbox; None when there is no inbox that mail can go to.

    Its Message-ID is the same at every try, and another one after the webhook was set anew.
    """
    inbox = endpoint.team_inbox
    if not inbox or not mail.is_address(inbox):
        return None
    subject, body = words(WhyOff(endpoint.why_off), settings.refer_at)
    whole = mail.write(
        sender=settings.sender,
        recipient=inbox,
        message_id=message_id_header(uuid5(endpoint.id, endpoint.set_at.isoformat()), settings.mail_domain),
        at=at,
        reference=None,
        kind=KIND,
        subject=subject,
        body=body,
    )
    return mail.Mail(endpoint.id, settings.envelope_from, inbox, whole)
