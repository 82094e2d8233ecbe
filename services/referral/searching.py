"""Finding referrals by who they are about: through blind indexes, for a stated reason, audited with the read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, StrictStr
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.document.errors import Invalid, required
from services.referral.document.fields import Day, NhsNumberText, Postcode
from services.referral.document.model import Part
from services.referral.document.read import read
from services.referral.document.text import Name
from services.referral.identity import Identities
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql

MOST: Final = 20
"""Whoever finds more has asked for too little."""
SEARCHED: Final = "identity.searched"


class Search(Part):
    """Somebody by NHS number, else by whole name and date of birth, narrowed by the postcode when it is given.

    `reason` is the code of the service that asks, for the audit.
    """

    reason: Annotated[StrictStr, Field(pattern=r"^[a-z_]{1,40}$")]
    nhs_number: NhsNumberText | None = None
    given_name: Name | None = None
    family_name: Name | None = None
    date_of_birth: Day | None = None
    postcode: Postcode | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A referral about somebody who was looked for; who they are is not said."""

    id: UUID
    reference: str
    received_at: datetime

    def shown(self) -> dict[str, str]:
        return {"id": str(self.id), "reference": self.reference, "received_at": self.received_at.isoformat()}


def read_search(value: object, *, now: datetime) -> Search:
    """Raises Invalid with every mistake: without an NHS number, both names and the date of birth are needed."""
    search = read(Search, value, now=now)
    named = ("given_name", "family_name", "date_of_birth")
    missing = [name for name in named if getattr(search, name) is None]
    if missing and not search.nhs_number:
        raise Invalid([required(f"/{name}") for name in missing])
    return search


async def find(
    tx: AsyncConnection, search: Search, identities: Identities, *, actor: Actor, at: datetime
) -> tuple[list[Match], bool]:
    """The newest referrals about this person, and whether there are more than MOST; erased ones are never found.

    One audit row for each referral found, one without a referral when there is none. Never what was looked for.
    """
    tokens = identities.profiles.looking_for(search, search.postcode)
    rows = await tx.execute(
        sql("""
            SELECT r.id, r.reference, r.received_at FROM referral r
            WHERE r.wrapped_key IS NOT NULL
                AND r.id IN (SELECT referral_id FROM family_token WHERE token = ANY(CAST(:tokens AS bytea[])))
            ORDER BY r.received_at DESC, r.id DESC LIMIT :limit
        """),
        {"tokens": list(tokens), "limit": MOST + 1},
    )
    matches = [Match(row.id, row.reference, row.received_at) for row in rows]
    found = matches[:MOST]
    about: list[UUID | None] = [*(match.id for match in found)] or [None]
    await audit.write(tx, [Entry(actor, SEARCHED, at, referral_id, search.reason) for referral_id in about])
    return found, len(matches) > MOST
