"""Prometheus metrics that more than one service has. Labels come from fixed lists only: never an id, never a value.

Names are `pir_<thing>_<unit>`, `_total` for what only grows; units are seconds, bytes, or the things counted.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.events import TOPICS, Event, Mode, ReferralTriaged, Urgency

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

REQUESTS = Histogram(
    "pir_http_request_seconds", "Time to answer a request", ["method", "route", "status"], buckets=SECONDS
)

CONSUMED = Counter("pir_events_consumed_total", "Events handled, with their effects committed", ["type"])
DECISIONS = Counter("pir_decisions_total", "Decisions heard, by mode and urgency", ["mode", "urgency"])
FOREIGN = Counter("pir_events_foreign_total", "Records whose source may not speak on that topic: ignored", ["topic"])
PARKED = Counter("pir_events_parked_total", "Records set aside for a person", ["cause"])
PARKED_NOW = Gauge("pir_parked_records", "Records that wait for replay or discard")
BATCH_SECONDS = Histogram("pir_consumer_batch_seconds", "One batch: inbox, effects, outbox, commit", buckets=SECONDS)
BATCH_EVENTS = Histogram("pir_consumer_batch_events", "Events in a batch", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500))
RETRIES = Counter("pir_consumer_retries_total", "Times a batch was tried again after a failure that may pass")
NOT_AT_ONCE = Counter(
    "pir_careful_batches_total", "Batches that could not be one statement: passing, refused or other", ["cause"]
)
GIVEN_BACK = Counter("pir_consumer_given_back_batches_total", "Batches given back to Kafka, to be read again")
PARTITIONS = Gauge("pir_consumer_partitions", "Partitions that this copy reads")
LAG = Gauge("pir_consumer_lag_messages", "Messages behind the end of the topic", ["topic"])

PUBLISHED = Counter("pir_outbox_published_total", "Events published", ["schema"])
PAUSES = Counter("pir_outbox_pauses_total", "Times that publishing failed and began afresh after a pause", ["schema"])
OUTBOX_ROWS = Gauge("pir_outbox_rows", "Events that wait to be published (counted to 10,000)", ["schema"])
OUTBOX_OLDEST = Gauge("pir_outbox_oldest_seconds", "Age of the oldest event that waits to be published", ["schema"])

UNSEALED_ROWS = Gauge("pir_audit_unsealed_rows", "Audit rows that no seal has yet (counted to 10,000)", ["schema"])
UNSEALED_OLDEST = Gauge("pir_audit_unsealed_oldest_seconds", "Age of the oldest audit row without a seal", ["schema"])

LOOP_LAG = Gauge("pir_loop_lag_seconds", "How late the event loop ran a timer, at most, in the last ten seconds")
LOOP_FAILURES = Counter("pir_loop_failures_total", "Times a loop of the service failed and began afresh", ["loop"])
SERVER_UP = Gauge("pir_server_up", "Whether PostgreSQL and Kafka answered this service when last asked", ["server"])
MEASURED_AT = Gauge("pir_measured_timestamp_seconds", "When the gauges of this part were last set", ["part"])
CONNECTIONS = Gauge("pir_database_connections", "Connections of the pool to PostgreSQL", ["state"])
CONNECTIONS_LIMIT = Gauge("pir_database_connections_limit", "How many connections the pool may have")
DISK_FREE = Gauge("pir_disk_free_bytes", "Space left on the disk that holds the data")
DISK_SIZE = Gauge("pir_disk_size_bytes", "Size of the disk that holds the data")

for _topic in TOPICS:
    FOREIGN.labels(_topic)
for _mode in Mode:  # a counter that starts with its first event has no increase to see
    for _urgency in Urgency:
        DECISIONS.labels(_mode.value, _urgency.value)


def count(event: Event) -> None:
    """One more of those events that are told apart by what they say; call it when the effects are committed."""
    if isinstance(event, ReferralTriaged):
        DECISIONS.labels(event.decision.mode.value, event.decision.urgency.value).inc()


def measured(part: str) -> None:
    """The gauges of this part were set just now: gauges nobody sets any more keep their last value."""
    MEASURED_AT.labels(part).set_to_current_time()


def watch_resources(engine: AsyncEngine, *, disk: Path) -> None:
    """The pool and the disk, looked at whenever Prometheus asks."""

    def in_pool(count: str) -> int:
        pool: Any = engine.pool  # `dispose` puts another in its place
        return int(getattr(pool, count)())

    CONNECTIONS.labels("in_use").set_function(lambda: in_pool("checkedout"))
    CONNECTIONS.labels("idle").set_function(lambda: in_pool("checkedin"))
    CONNECTIONS_LIMIT.set(in_pool("size") + int(getattr(engine.pool, "_max_overflow", 0)))
    DISK_FREE.set_function(lambda: shutil.disk_usage(disk).free)
    DISK_SIZE.set_function(lambda: shutil.disk_usage(disk).total)
