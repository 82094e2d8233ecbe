"""How long a service waits for its migrations, and which failures of a database pass by themselves."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest
import sqlalchemy as sa

from shared import database
from shared.database import wait_for_revision
from shared.errors import failure_kind, failure_name, is_transient


class _Engine:
    """Answers with one revision after the other, the last one for ever."""

    def __init__(self, *revisions: str | None) -> None:
        self.revisions = list(revisions)

    @asynccontextmanager
    async def connect(self) -> Any:
        yield self

    async def scalar(self, _: Any) -> str | None:
        return self.revisions.pop(0) if len(self.revisions) > 1 else self.revisions[0]


@pytest.mark.parametrize("found", ["0002", "0003", "0010"])
async def test_the_same_or_a_later_revision_will_do(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr(database, "REVISION", "0002")
    await asyncio.wait_for(wait_for_revision(cast("Any", _Engine(None, "0001", found))), 5)


async def test_an_earlier_revision_is_waited_out_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def warning(event: str, **_: Any) -> None:
        said.append(event)

    monkeypatch.setattr(database, "REVISION", "0002")
    monkeypatch.setattr(database.log, "warning", warning, raising=False)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wait_for_revision(cast("Any", _Engine("0001"))), 1.5)
    assert said == ["waiting for the database"]


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DiskFullError,
        asyncpg.OutOfMemoryError,
        asyncpg.TooManyConnectionsError,
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.PostgresIOError,
    ],
)
def test_a_database_that_is_full_or_read_only_may_recover(error: type[Exception]) -> None:
    assert is_transient(error())


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError, asyncpg.DataError, asyncpg.UndefinedTableError])
def test_what_is_wrong_stays_wrong(error: type[Exception]) -> None:
    assert not is_transient(error())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(), "passing"),
        (asyncpg.DeadlockDetectedError("deadlock"), "passing"),
        (asyncpg.UniqueViolationError("twice"), "refused"),
        (sa.exc.IntegrityError("", {}, asyncpg.CheckViolationError("no")), "refused"),
        (LookupError(), "other"),
    ],
)
def test_what_a_metric_says_of_a_failure_is_one_of_three_words(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OSError("/home/ada"), "OSError"),
        (asyncpg.DiskFullError("could not extend file"), "DiskFullError 53100"),
        (sa.exc.DBAPIError("INSERT", {}, asyncpg.DiskFullError("could not extend file")), "DiskFullError 53100"),
        (
            sa.exc.DBAPIError("SELECT", {}, asyncpg.ConnectionDoesNotExistError("closed")),
            "ConnectionDoesNotExistError 08003",
        ),
        (sa.exc.InterfaceError("SELECT", {}, Exception("closed")), "InterfaceError"),
    ],
)
def test_a_log_names_what_postgresql_said_and_never_its_words(error: Exception, name: str) -> None:
    assert failure_name(error) == name


def test_a_log_names_an_error_of_ours_with_what_it_was_raised_from() -> None:
    ours = LookupError()
    ours.__cause__ = asyncpg.DiskFullError("could not extend file")
    assert failure_name(ours) == "LookupError, DiskFullError 53100"
