"""The statements about endpoints: set and ended by their agency, found and switched off by the loop. No commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.webhooks.secrets import BOTH_SIGN, EndpointSecrets
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.ids import uuid7
from shared.messaging.outbox import part_of

log = structlog.get_logger(__name__)

DEAD_AFTER: Final = timedelta(days=5)
"""Without any success since the first failure: nobody looks after that receiver any more."""
CHANNEL: Final = "notify_webhook"
"""What is said on it wakes the loop of whichever copy holds the endpoint."""
SENDER: Final = Actor("system", "webhooks")


class EndpointState(StrEnum):
    """`checking` until the receiver has taken a call of the type endpoint.check; `off` until it is set again."""

    CHECKING = "checking"
    ACTIVE = "active"
    OFF = "off"


class WhyOff(StrEnum):
    GONE = "gone"
    """It answered 410."""
    DEAD = "dead"
    """Nothing got through for DEAD_AFTER."""


class ChangedReferral(NamedTuple):
    """A change of one referral in the feed of an agency, as the referral service tells it."""

    referral_id: UUID
    reference: str
    version: int
    type: str


async def exists(tx: AsyncConnection) -> bool:
    """Whether any agency has a webhook; without one there is nothing to do, and nobody is asked."""
    return bool(await tx.scalar(sql("SELECT EXISTS (SELECT FROM webhook_endpoint)")))


async def of_agency(tx: AsyncConnection, agency_id: UUID, *, is_changed: bool = False) -> sa.Row[Any] | None:
    """The row, locked when it `is_changed`."""
    lock = " FOR UPDATE" if is_changed else ""
    found = await tx.execute(sql(f"SELECT * FROM webhook_endpoint WHERE agency_id = :id{lock}"), {"id": agency_id})  # noqa: S608  a constant
    return found.one_or_none()


async def put(
    tx: AsyncConnection, secrets: EndpointSecrets, *, agency_id: UUID, url: str, cursor: str, at: datetime
) -> str:
    """A new endpoint of the agency, or another address or secret for the one it has; returns the secret to show.

    One that is there keeps its cursor and what waits, and what was given up since it fails waits again, so that nothing
    is left out while it was off. It is checked before anything else is sent.
    """
    await tx.execute(sql("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": str(agency_id)})
    known = await of_agency(tx, agency_id, is_changed=True)
    endpoint_id = known.id if known else uuid7()
    made = secrets.new(endpoint_id)
    await tx.execute(
        sql("""
            INSERT INTO webhook_endpoint (id, agency_id, part, url, state, wrapped_key, secret, cursor, set_at)
            VALUES (:id, :agency_id, :part, :url, 'checking', :wrapped_key, :secret, :cursor, :at)
            ON CONFLICT (agency_id) DO UPDATE SET url = excluded.url, state = 'checking', why_off = NULL,
                wrapped_key = excluded.wrapped_key, secret = excluded.secret, secret_before = NULL,
                before_until = NULL, set_at = excluded.set_at, last_error = NULL, failing_since = NULL,
                paused_until = NULL, mail_due_at = NULL
        """),
        {
            "id": endpoint_id,
            "agency_id": agency_id,
            "part": part_of(agency_id),
            "url": url,
            "wrapped_key": made.wrapped_key,
            "secret": made.sealed,
            "cursor": cursor,
            "at": at,
        },
    )
    known_checks = "DELETE FROM webhook_delivery WHERE endpoint_id = :id AND type = 'endpoint.check'"
    await tx.execute(sql(known_checks), {"id": endpoint_id})
    again = sql("""
        UPDATE webhook_delivery SET state = 'due', due_at = :at, first_tried_at = NULL, ended_at = NULL
        WHERE endpoint_id = :id AND (state = 'due' OR (state = 'given_up' AND ended_at >= :since))
    """)
    await tx.execute(again, {"id": endpoint_id, "at": at, "since": known.failing_since if known else None})
    await tx.execute(
        sql("""
            INSERT INTO webhook_delivery (id, endpoint_id, type, made_at, state, due_at)
            VALUES (:id, :endpoint_id, 'endpoint.check', :at, 'due', :at)
        """),
        {"id": uuid7(), "endpoint_id": endpoint_id, "at": at},
    )
    await wake(tx)
    return made.shown


async def rotate(
    tx: AsyncConnection, secrets: EndpointSecrets, row: sa.Row[Any], *, at: datetime
) -> tuple[str, datetime]:
    """A further secret, and until when the one before signs beside it. Raises UnreadableSecretError."""
    made, until = secrets.another(row.id, bytes(row.wrapped_key)), at + BOTH_SIGN
    await tx.execute(
        sql("""
            UPDATE webhook_endpoint SET secret_before = secret, before_until = :until, secret = :secret WHERE id = :id
        """),
        {"id": row.id, "until": until, "secret": made.sealed},
    )
    return made.shown, until


async def end(tx: AsyncConnection, endpoint_id: UUID) -> None:
    """With all that was to be delivered."""
    await tx.execute(sql("DELETE FROM webhook_endpoint WHERE id = :id"), {"id": endpoint_id})


async def set_back(tx: AsyncConnection, endpoint_id: UUID, cursor: str) -> None:
    """What lies past the cursor is told again, under new ids."""
    await tx.execute(
        sql("UPDATE webhook_endpoint SET cursor = :cursor WHERE id = :id"), {"id": endpoint_id, "cursor": cursor}
    )
    await wake(tx)


async def end_of_ended_agencies(tx: AsyncConnection) -> Sequence[UUID]:
    """An agency that has ended is called no more; returns those whose endpoint went."""
    found = await tx.scalars(
        sql("""
            DELETE FROM webhook_endpoint e USING agency a WHERE a.id = e.agency_id AND NOT a.is_active
            RETURNING e.agency_id
        """)
    )
    return found.all()


async def of_parts(tx: AsyncConnection, parts: Sequence[int]) -> Sequence[sa.Row[Any]]:
    """The endpoints of these parts, how many of their deliveries wait, and who hears when one is off.

    `next_due_at`: when the next try is, of those that need not wait for another one.
    """
    found = await tx.execute(
        sql("""
            SELECT e.*, a.name AS agency_name, a.team_inbox, w.waiting, w.next_due_at
            FROM webhook_endpoint e LEFT JOIN agency a ON a.id = e.agency_id
            CROSS JOIN LATERAL (
                SELECT count(*) AS waiting, min(due_at) AS next_due_at FROM webhook_delivery d
                WHERE d.endpoint_id = e.id AND d.state = 'due' AND (e.state = 'active') = (d.type <> 'endpoint.check')
            ) AS w
            WHERE e.part = ANY(CAST(:parts AS smallint[])) ORDER BY e.id
        """),
        {"parts": list(parts)},
    )
    return found.all()


async def one(tx: AsyncConnection, endpoint_id: UUID, *, is_changed: bool = False) -> sa.Row[Any] | None:
    """The row, locked when it `is_changed`."""
    lock = " FOR UPDATE" if is_changed else ""
    found = await tx.execute(sql(f"SELECT * FROM webhook_endpoint WHERE id = :id{lock}"), {"id": endpoint_id})  # noqa: S608  a constant
    return found.one_or_none()


async def switch_off(tx: AsyncConnection, endpoint: sa.Row[Any], why: WhyOff, *, at: datetime) -> None:
    """And tell its team by mail; nothing happens when it is off already."""
    done = await tx.execute(
        sql("""
            UPDATE webhook_endpoint SET state = 'off', why_off = :why, mail_due_at = :at
            WHERE id = :id AND state <> 'off'
        """),
        {"id": endpoint.id, "why": why.value, "at": at},
    )
    if done.rowcount:
        await audit.write(tx, [Entry(SENDER, "webhook.off", at, detail=f"{endpoint.agency_id} {why.value}")])
        await wake(tx)
        log.warning("webhook off", agency=str(endpoint.agency_id), why=why.value)


async def mailed(tx: AsyncConnection, endpoint_id: UUID, *, again_at: datetime | None) -> None:
    """Their team was told that it is off, or is to be told `again_at`."""
    await tx.execute(
        sql("UPDATE webhook_endpoint SET mail_due_at = :at WHERE id = :id"), {"id": endpoint_id, "at": again_at}
    )


async def wake(tx: AsyncConnection) -> None:
    await tx.execute(sql("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
