"""For the page of operations: what is parked in this service and how the service is; handle it again, or give it up.

Internal calls: they need the token of triage, and who acts where something is done. What a record holds is never told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.access import ActingPerson, internal_router
from shared.audit import Actor
from shared.database import sql
from shared.events import EVENTS
from shared.health import Health
from shared.messaging import repair
from shared.messaging.dispatch import Handlers
from shared.messaging.relay import AGE
from shared.messaging.repair import NOT_GIVEN_UP, CannotDiscardError
from shared.problems import Problem
from shared.web import NO_STORE, answer, read_json_body, read_model

MOST: Final = 200
"""Rows that are listed, the oldest; the others come up as those are dealt with."""

RowId = Annotated[int, Path(ge=1, lt=2**63)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Waiting(_Told):
    """A row at the head of its line; `behind` more of the same referral and topic wait for it.

    `type` is None where it can't be read or is not one of ours.
    """

    id: int
    topic: str
    type: str | None
    key: UUID | None
    cause: str
    parked_at: datetime
    behind: int


class Condition(_Told):
    """How the copy that answered is. `lag` is None while it reads nothing, `outbox` in a service that says nothing.

    `reads` is False where the work runs in another process, which knows its lag.
    """

    is_ready: bool
    checks: dict[str, bool]
    reads: bool = True
    lag: int | None
    outbox: int | None
    outbox_oldest_seconds: float


class Found(_Told):
    """`items` are MOST at the most, `total` counts every row that waits."""

    items: tuple[Waiting, ...]
    total: int
    health: Condition


class Replayed(_Told):
    """Rows of the line that are handled now, and those that are still parked."""

    handled: int
    left: int


class Discard(BaseModel):
    """Why it is given up: a code or a few words, kept with the row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


_TAKES: Final = {"requestBody": {"content": {"application/json": {"schema": Discard.model_json_schema()}}}}


def router(engine: AsyncEngine, *, handlers: Handlers, health: Health, internal_token: str) -> APIRouter:
    """Three calls; `handlers` are those of the service's consumer."""
    routes = internal_router(internal_token, below="/parked")

    @routes.get("", summary="What is parked here, and how this service is")
    async def parked() -> Response:
        async with engine.connect() as tx:
            items, total = await _waiting(tx)
            condition = await _condition(tx, health)
        return _told(Found(items=items, total=total, health=condition))

    @routes.post("/{row_id}/replay", summary="Handle a record again, with those behind it (audited)")
    async def replay(row_id: RowId, x_pir_actor: ActingPerson) -> Response:
        handled, left = await repair.replay(engine, handlers, only=row_id, by=Actor("staff", x_pir_actor))
        if not handled and not left:
            raise Problem("not-found")
        return _told(Replayed(handled=handled, left=left))

    @routes.post("/{row_id}/discard", summary="Give a record up, with a reason (audited)", openapi_extra=_TAKES)
    async def discard(request: Request, row_id: RowId, x_pir_actor: ActingPerson) -> Response:
        asked = read_model(Discard, await read_json_body(request))
        try:
            is_done = await repair.discard(engine, row_id, reason=asked.reason, by=Actor("staff", x_pir_actor))
        except CannotDiscardError:
            raise Problem("conflict", NOT_GIVEN_UP) from None
        if not is_done:
            raise Problem("not-found")
        return Response(status_code=204, headers=NO_STORE)

    return routes


async def _waiting(tx: AsyncConnection) -> tuple[tuple[Waiting, ...], int]:
    rows = await tx.execute(
        sql("""
            SELECT * FROM (
                SELECT id, topic, type, key, cause, parked_at, headers, count(*) OVER () AS total,
                    row_number() OVER (PARTITION BY topic, line ORDER BY id) AS place,
                    count(*) OVER (PARTITION BY topic, line) - 1 AS behind
                FROM (
                    SELECT id, topic, type, key, cause, parked_at, headers,
                        coalesce(CAST(key AS text), CAST(id AS text)) AS line
                    FROM parked WHERE resolved_at IS NULL
                ) AS waiting
            ) AS placed WHERE place = 1 ORDER BY id LIMIT :most
        """),
        {"most": MOST},
    )
    found = rows.all()
    return tuple(_shown(row) for row in found), found[0].total if found else 0


def _shown(row: sa.Row[Any]) -> Waiting:
    return Waiting(
        id=row.id,
        topic=row.topic,
        type=row.type or _type_in(row.headers),
        key=row.key,
        cause=row.cause,
        parked_at=row.parked_at,
        behind=row.behind,
    )


def _type_in(headers: list[list[str]]) -> str | None:
    """The type that the record names, when it is one of ours: what else stands there may be anything."""
    named = (bytes.fromhex(value).decode("utf-8", "replace") for name, value in headers if name == "ce_type")
    return next((name for name in named if name in EVENTS), None)


async def _condition(tx: AsyncConnection, health: Health) -> Condition:
    is_ready, checks = await health.is_ready()
    consumer = health.consumer
    outbox = (await tx.execute(sql(AGE))).one() if health.has_outbox else None
    return Condition(
        is_ready=is_ready,
        checks=checks,
        reads=consumer is not None,
        lag=consumer.lag if consumer and consumer.is_assigned else None,
        outbox=outbox.rows if outbox else None,
        outbox_oldest_seconds=max(0.0, float(outbox.oldest or 0)) if outbox else 0.0,
    )


def _told(model: BaseModel) -> Response:
    return answer(model.model_dump(mode="json"))
