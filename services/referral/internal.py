"""For our own services: who a referral is about. Every look leaves an audit row in the transaction that reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Request, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral import tables
from services.referral.identity import Identities, Sealed
from shared import audit
from shared.access import check_internal
from shared.audit import Actor, Entry
from shared.problems import Problem
from shared.web import answer


def router(engine: AsyncEngine, identities: Identities, internal_token: str) -> APIRouter:
    """One call, with the internal token and the name of who looks."""

    async def known_service(request: Request) -> None:
        check_internal(request, internal_token)  # before anything is said about the rest of the request

    routes = APIRouter(prefix="/internal", tags=["internal"], dependencies=[Depends(known_service)])

    @routes.get("/referrals/{referral_id}/identity", summary="Who a referral is about (audited)")
    async def identity(
        referral_id: UUID, x_pir_actor: Annotated[str, Header(min_length=1, max_length=100)]
    ) -> Response:
        async with engine.begin() as tx:
            row = (
                await tx.execute(
                    sa.select(tables.referral.c.wrapped_key, tables.referral.c.identity).where(
                        tables.referral.c.id == referral_id
                    )
                )
            ).one_or_none()
            if row is None or row.wrapped_key is None:
                raise Problem("not-found")
            actor = Actor("staff", x_pir_actor)
            await audit.write(tx, [Entry(actor, "identity.viewed", datetime.now(UTC), referral_id)])
        return answer(identities.unseal(referral_id, Sealed(row.wrapped_key, row.identity)))

    return routes
