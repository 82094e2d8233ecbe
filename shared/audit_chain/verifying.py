"""The walk over all seals and all rows of an audit trail: it stops at the first thing that is wrong, and names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit_chain.chain import DIGEST_BYTES, Seal, digest, head_before_all
from shared.database import read_only, sql

SEALS: Final = 50
"""Read at a time, with their rows: 50,000 at most."""

LOWEST: Final = -(2**63)
"""Below every id that a row can have, those of strangers too."""

_SEALS: Final = sql("SELECT * FROM audit_seal WHERE number > :after ORDER BY number LIMIT :most")
_ROWS: Final = sql("SELECT * FROM audit WHERE id > :after AND id <= :last ORDER BY id")
_ELSEWHERE: Final = sql("SELECT ids, digests FROM audit_seal WHERE position(:digest IN digests) > 0")


class WrongError(Exception):
    """The trail is not what was sealed; the message names the first place."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What was sealed of a row."""

    id: int
    digest: bytes
    seal: Seal

    def __str__(self) -> str:
        return f"seal {self.seal.number} of {self.seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Verified:
    """`rows` are sealed and as they were; `unsealed` came since. `head` is that of seal `number`."""

    rows: int
    unsealed: int
    number: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What was sent elsewhere: that seal `number` has this head. `where` names the line."""

    number: int
    head: bytes
    where: str


async def verify(
    engine: AsyncEngine, schema: str, *, claims: Sequence[Claim] = (), told: Callable[[int], None] = lambda _: None
) -> Verified:
    """Walk the whole trail, while the service runs; `told` hears how many rows are done. Raises WrongError."""
    claimed: dict[int, list[Claim]] = {}
    for claim in claims:
        claimed.setdefault(claim.number, []).append(claim)
    number, head, after, rows = 0, head_before_all(schema), LOWEST, 0
    async with read_only(engine).connect() as connection:
        while found := (await connection.execute(_SEALS, {"after": number, "most": SEALS})).all():
            before, expected = after, list[Expected]()
            for row in found:
                seal = Seal(row.number, row.sealed_at, row.ids, row.digests)
                _check_seal(seal, row.head, previous=(number, head), after=after)
                for claim in claimed.pop(seal.number, ()):
                    if claim.head != row.head:
                        raise WrongError(f"{claim.where}: seal {claim.number} had another head, so it was made anew")
                expected += [Expected(*pair, seal) for pair in zip(seal.ids, seal.digest_of_each(), strict=True)]
                number, head, after = seal.number, row.head, seal.ids[-1]
            await _check_rows(connection, expected, after=before)
            rows += len(expected)
            told(rows)
        if claimed:
            claim = claimed[min(claimed)][0]
            raise WrongError(f"{claim.where}: there was a seal {claim.number}, and the chain ends with {number}")
        unsealed = await connection.scalar(sql("SELECT count(*) FROM audit WHERE id > :after"), {"after": after})
    return Verified(rows, int(unsealed or 0), number, head)


def _check_seal(seal: Seal, head: bytes, *, previous: tuple[int, bytes], after: int) -> None:
    number, previous_head = previous
    if seal.number != number + 1:
        raise WrongError(f"seal {number + 1} was removed")
    ascending = [after, *seal.ids]
    is_whole = seal.ids and len(seal.digests) == len(seal.ids) * DIGEST_BYTES
    if not is_whole or any(low >= high for low, high in pairwise(ascending)) or seal.head(previous_head) != head:
        raise WrongError(f"seal {seal.number} was changed: it does not follow from the one before")


async def _check_rows(connection: AsyncConnection, expected: Sequence[Expected], *, after: int) -> None:
    """Both ascend by id, so the first that differs is the first that is wrong."""
    rows = iter((await connection.execute(_ROWS, {"after": after, "last": expected[-1].id})).all())
    for sealed in expected:
        row = next(rows, None)
        if row is not None and row.id < sealed.id:
            raise WrongError(f"row {row.id} was added after its time: it is in no seal, and row {sealed.id} is")
        if row is None or row.id > sealed.id:
            raise WrongError(f"row {sealed.id} was removed: it is in {sealed}")
        if (found := digest(row)) != sealed.digest:
            raise WrongError(await _changed(connection, sealed, found))


async def _changed(connection: AsyncConnection, sealed: Expected, found: bytes) -> str:
    """Whether it says what another row said when that was sealed."""
    for row in await connection.execute(_ELSEWHERE, {"digest": found}):
        said = [row.digests[place : place + DIGEST_BYTES] for place in range(0, len(row.digests), DIGEST_BYTES)]
        if found in said:
            return f"row {sealed.id} was swapped: it says what row {row.ids[said.index(found)]} said when it was sealed"
    return f"row {sealed.id} was changed: it is not what was sealed in {sealed}"
