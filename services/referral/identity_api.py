"""Who a referral is about, for our own services: read one, search, compare family names. Every look is audited.

The audit row is written in the transaction that reads, and never says what was looked for. Whether somebody in a
referral has the family name of a colleague is answered yes or no, never with the name: who looks at a family of their
own name may be a relative.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import tables
from services.referral.document.errors import Invalid, required
from services.referral.document.fields import Day, NhsNumberText, Postcode
from services.referral.document.model import Part
from services.referral.document.read import read
from services.referral.document.text import Name
from services.referral.identity import Identities, Sealed
from shared import audit
from shared.access import ActingPerson, internal_router
from shared.audit import Actor, Entry
from shared.database import sql
from shared.folding import fold
from shared.mistakes import field_errors
from shared.problems import Problem
from shared.strict_json import Unreadable, parse_json
from shared.web import answer, read_json_body

MOST_FOUND: Final = 20
"""Whoever finds more has asked for too little."""
MOST_COMPARED: Final = 200
SHORTEST: Final = 3
"""Letters of a part that counts: `al`, `de` and `el` stand in many names."""
SEARCHED: Final = "identity.searched"
COMPARED: Final = "identity.compared"


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


class OwnName(BaseModel):
    """A referral with the family name of whoever looked at it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    referral_id: UUID
    family_name: Annotated[str, Field(max_length=100)]


class OwnNames(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    pairs: Annotated[tuple[OwnName, ...], Field(max_length=MOST_COMPARED)]


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


def router(engine: AsyncEngine, identities: Identities, internal_token: str) -> APIRouter:
    """Three calls, with the token of triage and the name of who looks."""
    routes = internal_router(internal_token)

    @routes.get("/referrals/{referral_id}/identity", summary="Who a referral is about (audited)")
    async def identity(referral_id: UUID, x_pir_actor: ActingPerson) -> Response:
        async with engine.begin() as tx:
            columns = sa.select(tables.referral.c.wrapped_key, tables.referral.c.identity)
            row = (await tx.execute(columns.where(tables.referral.c.id == referral_id))).one_or_none()
            if row is None or row.wrapped_key is None:  # erased
                raise Problem("not-found")
            actor = Actor("staff", x_pir_actor)
            await audit.write(tx, [Entry(actor, "identity.viewed", datetime.now(UTC), referral_id)])
        return answer(identities.unseal(referral_id, Sealed(row.wrapped_key, row.identity)))

    @routes.post(
        "/referrals/search", summary="Which referrals are about somebody (audited)", openapi_extra=_takes(Search)
    )
    async def search(request: Request, x_pir_actor: ActingPerson) -> Response:
        now = datetime.now(UTC)
        asked = read_search(await _json(request), now=now)
        async with engine.begin() as tx:
            found, is_more = await find(tx, asked, identities, actor=Actor("staff", x_pir_actor), at=now)
        return answer({"referrals": found, "more": is_more})

    @routes.post(
        "/referrals/own-names",
        summary="Who has the family name of who looked (audited)",
        openapi_extra=_takes(OwnNames),
    )
    async def own_names(request: Request, x_pir_actor: ActingPerson) -> Response:
        asked = read_own_names(await _json(request))
        async with engine.begin() as tx:
            same = await compare(tx, asked.pairs, identities)
            by, now = Actor("staff", x_pir_actor), datetime.now(UTC)
            found = [pair.referral_id for pair, is_same in zip(asked.pairs, same, strict=True) if is_same]
            await audit.write(tx, [Entry(by, COMPARED, now, each) for each in dict.fromkeys(found)])
        return answer({"same": same})

    return routes


async def _json(request: Request) -> object:
    """Raises Problem 400, never with what was sent."""
    try:
        return parse_json(await read_json_body(request))
    except Unreadable as error:
        raise Problem("unreadable", error.detail) from None


def read_search(value: object, *, now: datetime) -> Search:
    """Raises Problem 422 with every mistake: without an NHS number, both names and the date of birth are needed."""
    try:
        search = read(Search, value, now=now)
    except Invalid as invalid:
        raise Problem("invalid", errors=invalid.errors) from None
    named = ("given_name", "family_name", "date_of_birth")
    missing = [required(f"/{name}") for name in named if getattr(search, name) is None]
    if missing and not search.nhs_number:
        raise Problem("invalid", errors=missing)
    return search


async def find(
    tx: AsyncConnection, search: Search, identities: Identities, *, actor: Actor, at: datetime
) -> tuple[list[dict[str, str]], bool]:
    """The newest referrals about this person, and whether there are more than MOST_FOUND; erased ones are never found.

    One audit row for each referral found, one without a referral when there is none.
    """
    tokens = identities.looking_for(search, search.postcode)
    found = await tx.execute(
        sql("""
            SELECT r.id, r.reference, r.received_at FROM referral r
            WHERE r.wrapped_key IS NOT NULL
                AND r.id IN (SELECT referral_id FROM family_token WHERE token = ANY(CAST(:tokens AS bytea[])))
            ORDER BY r.received_at DESC, r.id DESC LIMIT :limit
        """),
        {"tokens": list(tokens), "limit": MOST_FOUND + 1},
    )
    rows = found.all()
    shown = rows[:MOST_FOUND]
    about: Sequence[UUID | None] = [row.id for row in shown] or [None]
    await audit.write(tx, [Entry(actor, SEARCHED, at, referral_id, search.reason) for referral_id in about])
    return [
        {"id": str(row.id), "reference": row.reference, "received_at": row.received_at.isoformat()} for row in shown
    ], len(rows) > MOST_FOUND


def read_own_names(value: object) -> OwnNames:
    """Raises Problem 422, never with a name."""
    try:
        return OwnNames.model_validate(value)
    except ValidationError as error:
        raise Problem("invalid", errors=field_errors(error.errors())) from None


async def compare(tx: AsyncConnection, pairs: tuple[OwnName, ...], identities: Identities) -> list[bool]:
    """For each pair whether a baby or carer has that family name, or a part of it; no for what was erased."""
    rows = await tx.execute(
        sql("SELECT id, wrapped_key, identity FROM referral WHERE id = ANY(:ids) AND wrapped_key IS NOT NULL"),
        {"ids": list({pair.referral_id for pair in pairs})},
    )
    names = {row.id: _names_in(identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))) for row in rows}
    return [bool(parts_of(pair.family_name) & names.get(pair.referral_id, set())) for pair in pairs]


def parts_of(family_name: str) -> set[str]:
    """`Nightingale-Oyelaran` has two: either may be what a relative is called. Case and accents do not matter."""
    return {part for part in fold(family_name).split() if len(part) >= SHORTEST}


def _names_in(sent: dict[str, Any]) -> set[str]:
    people = [person for kind in ("babies", "caregivers") for person in sent["document"].get(kind) or () if person]
    return {part for person in people for part in parts_of(person.get("family_name") or "")}
