"""The statements about deliveries: stored with the cursor, found when due, recorded after each try. No commit."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.webhooks.endpoints import ChangedReferral
from shared.database import sql
from shared.ids import uuid7

KEPT: Final = timedelta(days=30)
"""What was delivered or given up: long enough to see on the page what went wrong, and no longer."""
CHECK: Final = "endpoint.check"


class DeliveryState(StrEnum):
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


_STORE: Final = sql("""
    WITH moved AS (
        UPDATE webhook_endpoint SET cursor = :next WHERE id = :endpoint AND cursor = :since AND state = 'active'
        RETURNING id
    )
    INSERT INTO webhook_delivery (id, endpoint_id, type, referral_id, reference, version, made_at, state, due_at)
    SELECT t.id, moved.id, t.type, t.referral_id, t.reference, t.version, :at, 'due', :at
    FROM moved CROSS JOIN unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:referrals AS uuid[]),
                                 CAST(:references AS text[]), CAST(:versions AS integer[])) WITH ORDINALITY
        AS t(id, type, referral_id, reference, version, place)
    WHERE NOT EXISTS (SELECT FROM erased WHERE erased.key = t.referral_id)
    ORDER BY t.place
    RETURNING 1
""")

_DUE: Final = sql("""
    SELECT d.* FROM webhook_delivery d
    WHERE d.endpoint_id = :endpoint AND d.state = 'due' AND d.due_at <= :now AND d.id <> ALL(CAST(:in_hand AS uuid[]))
        AND (:checks = (d.type = 'endpoint.check'))
        AND NOT EXISTS (
            SELECT FROM webhook_delivery earlier WHERE earlier.referral_id = d.referral_id
                AND earlier.endpoint_id = d.endpoint_id AND earlier.state = 'due' AND earlier.position < d.position
        )
    ORDER BY d.due_at, d.position LIMIT :most
""")

_OLDEST: Final = sql("""
    SELECT coalesce(max(extract(epoch FROM now() - d.due_at)), 0)
    FROM webhook_endpoint e CROSS JOIN LATERAL (
        SELECT greatest(min(due_at), e.paused_until) AS due_at FROM webhook_delivery
        WHERE endpoint_id = e.id AND webhook_delivery.state = 'due' AND type <> 'endpoint.check' AND NOT EXISTS (
            SELECT FROM webhook_delivery earlier WHERE earlier.referral_id = webhook_delivery.referral_id
                AND earlier.endpoint_id = e.id AND earlier.state = 'due'
                AND earlier.position < webhook_delivery.position
        )
    ) AS d WHERE e.state = 'active' AND d.due_at < now()
""")


async def store(
    tx: AsyncConnection, endpoint: sa.Row[Any], changes: Sequence[ChangedReferral], *, following: str, at: datetime
) -> int:
    """A delivery for each change, and the cursor moved past them: both or neither. Returns how many deliveries.

    Nothing happens when the endpoint is not as it was read: it was set back, switched off, or another copy was first.
    What is erased meanwhile is left out.
    """
    done = await tx.execute(
        _STORE,
        {
            "endpoint": endpoint.id,
            "since": endpoint.cursor,
            "next": following,
            "at": at,
            "ids": [uuid7() for _ in changes],
            "types": [change.type for change in changes],
            "referrals": [change.referral_id for change in changes],
            "references": [change.reference for change in changes],
            "versions": [change.version for change in changes],
        },
    )
    return len(done.all())


async def due(
    tx: AsyncConnection, endpoint_id: UUID, *, now: datetime, in_hand: Collection[UUID], most: int, checks: bool
) -> Sequence[sa.Row[Any]]:
    """What may be sent now, the longest due first, but for what is `in_hand`: of each referral the earliest alone.

    `checks`: of the type endpoint.check alone, else all others.
    """
    asked = {"endpoint": endpoint_id, "now": now, "in_hand": list(in_hand), "most": most, "checks": checks}
    return (await tx.execute(_DUE, asked)).all()


async def record(
    tx: AsyncConnection,
    delivery_id: UUID,
    *,
    state: DeliveryState,
    at: datetime,
    due_at: datetime | None = None,
    error: str | None = None,
) -> None:
    """What came of a try; a row that went meanwhile (an erasure) stays away."""
    await tx.execute(
        sql("""
            UPDATE webhook_delivery SET state = :state, attempts = attempts + 1,
                first_tried_at = coalesce(first_tried_at, :at), due_at = coalesce(CAST(:due_at AS timestamptz), due_at),
                ended_at = CASE WHEN :state <> 'due' THEN CAST(:at AS timestamptz) END, last_error = :error
            WHERE id = :id AND state = 'due'
        """),
        {"id": delivery_id, "state": state.value, "at": at, "due_at": due_at, "error": error},
    )


async def record_of_endpoint(
    tx: AsyncConnection, endpoint_id: UUID, *, at: datetime, error: str | None, paused_until: datetime | None = None
) -> None:
    """Of any delivery: no `error` is a success, which ends a check and the time since which it fails."""
    await tx.execute(
        sql("""
            UPDATE webhook_endpoint SET
                state = CASE WHEN state = 'checking' AND CAST(:error AS text) IS NULL THEN 'active' ELSE state END,
                last_success_at = CASE WHEN CAST(:error AS text) IS NULL THEN :at ELSE last_success_at END,
                last_error = coalesce(:error, last_error),
                failing_since = CASE WHEN CAST(:error AS text) IS NOT NULL THEN coalesce(failing_since, :at) END,
                paused_until = CAST(:paused_until AS timestamptz)
            WHERE id = :id
        """),
        {"id": endpoint_id, "at": at, "error": error, "paused_until": paused_until},
    )


async def latest(tx: AsyncConnection, endpoint_id: UUID, *, most: int) -> Sequence[sa.Row[Any]]:
    """The last ones, the latest first."""
    found = await tx.execute(
        sql("""
            SELECT type, reference, made_at, state, attempts, due_at, ended_at, last_error FROM webhook_delivery
            WHERE endpoint_id = :id ORDER BY position DESC LIMIT :most
        """),
        {"id": endpoint_id, "most": most},
    )
    return found.all()


async def waiting(tx: AsyncConnection, endpoint_id: UUID) -> int:
    """How many are stored and not delivered; what the feed has beyond them is not counted."""
    found = await tx.scalar(
        sql("SELECT count(*) FROM webhook_delivery WHERE endpoint_id = :id AND state = 'due'"), {"id": endpoint_id}
    )
    return int(found)


async def forget_old(tx: AsyncConnection, *, before: datetime) -> None:
    await tx.execute(
        sql("DELETE FROM webhook_delivery WHERE state <> 'due' AND ended_at < :before"), {"before": before}
    )


async def oldest_seconds(tx: AsyncConnection) -> float:
    """For how long the oldest delivery is past its time that nothing of the receiver holds up: our own delay."""
    return float(await tx.scalar(_OLDEST))


def body_of(row: Any) -> bytes:
    """What is sent, byte for byte the same at every try. It names a referral and says nothing of it."""
    data = {} if row.type == CHECK else {"reference": row.reference, "version": row.version}
    made_at = row.made_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": row.type, "timestamp": made_at, "data": data}, separators=(",", ":")).encode()
