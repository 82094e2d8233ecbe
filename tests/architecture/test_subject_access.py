"""Whoever asks for their records gets every column that an erasure would take, or it is said why not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from shared.subject_access import TableLine, lines_of, names_in
from tests.architecture.test_erasure_map import SCHEMAS, TABLES, line_of


def taken(schema: str, table: sa.Table) -> set[str]:
    """The columns that an erasure empties or deletes."""
    line = line_of(schema, table.name)
    if line.get("delete") == "rows":
        return {column.name for column in table.columns}
    return set(names_in(line.get("empty", "")))


def omitted(line: TableLine) -> list[str]:
    return [name for each in line.omit for name in names_in(each.columns)]


@pytest.mark.parametrize(("schema", "table"), TABLES, ids=[f"{schema}.{table.name}" for schema, table in TABLES])
def test_what_an_erasure_takes_is_given_or_it_is_said_why_not(schema: str, table: sa.Table) -> None:
    line = lines_of(schema).get(table.name)
    if line is None:
        assert taken(schema, table) == set(), f"{schema}.{table.name} has no line in deploy/subject_access.toml"
        return
    if line.none:
        assert (line.of, line.give, line.omit, line.mark) == ("", "", (), ())
        return
    columns = {column.name for column in table.columns}
    told = names_in(line.give) + omitted(line)
    assert sorted(told) == sorted(columns)
    assert line.of in columns
    assert {name for each in line.mark for name in names_in(each.columns)} <= set(names_in(line.give))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_no_line_is_about_nothing(schema: str) -> None:
    known = {table.name for name, table in TABLES if name == schema}
    assert set(lines_of(schema)) - known <= {"event", "outbox"}
