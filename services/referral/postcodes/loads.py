"""The rows of loads: which one is in force, and putting another in its place in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.postcodes.packing import Area
from shared.database import sql

COPY_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Load:
    """What was read of a file. `columns` are those taken, `indexes` the edition of each country's index."""

    file: str
    loaded_at: datetime
    loaded_by: str
    postcodes: int
    terminated: int
    unread: int
    columns: Mapping[str, str]
    indexes: Mapping[str, str]


_CURRENT: Final = "FROM postcode_load WHERE ended_at IS NULL"


async def current_id(tx: AsyncConnection) -> int | None:
    """The load in force; None when the files that ship answer."""
    found: int | None = await tx.scalar(sql(f"SELECT id {_CURRENT}"))
    return found


async def current(tx: AsyncConnection) -> Load | None:
    row = (
        await tx.execute(
            sql("SELECT file, loaded_at, loaded_by, postcodes, terminated, unread, columns, indexes " + _CURRENT)
        )
    ).one_or_none()
    return Load(*row) if row else None


async def last_size(tx: AsyncConnection) -> int | None:
    """How many postcodes the last load had, whether it is in force or not; None before the first."""
    found: int | None = await tx.scalar(sql("SELECT postcodes FROM postcode_load ORDER BY id DESC LIMIT 1"))
    return found


async def read(tx: AsyncConnection, load_id: int) -> tuple[list[Area], dict[str, bytes]]:
    """The list of areas and the run of each outward code; in a transaction that sees one moment throughout."""
    areas = await tx.scalar(sql("SELECT areas FROM postcode_load WHERE id = :id"), {"id": load_id})
    rows = await tx.execute(sql("SELECT outward, run FROM postcode_run WHERE load_id = :id"), {"id": load_id})
    return [(ward, authority) for ward, authority in areas], {row.outward: row.run for row in rows}


async def replace(tx: AsyncConnection, load: Load, areas: list[Area], runs: Iterable[tuple[str, bytes]]) -> int:
    """Store a load and end the one before, all in the caller's transaction; returns the new load's id."""
    await end(tx, at=load.loaded_at)
    await tx.execute(sql(f"SET LOCAL statement_timeout = '{COPY_SECONDS}s'"))
    load_id: int = await tx.scalar(_INSERT, _values(load, areas))
    driver: Any = (await tx.get_raw_connection()).driver_connection
    await driver.copy_records_to_table(
        "postcode_run",
        records=((load_id, outward, run) for outward, run in runs),
        columns=["load_id", "outward", "run"],
        timeout=COPY_SECONDS,
    )
    return load_id


async def end(tx: AsyncConnection, *, at: datetime) -> bool:
    """The load in force is so no more, and its postcodes go; what it was stays. False when there was none."""
    ended = await tx.execute(
        sql("UPDATE postcode_load SET ended_at = :at, areas = '[]' WHERE ended_at IS NULL RETURNING id"), {"at": at}
    )
    ids = ended.scalars().all()
    await tx.execute(sql("DELETE FROM postcode_run"))
    return bool(ids)


_INSERT: Final = sql("""
    INSERT INTO postcode_load (file, loaded_at, loaded_by, postcodes, terminated, unread, columns, indexes, areas)
    VALUES (:file, :loaded_at, :loaded_by, :postcodes, :terminated, :unread, CAST(:columns AS jsonb),
            CAST(:indexes AS jsonb), CAST(:areas AS jsonb))
    RETURNING id
""")


def _values(load: Load, areas: list[Area]) -> dict[str, Any]:
    return {
        "file": load.file,
        "loaded_at": load.loaded_at,
        "loaded_by": load.loaded_by,
        "postcodes": load.postcodes,
        "terminated": load.terminated,
        "unread": load.unread,
        "columns": json.dumps(dict(load.columns)),
        "indexes": json.dumps(dict(load.indexes)),
        "areas": json.dumps(areas),
    }
