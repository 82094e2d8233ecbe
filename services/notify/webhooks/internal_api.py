"""For the referral service, which knows whose key it is: an agency sets, reads, changes and ends its webhook here.

A secret stands in the answer of the call that made it and nowhere else. Every change is in the audit trail.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notify.webhooks import deliveries, endpoints
from services.notify.webhooks.addresses import UrlRefusedError, read_url
from services.notify.webhooks.deliveries import DeliveryState
from services.notify.webhooks.secrets import EndpointSecrets
from shared import audit
from shared.access import ActingPerson, internal_router
from shared.audit import Actor, Entry
from shared.problems import FieldError, Problem
from shared.web import NO_STORE, answer, read_json_body, read_model

if TYPE_CHECKING:
    from services.notify.webhooks.network import Networks

SHOWN: Final = 10
"""The last deliveries on the page of an agency."""


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class WebhookSet(_Asked):
    """Where to call, and the cursor of the agency's feed from which on."""

    url: Annotated[StrictStr, Field(min_length=1, max_length=5_000)]
    since: Annotated[StrictStr, Field(min_length=1, max_length=200)]


class WebhookReplayed(_Asked):
    since: Annotated[StrictStr, Field(min_length=1, max_length=200)]


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


def router(
    engine: AsyncEngine,
    internal_token: str,
    *,
    secrets: EndpointSecrets,
    networks: Callable[[], Networks],
    may_be_local: bool,
    wake: Callable[[], None],
) -> APIRouter:
    """Five calls, with the token of the referral service; `x_pir_actor` is the slug of the agency that acts."""
    routes = internal_router(internal_token, below="/webhooks")

    @routes.put("/{agency_id}", status_code=201, summary="Call an agency's system", openapi_extra=_takes(WebhookSet))
    async def put(agency_id: UUID, request: Request, x_pir_actor: ActingPerson) -> Response:
        asked, now = read_model(WebhookSet, await read_json_body(request)), datetime.now(UTC)
        await _check(asked.url, networks, may_be_local=may_be_local)
        async with engine.begin() as tx:
            shown = await endpoints.put(tx, secrets, agency_id=agency_id, url=asked.url, cursor=asked.since, at=now)
            await audit.write(tx, [Entry(Actor("agency", x_pir_actor), "webhook.set", now)])
            found = await _state(tx, await _known(tx, agency_id), at=now)
        wake()
        return answer(found | {"secret": shown}, 201)

    @routes.get("/{agency_id}", summary="How an agency's webhook is, and its last deliveries")
    async def get(agency_id: UUID) -> Response:
        async with engine.connect() as tx:
            row = await _known(tx, agency_id)
            last = await deliveries.latest(tx, row.id, most=SHOWN)
            return answer(
                await _state(tx, row, at=datetime.now(UTC)) | {"deliveries": [_delivery(each) for each in last]}
            )

    @routes.post("/{agency_id}/rotate", summary="A further secret for an agency")
    async def rotate(agency_id: UUID, x_pir_actor: ActingPerson) -> Response:
        now = datetime.now(UTC)
        async with engine.begin() as tx:
            row = await _known(tx, agency_id, is_changed=True)
            shown, until = await endpoints.rotate(tx, secrets, row, at=now)
            await audit.write(tx, [Entry(Actor("agency", x_pir_actor), "webhook.rotated", now)])
        return answer({"secret": shown, "secret_before_until": until.isoformat()})

    @routes.delete("/{agency_id}", status_code=204, summary="Call an agency's system no more")
    async def delete(agency_id: UUID, x_pir_actor: ActingPerson) -> Response:
        async with engine.begin() as tx:
            await endpoints.end(tx, (await _known(tx, agency_id, is_changed=True)).id)
            await audit.write(tx, [Entry(Actor("agency", x_pir_actor), "webhook.ended", datetime.now(UTC))])
        return Response(status_code=204, headers=NO_STORE)

    @routes.post("/{agency_id}/replay", summary="Tell it again from here", openapi_extra=_takes(WebhookReplayed))
    async def replay(agency_id: UUID, request: Request, x_pir_actor: ActingPerson) -> Response:
        asked, now = read_model(WebhookReplayed, await read_json_body(request)), datetime.now(UTC)
        async with engine.begin() as tx:
            row = await _known(tx, agency_id, is_changed=True)
            await endpoints.set_back(tx, row.id, asked.since)
            await audit.write(tx, [Entry(Actor("agency", x_pir_actor), "webhook.replayed", now)])
            found = await _state(tx, row, at=now)
        wake()
        return answer(found)

    return routes


async def _check(url: str, networks: Callable[[], Networks], *, may_be_local: bool) -> None:
    """Raises Problem 422: not only the address is looked at, but what its name stands for now."""
    from services.notify.webhooks.network import AddressRefusedError, NameUnknownError  # noqa: PLC0415  wiring.py

    try:
        await networks().check(read_url(url, may_be_local=may_be_local))
    except UrlRefusedError as error:
        code, words = error.code, error.words
    except AddressRefusedError:
        code, words = "url-address", "The name stands for an address that is not on the public internet"
    except NameUnknownError:
        code, words = "url-unknown", "The name stands for no address"
    else:
        return
    raise Problem("invalid", errors=[FieldError("/url", code, words)])


async def _known(tx: AsyncConnection, agency_id: UUID, *, is_changed: bool = False) -> sa.Row[Any]:
    row = await endpoints.of_agency(tx, agency_id, is_changed=is_changed)
    if row is None:
        raise Problem("not-found", "You have set no webhook")
    return row


async def _state(tx: AsyncConnection, row: sa.Row[Any], *, at: datetime) -> dict[str, Any]:
    return {
        "url": row.url,
        "state": row.state,
        "why_off": row.why_off,
        "set_at": row.set_at.isoformat(),
        "last_success_at": _time(row.last_success_at),
        "last_error": row.last_error,
        "failing_since": _time(row.failing_since),
        "waiting": await deliveries.waiting(tx, row.id),
        "secret_before_until": _time(row.before_until if row.before_until and row.before_until > at else None),
    }


def _delivery(row: sa.Row[Any]) -> dict[str, Any]:
    """Codes and times; what it is about by its reference alone."""
    return {
        "type": row.type,
        "reference": row.reference,
        "made_at": row.made_at.isoformat(),
        "state": row.state,
        "tries": row.attempts,
        "last_error": row.last_error,
        "ended_at": _time(row.ended_at),
        "next_try_at": _time(row.due_at) if row.state == DeliveryState.DUE else None,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
