"""For our own services: what became of the messages about a referral, and what each says. No addresses.

The words are made again, from the codes that a message keeps and the policy in force: they name nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Path, Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notify import collecting, rows
from services.notify.content import UNSENT, Content, State
from services.notify.family_messages import rows as family_rows
from services.notify.family_messages.words import in_english
from services.notify.templates import Council, on_call_text, words
from shared.access import internal_router
from shared.database import sql
from shared.events import Audience, Channel, MessageKind
from shared.subject_access import Opener, Rows
from shared.web import answer

log = structlog.get_logger(__name__)


def router(engine: AsyncEngine, internal_token: str, council: Callable[[], Council]) -> APIRouter:
    """One call, with the token of the service that makes it."""
    routes = internal_router(internal_token)

    @routes.get("/messages/{reference}", summary="The messages about one referral: kind, state, times, words")
    async def messages(reference: Annotated[str, Path(min_length=1, max_length=20)]) -> Response:
        async with engine.connect() as tx:
            told = council()
            return answer({"items": [_shown(row, reference, told) for row in await rows.of_reference(tx, reference)]})

    return routes


def words_beside(council: Callable[[], Council]) -> Opener:
    """For whoever asks for their records: subject and body of each message beside the codes that it keeps."""

    async def opened(tx: AsyncConnection, referral_id: UUID, found: Rows) -> None:
        columns = """
            SELECT id, reference, kind, audience, channel, collected_on, content FROM message WHERE referral_id = :id
        """
        told, messages = council(), await tx.execute(sql(columns), {"id": referral_id})
        words_of = {row.id: _words(row, row.reference, told) for row in messages}
        for row in found["message"]:
            row["subject"], row["body"] = words_of[row["id"]]

    return opened


def _shown(row: sa.Row[Any], reference: str, council: Council) -> dict[str, Any]:
    subject, body = _words(row, reference, council)
    is_held = row.state == State.HELD
    return {
        "id": str(row.id),
        "kind": row.kind,
        "audience": row.audience,
        "channel": row.channel,
        "held_because": row.last_error if is_held else None,
        "can_be_released": is_held and row.last_error in family_rows.RELEASABLE,
        "state": row.state,
        "is_restricted": row.state == State.HELD and row.last_error == rows.RESTRICTED,
        "created_at": row.created_at.isoformat(),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "next_try_at": row.due_at.isoformat() if row.state in UNSENT else None,
        "subject": subject,
        "body": body,
    }


def _words(row: sa.Row[Any], reference: str, council: Council) -> tuple[str, str]:
    """Subject and body; both empty when they can't be written: what became of it, and all the others, is still told."""
    try:
        said: dict[str, Any] = {"content": Content.model_validate(row.content), "council": council}
        kind = MessageKind(row.kind)
        if row.audience == Audience.HOUSEHOLD:
            text = in_english(council.policy.family_messages).write(
                kind, said["content"], Channel(row.channel), language=None, on=council.on
            )
            return text.subject, text.body
        if row.channel == Channel.SMS:
            return "", on_call_text(reference, said["content"])
        if row.collected_on:
            return "", collecting.line(kind, reference=reference, **said)
        return words(kind, reference=reference, **said)
    except Exception:  # as in `Writer.write`: whatever it is, one message holds up no other
        log.exception("unwritable", message=str(row.id), kind=row.kind)
        return "", ""
