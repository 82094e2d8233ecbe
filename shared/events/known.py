"""Every event there is, by its type, and who says it."""

from __future__ import annotations

from typing import Final

from shared.events import kinds
from shared.events.kinds import Event
from shared.events.topics import speaker_of

EVENTS: Final[dict[str, type[Event]]] = {
    event.type: event
    for event in (
        kinds.ReferralReceived,
        kinds.ReferralAmended,
        kinds.ReferralMonitored,
        kinds.ReferralInformed,
        kinds.ReferralChallenged,
        kinds.ReferralWithdrawn,
        kinds.ReferralRestricted,
        kinds.ReferralErased,
        kinds.FamilyReplied,
        kinds.FamilyJudged,
        kinds.EnquiryReceived,
        kinds.AgencyUpdated,
        kinds.ReferralTriaged,
        kinds.WorkItemOpened,
        kinds.WorkItemDueMoved,
        kinds.WorkItemClaimed,
        kinds.WorkItemWaiting,
        kinds.WorkItemAccepted,
        kinds.WorkItemDeclined,
        kinds.WorkItemFirstContact,
        kinds.WorkItemClosed,
        kinds.WorkItemEscalated,
        kinds.CapacityChanged,
        kinds.MessageSent,
        kinds.MessageDelivered,
        kinds.MessageUndeliverable,
    )
}
"""Every event that may be on a topic, by its CloudEvents type."""


def spoken_by(service: str) -> tuple[type[Event], ...]:
    """What this service may say."""
    return tuple(event for event in EVENTS.values() if speaker_of(event.topic) == service)
