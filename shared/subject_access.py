"""What one service holds about a referral, for a person who asks for their records: an internal call, audited.

deploy/subject_access.toml says of every column whether it is given, and why not. What is sealed is opened by the
service that holds the key (`Opener`); a sealed value that nobody opened ends the call, rather than being left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import audit
from shared.access import ActingPerson, internal_router
from shared.audit import Actor, Entry
from shared.settings import ROOT
from shared.web import answer

GIVEN: Final = "subject-access.given"
"""The action in the audit trail of each service; its detail is the code of the reason."""
CODE: Final = r"^[a-z-]{1,40}$"

Rows = dict[str, list[dict[str, Any]]]
"""Table → its rows, column → value."""
Opener = Callable[[AsyncConnection, UUID, Rows], Awaitable[None]]
"""Puts words in place of what is sealed or coded, in the rows themselves."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Omitted(_Part):
    columns: str
    why: str = Field(min_length=1)


class ToReview(_Part):
    """What a person has to read before it is given: `third-party` or `may-be-exempt`."""

    columns: str
    mark: Literal["third-party", "may-be-exempt"] = Field(alias="as")
    why: str = Field(min_length=1)


class TableLine(_Part):
    """One table: found by the column `of`, or nothing of it is given, and why."""

    of: str = ""
    give: str = ""
    omit: tuple[Omitted, ...] = ()
    mark: tuple[ToReview, ...] = ()
    none: str = ""


def names_in(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


@cache
def lines_of(schema: str) -> Mapping[str, TableLine]:
    """The lines for the tables of one service: its own, and those that every service has."""
    file = tomllib.loads((ROOT / "deploy" / "subject_access.toml").read_text(encoding="utf-8"))
    return {name: TableLine.model_validate(line) for name, line in (file["shared"] | file[schema]).items()}


async def gather(tx: AsyncConnection, metadata: sa.MetaData, schema: str, referral_id: UUID) -> Rows:
    """The rows about a referral as they are stored, with the columns that are given; tables without any are empty."""
    found: Rows = {}
    for name, line in lines_of(schema).items():
        if line.none or name not in metadata.tables:
            continue
        table, columns = metadata.tables[name], names_in(line.give)
        rows = await tx.execute(
            sa.select(*(table.c[column] for column in columns))
            .where(table.c[line.of] == referral_id)
            .order_by(table.c[columns[0]], *table.primary_key.columns)
        )
        found[name] = [dict(row) for row in rows.mappings()]
    return found


def plain(value: Any) -> Any:
    """Values as JSON has them; raises TypeError for what is still sealed."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a value of type {type(value).__name__} can't be given")


async def given(
    tx: AsyncConnection, metadata: sa.MetaData, schema: str, referral_id: UUID, *, by: Entry, opened: Opener | None
) -> Rows:
    """What is given, in words and JSON values, with the entry in the audit trail; in the caller's transaction."""
    found = await gather(tx, metadata, schema, referral_id)
    if opened:
        await opened(tx, referral_id, found)
    await audit.write(tx, [by])
    return {name: plain(rows) for name, rows in found.items()}


def router(
    engine: AsyncEngine, metadata: sa.MetaData, schema: str, *, token: str, opened: Opener | None = None
) -> APIRouter:
    """One call, for the referral service alone, which gathers from all."""
    routes = internal_router(token)

    @routes.get("/subject-access/{referral_id}", summary="What this service holds about a referral (audited)")
    async def subject_access(
        referral_id: UUID, x_pir_actor: ActingPerson, reason: Annotated[str, Query(pattern=CODE)]
    ) -> Response:
        by = Entry(Actor("operator", x_pir_actor), GIVEN, datetime.now(UTC), referral_id, reason)
        async with engine.begin() as tx:
            return answer({"tables": await given(tx, metadata, schema, referral_id, by=by, opened=opened)})

    return routes
