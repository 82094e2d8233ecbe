"""People of an agency who sign in to the pages. Who they are is sealed; their address is found by a keyed digest.

A member belongs to one agency. A keeper adds and ends colleagues, and sees which referrals the agency has, not whom
they are about. Somebody of the triage team who takes a call for an agency is a member of their own kind: without an
address, so that no code lets them in, and no colleague of the agency's people (calls.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import tables
from services.referral.agencies import Agency
from services.referral.document.fields import checked_email
from services.referral.identity import Identities, Sealed
from services.referral.submitting import idempotency
from shared.audit import Actor, Entry, write
from shared.crypto import ID_BYTES
from shared.database import sql
from shared.ids import uuid7
from shared.strict_json import canonical

ADDRESS: Final = "member"
CALLS: Final = "member for calls"
TAKEN: Final = "somebody with that address can sign in already"


class MemberError(Exception):
    """It can't be done; the message says why, without the address."""


@dataclass(frozen=True, slots=True)
class Member:
    """One person. `name`, `role` and `phone` are what they last wrote into a form as the referrer, or empty.

    With a `staff_id` it is a member of staff who takes calls for the agency: `name` is theirs, `email` is empty.
    """

    id: UUID
    agency: Agency
    email: str
    is_keeper: bool
    name: str = ""
    role: str = ""
    phone: str = ""
    added_at: datetime | None = None
    staff_id: str | None = None

    @property
    def is_staff(self) -> bool:
        return self.staff_id is not None

    @property
    def actor(self) -> Actor:
        """For the audit trail, which names no address."""
        return Actor("member", str(self.id)) if self.staff_id is None else Actor("staff", self.staff_id)

    @property
    def as_referrer(self) -> dict[str, str]:
        """As a document has it, as far as it is known; nothing for staff: the referrer is whoever rings."""
        if self.is_staff:
            return {}
        known = {"name": self.name, "role": self.role, "email": self.email, "phone": self.phone}
        return {name: value for name, value in known.items() if value}

    @property
    def label(self) -> str:
        """Who is signed in, for the head of each page."""
        return f"{self.name or self.email}, {'for ' if self.is_staff else ''}{self.agency.name}"


_COLUMNS: Final = """
    m.id, m.wrapped_key, m.identity, m.is_keeper, m.added_at, m.staff_id,
    a.id AS agency_id, a.slug, a.name AS agency_name, a.team_inbox, a.source
"""
_ACTIVE: Final = "member m JOIN agency a ON a.id = m.agency_id AND a.is_active AND m.ended_at IS NULL"
"""Who may sign in now, with their agency."""
_BY_EMAIL: Final = sql(f"SELECT {_COLUMNS} FROM {_ACTIVE} WHERE m.email_digest = ANY(CAST(:digests AS bytea[]))")  # noqa: S608  constants
_IS_TAKEN: Final = sql("SELECT id FROM member WHERE email_digest = ANY(:digests) AND ended_at IS NULL")
_OF_AGENCY: Final = sql(
    f"SELECT {_COLUMNS} FROM {_ACTIVE} WHERE m.agency_id = :agency AND m.staff_id IS NULL "  # noqa: S608  constants
    "ORDER BY m.added_at, m.id"
)
OF_SESSION: Final = sql(f"""
    SELECT {_COLUMNS}, s.csrf, s.seen_at <= :stale AS is_stale
    FROM member_session s JOIN ({_ACTIVE}) ON m.id = s.member_id
    WHERE s.digest = :digest AND s.seen_at > :idle AND s.started_at > :whole
        AND (m.staff_id IS NULL OR s.started_at > :call)
""")  # noqa: S608  constants
OF_TICKET: Final = sql(f"""
    WITH used AS (DELETE FROM call_ticket WHERE digest = :digest AND until > :at RETURNING draft_id)
    SELECT {_COLUMNS}, d.id AS draft_id
    FROM used JOIN draft d ON d.id = used.draft_id JOIN ({_ACTIVE}) ON m.id = d.member_id
""")  # noqa: S608  constants


def address_of(text: str) -> str:
    """An address as it is compared: without spaces around it, in small letters."""
    return text.strip().lower()


def digests_of_address(identities: Identities, email: str) -> tuple[bytes, ...]:
    """The one to write first; all of them to look for."""
    return identities.digests(ADDRESS, address_of(email))


def member_of(row: sa.Row[Any], identities: Identities) -> Member:
    """From the columns above."""
    known = identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))["document"]
    agency = Agency(row.agency_id, row.slug, row.agency_name, row.team_inbox, row.source)
    return Member(row.id, agency, is_keeper=row.is_keeper, added_at=row.added_at, staff_id=row.staff_id, **known)


async def by_digests(tx: AsyncConnection, identities: Identities, digests: Sequence[bytes]) -> Member | None:
    """The member of the address with one of these digests, whose agency is active."""
    row = (await tx.execute(_BY_EMAIL, {"digests": list(digests)})).first()
    return member_of(row, identities) if row else None


async def by_email(tx: AsyncConnection, identities: Identities, email: str) -> Member | None:
    return await by_digests(tx, identities, digests_of_address(identities, email))


async def is_active(tx: AsyncConnection, member_id: UUID) -> bool:
    """Whether they may sign in now."""
    active = sql(f"SELECT EXISTS (SELECT FROM {_ACTIVE} WHERE m.id = :id)")  # noqa: S608  constants
    return bool(await tx.scalar(active, {"id": member_id}))


