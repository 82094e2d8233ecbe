"""HTTP in: the totals. Exact live counts stay on the internal listener outside development (docs/operations.md)."""

from __future__ import annotations

import time

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics import measures
from shared.database import read_only
from shared.web import answer

WAITING_FRESH_SECONDS = 1.0
"""The count of waiting referrals walks an index; it is at most this old, the other totals are exact."""


def router(engine: AsyncEngine) -> APIRouter:
    routes, reading = APIRouter(tags=["counts"]), read_only(engine)
    waiting, read_at = 0, float("-inf")

    @routes.get("/totals", summary="Referrals since the start of the database; no personal data")
    async def totals() -> Response:
        nonlocal waiting, read_at
        async with reading.connect() as tx:
            counts = await measures.totals(tx)
            if time.monotonic() - read_at > WAITING_FRESH_SECONDS:
                waiting, read_at = await measures.waiting(tx), time.monotonic()
        return answer(counts | {"waiting": waiting})

    return routes
