"""One statement for a whole batch: what handlers write is gathered, joined, and sent in one trip that also commits it.

A handler says `await tx.execute(statement, columns)` as it does in a transaction. Here nothing is sent yet: each
statement becomes a part of one `WITH ...`, and a statement that comes again adds its columns to the first one's.
PostgreSQL runs all parts on one snapshot, so that no part sees what another writes, and no row may be changed twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

import asyncpg
import sqlalchemy as sa

_NAMED: Final = re.compile(r"(?<![:\w]):([a-z_]\w*)")
_CTE: Final = re.compile(r"\s*(\w+)\s+AS\s*\(", re.IGNORECASE)


class NotGatheredError(Exception):
    """A handler needs what one statement can't give: a lock, the result of a change, another value of one name."""


class Statement:
    """Takes the place of the transaction for handlers that read little and write sets of rows."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection
        self._parts: dict[str, dict[str, Any]] = {}

    async def execute(self, statement: sa.TextClause, columns: Mapping[str, Any] | None = None) -> list[Any]:
        """Gather a change; a plain SELECT is answered at once, as of before all changes.

        Raises NotGatheredError for a SELECT that locks, and for a statement that comes again with another single value.
        """
        text, given = statement.text, dict(columns or {})
        if not _is_select(text):
            self._gather(text, given)
            return []
        if "FOR UPDATE" in text.upper():
            raise NotGatheredError("a lock")
        query, names = _joined((), text)
        return await self._fetch(query, [given[name] for _, name in names])

    def _gather(self, text: str, given: dict[str, Any]) -> None:
        known = self._parts.setdefault(text, {})
        for name, value in given.items():
            if name not in known:
                known[name] = list(value) if isinstance(value, list) else value
            elif isinstance(value, list):
                known[name] += value
            elif known[name] != value:
                raise NotGatheredError(name)

    async def run(self, last: sa.TextClause, columns: Mapping[str, Any]) -> list[Any]:
        """Send what was gathered, and the SELECT `last`, which may name the parts of a `WITH`; returns its rows.

        Raises what PostgreSQL raises; then nothing was written.
        """
        query, names = _joined(tuple(self._parts), last.text)
        values = [*self._parts.values(), columns]
        return await self._fetch(query, [values[part][name] for part, name in names])

    async def _fetch(self, query: str, values: Iterable[Any]) -> list[Any]:
        return [SimpleNamespace(**row) for row in await self._connection.fetch(query, *values)]


def _is_select(text: str) -> bool:
    return text.lstrip().upper().startswith("SELECT")


@lru_cache(maxsize=512)
def _joined(texts: Sequence[str], last: str) -> tuple[str, list[tuple[int, str]]]:
    """Statements as one, with `$1`, `$2` for their `:names`; and which name of which statement each number is."""
    numbers: dict[tuple[int, str], int] = {}

    def numbered(text: str, place: int) -> str:
        return _NAMED.sub(lambda found: f"${numbers.setdefault((place, found[1]), len(numbers) + 1)}", text)

    parts: dict[str, str] = {}
    for place, text in enumerate(texts):
        inner, end = split(text)
        taken = [name for name, _ in inner if name in parts]
        for name, body in inner if _is_select(end) else [*inner, (f"part_{place}", end)]:
            for each in taken:
                body = re.sub(rf"\b{each}\b", f"{each}_{place}", body)  # noqa: PLW2901
            parts[f"{name}_{place}" if name in taken else name] = numbered(body, place)
    head = f"WITH {', '.join(f'{name} AS ({body})' for name, body in parts.items())} " if parts else ""
    return head + numbered(last, len(texts)), list(numbers)


def split(text: str) -> tuple[list[tuple[str, str]], str]:
    """The parts of a `WITH a AS (...), b AS (...) last` by name, and what comes last."""
    rest, parts = text.strip(), []
    if not rest.upper().startswith("WITH "):
        return [], rest
    rest = rest[5:]
    while found := _CTE.match(rest):
        end = _closing(rest, found.end())
        parts.append((found[1], rest[found.end() : end].strip()))
        rest = rest[end + 1 :].lstrip().removeprefix(",")
    return parts, rest.strip()


def _closing(text: str, begin: int) -> int:
    """Where the parenthesis that is open at `begin` is closed; quoted text does not count."""
    depth, is_quoted = 1, False
    for place in range(begin, len(text)):
        letter = text[place]
        if letter == "'":
            is_quoted = not is_quoted
        elif not is_quoted:
            depth += (letter == "(") - (letter == ")")
            if depth == 0:
                return place
    raise ValueError("a parenthesis is not closed")
