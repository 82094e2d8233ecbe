"""The keys that a service holds: which one is in use, which other one still opens, and a check of both at the start.

The table `key_check` has a row for each key that anything may be stored under: a known value, wrapped by that key. So
a wrong key ends the start before it writes what nobody can read, and a key that is still needed can't be forgotten.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.crypto import KEY_BYTES, LocalKey, Safe, UnreadableSecretError, key_id_of, read_key
from shared.database import sql

KNOWN: Final = bytes(KEY_BYTES)
"""What is wrapped in a row of `key_check`."""


class WrongKeyError(Exception):
    """Nothing starts with this key; the message names the variable, and keys by their ids alone."""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key by its `use` (`master`, `index`) and the variable it comes from.

    `before` is the other key that is accepted while one is changed for the other, from `…_BEFORE`.
    """

    use: str
    variable: str
    current: LocalKey
    before: LocalKey | None = None

    @classmethod
    def of(cls, use: str, variable: str, current: SecretStr, before: SecretStr | None) -> HeldKey:
        other = LocalKey(read_key(before.get_secret_value())) if before else None
        return cls(use, variable, LocalKey(read_key(current.get_secret_value())), other)

    @property
    def given(self) -> list[LocalKey]:
        return [self.current, self.before] if self.before else [self.current]

    @property
    def safe(self) -> Safe:
        return Safe(self.current, self.before)

    def variable_of(self, key_id: bytes) -> str | None:
        """Which variable has this key; None when none has."""
        if key_id == self.current.id:
            return self.variable
        return f"{self.variable}_BEFORE" if self.before and key_id == self.before.id else None


Fits = Callable[[AsyncConnection, LocalKey], Awaitable[bool | None]]
"""Whether what is stored already was made with this key; None when nothing is stored."""


def opens_any_of(*tables: str) -> Fits:
    """By the data keys of these tables."""

    async def fits(tx: AsyncConnection, key: LocalKey) -> bool | None:
        for table in tables:
            stored = await tx.scalar(sql(f"SELECT wrapped_key FROM {table} WHERE wrapped_key IS NOT NULL LIMIT 1"))  # noqa: S608  a constant
            if stored is not None:
                return _opens(key, stored)
        return None

    return fits


async def check(tx: AsyncConnection, held: HeldKey, fits: Fits, *, at: datetime) -> None:
    """Refuse a wrong key, and write down a new one. Raises WrongKeyError.

    Where no key is written down yet, what is stored decides (`fits`); then that key goes on writing the form that an
    older version beside this one can read, until `keys rotate` has run.
    """
    known = await written_down(tx, held.use)
    if not known:
        first = await _first(tx, held, fits)
        await _write_down(tx, held.use, *first, at=at)
        known = await written_down(tx, held.use)
    for key in held.given:
        if key.id in known and not _opens(key, known[key.id]):
            raise WrongKeyError(f"{held.variable_of(key.id)} does not open what it should: it is another key")
    missing = sorted(key_id.hex() for key_id in known if held.variable_of(key_id) is None)
    if missing and not known.keys() & {key.id for key in held.given}:
        raise WrongKeyError(_wrong(held, missing))
    if missing:
        raise WrongKeyError(
            f"something may still be stored under key {', '.join(missing)}: give it as {held.variable}_BEFORE until "
            "`keys rotate` has ended"
        )
    if held.current.id not in known:
        await _write_down(tx, held.use, held.current, held.current.wrap(KNOWN), at=at)
    elif key_id_of(known[held.current.id]) is None:
        held.current.writes_names = held.before is not None


async def written_down(tx: AsyncConnection, use: str) -> dict[bytes, bytes]:
    """The ids of the keys that something may be stored under, each with the known value that it wrapped."""
    rows = await tx.execute(sql("SELECT key_id, wrapped FROM key_check WHERE use = :use"), {"use": use})
    return {bytes(row.key_id): bytes(row.wrapped) for row in rows}


async def only_current(tx: AsyncConnection, held: HeldKey) -> None:
    """After a rotation: nothing is stored under another key any more, and all copies read names."""
    held.current.writes_names = True
    await tx.execute(
        sql("DELETE FROM key_check WHERE use = :use AND key_id <> :id"), {"use": held.use, "id": held.current.id}
    )
    await tx.execute(
        sql("UPDATE key_check SET wrapped = :wrapped WHERE use = :use AND key_id = :id"),
        {"use": held.use, "id": held.current.id, "wrapped": held.current.wrap(KNOWN)},
    )


async def _first(tx: AsyncConnection, held: HeldKey, fits: Fits) -> tuple[LocalKey, bytes]:
    for key in held.given:
        is_fitting = await fits(tx, key)
        if is_fitting is None:
            return held.current, held.current.wrap(KNOWN)
        if is_fitting:
            key.writes_names = False
            unnamed = key.wrap(KNOWN)
            key.writes_names = True
            return key, unnamed
    raise WrongKeyError(_wrong(held, []))


async def _write_down(tx: AsyncConnection, use: str, key: LocalKey, wrapped: bytes, *, at: datetime) -> None:
    await tx.execute(
        sql("""
            INSERT INTO key_check (use, key_id, wrapped, since) VALUES (:use, :id, :wrapped, :at) ON CONFLICT DO NOTHING
        """),
        {"use": use, "id": key.id, "wrapped": wrapped, "at": at},
    )


def _wrong(held: HeldKey, stored_under: Sequence[str]) -> str:
    under = f", and the database was written with {', '.join(stored_under)}" if stored_under else ""
    return (
        f"{held.variable} is not the key of this database: it is key {held.current.id.hex()}{under}. "
        f"To change the key, give the one before as {held.variable}_BEFORE (docs/operations.md, Keys)"
    )


def _opens(key: LocalKey, stored: bytes) -> bool:
    try:
        key.unwrap(stored)
    except UnreadableSecretError:
        return False
    return True
