"""The road of one referral, read from the journals: `python -m deploy.trace PIR-2YC-U9U [--otlp FILE]`.

Asks DATABASE_URL, PIR_POLICY and PIR_POLICIES_DIR, reads only. Prints each event about the referral in the order of
time, and below it which services heard it, after how long, and which have not. With `--otlp` the same goes to a file
for Jaeger, Tempo and their like (otlp.py). It names services, types of events and times, and nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from deploy.otlp import as_otlp
from deploy.secrets import database_url
from services.metrics.handlers import handlers as of_metrics
from services.notify.handlers import handlers as of_notify
from services.referral.handlers import handlers as of_referral
from services.triage.handlers import handlers as of_triage
from shared.events import SPEAKERS, speaker_of
from shared.messaging.dispatch import Handlers, Repeatable
from shared.policy import Policy
from shared.settings import PolicySettings

HEARERS: Final = (*SPEAKERS, "metrics")
KEEPS_NO_TIME: Final = "keeps no time of hearing this"
NOT_HEARD: Final = "has not heard it"


@dataclass(frozen=True, slots=True)
class Heard:
    """What one service knows of an event: when it handled it, or in words why there is no time."""

    service: str
    at: datetime | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An event about the referral. `depth` counts the events that led to it; `heard` is in the order of time."""

    id: UUID
    type: str
    topic: str
    at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None
    is_waiting: bool
    depth: int
    heard: tuple[Heard, ...]

    @property
    def service(self) -> str:
        return speaker_of(self.topic)


def hearers(policy: Policy) -> dict[str, Handlers]:
    """What each service does with which event, by the service's name."""
    return {
        "referral": of_referral(policy),
        "triage": of_triage(policy),
        "notify": of_notify(policy, mail_domain=""),
        "metrics": of_metrics(policy),
    }


async def trace(database: asyncpg.Connection[Any], reference: str, who: Mapping[str, Handlers]) -> list[Said]:
    """Every event about the referral, a cause before what it led to; empty for a reference that nobody has.

    In a transaction of the caller's, which should see one moment.
    """
    await database.execute("SET LOCAL pir.agency = '*'")
    key = await database.fetchval("SELECT id FROM referral.referral WHERE reference = $1", reference)
    rows = [row for schema in SPEAKERS for row in await database.fetch(_EVENTS.format(schema=schema), key)]
    ids = [row["id"] for row in rows]
    handled = {
        (schema, row["event_id"]): row["handled_at"]
        for schema in HEARERS
        for row in await database.fetch(_HANDLED.format(schema=schema), ids)
    }
    parked = {
        (schema, row["event_id"]): f"has it parked: {row['cause']}"
        for schema in HEARERS
        for row in await database.fetch(_PARKED.format(schema=schema), ids)
    }
    causes = {row["id"]: row["causation_id"] for row in rows}
    said = [
        Said(
            row["id"],
            row["type"],
            row["topic"],
            row["occurred_at"],
            row["correlation_id"],
            row["causation_id"],
            row["traceparent"],
            row["is_waiting"],
            _depth(row["id"], causes),
            _heard(row["id"], row["type"], who, handled, parked),
        )
        for row in sorted(rows, key=lambda row: row["sequence"])
    ]
    return sorted(said, key=lambda each: (each.at, each.depth))


_EVENTS: Final = """
    SELECT e.id, e.type, e.topic, e.occurred_at, e.correlation_id, e.causation_id, e.traceparent, e.sequence,
           EXISTS (SELECT FROM {schema}.outbox o WHERE o.event_id = e.id) AS is_waiting
    FROM {schema}.event e WHERE e.key = $1
"""
_HANDLED: Final = "SELECT event_id, handled_at FROM {schema}.inbox WHERE event_id = ANY($1)"
_PARKED: Final = "SELECT event_id, cause FROM {schema}.parked WHERE event_id = ANY($1) AND resolved_at IS NULL"


def _depth(event: UUID, causes: Mapping[UUID, UUID | None]) -> int:
    depth, cause = 0, causes[event]
    while cause is not None and cause in causes:
        depth, cause = depth + 1, causes[cause]
    return depth


def _heard(
    event: UUID,
    kind: str,
    who: Mapping[str, Handlers],
    handled: Mapping[tuple[str, UUID], datetime],
    parked: Mapping[tuple[str, UUID], str],
) -> tuple[Heard, ...]:
    timed, others = [], []
    for service in HEARERS:
        handler = next((each for heard, each in who[service].items() if heard.type == kind), None)
        if at := handled.get((service, event)):
            timed.append((at, Heard(service, at)))
        elif why := parked.get((service, event)):
            others.append(Heard(service, None, why))
        elif handler is not None:
            others.append(Heard(service, None, KEEPS_NO_TIME if isinstance(handler, Repeatable) else NOT_HEARD))
    return (*(each for _, each in sorted(timed, key=lambda pair: pair[0])), *others)


def lines(said: Iterable[Said]) -> Iterable[str]:
    """The waterfall. The left column is seconds since the first event; deeper is what followed from the one above."""
    start: datetime | None = None
    for event in said:
        start = start or event.at
        margin = "  " * event.depth
        waits = ", and it waits to be sent" if event.is_waiting else ""
        yield f"{_seconds(start, event.at):>14}  {margin}{event.service} says {event.type}{waits}"
        for each in event.heard:
            if each.at is None:
                yield f"{'':>14}  {margin}  {each.service} {each.why}"
            else:
                after = _seconds(event.at, each.at)
                yield f"{_seconds(start, each.at):>14}  {margin}  {each.service} heard it, after {after}"


def _seconds(start: datetime, end: datetime) -> str:
    return f"{(end - start).total_seconds():.3f} s"


async def main() -> int:
    """Prints the waterfall; 1 for a reference of which no journal knows anything."""
    parser = argparse.ArgumentParser(prog="python -m deploy.trace", description="the road of one referral")
    parser.add_argument("reference")
    parser.add_argument("--otlp", type=Path, metavar="FILE", help="write it there too, as OTLP in JSON")
    arguments = parser.parse_args()
    database = await asyncpg.connect(database_url(), timeout=10)
    try:
        async with database.transaction(isolation="repeatable_read", readonly=True):
            said = await trace(database, arguments.reference, hearers(PolicySettings().live_policy()))
    finally:
        await database.close()
    if not said:
        print(f"no journal has an event about {arguments.reference}: unknown, or erased")
        return 1
    print(f"{arguments.reference}: {len(said)} event(s), the first at {said[0].at.isoformat(timespec='milliseconds')}")
    print("\n".join(lines(said)))
    if arguments.otlp:
        arguments.otlp.write_text(json.dumps(as_otlp(said), indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
