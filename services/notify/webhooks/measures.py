"""What is measured of webhooks, as Prometheus metrics; labels come from fixed lists, and name no agency."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.webhooks import deliveries
from services.notify.webhooks.endpoints import EndpointState
from shared.database import sql

TRIES: Final = Counter("pir_webhook_tries_total", "What came of each call of an agency's system", ["state"])
ENDPOINTS: Final = Gauge("pir_webhook_endpoints", "Agencies' systems that want to be called", ["state"])
OLDEST: Final = Gauge(
    "pir_webhook_oldest_due_seconds",
    "For how long the oldest call is past its time: our delay, not a receiver's",
)

for _state in ("delivered", "failed"):  # a counter that starts with its first call has no increase to see
    TRIES.labels(_state)


async def measure(tx: AsyncConnection) -> None:
    """Set the gauges from the rows."""
    found = await tx.execute(sql("SELECT state, count(*) AS endpoints FROM webhook_endpoint GROUP BY state"))
    by_state = {row.state: row.endpoints for row in found}
    for state in EndpointState:
        ENDPOINTS.labels(state.value).set(by_state.get(state.value, 0))
    OLDEST.set(await deliveries.oldest_seconds(tx) if by_state else 0)
