"""The audit trail of all four services as one: who may read what of it, asked side by side and merged by time."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.triage.work_items import item
from shared import audit, audit_calls
from shared.access import Role, Staff
from shared.audit import Actor, Entry
from shared.audit_calls import AuditQuery, AuditRow, AuditRows
from shared.database import sql
from shared.internal_client import Called, InternalClient
from shared.problems import Problem

log = structlog.get_logger(__name__)

READ: Final = "audit.read"
HERE: Final = "triage"
"""This service, whose rows are read without a call."""
_TEAM: Final = frozenset({Role.LEAD, Role.MANAGER})
_LAST_ID: Final = 2**63 - 1


class Scope(NamedTuple):
    """Whose entries: of one kind of actor or of all, of one actor or of all, with one action, about one referral."""

    actor_kind: str | None = None
    actor: str | None = None
    action: str | None = None
    reference: str | None = None

    @classmethod
    def of(cls, staff: Staff, *, actor: str | None, action: str | None, reference: str | None) -> Self:
        """What `staff` may read of what they ask for; raises Problem 403.

        A worker reads their own entries, a lead and a manager those of all staff, an auditor those of agencies and of
        the system too.
        """
        if staff.role is Role.AUDITOR:
            return cls(None, actor, action, reference)
        if staff.role in _TEAM:
            return cls("staff", actor, action, reference)
        if staff.role is not Role.WORKER or actor not in (None, staff.id):
            raise Problem("forbidden", "You may read your own entries only")
        return cls("staff", staff.id, action, reference)


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One entry; `actor_name` and `reference` where triage knows them, `detail` a code, a number or an id."""

    at: datetime
    service: str
    id: int
    actor_kind: str
    actor: str
    actor_name: str | None
    action: str
    reference: str | None
    detail: str | None

    def shown(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "id"} | {"at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class TrailPage:
    """The newest first; `next` is the cursor of older ones, `missing` names the services that did not answer."""

    entries: tuple[TrailEntry, ...]
    next: str | None
    missing: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        return {"items": [each.shown() for each in self.entries], "next": self.next, "missing": list(self.missing)}


class _Position(NamedTuple):
    """Of an entry among those of all services: the later time stands first, then the later service and number."""

    at: datetime
    service: str
    id: int

    @classmethod
    def of(cls, service: str, row: AuditRow) -> Self:
        return cls(row.at, service, row.id)

    def write(self) -> str:
        return base64.urlsafe_b64encode(f"{self.at.isoformat()} {self.service} {self.id}".encode()).decode()

    @classmethod
    def read(cls, cursor: str) -> Self:
        """Raises Problem 400 for what is no cursor of ours."""
        try:
            at, service, number = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().split(" ")
            position = cls(datetime.fromisoformat(at), service, int(number))
        except (ValueError, binascii.Error):
            raise Problem("cursor-unknown") from None
        if position.at.tzinfo is None or not 0 <= position.id <= _LAST_ID:
            raise Problem("cursor-unknown")
        return position

    def bound(self, service: str) -> dict[str, Any]:
        """What is older than this, as one service has to be asked."""
        of_same_time = {True: _LAST_ID, False: 0}[service < self.service] if service != self.service else self.id
        return {"before": self.at, "before_id": of_same_time}


class AuditTrails(InternalClient):
    """The trails, asked of each other service; triage's own is read here."""

    def __init__(
        self,
        engine: AsyncEngine,
        services: Mapping[str, Called],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(transport=transport)
        self._engine = engine
        self._services = dict(services)

    async def page(self, staff: Staff, scope: Scope, *, after: str | None, limit: int, at: datetime) -> TrailPage:
        """So many entries, from `after` on; reading those of others is itself written down, before they are read.

        Raises Problem 400 for a cursor that is not ours, 404 for a reference that is not known.
        """
        position = _Position.read(after) if after else None
        async with self._engine.begin() as tx:
            referral_id = await _referral_of(tx, scope.reference)
            if scope.actor != staff.id:
                await write_reading(tx, staff, at=at, detail=await _asked_for(tx, scope))
        asked = scope._asdict() | {"referral_id": referral_id, "limit": limit + 1}
        query = AuditQuery(**{name: value for name, value in asked.items() if name != "reference"})
        bounds = {name: position.bound(name) if position else {} for name in self._services}
        answers = await asyncio.gather(
            *(self._of(name, query.model_copy(update=bounds[name])) for name in self._services)
        )
        told = dict(zip(self._services, answers, strict=True))
        found = [(name, row) for name, each in told.items() if each for row in each.items]
        found.sort(key=lambda each: _Position.of(*each), reverse=True)
        shown = found[:limit]
        return TrailPage(
            await self._known(shown),
            _Position.of(*shown[-1]).write() if len(found) > limit else None,
            tuple(name for name, each in told.items() if each is None),
        )

    async def _of(self, service: str, query: AuditQuery) -> AuditRows | None:
        """None when the service does not answer, or answers with something else."""
        if service == HERE:
            async with self._engine.connect() as tx:
                return await audit_calls.rows(tx, query)
        try:
            called, asked = self._services[service], query.model_dump(mode="json", exclude_none=True)
            answer = await self._http.get(f"{called.url}/internal/audit", params=asked, headers=called.headers)
            return AuditRows.model_validate_json(answer.raise_for_status().content)
        except (httpx.HTTPError, ValidationError) as error:
            log.warning("no audit trail now", service=service, cause=type(error).__name__)
            return None

    async def _known(self, found: Sequence[tuple[str, AuditRow]]) -> tuple[TrailEntry, ...]:
        """With the names of colleagues and the references of referrals."""
        async with self._engine.connect() as tx:
            names = await item.names_of(tx, (row.actor for _, row in found if row.actor_kind == "staff"))
            references = await references_of(tx, (row.referral_id for _, row in found))
        return tuple(
            TrailEntry(
                **row.model_dump(exclude={"referral_id"}),
                service=name,
                actor_name=names.get(row.actor) if row.actor_kind == "staff" else None,
                reference=references.get(row.referral_id) if row.referral_id else None,
            )
            for name, row in found
        )


async def write_reading(tx: AsyncConnection, staff: Staff, *, at: datetime, detail: str) -> None:
    """That somebody reads the trail of others; `detail` says which part of it, in codes."""
    await audit.write(tx, [Entry(Actor("staff", staff.id), READ, at, detail=detail)])


async def names_of_colleagues(tx: AsyncConnection) -> dict[str, str]:
    """Everybody who has signed in, by staff id."""
    return {row.id: row.name for row in await tx.execute(sql("SELECT id, name FROM colleague"))}


_REFERENCES: Final = "SELECT id, reference FROM referral UNION SELECT referral_id, reference FROM work_item"


async def references_of(tx: AsyncConnection, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """By the id of a referral or request; those that triage has not heard of are left out."""
    found = await tx.execute(
        sql(f"SELECT * FROM ({_REFERENCES}) known WHERE id = ANY(:ids)"),  # noqa: S608  this module's own
        {"ids": list({each for each in ids if each})},
    )
    return {row.id: row.reference for row in found}


async def _referral_of(tx: AsyncConnection, reference: str | None) -> UUID | None:
    if reference is None:
        return None
    found: UUID | None = await tx.scalar(
        sql(f"SELECT id FROM ({_REFERENCES}) known WHERE reference = :reference LIMIT 1"),  # noqa: S608  as above
        {"reference": reference},
    )
    if found is None:
        raise Problem("not-found", "There is no referral with this reference")
    return found


async def _asked_for(tx: AsyncConnection, scope: Scope) -> str:
    """What was read, in codes that are known here: what somebody typed may be a name."""
    is_known = scope.actor is not None and await tx.scalar(_IS_ACTOR, {"id": scope.actor})
    actor = scope.actor if is_known else "other" if scope.actor else None
    parts = {"referral": scope.reference, "actor": actor}
    return " ".join(f"{name}={value}" for name, value in parts.items() if value) or "all"


_IS_ACTOR: Final = sql("""
    SELECT EXISTS (SELECT 1 FROM colleague WHERE id = :id) OR EXISTS (SELECT 1 FROM audit WHERE actor_id = :id)
""")
