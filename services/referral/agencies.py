"""Partner agencies and their keys.

A key is random, shown once and stored as SHA-256; two are valid at a time; a revoked one is refused within a minute.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import tables
from shared import outbox
from shared.audit import Actor, Entry, write
from shared.events import AgencyUpdated
from shared.ids import uuid7
from shared.outbox import Cause, Draft

KEYS_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Agency:
    id: UUID
    slug: str
    name: str
    team_inbox: str
    source: str


class AgencyError(Exception):
    """A command can't be carried out; the message says why."""


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


async def valid_keys(tx: AsyncConnection) -> dict[bytes, Agency]:
    """Digest → agency, of every key that opens the door now."""
    rows = await tx.execute(
        sa.select(tables.agency_key.c.digest, *_columns())
        .join(tables.agency, tables.agency.c.id == tables.agency_key.c.agency_id)
        .where(tables.agency_key.c.revoked_at.is_(None), tables.agency.c.is_active)
    )
    return {row.digest: Agency(row.id, row.slug, row.name, row.team_inbox, row.source) for row in rows}


async def add(
    tx: AsyncConnection,
    *,
    slug: str,
    name: str,
    team_inbox: str,
    source: str,
    actor: Actor,
    at: datetime,
    key: str | None = None,
) -> str:
    """A new agency and its first key, which is returned and never shown again. Raises AgencyError for a taken slug."""
    taken = await tx.scalar(sa.select(tables.agency.c.id).where(tables.agency.c.slug == slug))
    if taken:
        raise AgencyError(f"there is an agency {slug!r} already")
    agency_id = uuid7()
    await tx.execute(
        tables.agency.insert().values(id=agency_id, slug=slug, name=name, team_inbox=team_inbox, source=source)
    )
    updated = AgencyUpdated(slug=slug, name=name, team_inbox=team_inbox, source=source)
    await outbox.append(tx, [Draft(agency_id, updated, at, Cause(uuid7()))])
    await write(tx, [Entry(actor, "agency.added", at, detail=slug)])
    return await _new_key(tx, agency_id, key)


async def rotate(tx: AsyncConnection, *, slug: str, actor: Actor, at: datetime) -> str:
    """A further key for the agency; the oldest is revoked when more than two would be valid. Returns the new key."""
    agency_id = await _id_of(tx, slug)
    key = await _new_key(tx, agency_id, None)
    valid = (
        await tx.scalars(
            sa.select(tables.agency_key.c.id)
            .where(tables.agency_key.c.agency_id == agency_id, tables.agency_key.c.revoked_at.is_(None))
            .order_by(tables.agency_key.c.id.desc())
        )
    ).all()
    await _revoke(tx, list(valid[KEYS_AT_ONCE:]), at)
    await write(tx, [Entry(actor, "agency.key-added", at, detail=slug)])
    return key


async def revoke(tx: AsyncConnection, *, slug: str, actor: Actor, at: datetime, all_keys: bool = False) -> int:
    """Revoke all keys but the newest (or all of them); returns how many. It holds everywhere within a minute."""
    agency_id = await _id_of(tx, slug)
    valid = (
        await tx.scalars(
            sa.select(tables.agency_key.c.id)
            .where(tables.agency_key.c.agency_id == agency_id, tables.agency_key.c.revoked_at.is_(None))
            .order_by(tables.agency_key.c.id.desc())
        )
    ).all()
    gone = list(valid if all_keys else valid[1:])
    await _revoke(tx, gone, at)
    await write(tx, [Entry(actor, "agency.keys-revoked", at, detail=slug)])
    return len(gone)


async def _id_of(tx: AsyncConnection, slug: str) -> UUID:
    found: UUID | None = await tx.scalar(
        sa.select(tables.agency.c.id).where(tables.agency.c.slug == slug).with_for_update()
    )
    if found is None:
        raise AgencyError(f"there is no agency {slug!r}")
    return found


async def _new_key(tx: AsyncConnection, agency_id: UUID, key: str | None) -> str:
    key = key or "pir_" + secrets.token_urlsafe(32)
    await tx.execute(tables.agency_key.insert().values(agency_id=agency_id, digest=digest_of(key)))
    return key


async def _revoke(tx: AsyncConnection, ids: list[int], at: datetime) -> None:
    await tx.execute(tables.agency_key.update().where(tables.agency_key.c.id.in_(ids)).values(revoked_at=at))


def _columns() -> tuple[sa.ColumnElement[object], ...]:
    agency = tables.agency.c
    return (agency.id, agency.slug, agency.name, agency.team_inbox, agency.source)
