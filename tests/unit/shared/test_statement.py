"""Several statements as one: parts taken apart, names kept apart, columns of a repeated statement joined."""

from __future__ import annotations

from typing import Any, cast

import pytest

from shared.database import sql
from shared.messaging.statement import NotGatheredError, Statement, split

LAST = sql("SELECT 1 WHERE :really")


class Sent:
    """Keeps what would be sent; PostgreSQL's answers are for the integration tests."""

    def __init__(self) -> None:
        self.query, self.values = "", ()

    async def fetch(self, query: str, *values: Any) -> list[dict[str, Any]]:
        self.query, self.values = " ".join(query.split()), values
        return []


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def statement(sent: Sent) -> Statement:
    return Statement(cast("Any", sent))


@pytest.mark.parametrize(
    ("text", "parts", "last"),
    [
        ("INSERT INTO a SELECT 1", [], "INSERT INTO a SELECT 1"),
        ("WITH n AS (SELECT 1) UPDATE a SET b = 2", [("n", "SELECT 1")], "UPDATE a SET b = 2"),
        (
            "WITH n AS (SELECT f(x, (1)) AS y), told AS (INSERT INTO h SELECT ')' FROM n) SELECT 1",
            [("n", "SELECT f(x, (1)) AS y"), ("told", "INSERT INTO h SELECT ')' FROM n")],
            "SELECT 1",
        ),
    ],
)
def test_a_statement_is_taken_apart(text: str, parts: list[tuple[str, str]], last: str) -> None:
    assert split(text) == (parts, last)


async def test_names_that_two_statements_have_are_kept_apart(statement: Statement, sent: Sent) -> None:
    await statement.execute(sql("WITH n AS (SELECT :x AS id) UPDATE a SET id = n.id FROM n"), {"x": 1})
    await statement.execute(sql("WITH n AS (SELECT :x AS id) UPDATE b SET id = n.id FROM n"), {"x": 2})
    await statement.run(LAST, {"really": True})
    assert sent.query == (
        "WITH n AS (SELECT $1 AS id), part_0 AS (UPDATE a SET id = n.id FROM n), "
        "n_1 AS (SELECT $2 AS id), part_1 AS (UPDATE b SET id = n_1.id FROM n_1) SELECT 1 WHERE $3"
    )
    assert sent.values == (1, 2, True)


async def test_a_statement_that_comes_again_adds_its_columns(statement: Statement, sent: Sent) -> None:
    write = sql("INSERT INTO a SELECT :channel, * FROM unnest(CAST(:ids AS integer[]))")
    for ids in ([1], [2, 3]):
        await statement.execute(write, {"channel": "email", "ids": ids})
    await statement.run(LAST, {"really": True})
    assert sent.values == ("email", [1, 2, 3], True)


async def test_the_columns_that_were_given_stay_as_they_are(statement: Statement) -> None:
    write, given = sql("INSERT INTO a SELECT * FROM unnest(CAST(:ids AS integer[]))"), [1]
    await statement.execute(write, {"ids": given})
    await statement.execute(write, {"ids": [2]})
    assert given == [1]


async def test_what_one_statement_can_not_do_is_refused(statement: Statement) -> None:
    with pytest.raises(NotGatheredError):
        await statement.execute(sql("SELECT * FROM referral WHERE id = :id FOR UPDATE"), {"id": 1})
    write = sql("UPDATE a SET at = :at")
    await statement.execute(write, {"at": 1})
    with pytest.raises(NotGatheredError):
        await statement.execute(write, {"at": 2})
