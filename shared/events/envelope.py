"""An event with what surrounds it on the road: the CloudEvents attributes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from shared.events.kinds import EVENTS, Event

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


def adapter(event: type[Event]) -> TypeAdapter[Event]:
    """The parser of one event class, made once: `adapter(cls).validate_json(value)`."""
    return _ADAPTERS[event.type]


_ADAPTERS: Final[dict[str, TypeAdapter[Event]]] = {name: TypeAdapter(event) for name, event in EVENTS.items()}
