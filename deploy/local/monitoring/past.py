"""Two days of past for boards that are opened for the first time: counted from the times that the database holds.

Only what the rows tell of every moment is written: how many referrals had reached a stage, how many items waited on a
list and since when, how many messages had been sent. How a process fared before it was watched, nobody knows.
"""

from __future__ import annotations

import asyncio
import subprocess
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg

from deploy.local.console import LocalError, say
from deploy.local.monitoring.processes import Prometheus, program

SPAN: Final = timedelta(days=2)
STEP: Final = timedelta(minutes=2)
"""Below the five minutes for which Prometheus takes the last sample as the value of now."""

STAGES: Final = """
    SELECT stage, at FROM metrics.referral CROSS JOIN LATERAL (VALUES
        ('received', received_at), ('triaged', triaged_at), ('acknowledged', acknowledged_at), ('routed', routed_at),
        ('declined_proposed', decline_proposed_at), ('declined', declined_at), ('undeliverable', undeliverable_at)
    ) AS reached (stage, at) WHERE at IS NOT NULL
"""
"""The stages of `pir_referrals`, as services/metrics/measures.py names them."""
ITEMS: Final = "SELECT route, received_at AS since, least(accepted_at, ended_at) AS until FROM triage.work_item"
"""Who waits for a team: neither accepted nor ended."""
MESSAGES: Final = "SELECT kind, sent_at AS at FROM notify.message WHERE sent_at IS NOT NULL AND state = 'sent'"


@dataclass(frozen=True, slots=True)
class Known:
    """What the database tells: when each stage was reached, each message sent, from when to when each item waited."""

    stages: Mapping[str, Sequence[float]] = field(default_factory=dict)
    messages: Mapping[str, Sequence[float]] = field(default_factory=dict)
    items: Mapping[str, Sequence[tuple[float, float | None]]] = field(default_factory=dict)


def keep_past(prometheus: Prometheus, database_url: str) -> None:
    """Once a data folder, before Prometheus starts in it; a failure is said and hinders nothing."""
    if prometheus.data.exists():
        return
    try:
        now, known = asyncio.run(read(database_url))
        _write(prometheus, known, now)
    except (LocalError, OSError, asyncpg.PostgresError) as error:
        say(f"The boards have no past: {' '.join(str(error).split())}")


async def read(database_url: str) -> tuple[datetime, Known]:
    """All three questions at one moment, which is returned with the answers."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            now: datetime = await connection.fetchval("SELECT now()")
            stages, messages, waited = [await connection.fetch(question) for question in (STAGES, MESSAGES, ITEMS)]
    finally:
        await connection.close()
    items: dict[str, list[tuple[float, float | None]]] = {row["route"]: [] for row in waited}
    for row in waited:
        items[row["route"]].append((row["since"].timestamp(), row["until"].timestamp() if row["until"] else None))
    return now, Known(_times("stage", stages), _times("kind", messages), items)


def openmetrics(known: Known, targets: Mapping[str, str], now: datetime) -> Iterator[str]:
    """The lines of OpenMetrics text for every STEP of the SPAN before `now`; series carry the labels of a scrape."""
    last = now.timestamp()
    moments = [last - STEP.total_seconds() * step for step in range(SPAN // STEP, 0, -1)]

    def series(name: str, service: str, value: float, at: float, **labels: str) -> str:
        labels |= {"instance": targets[service], "job": "pir", "service": service}
        written = ",".join(f'{label}="{text}"' for label, text in labels.items())
        return f"{name}{{{written}}} {value:.15g} {at:.3f}"

    yield "# TYPE pir_referrals gauge"
    for stage, times in known.stages.items():
        yield from (series("pir_referrals", "metrics", bisect_right(times, at), at, stage=stage) for at in moments)
    yield "# TYPE pir_messages counter"
    for kind, times in known.messages.items():
        for at in moments:
            yield series("pir_messages_total", "notify", bisect_right(times, at), at, kind=kind, state="sent")
    waiting = {
        route: [
            (at, [since for since, until in items if since <= at and (until is None or until > at)]) for at in moments
        ]
        for route, items in known.items.items()
    }
    yield "# TYPE pir_queue_items gauge"
    for route, course in waiting.items():
        yield from (series("pir_queue_items", "triage", len(since), at, route=route) for at, since in course)
    yield "# TYPE pir_queue_oldest_seconds gauge"
    for route, course in waiting.items():
        for at, since in course:
            yield series("pir_queue_oldest_seconds", "triage", at - min(since, default=at), at, route=route)
    yield "# EOF"


def _times(label: str, rows: Sequence[asyncpg.Record]) -> dict[str, list[float]]:
    """The value of `label` → the moments in their order."""
    found: dict[str, list[float]] = {row[label]: [] for row in rows}
    for row in rows:
        found[row[label]].append(row["at"].timestamp())
    return {name: sorted(times) for name, times in found.items()}


def _write(prometheus: Prometheus, known: Known, now: datetime) -> None:
    text: Path = prometheus.folder / "past.om"
    with text.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in openmetrics(known, prometheus.targets, now))
    command: list[str | Path] = [
        program("promtool"),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--quiet",
        text,
        prometheus.data,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    text.unlink()
    if done.returncode:
        raise LocalError(f"promtool: {done.stderr.strip()[-300:]}")
