"""What notify tells: messages handed over, and those that were given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.handlers.once import count_once, families, moments
from shared.database import sql
from shared.events import AboutMessage, Envelope, MessageKind, MessageSent, MessageUndeliverable

_KEEP: Final = """
    INSERT INTO message AS m (id, referral_id, kind, {column})
    SELECT DISTINCT ON (id) id, referral, kind, at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:referrals AS uuid[]), CAST(:kinds AS text[]),
                CAST(:times AS timestamptz[])) AS t(id, referral, kind, at)
    ORDER BY id, at
    ON CONFLICT (id) DO UPDATE SET {column} = coalesce(m.{column}, excluded.{column})
"""


async def count_acknowledged(events: Sequence[Envelope[MessageSent]], tx: AsyncConnection) -> None:
    """A referral is acknowledged when its first receipt was handed to the mail system."""
    receipts = [event for event in families(events) if event.data.kind is MessageKind.RECEIPT]
    await count_once("acknowledged_at", "acknowledged", moments(receipts), tx)
    await _keep("sent_at", events, tx)


async def count_undeliverable(events: Sequence[Envelope[MessageUndeliverable]], tx: AsyncConnection) -> None:
    await count_once("undeliverable_at", "undeliverable", moments(families(events)), tx)
    await _keep("undeliverable_at", events, tx)


async def _keep(column: str, events: Sequence[Envelope[AboutMessage]], tx: AsyncConnection) -> None:
    await tx.execute(
        sql(_KEEP.format(column=column)),
        {
            "ids": [event.data.message_id for event in events],
            "referrals": [event.key for event in events],
            "kinds": [event.data.kind.value for event in events],
            "times": [event.occurred_at for event in events],
        },
    )
