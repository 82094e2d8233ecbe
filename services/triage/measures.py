"""What is measured of the work queues, as Prometheus metrics; labels come from fixed lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import identity_access
from services.triage.work_items import conditions as is_
from shared.database import sql
from shared.events import Route
from shared.metrics import measured

OF_ROUTE: Final = {
    "items": Gauge("pir_queue_items", "Work items that nobody has accepted or ended", ["route"]),
    "oldest": Gauge("pir_queue_oldest_seconds", "Age of the oldest of them", ["route"]),
    "overdue": Gauge(
        "pir_queue_overdue_items",
        "Work items past their due time, first contacts of accepted families too; not while the referrer is asked",
        ["route"],
    ),
    "contact_due": Gauge("pir_contact_due_items", "Accepted families whose first contact is not made yet", ["route"]),
    "unopened": Gauge(
        "pir_queue_unopened_items",
        "Work items that nobody has opened within a working day, urgent ones apart",
        ["route"],
    ),
}
OF_ALL: Final = {
    "urgent_unopened": Gauge(
        "pir_urgent_unopened_items", "Work items due at once or within four hours that nobody has opened in their time"
    ),
    "safeguarding_overdue": Gauge(
        "pir_safeguarding_overdue_items", "Safety work of every route past its due time that nobody has ended"
    ),
    "waiting": Gauge("pir_waiting_for_referrer_items", "Work items that wait for an answer of the referrer"),
    "waiting_oldest": Gauge("pir_waiting_for_referrer_oldest_seconds", "For how long the oldest of them waits"),
    "ages_out": Gauge("pir_ages_out_soon_items", "Families without a first contact for whom little time is left"),
    "places_offered": Gauge("pir_places_offered_items", "Families on a waiting list for whom a place is free"),
    "clock_late": Gauge("pir_clock_late_seconds", "How long ago the clock should have brought up an unopened item"),
}

_BY_ROUTE: Final = f"""
    SELECT route, count(*) FILTER (WHERE {is_.IS_WITHOUT_TEAM}) AS items,
        extract(epoch FROM CAST(:now AS timestamptz) - min(received_at) FILTER (WHERE {is_.IS_WITHOUT_TEAM})) AS oldest,
        count(*) FILTER (WHERE {is_.IS_OVERDUE}) AS overdue,
        count(*) FILTER (WHERE {is_.IS_CONTACT_DUE}) AS contact_due,
        count(*) FILTER (WHERE {is_.IS_UNOPENED_IN_TIME} AND NOT {is_.IS_ON_WALL_CLOCK}) AS unopened
    FROM work_item WHERE {is_.IS_OPEN} GROUP BY route
"""  # noqa: S608  conditions of conditions.py
_IN_ALL: Final = f"""
    SELECT count(*) FILTER (WHERE {is_.IS_UNOPENED_IN_TIME} AND {is_.IS_ON_WALL_CLOCK}) AS urgent_unopened,
        count(*) FILTER (WHERE {is_.IS_SAFETY} AND {is_.IS_OVERDUE}) AS safeguarding_overdue,
        count(*) FILTER (WHERE {is_.WAITS_FOR_REFERRER}) AS waiting,
        extract(epoch FROM CAST(:now AS timestamptz) - min(waiting_since)) AS waiting_oldest,
        count(*) FILTER (WHERE marks ? '{is_.AGES_OUT_SOON}' AND first_contact_at IS NULL) AS ages_out,
        count(*) FILTER (WHERE marks ? '{is_.PLACE_FREE}') AS places_offered,
        extract(epoch FROM CAST(:now AS timestamptz) - min(escalate_at) FILTER (WHERE escalate_at <= :now))
            AS clock_late
    FROM work_item WHERE {is_.IS_OPEN}
"""  # noqa: S608  as above


async def measure(tx: AsyncConnection, *, now: datetime | None = None) -> None:
    """Set the gauges from the rows."""
    at = {"now": now or datetime.now(UTC)}
    routes = {row.route: row for row in await tx.execute(sql(_BY_ROUTE), at)}
    for route in Route:
        row = routes.get(route.value)
        for name, gauge in OF_ROUTE.items():
            gauge.labels(route.value).set(getattr(row, name, 0) or 0)
    whole = (await tx.execute(sql(_IN_ALL), at)).one()
    for name, gauge in OF_ALL.items():
        gauge.set(getattr(whole, name) or 0)
    await identity_access.measure(tx)
    measured("queues")
