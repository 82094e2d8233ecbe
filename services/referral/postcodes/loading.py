"""From a file to a load in force: read it whole, doubt it, then one short transaction; before that nothing changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zlib import crc32

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral.postcodes import doubts, loads
from services.referral.postcodes.deprivation import Index, index_of
from services.referral.postcodes.errors import BusyError, DoubtsError, RowsError
from services.referral.postcodes.loads import Load
from services.referral.postcodes.opening import opened
from services.referral.postcodes.packing import Packing
from services.referral.postcodes.progress import EVERY_ROWS, Progress
from services.referral.postcodes.rows import Rows
from shared import audit
from shared.audit import Actor, Entry
from shared.database import alone
from shared.policy import Policy

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

    @property
    def known_indexes(self) -> dict[str, Index]:
        return {country: index for country, index in self.indexes.items() if index}


async def load(engine: AsyncEngine, path: Path, how: How) -> Load:
    """Load a directory and put it in force. Raises LoadError; whatever goes wrong, what was in force stays."""
    async with only_loader(engine) as connection:
        async with connection.begin():
            before = await loads.last_size(connection)
        directory = read(path, how)
        _doubt(directory, before, how)
        how.tell(f"{directory.packing.postcodes:,} postcodes read; storing them")
        loaded = _load_of(directory, how)
        areas, runs = directory.packing.areas, list(directory.packing.runs(_sizes(directory)))
        async with connection.begin():  # short: while it is open agencies' feeds stand still
            load_id = await loads.replace(connection, loaded, areas, runs)
            await audit.write(connection, [Entry(how.by, "places.loaded", loaded.loaded_at, detail=str(load_id))])
    return loaded


def read(path: Path, how: How) -> Directory:
    """Read the whole file, in the memory of its packed postcodes. Raises LoadError."""
    packing = Packing()
    with opened(path) as file:
        rows = Rows(file.lines)
        names = rows.columns.names
        how.tell(f"{file.name}: {', '.join(f'{what} from {name}' for what, name in names.items())}")
        progress = Progress(file.size, file.position, clock=how.clock, tell=how.tell)
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
    found = doubts.look_at(directory.packing, directory.indexes, before=before, policy=how.policy)
    for remark in [*found.remarks, *(found.reasons if how.insists else ())]:
        how.tell(remark)
    if found.reasons and not how.insists:
        raise DoubtsError("\n".join(found.reasons))


def _sizes(directory: Directory) -> dict[str, int]:
    return {country: index.areas for country, index in directory.known_indexes.items()}


def _load_of(directory: Directory, how: How) -> Load:
    return Load(
        file=directory.name,
        loaded_at=how.now(),
        loaded_by=how.by.id,
        postcodes=directory.packing.postcodes,
        terminated=directory.packing.terminated,
        unread=directory.unread,
        columns=directory.columns,
        indexes={country: index.name for country, index in directory.known_indexes.items()},
    )


async def unload(engine: AsyncEngine, *, by: Actor, at: datetime) -> bool:
    """Go back to the files that ship; False when nothing was loaded. Raises BusyError while somebody loads."""
    async with only_loader(engine) as connection, connection.begin():
        was_loaded = await loads.end(connection, at=at)
        if was_loaded:
            await audit.write(connection, [Entry(by, "places.unloaded", at)])
    return was_loaded
