"""The DPIA's input has a line for every column of every table, and for every member of every event."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sqlalchemy as sa

from deploy.assurance import dpia
from shared.events import EVENTS, Decision, Facts
from shared.events.facts import Monitoring
from tests.architecture.test_erasure_map import SCHEMAS, TABLES

KNOWN: Final[dict[str, Any]] = dpia.read()


def line_of(schema: str, table: str) -> dict[str, Any]:
    tables = KNOWN["tables"]
    found: dict[str, Any] = tables.get(schema, {}).get(table) or tables["shared"].get(table) or {}
    return found


def listed(line: dict[str, Any]) -> list[str]:
    return sorted(name for names in dpia.names(line).values() for name in names)


@pytest.mark.parametrize(("schema", "table"), TABLES, ids=[f"{schema}.{table.name}" for schema, table in TABLES])
def test_every_column_has_a_line(schema: str, table: sa.Table) -> None:
    line = line_of(schema, table.name)
    assert line, f"{schema}.{table.name} has no line in docs/assurance/dpia.toml"
    assert listed(line) == sorted(column.name for column in table.columns)
    assert line["purpose"]
    assert line["readers"]
    assert line["basis"] in KNOWN["bases"]


def test_no_line_is_about_nothing() -> None:
    known = {(schema, table.name) for schema, table in TABLES}
    for schema in SCHEMAS:
        assert {(schema, name) for name in KNOWN["tables"].get(schema, {})} <= known
    assert set(KNOWN["tables"]["shared"]) <= {table.name for _, table in TABLES}


def test_what_says_something_of_a_person_has_a_basis() -> None:
    tables = [line for lines in KNOWN["tables"].values() for line in lines.values()]
    says = [line for line in tables if {"sealed", "special", "personal", "people"} & set(line)]
    assert says
    assert [line["purpose"] for line in says if line["basis"] == "nobody"] == []


def test_every_member_of_an_event_has_a_line() -> None:
    members = {name for event in EVENTS.values() for name in event.model_fields}
    assert listed(KNOWN["events"]) == sorted(members)


@pytest.mark.parametrize(("member", "model"), [("facts", Facts), ("monitoring", Monitoring), ("decision", Decision)])
def test_every_part_of_a_member_has_a_line(member: str, model: Any) -> None:
    written = KNOWN["events"]["parts"][member].split(", ")
    assert written == list(model.model_fields)
