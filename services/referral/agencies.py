"""Partner agencies and their keys.

A key is random, shown once and stored as SHA-256; two are valid at a time; a revoked one is refused within a minute.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import tables
from services.referral.document.fields import checked_email
from services.referral.history import Occasion
from shared.audit import Actor, Entry, write
from shared.events import AgencyUpdated
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft

KEYS_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Agency:
    id: UUID
    slug: str
    name: str
    team_inbox: str
    source: str
    ods_code: str | None = None


@dataclass(frozen=True, slots=True)
class AgencyActor(Occasion):
    """An agency that sends or changes a referral: who, when, and what led to it.

    `person` is who of it did so on a page; a program that has the agency's key is nobody in particular.
    """

    agency: Agency
    person: Actor | None = None

    def entry(self, action: str, referral_id: UUID, detail: str | None = None) -> Entry:
        """The line of the audit trail."""
        return Entry(self.person or Actor("agency", self.agency.slug), action, self.at, referral_id, detail)


SOURCES: Final = re.compile(r"[A-Z][0-9]", re.ASCII)
"""NHS SOURCE OF REFERRAL FOR MENTAL HEALTH: a letter and a digit. Early Help has none: M6, another service."""
ODS_CODE: Final = re.compile(r"[A-Z0-9]{3,12}", re.ASCII)
"""Of an organisation in the NHS Organisation Data Service. A nursery or a charity may have none."""
SLUG: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)


class AgencyError(Exception):
    """A command can't be carried out; the message says why."""


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


async def valid_keys(tx: AsyncConnection) -> dict[bytes, Agency]:
    """Digest → agency, of every key that opens the door now."""
    rows = await tx.execute(
        sa.select(tables.agency_key.c.digest, tables.agency)
        .join(tables.agency, tables.agency.c.id == tables.agency_key.c.agency_id)
        .where(tables.agency_key.c.revoked_at.is_(None), tables.agency.c.is_active)
    )
    return {row.digest: Agency(row.id, row.slug, row.name, row.team_inbox, row.source, row.ods_code) for row in rows}


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
    ods_code: str | None = None,
) -> str:
    """A new agency and its first key, which is returned and never shown again.

    Raises AgencyError for a taken slug, and for one, a name, a source, an inbox or an ODS code that can't be used.
    """
    _check(slug=slug, name=name, team_inbox=team_inbox, source=source, ods_code=ods_code)
    taken = await tx.scalar(sa.select(tables.agency.c.id).where(tables.agency.c.slug == slug))
    if taken:
        raise AgencyError(f"there is an agency {slug!r} already")
    agency_id = uuid7()
    await tx.execute(
        tables.agency.insert().values(
            id=agency_id, slug=slug, name=name, team_inbox=team_inbox, source=source, ods_code=ods_code or None
        )
    )
    await _say(tx, agency_id, at)
    await write(tx, [Entry(actor, "agency.added", at, detail=slug)])
    return await _new_key(tx, agency_id, key)


async def change(
    tx: AsyncConnection,
    *,
    slug: str,
    actor: Actor,
    at: datetime,
    name: str | None = None,
    team_inbox: str | None = None,
    source: str | None = None,
    ods_code: str | None = None,
) -> None:
    """Another name, inbox, source or ODS code from now on; mail that waits goes to the new inbox.

    An empty ODS code takes it away. Raises AgencyError.
    """
    agency_id = await _id_of(tx, slug)
    news = {"name": name, "team_inbox": team_inbox, "source": source, "ods_code": ods_code}
    changes = {member: value for member, value in news.items() if value is not None}
    if not changes:
        raise AgencyError("nothing to change was given")
    _check(**changes)
    values = changes | ({"ods_code": ods_code or None} if ods_code is not None else {})
    await tx.execute(tables.agency.update().where(tables.agency.c.id == agency_id).values(**values))
    await _say(tx, agency_id, at)
    await write(tx, [Entry(actor, "agency.changed", at, detail=f"{slug} {' '.join(sorted(changes))}")])


async def end(tx: AsyncConnection, *, slug: str, actor: Actor, at: datetime) -> None:
    """It sends nothing more: its keys stop working within a minute. What it referred goes on, with mail as before."""
    agency_id = await _id_of(tx, slug)
    await tx.execute(tables.agency.update().where(tables.agency.c.id == agency_id).values(is_active=False))
    await _revoke(tx, await _valid_ids(tx, agency_id), at)
    await _say(tx, agency_id, at)
    await write(tx, [Entry(actor, "agency.ended", at, detail=slug)])


async def _say(tx: AsyncConnection, agency_id: UUID, at: datetime) -> None:
    row = (await tx.execute(sa.select(tables.agency).where(tables.agency.c.id == agency_id))).one()
    key = tables.agency_key.c
    revoked = sa.select(sa.func.count()).where(key.agency_id == agency_id, key.revoked_at.is_not(None))
    updated = AgencyUpdated(
        slug=row.slug,
        name=row.name,
        team_inbox=row.team_inbox,
        source=row.source,
        active=row.is_active,
        revoked_keys=await tx.scalar(revoked),
    )
    await outbox.append(tx, [Draft(agency_id, updated, at, Cause(uuid7()))])


def _check(
    *,
    slug: str = "a",
    name: str = "a",
    team_inbox: str = "a@example.org",
    source: str = "A2",
    ods_code: str | None = None,
) -> None:
    if not SLUG.fullmatch(slug):
        raise AgencyError("the short name has small letters, digits and single hyphens")
    if not name.strip() or any(unicodedata.category(each)[0] == "C" for each in name):
        raise AgencyError("the name is empty, or holds a character that cannot be shown")
    if not SOURCES.fullmatch(source):
        raise AgencyError("the source is an NHS source of referral code, a letter and a digit, for example A2")
    if ods_code and not ODS_CODE.fullmatch(ods_code):
        raise AgencyError("the ODS code has 3 to 12 capital letters and digits, for example RHA")
    try:
        checked_email(team_inbox)
    except PydanticCustomError:
        raise AgencyError("the inbox is one e-mail address, without a name or brackets, as team@example.org") from None


async def rotate(tx: AsyncConnection, *, slug: str, actor: Actor, at: datetime) -> str:
    """A further key for the agency; the oldest is revoked when more than two would be valid. Returns the new key."""
    agency_id = await _id_of(tx, slug)
    key = await _new_key(tx, agency_id, None)
    valid = await _valid_ids(tx, agency_id)
    await _revoke(tx, valid[KEYS_AT_ONCE:], at)
    await _say(tx, agency_id, at)
    await write(tx, [Entry(actor, "agency.key-added", at, detail=slug)])
    return key


async def revoke(tx: AsyncConnection, *, slug: str, actor: Actor, at: datetime, all_keys: bool = False) -> int:
    """Revoke all keys but the newest (or all of them); returns how many. It holds everywhere within a minute."""
    agency_id = await _id_of(tx, slug)
    valid = await _valid_ids(tx, agency_id)
    gone = valid if all_keys else valid[1:]
    await _revoke(tx, gone, at)
    await _say(tx, agency_id, at)
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


async def _valid_ids(tx: AsyncConnection, agency_id: UUID) -> list[int]:
    """The keys of an agency that are valid, the newest first."""
    key = tables.agency_key.c
    found = sa.select(key.id).where(key.agency_id == agency_id, key.revoked_at.is_(None)).order_by(key.id.desc())
    return list(await tx.scalars(found))


async def _revoke(tx: AsyncConnection, ids: list[int], at: datetime) -> None:
    await tx.execute(tables.agency_key.update().where(tables.agency_key.c.id.in_(ids)).values(revoked_at=at))
