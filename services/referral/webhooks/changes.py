"""For notify: what has changed in the feeds of agencies past their cursors, to call their systems about.

The order and the cursors are those of `GET /referrals`, so that whoever is called finds in the feed what they were
called about. An erased referral is passed over: the feed alone tells of it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import feed_cursor, feed_epoch, views
from services.referral.identity import Identities
from services.referral.status import Status, by_route, status_of
from shared.access import internal_router
from shared.database import sql
from shared.events import Kind
from shared.problems import Problem
from shared.web import answer, read_json_body, read_model

PAGE: Final = 100
"""Changes of one agency in an answer."""
MOST_AGENCIES: Final = 500
BEGINNING: Final = (0, UUID(int=0))

_CHANGES: Final = sql("""
    SELECT asked.agency_id, r.*
    FROM unnest(CAST(:agencies AS uuid[]), CAST(:sinces AS bigint[]), CAST(:afters AS uuid[]))
        AS asked(agency_id, since, after)
    CROSS JOIN LATERAL (
        SELECT id, reference, kind, version, changed_in, decision, decided_by, withdrawn_at, declined_at,
            wrapped_key IS NULL AS is_erased,
            (SELECT jsonb_agg(jsonb_build_array(route, state) ORDER BY changed_at)
                FROM route_state WHERE referral_id = referral.id) AS routes
        FROM referral
        WHERE referral.agency_id = asked.agency_id AND (changed_in, id) > (asked.since, asked.after)
            AND changed_in < CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)
        ORDER BY changed_in, id LIMIT :limit
    ) AS r
    ORDER BY asked.agency_id, r.changed_in, r.id
""")


class AskedAgency(BaseModel):
    """An agency with a webhook, and how far it was told."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    agency_id: UUID
    since: Annotated[StrictStr, Field(max_length=200)]


class AskedAgencies(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    agencies: Annotated[tuple[AskedAgency, ...], Field(max_length=MOST_AGENCIES)]


def router(engine: AsyncEngine, identities: Identities, internal_token: str) -> APIRouter:
    """One call, with the token of notify."""
    routes = internal_router(internal_token)

    @routes.post(
        "/changes",
        summary="What has changed for agencies since their cursors",
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": AskedAgencies.model_json_schema()}}}},
    )
    async def changes(request: Request) -> Response:
        asked = read_model(AskedAgencies, await read_json_body(request))
        async with engine.connect() as tx:
            return answer({"agencies": await since(tx, identities, asked.agencies)})

    return routes


async def since(tx: AsyncConnection, identities: Identities, asked: tuple[AskedAgency, ...]) -> list[dict[str, Any]]:
    """For each agency at most PAGE changes, oldest first, and the cursor past them.

    A cursor from before a restore, or of a key that is gone, begins again: the agency is told of all its referrals.
    """
    epoch = await feed_epoch.current(tx)
    places = {each.agency_id: _place(identities, each.since, epoch) for each in asked}
    rows = await tx.execute(
        _CHANGES,
        {
            "agencies": list(places),
            "sinces": [place[0] for place in places.values()],
            "afters": [place[1] for place in places.values()],
            "limit": PAGE,
        },
    )
    found: dict[UUID, list[sa.Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.agency_id].append(row)
    return [
        {
            "agency_id": str(agency_id),
            "items": [_item(row) for row in found[agency_id] if not row.is_erased],
            "next": feed_cursor.write(identities, *_end(found[agency_id], place), epoch),
            "more": len(found[agency_id]) == PAGE,
        }
        for agency_id, place in places.items()
    ]


async def end_of_feed(tx: AsyncConnection, identities: Identities) -> str:
    """The cursor past all that is in any feed now."""
    latest = await tx.scalar(sql("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"))
    return feed_cursor.write(identities, latest, UUID(int=0), await feed_epoch.current(tx))


def _place(identities: Identities, cursor: str, epoch: UUID) -> tuple[int, UUID]:
    try:
        return feed_cursor.read(identities, cursor, epoch)
    except Problem:
        return BEGINNING


def _end(rows: list[sa.Row[Any]], place: tuple[int, UUID]) -> tuple[int, UUID]:
    return (rows[-1].changed_in, rows[-1].id) if rows else place


def _item(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "referral_id": str(row.id),
        "reference": row.reference,
        "version": row.version,
        "type": _type(row),
    }


def _type(row: sa.Row[Any]) -> str:
    """A question is a change after which we wait for the agency's answer."""
    if row.kind != Kind.FAMILY:
        return "enquiry.changed"
    status = status_of(views.progress(row, by_route(row.routes or [])))
    return "referral.question" if status is Status.WAITING_FOR_REFERRER else "referral.changed"
