"""Two agencies may have referred one family: a person says whether they did, and only then do the agencies hear of it.

`the same family`: this question is answered, here and at the other referral, and work goes on with one of the two.
`not the same`: the rules decide both anew, each as if the other were not there. Opening the item again takes it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import decisions
from services.triage.work_items import bodies, reopening, store
from services.triage.work_items.conditions import OTHER_WITHDRAWN
from services.triage.work_items.working import Done, StaffActor, StepContext, write
from shared.database import sql
from shared.events import ClosureReason, FamilyJudged, Link, Route
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft
from shared.policy import Policy
from shared.problems import Problem

JUDGED: Final = {ClosureReason.SAME_FAMILY: True, ClosureReason.NOT_THE_SAME: False}
"""How the item ended → whether it is one family."""


async def confirm(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.Judge, by: StaffActor, context: StepContext
) -> Done:
    """The same family. Raises Problem 409 when no other agency's referral is linked any more."""
    return await _judge(tx, row, body, by, context, ClosureReason.SAME_FAMILY)


async def refute(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.Judge, by: StaffActor, context: StepContext
) -> Done:
    """Not the same. Raises Problem 409 as `confirm`."""
    return await _judge(tx, row, body, by, context, ClosureReason.NOT_THE_SAME)


async def _judge(
    tx: AsyncConnection,
    row: sa.Row[Any],
    body: bodies.Judge,
    by: StaffActor,
    context: StepContext,
    reason: ClosureReason,
) -> Done:
    others = await linked_as_duplicate(tx, row.referral_id)
    if not others:
        words = "No other agency's referral is linked to this one any more"
        raise Problem("conflict", words, extra={"state": row.state})
    if body.note:
        await write(tx, row, "duplicate", body.note, by, context)
    same_question = [
        each
        for other in others
        for each in await store.open_work(tx, other)
        if each.route == Route.REVIEW_DUPLICATE and row.referral_id in await linked_as_duplicate(tx, other)
    ]
    await decisions.close(tx, same_question, reason, at=by.at, by=by.staff.id, cause=by.cause)
    await outbox.append(tx, [_said(row, others, JUDGED[reason], by)])
    return Done({"end_reason": reason.value}, {"reason": reason}, detail=reason.value)


async def take_back(tx: AsyncConnection, row: sa.Row[Any], by: StaffActor) -> None:
    """An ended question is opened again: what was said of the two holds no more."""
    if row.route == Route.REVIEW_DUPLICATE and row.end_reason in JUDGED:
        others = await _judged_with(tx, row.referral_id)
        await outbox.append(tx, [_said(row, others, None, by)])


async def other_is_withdrawn(tx: AsyncConnection, gone: UUID, *, at: datetime, cause: Cause, policy: Policy) -> None:
    """Work that ended because it went on at a referral that is withdrawn now is open again: a family is never lost."""
    rows = await tx.execute(
        sql("""
            SELECT w.* FROM work_item w JOIN referral r ON r.id = w.referral_id
            WHERE w.end_reason = 'same_family' AND r.withdrawn_at IS NULL AND r.erased_at IS NULL
                AND w.referral_id = ANY(CAST(:others AS uuid[]))
                AND NOT EXISTS (SELECT 1 FROM work_item again WHERE again.reopens = w.id)
        """),
        {"others": await linked_as_duplicate(tx, gone)},
    )
    for row in rows.all():
        await reopening.open_again(tx, row, mark=OTHER_WITHDRAWN, at=at, cause=cause, policy=policy)
        event = FamilyJudged(reference=row.reference, agency_id=row.agency_id, others=(gone,), is_same=None)
        await outbox.append(tx, [Draft(row.referral_id, event, at, cause)])


async def linked_as_duplicate(tx: AsyncConnection, referral_id: UUID) -> list[UUID]:
    """Open referrals of other agencies that may be of this family, or are."""
    linked = await tx.scalar(sql("SELECT linked FROM referral WHERE id = :id"), {"id": referral_id})
    return [UUID(each["id"]) for each in linked or () if each["link"] == Link.DUPLICATE]


async def _judged_with(tx: AsyncConnection, referral_id: UUID) -> list[UUID]:
    """The referrals that the latest judgment was about: after `not the same` they are linked no more."""
    value = await tx.scalar(
        sql("SELECT value FROM event WHERE key = :id AND type = :type ORDER BY sequence DESC LIMIT 1"),
        {"id": referral_id, "type": FamilyJudged.type},
    )
    return list(FamilyJudged.model_validate_json(value).others) if value else []


def _said(row: sa.Row[Any], others: Sequence[UUID], is_same: bool | None, by: StaffActor) -> Draft:
    event = FamilyJudged(reference=row.reference, agency_id=row.agency_id, others=tuple(others), is_same=is_same)
    return Draft(row.referral_id, event, by.at, by.cause)
