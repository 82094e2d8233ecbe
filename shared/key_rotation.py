"""`keys rotate` and `keys status`: what is stored goes over to the key in use, while the service runs.

Rows are changed in portions, each in a transaction of its own, and none is waited for: a row that somebody holds comes
with the next round. Whoever is killed in between begins again, and finds what is left.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import audit, encryption_keys
from shared.audit import Entry, operator
from shared.crypto import ID_BYTES, UnreadableSecretError
from shared.database import sql
from shared.encryption_keys import HeldKey

PORTION: Final = 500
"""Rows a transaction; a row is held for as long as it takes, about 20 ms."""
COUNTED: Final = 20_000
"""Rows a statement that counts."""
FIRST: Final = UUID(int=0)
Say = Callable[[str], None]


class Rotates(Protocol):
    """What is stored under one key of a service."""

    @property
    def held(self) -> HeldKey:
        """The key."""

    async def rotate(self, engine: AsyncEngine, say: Say) -> None:
        """Bring everything under the current key that can be; repeatable."""

    async def stored(self, tx: AsyncConnection) -> dict[str, dict[bytes | None, int]]:
        """For each kind of row: how many are under which key; None: from before keys had names."""

    async def give_up(self, tx: AsyncConnection) -> None:
        """Delete what nobody can find without the other key."""

    async def remarks(self, tx: AsyncConnection) -> Sequence[str]:
        """What whoever reads the status should know besides."""


@dataclass(frozen=True, slots=True)
class DataKeys:
    """The data keys in `wrapped_key` of these tables."""

    held: HeldKey
    tables: tuple[str, ...]

    async def rotate(self, engine: AsyncEngine, say: Say) -> None:
        self.held.current.writes_names = True
        for table in self.tables:
            progress = partial(told, say, self.held, table)
            await in_rounds(engine, table, partial(self._change, say), progress, rows=PORTION)

    async def stored(self, tx: AsyncConnection) -> dict[str, dict[bytes | None, int]]:
        return {table: await counted(tx, table, _MARK, given="wrapped_key IS NOT NULL") for table in self.tables}

    async def give_up(self, tx: AsyncConnection) -> None:
        """Nothing: what does not open now may open when a lost key is found."""

    async def remarks(self, tx: AsyncConnection) -> Sequence[str]:  # noqa: ARG002  the shape of Rotates
        return ()

    async def _change(self, say: Say, tx: AsyncConnection, table: str, window: Window) -> int:
        mine = {"id": self.held.current.id, **window.values}
        rows = (await tx.execute(sql(_WRAPPED.format(table=table, window=window)), mine)).all()
        again = {}
        for row in rows:
            try:
                again[row.id] = self.held.safe.wrap_again(row.wrapped_key)
            except UnreadableSecretError:
                say(f"not readable: {table} {row.id}")
        await tx.execute(sql(_CHANGE.format(table=table)), {"ids": list(again), "keys": list(again.values())})
        return len(again)


_MARK: Final = f"CASE WHEN octet_length(wrapped_key) <> 40 THEN substring(wrapped_key FROM 2 FOR {ID_BYTES}) END"
"""Which key it is under; the form without a name has 40 bytes."""
_WRAPPED: Final = f"""
    SELECT id, wrapped_key FROM {{table}}
    WHERE wrapped_key IS NOT NULL AND {_MARK} IS DISTINCT FROM :id AND {{window}}
    FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608  constants
_CHANGE: Final = """
    UPDATE {table} SET wrapped_key = t.wrapped_key
    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS bytea[])) AS t(id, wrapped_key) WHERE {table}.id = t.id
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a table by its ids, so that no statement reads all of a large one: as text, a condition of SQL."""

    after: UUID
    upto: UUID | None

    @property
    def values(self) -> dict[str, UUID]:
        return {"after": self.after} | ({"upto": self.upto} if self.upto else {})

    def __str__(self) -> str:
        return "id > :after AND id <= :upto" if self.upto else "id > :after"

    @classmethod
    async def next(cls, tx: AsyncConnection, table: str, after: UUID, rows: int) -> Window:
        last = sql(f"SELECT id FROM {table} WHERE id > :after ORDER BY id OFFSET {rows - 1} LIMIT 1")  # noqa: S608  constants
        return cls(after, await tx.scalar(last, {"after": after}))


Change = Callable[[AsyncConnection, str, Window], Awaitable[int]]
"""Change the rows of a window that want it, in this transaction; returns how many."""


