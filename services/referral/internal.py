"""For our own services: who a referral is about, and which are about somebody.

Every look leaves an audit row in the transaction that reads it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import searching, tables
from services.referral.document import Invalid
from services.referral.identity import Identities, Sealed
from services.referral.searching import Search
from shared import audit
from shared.access import check_internal
from shared.audit import Actor, Entry
from shared.problems import Problem
from shared.strict_json import Unreadable, parse_json
from shared.web import answer, read_json_body

Asking = Annotated[str, Header(min_length=1, max_length=100)]
"""Which person our own service asks for."""
_TAKES: Final = {"requestBody": {"content": {"application/json": {"schema": Search.model_json_schema()}}}}


def router(engine: AsyncEngine, identities: Identities, internal_token: str) -> APIRouter:
    """Two calls, with the internal token and the name of who looks."""

    async def known_service(request: Request) -> None:
        check_internal(request, internal_token)  # before anything is said about the rest of the request

    routes = APIRouter(prefix="/internal", tags=["internal"], dependencies=[Depends(known_service)])

    @routes.get("/referrals/{referral_id}/identity", summary="Who a referral is about (audited)")
    async def identity(referral_id: UUID, x_pir_actor: Asking) -> Response:
        async with engine.begin() as tx:
            sealed = await _sealed(tx, referral_id)
            actor = Actor("staff", x_pir_actor)
            await audit.write(tx, [Entry(actor, "identity.viewed", datetime.now(UTC), referral_id)])
        return answer(identities.unseal(referral_id, sealed))

    @routes.post("/referrals/search", summary="Which referrals are about somebody (audited)", openapi_extra=_TAKES)
    async def search(request: Request, x_pir_actor: Asking) -> Response:
        now = datetime.now(UTC)
        asked = _read(await read_json_body(request), now=now)
        async with engine.begin() as tx:
            found, is_more = await searching.find(tx, asked, identities, actor=Actor("staff", x_pir_actor), at=now)
        return answer({"referrals": [match.shown() for match in found], "more": is_more})

    return routes


async def _sealed(tx: AsyncConnection, referral_id: UUID) -> Sealed:
    """Raises Problem 404 for one that is not there or was erased."""
    columns = tables.referral.c
    found = await tx.execute(sa.select(columns.wrapped_key, columns.identity).where(columns.id == referral_id))
    row = found.one_or_none()
    if row is None or row.wrapped_key is None:
        raise Problem("not-found")
    return Sealed(row.wrapped_key, row.identity)


def _read(body: bytes, *, now: datetime) -> Search:
    """Raises Problem 400 or 422, never with what was looked for."""
    try:
        return searching.read_search(parse_json(body), now=now)
    except Unreadable as error:
        raise Problem("unreadable", error.detail) from None
    except Invalid as invalid:
        raise Problem("invalid", errors=invalid.errors) from None
