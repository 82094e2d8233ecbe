"""For triage: a person lets a held message go, or says why not. Both are audited here.

POST /internal/family-messages/{id}/release       it goes, unless something else speaks against it by now
POST /internal/family-messages/{id}/keep-back     {"reason": code}; it never goes
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.family_messages import rows
from shared import audit
from shared.access import ActingPerson, internal_router
from shared.audit import Actor, Entry
from shared.problems import Problem
from shared.web import answer


class KeptBack(StrEnum):
    """Why a person does not let a message go."""

    NOT_SAFE = "not_safe"
    TOLD_ANOTHER_WAY = "told_another_way"
    NOT_NEEDED = "not_needed"


class Reason(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    reason: KeptBack


def router(engine: AsyncEngine, token: str) -> APIRouter:
    """With the token of triage, for a person who is named."""
    routes = internal_router(token, below="/family-messages")

    async def settle(message_id: UUID, actor: str, reason: KeptBack | None) -> Response:
        now = datetime.now(UTC)
        async with engine.begin() as tx:
            row = await rows.settle(tx, message_id, release=reason is None)
            if row is None:
                raise Problem("conflict", "This message is not held, or not for a reason that a person settles")
            action = "message.released" if reason is None else "message.kept-back"
            await audit.write(tx, [Entry(Actor("staff", actor), action, now, row.referral_id, reason or row.kind)])
        return answer({})

    @routes.post("/{message_id}/release", summary="Let a held message to a family go (audited)")
    async def release(message_id: UUID, x_pir_actor: ActingPerson) -> Response:
        return await settle(message_id, x_pir_actor, None)

    @routes.post("/{message_id}/keep-back", summary="Say why a held message does not go (audited)")
    async def keep_back(message_id: UUID, said: Reason, x_pir_actor: ActingPerson) -> Response:
        return await settle(message_id, x_pir_actor, said.reason)

    return routes
