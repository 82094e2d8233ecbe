"""The audit trail of this service for the page and call that show the trails of all: an internal call, newest first.

A row holds ids and codes, so the answer holds nothing else.
"""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.access import internal_router
from shared.database import sql
from shared.web import answer

MOST: Final = 201
"""Rows of one answer: a page of 200, and one more to know whether there are others."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuditQuery(_Frozen):
    """Which rows: those that fit everything that is given, before the row `before_id` of the time `before`."""

    actor_kind: Annotated[str | None, Field(max_length=20)] = None
    actor: Annotated[str | None, Field(max_length=200)] = None
    action: Annotated[str | None, Field(max_length=60)] = None
    referral_id: UUID | None = None
    before: AwareDatetime | None = None
    before_id: Annotated[int, Field(ge=0, lt=2**63)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST)] = MOST


class AuditRow(_Frozen):
    """An entry as it stands; `id` is its place in the trail of its own service."""

    id: int
    at: AwareDatetime
    actor_kind: str
    actor: str
    action: str
    referral_id: UUID | None
    detail: str | None


class AuditRows(_Frozen):
    """The newest first; entries of one time by their number, the last first."""

    items: tuple[AuditRow, ...]


_CONDITIONS: Final = {
    "actor_kind": "actor_kind = :actor_kind",
    "actor": "actor_id = :actor",
    "action": "action = :action",
    "referral_id": "referral_id = :referral_id",
    "before": "(at, id) < (:before, :before_id)",
}


async def rows(tx: AsyncConnection, asked: AuditQuery) -> AuditRows:
    given = [name for name in _CONDITIONS if getattr(asked, name) is not None]
    where = " AND ".join(_CONDITIONS[name] for name in given) or "TRUE"
    found = await tx.execute(
        sql(f"SELECT *, actor_id AS actor FROM audit WHERE {where} ORDER BY at DESC, id DESC LIMIT :limit"),  # noqa: S608  this module's own
        {name: getattr(asked, name) for name in given}
        | {"limit": asked.limit}
        | ({"before_id": asked.before_id} if asked.before else {}),
    )
    return AuditRows(
        items=tuple(AuditRow(**{name: getattr(row, name) for name in AuditRow.model_fields}) for row in found)
    )


def router(engine: AsyncEngine, *tokens: str) -> APIRouter:
    """One call, for our own services."""
    routes = internal_router(*tokens)

    @routes.get("/audit", summary="What this service has written into its audit trail")
    async def audit_trail(asked: Annotated[AuditQuery, Query()]) -> Response:
        async with engine.connect() as tx:
            found = await rows(tx, asked)
        return answer(found.model_dump(mode="json"))

    return routes
