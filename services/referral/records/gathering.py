"""A copy of everything that is held about a referral, from all four services; whole, or not at all.

Each service gives its own part and writes that into its audit trail. This one opens who the family is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import tables
from services.referral.identity import Identities, Sealed
from services.referral.settings import Settings
from shared.audit import Actor, Entry
from shared.database import sql
from shared.internal_client import Called, acting
from shared.subject_access import GIVEN, Rows, given, lines_of

HERE: Final = tables.SCHEMA
_SECONDS: Final = 30


class NotGatheredError(Exception):
    """A referral is not known or was erased, or a service does not answer; the message says which."""


@dataclass(frozen=True, slots=True)
class GatheredRecord:
    """One referral: service → table → rows, in JSON values; `others` of the same family that were not asked for."""

    reference: str
    services: Mapping[str, Mapping[str, list[dict[str, Any]]]]
    others: Sequence[str]


async def gather_all(
    engine: AsyncEngine,
    settings: Settings,
    identities: Identities,
    references: Sequence[str],
    *,
    by: Actor,
    reason: str,
    at: datetime,
) -> list[GatheredRecord]:
    """One record for each reference, in their order. Raises NotGatheredError, and then nothing is given."""
    gathered = []
    async with httpx.AsyncClient(timeout=_SECONDS, headers=acting(by.id)) as client:
        for reference in references:
            async with engine.begin() as tx:
                row = await _known(tx, reference)
                asked = (_ask(client, name, each, row.id, reason) for name, each in settings.others.items())
                told = dict(zip(settings.others, await asyncio.gather(*asked), strict=True))
                entry = Entry(by, GIVEN, at, row.id, reason)
                opened = _Opened(identities)
                own = await given(tx, tables.metadata, HERE, row.id, by=entry, opened=opened)
                others = [each for each in await _family(tx, row) if each not in references]
            gathered.append(GatheredRecord(reference, {HERE: own, **told}, others))
    return gathered


def not_given() -> list[dict[str, str]]:
    """What is held and not given, and why: for every service, table and group of columns."""
    found = []
    for service in ("referral", "triage", "notify", "metrics"):
        for table, line in lines_of(service).items():
            about = {"service": service, "table": table}
            if line.none:
                found.append(about | {"columns": "all", "why": line.none})
            found += [about | {"columns": each.columns, "why": each.why} for each in line.omit]
    return found


def to_review(record: GatheredRecord) -> list[dict[str, str]]:
    """What of a record a person has to read before it is given: tables that have rows, with the reason."""
    return [
        {"service": service, "table": table, "columns": each.columns, "mark": each.mark, "why": each.why}
        for service, held in record.services.items()
        for table, line in lines_of(service).items()
        if held.get(table)
        for each in line.mark
    ]


async def _known(tx: AsyncConnection, reference: str) -> sa.Row[Any, Any, Any]:
    columns = tables.referral.c
    found = await tx.execute(
        sa.select(columns.id, columns.family_id, columns.wrapped_key).where(columns.reference == reference)
    )
    row = found.one_or_none()
    if row is None:
        raise NotGatheredError(f"there is no referral {reference}")
    if row.wrapped_key is None:
        raise NotGatheredError(f"{reference} was erased: what is left says that there was a referral, and no more")
    return row


async def _family(tx: AsyncConnection, row: sa.Row[Any, Any, Any]) -> Sequence[str]:
    columns = tables.referral.c
    same = sa.select(columns.reference).where(
        columns.family_id == row.family_id, columns.id != row.id, columns.wrapped_key.is_not(None)
    )
    return list(await tx.scalars(same.order_by(columns.received_at)))


async def _ask(
    client: httpx.AsyncClient, name: str, called: Called, referral_id: UUID, reason: str
) -> dict[str, list[dict[str, Any]]]:
    try:
        path = f"/internal/subject-access/{referral_id}"
        answer = await client.get(called.url + path, params={"reason": reason}, headers=called.headers)
    except httpx.HTTPError as error:
        raise NotGatheredError(f"{name} does not answer ({type(error).__name__}); nothing was written") from error
    if answer.status_code != httpx.codes.OK:
        raise NotGatheredError(f"{name} answers {answer.status_code}; nothing was written")
    told: dict[str, list[dict[str, Any]]] = answer.json()["tables"]
    return told


class _Opened:
    """Puts words in place of what is sealed, and names in place of ids."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    async def __call__(self, tx: AsyncConnection, referral_id: UUID, found: Rows) -> None:
        [row] = found["referral"]
        wrapped = await tx.scalar(sql("SELECT wrapped_key FROM referral WHERE id = :id"), {"id": referral_id})
        row["identity"] = self._identities.unseal(referral_id, Sealed(wrapped, row["identity"]))
        row["external_reference"] = self._identities.external(referral_id, wrapped, row.pop("external_sealed"))
        row["agency"] = await tx.scalar(sql("SELECT name FROM agency WHERE id = :id"), {"id": row.pop("agency_id")})
        for each in found["kin"]:
            other = await tx.scalar(sql("SELECT reference FROM referral WHERE id = :id"), {"id": each.pop("other_id")})
            each["other"] = other
        for each in found["author"]:
            each["name"] = await self._name_of(tx, each["member_id"])

    async def _name_of(self, tx: AsyncConnection, member_id: UUID) -> str | None:
        [row] = await tx.execute(sql("SELECT wrapped_key, identity FROM member WHERE id = :id"), {"id": member_id})
        who = self._identities.unseal(member_id, Sealed(row.wrapped_key, row.identity))
        name: str | None = who.get("name") or who.get("email")
        return name
