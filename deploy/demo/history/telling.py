"""What was said of one referral: events with their envelopes, by the topic on which each service said them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from deploy.demo.chance import Chance
from shared.events import Envelope, Event, source_of

_HEARD: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Story:
    """All that was said about one key (a referral, an enquiry, an agency, a route's places)."""

    key: UUID
    by_topic: Mapping[str, tuple[Envelope[Any], ...]]
    """In the order in which it was said; a topic on which nothing was said is left out."""

    @property
    def events(self) -> list[Envelope[Any]]:
        """All of them in the order of time."""
        return sorted((event for told in self.by_topic.values() for event in told), key=attrgetter("occurred_at"))


class _Said(NamedTuple):
    at: datetime
    place: int
    id: UUID
    because_of: UUID | None
    event: Event


class Teller:
    """Notes what is said about one key, in whatever order; `story` puts it in the order of time."""

    def __init__(self, chance: Chance, *, key: UUID, began: datetime, known: Mapping[str, Any] | None = None) -> None:
        """`known` are members that every event about this referral has."""
        self.key = key
        self.known = dict(known or {})
        self._chance = chance
        self._correlation_id = chance.id(began)
        self._said: list[_Said] = []

    def say(self, at: datetime, event: type[Event], *, because_of: UUID | None = None, **members: Any) -> UUID:
        """Note it; returns the id of the event."""
        said = _Said(at, len(self._said), self._chance.id(at), because_of, event(**self.known, **members))
        self._said.append(said)
        return said.id

    def story(self, *, until: datetime) -> Story:
        """All up to that moment, numbered from 1 by the service that says it."""
        by_topic: dict[str, list[Envelope[Any]]] = {}
        numbers: Counter[str] = Counter()
        for said in sorted(self._said):
            if said.at > until:
                break
            topic = said.event.topic
            numbers[source_of(topic)] += 1
            by_topic.setdefault(topic, []).append(self._envelope(said, numbers[source_of(topic)]))
        return Story(self.key, {topic: tuple(told) for topic, told in by_topic.items()})

    def _envelope(self, said: _Said, number: int) -> Envelope[Any]:
        return Envelope(
            id=said.id,
            key=self.key,
            type=said.event.type,
            source=source_of(said.event.topic),
            sequence=number,
            occurred_at=said.at,
            correlation_id=self._correlation_id,
            causation_id=said.because_of,
            traceparent=None,
            heard_at=said.at + _HEARD,
            data=said.event,
        )
