"""Which failures pass by themselves.

transient   the database or the network was away, full or read-only, a deadlock, a serialisation conflict: try again
the rest    will fail again the same way: a person has to look (parked) or the caller has to change (4xx)
"""

from __future__ import annotations

from typing import Final

import asyncpg
import sqlalchemy as sa

_CUT_OFF: Final = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""The last is what the driver says of a connection whose server has just said that it ends it."""
DATABASE_TROUBLE: Final = (asyncpg.PostgresError, *_CUT_OFF)
"""All that the driver raises."""

_PASSING: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.InvalidAuthorizationSpecificationError,  # the deploy step has not made the role or set its password yet
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until it is promoted
    asyncpg.PostgresIOError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    *_CUT_OFF,
)


def is_transient(error: BaseException) -> bool:
    """True when the same work may succeed later, with nothing changed by a person."""
    if isinstance(error, sa.exc.TimeoutError):  # the pool had no connection to give
        return True
    if isinstance(error, sa.exc.IntegrityError):
        return _is_numbering_race(error)
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or any(isinstance(cause, _PASSING) for cause in _causes(error))
    return isinstance(error, _PASSING)


def failure_kind(error: BaseException) -> str:
    """`passing` as of `is_transient`, `refused` by PostgreSQL for good, or `other`: a closed set, for a metric."""
    if is_transient(error):
        return "passing"
    of_database = (asyncpg.PostgresError, sa.exc.DBAPIError)
    return "refused" if any(isinstance(cause, of_database) for cause in _causes(error)) else "other"


def failure_name(error: BaseException) -> str:
    """The error by its name, for a log: never its words, which may quote what a person sent.

    Of PostgreSQL's own errors, however they are wrapped, the innermost with its SQLSTATE: `DiskFullError 53100`; behind
    an error of ours that was raised from it: `WrongKeyError, DiskFullError 53100`.
    """
    told = [each for each in _causes(error) if isinstance(each, asyncpg.PostgresError)]
    if not told:
        return type(error).__name__
    name = f"{type(told[-1]).__name__} {told[-1].sqlstate}"
    is_theirs = isinstance(error, asyncpg.PostgresError | sa.exc.DBAPIError)
    return name if is_theirs else f"{type(error).__name__}, {name}"


def is_lock_wait(error: BaseException) -> bool:
    """True when somebody else held a lock for too long: the rest of the database is well."""
    return any(isinstance(cause, asyncpg.LockNotAvailableError) for cause in _causes(error))


def is_disk_full(error: BaseException) -> bool:
    """True when PostgreSQL found no room on a disk: it answers every read all the same."""
    return any(isinstance(cause, asyncpg.DiskFullError) for cause in _causes(error))


def _is_numbering_race(error: sa.exc.IntegrityError) -> bool:
    """Two transactions numbered the same key at once: the second sees the first's number when it tries again."""
    return "event_key_sequence" in str(error.orig)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, innermost last."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 10:  # noqa: PLR2004  a chain is short; a loop in it is not
        chain.append(current)
        current = current.__cause__ or (getattr(current, "orig", None) if current.__cause__ is None else None)
    return chain
