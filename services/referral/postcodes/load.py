"""From a file to a load in force, and the rows of loads. The file is read whole before anything changes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral.postcodes.checks import Index, index_of, look_at
from services.referral.postcodes.ons_file import BusyError, DoubtsError, Rows, RowsError, opened
from services.referral.postcodes.packing import Area, Packing
from shared import audit
from shared.audit import Actor, Entry
from shared.database import alone, sql
from shared.policy import Policy

EVERY_SECONDS: Final = 3.0
EVERY_ROWS: Final = 20_000
"""The clock is asked only now and then: a row takes microseconds."""


class LoadProgress:
    """`position` of `size` bytes are read; `clock` counts seconds, `tell` shows a line."""

    def __init__(
        self, size: int, position: Callable[[], int], *, clock: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self._size = max(size, 1)
        self._position = position
        self._clock = clock
        self._tell = tell
        self._began = self._told_at = clock()

    def at(self, rows: int) -> None:
        """Say where it stands, if it is time."""
        now = self._clock()
        if now - self._told_at < EVERY_SECONDS:
            return
        self._told_at = now
        share = min(self._position() / self._size, 1.0)
        left = (now - self._began) * (1 - share) / share if share else 0.0
        self._tell(f"{rows:>10,} rows  {share:>4.0%}  about {left:.0f} s left")


_LOCK: Final = crc32(b"referral_postcodes")


@dataclass(frozen=True, slots=True)
class How:
    """Who loads, on which clocks (`now` of days, `clock` of seconds), where lines go, and whether doubts are heard."""

    by: Actor
    policy: Policy
    now: Callable[[], datetime]
    clock: Callable[[], float]
    tell: Callable[[str], None]
    insists: bool = False


@asynccontextmanager
async def only_loader(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that holds the lock of loading, outside any transaction; raises BusyError when another has it."""
    async with alone(engine, _LOCK) as connection:
        if connection is None:
            raise BusyError("Somebody else is loading postcodes now. Wait until that has ended.")
        yield connection


@dataclass(frozen=True, slots=True)
class Directory:
    """A file that was read; `indexes` are the editions of the countries' indexes, None for one that is not known."""

    name: str
    packing: Packing
    columns: Mapping[str, str]
    unread: int
    indexes: Mapping[str, Index | None]


async def load(engine: AsyncEngine, path: Path, how: How) -> Load:
    """Load a directory and put it in force. Raises LoadError; whatever goes wrong, what was in force stays."""
    async with only_loader(engine) as connection:
        async with connection.begin():
            before = await last_size(connection)
        directory = read_file(path, how)
        _doubt(directory, before, how)
        how.tell(f"{directory.packing.postcodes:,} postcodes read; storing them")
        indexes = {country: index for country, index in directory.indexes.items() if index}
        loaded = Load(
            file=directory.name,
            loaded_at=how.now(),
            loaded_by=how.by.id,
            postcodes=directory.packing.postcodes,
            terminated=directory.packing.terminated,
            unread=directory.unread,
            columns=directory.columns,
            indexes={country: index.name for country, index in indexes.items()},
        )
        runs = list(directory.packing.runs({country: index.areas for country, index in indexes.items()}))
        async with connection.begin():  # short: while it is open agencies' feeds stand still
            load_id = await store(connection, loaded, directory.packing.areas, runs)
            await audit.write(connection, [Entry(how.by, "places.loaded", loaded.loaded_at, detail=str(load_id))])
    return loaded


def read_file(path: Path, how: How) -> Directory:
    """Read the whole file, in the memory of its packed postcodes. Raises LoadError."""
    packing = Packing()
    with opened(path) as file:
        rows = Rows(file.lines)
        names = rows.columns.names
        how.tell(f"{file.name}: {', '.join(f'{what} from {name}' for what, name in names.items())}")
        progress = LoadProgress(file.size, file.position, clock=how.clock, tell=how.tell)
        for row in rows:
            packing.add(row)
            if packing.postcodes % EVERY_ROWS == 0:
                progress.at(packing.postcodes)
        rows.unread.refuse_if_too_many(packing.postcodes)
        if not packing.postcodes:
            raise RowsError("The file has no postcodes.")
        for line in rows.unread.shown:
            how.tell(f"left out: {line}")
    indexes = {
        country: index_of(country, highest_rank=rank, column=names["deprivation"])
        for country, rank in sorted(packing.highest_ranks.items())
    }
    return Directory(file.name, packing, names, rows.unread.count, indexes)


def _doubt(directory: Directory, before: int | None, how: How) -> None:
    """Say what is remarkable. Raises DoubtsError, unless somebody insists."""
    found = look_at(directory.packing, directory.indexes, before=before, policy=how.policy)
    for remark in [*found.remarks, *(found.reasons if how.insists else ())]:
        how.tell(remark)
    if found.reasons and not how.insists:
        raise DoubtsError("\n".join(found.reasons))


async def unload(engine: AsyncEngine, *, by: Actor, at: datetime) -> bool:
    """Go back to the files that ship; False when nothing was loaded. Raises BusyError while somebody loads."""
    async with only_loader(engine) as connection, connection.begin():
        was_loaded = await end(connection, at=at)
        if was_loaded:
            await audit.write(connection, [Entry(by, "places.unloaded", at)])
    return was_loaded


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


async def id_in_force(tx: AsyncConnection) -> int | None:
    """The load in force; None when the files that ship answer."""
    found: int | None = await tx.scalar(sql(f"SELECT id {_CURRENT}"))
    return found


async def load_in_force(tx: AsyncConnection) -> Load | None:
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


async def read_load(tx: AsyncConnection, load_id: int) -> tuple[list[Area], dict[str, bytes]]:
    """The list of areas and the run of each outward code; in a transaction that sees one moment throughout."""
    areas = await tx.scalar(sql("SELECT areas FROM postcode_load WHERE id = :id"), {"id": load_id})
    rows = await tx.execute(sql("SELECT outward, run FROM postcode_run WHERE load_id = :id"), {"id": load_id})
    return [(ward, authority) for ward, authority in areas], {row.outward: row.run for row in rows}


async def store(tx: AsyncConnection, load: Load, areas: list[Area], runs: Iterable[tuple[str, bytes]]) -> int:
    """Store a load and end the one before, all in the caller's transaction; returns the new load's id."""
    await end(tx, at=load.loaded_at)
    await tx.execute(sql(f"SET LOCAL statement_timeout = '{COPY_SECONDS}s'"))
    load_id: int = await tx.scalar(
        _INSERT,
        asdict(load)
        | {
            "columns": json.dumps(dict(load.columns)),
            "indexes": json.dumps(dict(load.indexes)),
            "areas": json.dumps(areas),
        },
    )
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
