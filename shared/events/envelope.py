"""An event with what surrounds it on the road: the CloudEvents attributes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from shared.events.kinds import Event, WorkItemOpened
from shared.events.known import EVENTS

E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E]):
    """One event with its CloudEvents attributes.

    `key` is the referral's id (the agency's for agencies); `sequence` counts per key and source from 1;
    `heard_at` is when this copy of a service read it, the present moment of its handlers; `correlation_id` follows a
    request through every service; `causation_id` is the event that led to this one.
    """

    id: UUID
    key: UUID
    type: str
    source: str
    sequence: int
    occurred_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None
    heard_at: datetime
    data: E


def opened_by(decisions: Iterable[Envelope[Any]]) -> list[Envelope[WorkItemOpened]]:
    """The work items that decisions (`ReferralTriaged`) opened, each as if it had an event of its own.

    Its `id` is the item's, for the event's is that of all of them.
    """
    return [
        replace(
            envelope,
            id=item.work_item_id,
            type=WorkItemOpened.type,
            data=WorkItemOpened.model_construct(
                reference=envelope.data.reference,
                agency_id=envelope.data.agency_id,
                about=envelope.data.about,
                tier=envelope.data.decision.tier,
                urgency=envelope.data.decision.urgency,
                **dict(item),
            ),
        )
        for envelope in decisions
        for item in envelope.data.opened
    ]


def adapter(event: type[Event]) -> TypeAdapter[Event]:
    """The parser of one event class, made once: `adapter(cls).validate_json(value)`."""
    return _ADAPTERS[event.type]


_ADAPTERS: Final[dict[str, TypeAdapter[Event]]] = {name: TypeAdapter(event) for name, event in EVENTS.items()}
