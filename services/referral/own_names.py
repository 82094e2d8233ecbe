"""Whether somebody in a referral has the family name of a colleague: yes or no, never the name.

For the audit of looks: who looks at a family of their own name may be a relative. Every yes is in the audit trail.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral.identity import Identities, Sealed
from shared import audit
from shared.access import check_internal
from shared.audit import Actor, Entry
from shared.database import sql
from shared.folding import fold
from shared.problems import Problem, from_validation
from shared.strict_json import Unreadable, parse_json
from shared.web import answer, read_json_body

COMPARED: Final = "identity.compared"
MOST: Final = 200
SHORTEST: Final = 3
"""Letters of a part that counts: `al`, `de` and `el` stand in many names."""

Asking = Annotated[str, Header(min_length=1, max_length=100)]


class Pair(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    referral_id: UUID
    family_name: Annotated[str, Field(max_length=100)]


class Pairs(BaseModel):
    """Referrals, each with the family name of whoever looked at it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    pairs: Annotated[tuple[Pair, ...], Field(max_length=MOST)]


_TAKES: Final = {"requestBody": {"content": {"application/json": {"schema": Pairs.model_json_schema()}}}}


def router(engine: AsyncEngine, identities: Identities, internal_token: str) -> APIRouter:
    """One call, with the internal token and the name of who asks."""

    async def known_service(request: Request) -> None:
        check_internal(request, internal_token)  # before anything is said about the rest of the request

    routes = APIRouter(prefix="/internal", tags=["internal"], dependencies=[Depends(known_service)])

    @routes.post(
        "/referrals/own-names", summary="Who has the family name of who looked (audited)", openapi_extra=_TAKES
    )
    async def own_names(request: Request, x_pir_actor: Asking) -> Response:
        asked = _read(await read_json_body(request))
        async with engine.begin() as tx:
            same = await compare(tx, asked.pairs, identities)
            by, now = Actor("staff", x_pir_actor), datetime.now(UTC)
            found = [pair.referral_id for pair, is_same in zip(asked.pairs, same, strict=True) if is_same]
            await audit.write(tx, [Entry(by, COMPARED, now, each) for each in dict.fromkeys(found)])
        return answer({"same": same})

    return routes


async def compare(tx: AsyncConnection, pairs: tuple[Pair, ...], identities: Identities) -> list[bool]:
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


def _read(body: bytes) -> Pairs:
    """Raises Problem 400 or 422, never with a name."""
    try:
        return Pairs.model_validate(parse_json(body))
    except Unreadable as error:
        raise Problem("unreadable", error.detail) from None
    except ValidationError as error:
        raise Problem("invalid", errors=from_validation(error)) from None
