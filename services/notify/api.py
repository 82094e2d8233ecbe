"""HTTP in: what became of the messages about one referral. States and times only, never words or addresses."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify import rows
from services.notify.content import UNSENT
from shared.access import Permission, may
from shared.web import answer


def router(engine: AsyncEngine) -> APIRouter:
    """One call, for those who look after parked messages."""
    routes = APIRouter(tags=["messages"])

    @routes.get(
        "/messages",
        summary="The messages about one referral: kind, state, tries; no text, no address",
        dependencies=[Depends(may(Permission.READ_PARKED))],
    )
    async def messages(reference: Annotated[str, Query(min_length=1, max_length=20)]) -> Response:
        async with engine.connect() as tx:
            return answer({"items": [_shown(row) for row in await rows.of_reference(tx, reference)]})

    return routes


def _shown(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "version": row.version,
        "audience": row.audience,
        "channel": row.channel,
        "state": row.state,
        "created_at": row.created_at.isoformat(),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "attempts": row.attempts,
        "next_try_at": row.due_at.isoformat() if row.state in UNSENT else None,
        "last_error": row.last_error,
    }
