"""Prometheus metrics that more than one service has. Labels come from fixed lists only: never an id, never a value."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

REQUESTS = Histogram("pir_http_request_seconds", "Time to answer", ["method", "route", "status"], buckets=SECONDS)
CONSUMED = Counter("pir_events_consumed_total", "Events handled, with their effects committed", ["type"])
PARKED = Counter("pir_events_parked_total", "Records set aside for a person", ["cause"])
PARKED_NOW = Gauge("pir_parked_records", "Records that wait for replay or discard")
BATCH_SECONDS = Histogram("pir_consumer_batch_seconds", "One batch: inbox, effects, outbox, commit", buckets=SECONDS)
BATCH_EVENTS = Histogram("pir_consumer_batch_events", "Events in a batch", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500))
LAG = Gauge("pir_consumer_lag_messages", "Messages behind the end of the topic", ["topic"])
PUBLISHED = Counter("pir_outbox_published_total", "Events published", ["schema"])
OUTBOX_ROWS = Gauge("pir_outbox_rows", "Events that wait to be published (counted to 10,000)", ["schema"])
OUTBOX_OLDEST = Gauge("pir_outbox_oldest_seconds", "Age of the oldest event that waits to be published", ["schema"])
LOOP_LAG = Gauge("pir_loop_lag_seconds", "How late the event loop ran a timer, at most, in the last ten seconds")
