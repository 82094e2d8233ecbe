"""For the referral service: what staff asked the referrer of a referral, and nothing else that they wrote. Audited.

The words are for those who have to answer them. Notes, reasons and outcomes are for colleagues: no call tells them to
anybody outside.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.triage.staff_notes import ASKED, StaffNotes
from services.triage.work_items.conditions import WAITS_FOR_REFERRER
from services.triage.work_items.item import QUESTIONS_VIEWED
from shared import audit
from shared.access import ActingPerson, internal_router
from shared.audit import Actor, Entry
from shared.database import sql
from shared.problems import Problem
from shared.web import answer


def router(engine: AsyncEngine, texts: StaffNotes, internal_token: str) -> APIRouter:
    """One call, with the referral service's token and who looks: an agency's program or member, or staff on a call."""
    routes = internal_router(internal_token)

    @routes.get("/questions/{referral_id}", summary="What the referrer of a referral was asked (audited)")
    async def questions(
        referral_id: UUID, x_pir_actor: ActingPerson, kind: Literal["member", "staff", "agency"] = "member"
    ) -> Response:
        actor, now = Actor(kind, x_pir_actor), datetime.now(UTC)
        async with engine.begin() as tx:
            items = await asked(tx, referral_id, texts)
            await audit.write(tx, [Entry(actor, QUESTIONS_VIEWED, now, referral_id)])
        return answer({"items": items})

    return routes


async def asked(tx: AsyncConnection, referral_id: UUID, texts: StaffNotes) -> list[dict[str, Any]]:
    """Oldest first; none of an erased referral. Raises Problem 404 for one that triage has not heard of.

    A question is open as long as its work item waits for the answer to it. What waits is read after the words: one
    that is asked meanwhile is not shown, rather than shown as answered.
    """
    if await tx.scalar(sql("SELECT 1 FROM referral WHERE id = :id"), {"id": referral_id}) is None:
        raise Problem("not-found")
    notes = await texts.read(tx, referral_id, kind=ASKED)
    open_since = await tx.scalars(
        sql(f"SELECT waiting_since FROM work_item WHERE referral_id = :id AND {WAITS_FOR_REFERRER}"),  # noqa: S608  a constant
        {"id": referral_id},
    )
    waiting = set(open_since)
    return [{"at": each.at.isoformat(), "words": each.text, "is_open": each.at in waiting} for each in notes]
