"""What is measured of the work queues, as Prometheus metrics; labels come from fixed lists."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import unusual_looks
from services.triage.planning import SAFEGUARDING, WALL_CLOCK
from shared.database import sql
from shared.events import Route
from shared.metrics import measured

UNOPENED: Final = Gauge(
    "pir_queue_unopened_items", "Work items that nobody has opened within a working day, urgent ones apart", ["route"]
)
URGENT_UNOPENED: Final = Gauge(
    "pir_urgent_unopened_items", "Work items due at once or within four hours that nobody has opened in their time"
)
SAFEGUARDING_OVERDUE: Final = Gauge(
    "pir_safeguarding_overdue_items", "Work items of the safeguarding routes past their due time, not accepted or ended"
)
WAITING: Final = Gauge("pir_waiting_for_referrer_items", "Work items that wait for an answer of the referrer")
WAITING_OLDEST: Final = Gauge("pir_waiting_for_referrer_oldest_seconds", "For how long the oldest of them waits")
AGES_OUT: Final = Gauge("pir_ages_out_soon_items", "Families without a first contact for whom little time is left")
CLOCK_LATE: Final = Gauge("pir_clock_late_seconds", "How long ago the clock should have brought up an unopened item")

_URGENT: Final = [urgency.value for urgency in WALL_CLOCK]
_SAFEGUARDING: Final = [route.value for route in SAFEGUARDING]
_UNOPENED: Final = "opened_first_at IS NULL AND (escalations > 0 OR escalate_at <= now())"


async def measure(tx: AsyncConnection) -> None:
    """Set the gauges from the rows."""
    unopened = await tx.execute(
        sql(f"""
            SELECT route, count(*) AS items FROM work_item
            WHERE ended_at IS NULL AND {_UNOPENED} AND urgency <> ALL(:urgent) GROUP BY route
        """),  # noqa: S608  the condition is this module's own
        {"urgent": _URGENT},
    )
    items = {row.route: row.items for row in unopened}
    for route in Route:
        UNOPENED.labels(route.value).set(items.get(route.value, 0))
    await _measure_deadlines(tx)
    await unusual_looks.measure(tx)
    measured("queues")


async def _measure_deadlines(tx: AsyncConnection) -> None:
    found = await tx.execute(
        sql(f"""
            SELECT count(*) FILTER (WHERE {_UNOPENED} AND urgency = ANY(:urgent)) AS urgent_unopened,
                count(*) FILTER (WHERE route = ANY(:safeguarding) AND accepted_at IS NULL AND due_at < now())
                    AS safeguarding_overdue,
                count(*) FILTER (WHERE state = 'waiting_for_referrer') AS waiting,
                extract(epoch FROM now() - min(waiting_since) FILTER (WHERE state = 'waiting_for_referrer'))
                    AS waiting_oldest,
                count(*) FILTER (WHERE marks ? 'ages_out_soon' AND first_contact_at IS NULL) AS ages_out,
                extract(epoch FROM now() - min(escalate_at) FILTER (WHERE escalate_at <= now())) AS clock_late
            FROM work_item WHERE ended_at IS NULL
        """),  # noqa: S608  the condition is this module's own
        {"urgent": _URGENT, "safeguarding": _SAFEGUARDING},
    )
    row = found.one()
    URGENT_UNOPENED.set(row.urgent_unopened)
    SAFEGUARDING_OVERDUE.set(row.safeguarding_overdue)
    WAITING.set(row.waiting)
    WAITING_OLDEST.set(row.waiting_oldest or 0)
    AGES_OUT.set(row.ages_out)
    CLOCK_LATE.set(row.clock_late or 0)
