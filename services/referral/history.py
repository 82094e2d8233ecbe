"""What happened to a referral, as lines that its agency sees, and when its row last changed for the agency's feed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import tables
from services.referral.status import Progress, shown_route
from shared.messaging.outbox import Cause

CURRENT_TRANSACTION: Final[sa.ColumnElement[int]] = sa.literal_column(
    "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
)
"""Marks a row as changed in this transaction; the feed shows it once every earlier transaction has ended."""

_WORDS: Final = {
    "received": "We received the referral.",
    "amended": "You changed the referral.",
    "corrected": "You corrected a detail that the decision does not depend on.",
    "linked": "Another referral of the same family is linked to this one.",
    "informed": "You sent more information.",
    "withdrawn": "You withdrew the referral.",
    "challenged": "You asked us to look again at the decline.",
    "decided": "The referral was looked at against our rules.",
    "decided-by-person": "A person decided about the referral.",
    "opened": "It is on a team's list.",
    "reopened": "It was opened again, and is on a team's list.",
    "claimed": "A person has begun to look at it.",
    "waiting": "It is waiting.",
    "accepted": "A team has accepted the family.",
    "declined": "A person confirmed that we can't offer a place.",
    "first-contact": "The team has been in touch with the family.",
    "closed": "The work of a team has ended.",
    "escalated": "It was brought to somebody's attention.",
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """When something happened, and what led to it."""

    at: datetime
    cause: Cause


async def add(tx: AsyncConnection, referral_id: UUID, what: str, *, at: datetime, detail: str | None = None) -> None:
    """A line of the history that the agency sees."""
    await tx.execute(tables.history.insert().values(referral_id=referral_id, at=at, what=what, detail=detail))


def shown(line: dict[str, Any], known: Progress) -> dict[str, Any]:
    """A stored line (`at`, `what`, `detail`) in words."""
    what, detail = line["what"], shown_route(known, line["detail"])
    return {"at": line["at"], "what": what, "text": _WORDS[what], "detail": detail}