async def in_rounds(engine: AsyncEngine, table: str, change: Change, say: Callable[[int], None], *, rows: int) -> None:
    """Through the table, `rows` a transaction, until a round changes nothing: new rows come meanwhile."""
    done, in_this_round, after = 0, 0, FIRST
    while True:
        async with engine.begin() as tx:
            window = await Window.next(tx, table, after, rows)
            changed = await change(tx, table, window)
        done, in_this_round = done + changed, in_this_round + changed
        if changed:
            say(done)
        if window.upto:
            after = window.upto
        elif in_this_round:
            in_this_round, after = 0, FIRST
        else:
            return


async def counted(tx: AsyncConnection, table: str, key: str, *, given: str) -> dict[bytes | None, int]:
    """How many rows of those `given` (a condition of SQL) are under which key (an expression)."""
    found: Counter[bytes | None] = Counter()
    after: UUID | None = FIRST
    while after is not None:
        window = await Window.next(tx, table, after, COUNTED)
        count = sql(f"SELECT {key} AS key, count(*) AS rows FROM {table} WHERE {given} AND {window} GROUP BY 1")  # noqa: S608  constants
        for row in await tx.execute(count, window.values):
            found[None if row.key is None else bytes(row.key)] += row.rows
        after = window.upto
    return dict(found)


def told(say: Say, held: HeldKey, table: str, done: int) -> None:
    say(f"{held.use} key: {done:,} of {table}")


def left(stored: Mapping[str, Mapping[bytes | None, int]], held: HeldKey) -> dict[str, int]:
    """For each kind of row how many are not under the current key."""
    counted = {
        kind: sum(rows for key, rows in by_key.items() if (key or b"")[:ID_BYTES] != held.current.id)
        for kind, by_key in stored.items()
    }
    return {kind: rows for kind, rows in counted.items() if rows}


def add_key_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], rotates: Callable[[], Sequence[Rotates]]
) -> None:
    """Add the verbs; `rotates` reads the settings."""
    verbs = commands.add_parser("keys", help="the keys that things are stored under").add_subparsers(required=True)
    rotate_verb = verbs.add_parser("rotate", help="bring everything under the keys in use; repeatable")
    rotate_verb.add_argument(
        "--leave-rest", action="store_true", help="give up what can't be brought over: it is as if it were not there"
    )
    rotate_verb.set_defaults(run=lambda engine, asked: rotate(engine, rotates(), leave_rest=asked.leave_rest))
    status_verb = verbs.add_parser("status", help="how many rows are left under which key")
    status_verb.set_defaults(run=lambda engine, _: status(engine, rotates()))


async def rotate(
    engine: AsyncEngine, all_rotate: Sequence[Rotates], *, leave_rest: bool = False, say: Say = print
) -> int:
    """The exit code: 1 when something is left, and the key before is needed."""
    is_whole = True
    for each in all_rotate:
        held, by = each.held, operator()
        name = f"{held.use} {held.current.id.hex()}"
        async with engine.begin() as tx:
            await audit.write(tx, [Entry(by, "keys.rotation-begun", datetime.now(UTC), detail=name)])
        await each.rotate(engine, say)
        async with engine.begin() as tx:
            rest = left(await each.stored(tx), held)
            if rest and leave_rest:
                await each.give_up(tx)
            if not rest or leave_rest:
                await encryption_keys.only_current(tx, held)
                await audit.write(tx, [Entry(by, "keys.rotated", datetime.now(UTC), detail=name)])
            remarks = await each.remarks(tx)
        for kind, rows in rest.items():
            say(f"{held.use} key: {rows:,} of {kind} {'given up' if leave_rest else 'left'}")
        for remark in remarks:
            say(remark)
        if not rest or leave_rest:
            say(f"{held.use} key: everything is under {held.current.id.hex()}; {held.variable}_BEFORE is not needed")
        else:
            is_whole = False
            say(f"{held.use} key: {held.variable}_BEFORE is still needed")
    return 0 if is_whole else 1


async def status(engine: AsyncEngine, all_rotate: Sequence[Rotates], *, say: Say = print) -> int:
    """A line for each key and kind of row."""
    async with engine.connect() as tx:
        for each in all_rotate:
            held = each.held
            say(f"{held.use} key: {held.current.id.hex()} in use ({held.variable})")
            for kind, by_key in (await each.stored(tx)).items():
                for key, rows in sorted(by_key.items(), key=lambda line: line[0] or b""):
                    say(f"  {rows:>10,}  {kind:16} {_named(held, key)}")
            for remark in await each.remarks(tx):
                say(f"  {remark}")
    return 0


def _named(held: HeldKey, key: bytes | None) -> str:
    """`key` may be of two keys, under both of which a row is found."""
    if key is None:
        return "without a name: from before keys had names"
    ids = [key[place : place + ID_BYTES] for place in range(0, len(key), ID_BYTES)]
    return " and ".join(f"{each.hex()} ({held.variable_of(each) or 'not given'})" for each in ids)
