"""Which handler gets which events, and in what order: as many at once as the order of each key allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import Envelope, Event, ReferralErased
from shared.messaging import erasure

E = TypeVar("E", bound=Event)

Handler = Callable[[Sequence[Any], AsyncConnection], Awaitable[None]]
"""`async (envelopes of one type, open transaction)`: effects and outbox rows, no commit."""
Handlers = Mapping[type[Event], Handler]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A handler whose batch can be a part of one statement (statement.py): it changes no row twice, needs no result."""

    handler: Handler

    async def __call__(self, events: Sequence[Any], tx: AsyncConnection) -> None:
        await self.handler(events, tx)


@dataclass(frozen=True, slots=True)
class Repeatable(AtOnce):
    """One whose rows know what they were told, so that a repeat changes nothing: its events need no inbox rows.

    It is given all of its types together, a key as often as it comes, and writes one statement. `answer` is a SELECT
    from a part of that; `told` gets its rows when they are committed.
    """

    answer: str
    told: Callable[[Iterable[Any]], None]


class Counting(dict[type[Event], Handler]):
    """Handlers of a service that only counts: it hears of erased families too, and keeps nothing of them."""


async def dispatch(envelopes: Sequence[Envelope[Event]], handlers: Handlers, tx: AsyncConnection) -> None:
    """Give each handler its events, as many at once as the order of each key allows; none of an erased family."""
    counts = isinstance(handlers, Counting)
    gone: set[UUID] = set() if counts else await erasure.among(tx, {envelope.key for envelope in envelopes})
    for group in in_order(envelopes, handlers):
        if isinstance(group[0].data, ReferralErased):
            await erasure.mark(tx, group)
            gone |= {envelope.key for envelope in group if not counts}
            await handlers[ReferralErased](group, tx)
        elif alive := [envelope for envelope in group if envelope.key not in gone]:
            await handlers[type(group[0].data)](alive, tx)


def rounds(envelopes: Sequence[Envelope[E]]) -> list[list[Envelope[E]]]:
    """The events in their order, in rounds with each key at most once: one statement changes a row once."""
    found: list[list[Envelope[E]]] = []
    seen: Counter[UUID] = Counter()
    for envelope in envelopes:
        if seen[envelope.key] == len(found):
            found.append([])
        found[seen[envelope.key]].append(envelope)
        seen[envelope.key] += 1
    return found


def in_order(envelopes: Sequence[Envelope[Event]], handlers: Handlers) -> list[list[Envelope[Event]]]:
    """Groups of one type or one Repeatable each, large, yet no event comes before an earlier one of its key."""
    groups: list[list[Envelope[Event]]] = []
    last_group: dict[Any, int] = {}
    latest_of_kind: dict[object, int] = {}
    for envelope in envelopes:
        handler = handlers[type(envelope.data)]
        kind = handler if isinstance(handler, Repeatable) else type(envelope.data)
        place = latest_of_kind.get(kind, -1)
        if place < 0 or place < last_group.get(envelope.key, -1):
            groups.append([])
            place = latest_of_kind[kind] = len(groups) - 1
        groups[place].append(envelope)
        last_group[envelope.key] = place
    return groups