async def was_ended(tx: AsyncConnection, identities: Identities, email: str) -> bool:
    """Whether somebody with this address was a member once and was ended."""
    ended = sql("SELECT EXISTS (SELECT FROM member WHERE email_digest = ANY(:digests) AND ended_at IS NOT NULL)")
    return bool(await tx.scalar(ended, {"digests": list(digests_of_address(identities, email))}))


async def of_agency(tx: AsyncConnection, identities: Identities, agency_id: UUID) -> Sequence[Member]:
    """Everybody of the agency who may sign in, in the order in which they came."""
    return [member_of(row, identities) for row in await tx.execute(_OF_AGENCY, {"agency": agency_id})]


async def add(
    tx: AsyncConnection,
    identities: Identities,
    *,
    slug: str,
    email: str,
    is_keeper: bool,
    actor: Actor,
    at: datetime,
    known: Mapping[str, str] | None = None,
) -> UUID:
    """A new member of the agency. Raises MemberError for an unknown agency and an address that can't be used or is."""
    address = address_of(email)
    try:
        checked_email(address)
    except PydanticCustomError:
        raise MemberError("that is no e-mail address that can be used: one address, as name@example.org") from None
    agency_id: UUID | None = await tx.scalar(
        sa.select(tables.agency.c.id).where(tables.agency.c.slug == slug, tables.agency.c.is_active)
    )
    if agency_id is None:
        raise MemberError(f"there is no active agency {slug!r}")
    member_id, digests = uuid7(), digests_of_address(identities, address)
    await idempotency.lock(tx, digests)
    if await tx.scalar(_IS_TAKEN, {"digests": list(digests)}):
        raise MemberError(TAKEN)
    sealed = identities.seal(member_id, canonical({"email": address, **(known or {})}))
    added = await tx.execute(
        sql("""
            INSERT INTO member (id, agency_id, email_digest, wrapped_key, identity, is_keeper, added_at, index_key)
            VALUES (:id, :agency, :digest, :key, :identity, :keeper, :at, :index_key)
            ON CONFLICT (email_digest) WHERE ended_at IS NULL DO NOTHING
        """),
        {
            "id": member_id,
            "agency": agency_id,
            "digest": digests[0],
            "index_key": identities.index_key[:ID_BYTES],
            "key": sealed.wrapped_key,
            "identity": sealed.identity,
            "keeper": is_keeper,
            "at": at,
        },
    )
    if not added.rowcount:
        raise MemberError(TAKEN)
    await write(tx, [Entry(actor, "member.added", at, detail=f"{slug} {member_id}")])
    return member_id


async def for_calls(
    tx: AsyncConnection, identities: Identities, *, agency_id: UUID, staff_id: str, name: str, at: datetime
) -> UUID:
    """The member that this person of the triage team is for calls of the agency, whose row the caller has locked."""
    digests = identities.digests(CALLS, agency_id.bytes, staff_id)
    known: UUID | None = await tx.scalar(_IS_TAKEN, {"digests": list(digests)})
    member_id = known or uuid7()
    sealed = identities.seal(member_id, canonical({"email": "", "name": name}))
    await tx.execute(
        sql("""
            INSERT INTO member (id, agency_id, email_digest, wrapped_key, identity, staff_id, is_keeper, added_at,
                                index_key)
            VALUES (:id, :agency, :digest, :key, :identity, :staff, false, :at, :index_key)
            ON CONFLICT (id) DO UPDATE SET wrapped_key = excluded.wrapped_key, identity = excluded.identity
        """),
        {
            "id": member_id,
            "agency": agency_id,
            "digest": digests[0],
            "index_key": identities.index_key[:ID_BYTES],
            "key": sealed.wrapped_key,
            "identity": sealed.identity,
            "staff": staff_id,
            "at": at,
        },
    )
    return member_id


async def end(tx: AsyncConnection, member_id: UUID, *, agency_id: UUID, actor: Actor, at: datetime) -> bool:
    """They are out at once, with every session. False when the agency has no such member: staff are none of theirs."""
    ended = await tx.execute(
        sql("""
            UPDATE member SET ended_at = :at
            WHERE id = :id AND agency_id = :agency AND ended_at IS NULL AND staff_id IS NULL
        """),
        {"id": member_id, "agency": agency_id, "at": at},
    )
    if not ended.rowcount:
        return False
    await tx.execute(sql("DELETE FROM member_session WHERE member_id = :id"), {"id": member_id})
    await write(tx, [Entry(actor, "member.ended", at, detail=str(member_id))])
    return True


async def remember(tx: AsyncConnection, identities: Identities, member: Member, referrer: Mapping[str, Any]) -> None:
    """What they wrote of themselves in a form stands in the next one; staff write of whoever rings."""
    if member.is_staff:
        return
    said = {name: str(referrer[name]) for name in ("name", "role", "phone") if referrer.get(name)}
    sealed = identities.seal(member.id, canonical({"email": member.email, **said}))
    await tx.execute(
        sql("UPDATE member SET wrapped_key = :key, identity = :identity WHERE id = :id"),
        {"id": member.id, "key": sealed.wrapped_key, "identity": sealed.identity},
    )
