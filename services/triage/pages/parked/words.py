"""Words for the page of parked messages: services, kinds of event, causes, and how a service is. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.triage.pages.queue.queues import span_in_words
from shared.parked_calls import Condition, Waiting

SERVICES: Final = {
    "referral": "Referral service",
    "triage": "Triage service",
    "notify": "Notify service",
    "metrics": "Metrics service",
}
DOES: Final = {
    "referral": "takes referrals in from agencies",
    "triage": "decides, and keeps the queues of the teams",
    "notify": "writes to agencies",
    "metrics": "counts what happens",
}
EVENTS: Final = {
    "referral.received.v1": "A referral came in",
    "referral.amended.v1": "A referral was changed by its agency",
    "referral.monitored.v1": "What the counts for equality need of a referral",
    "referral.informed.v1": "An agency sent information that was asked for",
    "referral.challenged.v1": "An agency asked to look at a decline again",
    "family.judged.v1": "A person said whether two referrals are of one family",
    "referral.withdrawn.v1": "A referral was withdrawn",
    "referral.restricted.v1": "What may be done with a record was restricted, or is free again",
    "referral.erased.v1": "A family was erased",
    "enquiry.received.v1": "A consultation or training was asked for",
    "agency.updated.v1": "The details of an agency changed",
    "referral.triaged.v1": "A referral was decided",
    "work-item.opened.v1": "Work was put into a queue",
    "work-item.claimed.v1": "Somebody took work on",
    "work-item.waiting.v1": "Work began to wait, or waits no more",
    "work-item.accepted.v1": "A family was accepted",
    "work-item.declined.v1": "A referral was declined",
    "work-item.due-moved.v1": "The day of a first contact has moved",
    "work-item.first-contact.v1": "A family had its first contact",
    "work-item.closed.v1": "Work was closed",
    "work-item.escalated.v1": "Work was brought to attention",
    "capacity.changed.v1": "The places of a team changed",
    "message.sent.v1": "A message was sent",
    "message.delivered.v1": "A message arrived",
    "family.replied.v1": "A family has answered a text message",
    "message.undeliverable.v1": "A message could not be delivered",
}
"""Type of an event → what has happened."""
UNKNOWN: Final = "Something that can't be read"

CAUSES: Final = {
    "type": "This service does not know this kind of event.",
    "value": "What it says is not as it should be.",
    "attributes": "Something that every event has is missing, such as its number or its time.",
    "handler": "Handling it failed, and would fail again until the cause is mended.",
    "too slow": "Handling it takes too long. It is tried again by itself, at least once an hour.",
    "behind": "It waited behind an earlier event, which is dealt with. Try again to let it go on.",
}
"""First word of a cause → why."""

REASONS: Final = {
    "sent-again": "The same was sent again, and handled",
    "done-by-hand": "Somebody has done by hand what it was for",
    "test": "It came from a test",
    "unusable": "Nobody can use what it holds",
    "other": "Something else",
}
"""Why somebody gives an event up."""

_CHECKS: Final = {
    "serving": "It is stopping",
    "postgresql": "It can't reach its database",
    "partitions": "Kafka gives it no events to read",
}
_MANY: Final = 10_000
"""Up to here the outbox is counted."""


def kind_in_words(waiting: Waiting) -> str:
    return EVENTS.get(waiting.type, waiting.type) if waiting.type else UNKNOWN


def cause_in_words(waiting: Waiting) -> str:
    """A cause that a newer service writes is shown as it is."""
    return CAUSES.get(waiting.cause.partition(":")[0], waiting.cause)


def behind_in_words(waiting: Waiting) -> str:
    if not waiting.behind:
        return "Nothing"
    return f"{waiting.behind:,} later {'event' if waiting.behind == 1 else 'events'} about the same referral or agency"


def wrong_with(health: Condition) -> str:
    """What keeps the service from being ready; empty when it is."""
    return ". ".join(_CHECKS.get(name, name) for name, is_fine in health.checks.items() if not is_fine)


def reading_in_words(health: Condition) -> str:
    if not health.reads:
        return "Another process of it reads events"
    if health.lag is None:
        return "Reads no events now"
    return f"{health.lag:,} {'event' if health.lag == 1 else 'events'} behind" if health.lag else "Up to date"


def telling_in_words(health: Condition) -> str:
    """What it has to say and has not said yet."""
    if health.outbox is None:
        return "It tells nobody anything"
    if not health.outbox:
        return "Nothing waits"
    number = f"{health.outbox:,}{' or more' if health.outbox >= _MANY else ''}"
    age = span_in_words(timedelta(seconds=health.outbox_oldest_seconds))
    return f"{number} {'waits' if health.outbox == 1 else 'wait'}, the oldest for {age}"


def parked_in_words(number: int) -> str:
    return f"{number:,} parked" if number else "Nothing is parked"
