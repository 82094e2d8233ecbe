"""A form that is sent again, after nobody could tell whether it had arrived: what has changed since is not lost.

The key of a draft makes one referral. When it was used with other words, the referral is there as it was first sent,
and the difference is an amendment: a danger that was ticked in between counts, and none that was ticked before is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.agencies import AgencyActor
from services.referral.submitting import amend, idempotency
from services.referral.submitting.idempotency import Answer
from services.referral.submitting.prepare import Arrival, Preparing
from shared.problems import Problem


async def send(
    engine: AsyncEngine,
    preparing: Preparing,
    submit: Callable[[Arrival], Awaitable[Answer | Problem]],
    document: Mapping[str, Any],
    *,
    by: AgencyActor,
    key: str,
) -> Answer:
    """The intake's first answer to this key, once the document is stored under it, at the first or a later try.

    Raises Invalid for what can't be read, Problem for the rest: `conflict` for a reference of the agency's own that
    another referral has, or with `is_sent` when it was sent and others have changed it since; `step-not-allowed` when
    it has ended meanwhile. Nothing is stored then.
    """
    answer = await submit(preparing.arrival(document, by=by, key=key, is_new=True))
    if isinstance(answer, Problem) and answer.name == "idempotency-key-reused":
        return await _amended(engine, preparing, document, by=by, key=key)
    if isinstance(answer, Problem):
        raise answer
    return answer


async def _amended(
    engine: AsyncEngine, preparing: Preparing, document: Mapping[str, Any], *, by: AgencyActor, key: str
) -> Answer:
    async with engine.begin() as tx:
        first = await idempotency.first_answer(tx, preparing.identities, by.agency.id, key)
        if first is None:
            raise Problem("unavailable")
        if "id" not in first.body:  # erased meanwhile
            return first
        try:
            await amend.send_again(tx, preparing, UUID(first.body["id"]), document, by)
        except Problem as problem:
            if problem.name != "conflict":
                raise
            words = f"This form was sent as {first.body['reference']}, and that was changed since by others. Ring us"
            raise Problem("conflict", f"{words} with what is new", extra={"is_sent": True}) from problem
        return first
