"""The map of an erasure has a line for every column of every table, and for every member that names another referral."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.metrics import tables as metrics
from services.notify import tables as notify
from services.referral import tables as referral
from services.triage import tables as triage
from shared.events import EVENTS, LinkedReferral

MAP: Final[dict[str, Any]] = tomllib.loads((Path(__file__).parents[2] / "deploy/erasure.toml").read_text("utf-8"))
SCHEMAS: Final = {"referral": referral, "triage": triage, "notify": notify, "metrics": metrics}
TABLES: Final = [(name, table) for name, module in SCHEMAS.items() for table in module.metadata.tables.values()]


def line_of(schema: str, table: str) -> dict[str, str]:
    own, common = MAP.get(schema, {}), MAP["shared"]
    found: dict[str, str] = own.get(table) or own.get("tables", {}).get(table) or common.get(table) or {}
    return found


def columns(line: dict[str, str]) -> list[str]:
    return [name.strip() for what in ("keep", "empty") for name in line.get(what, "").split(",") if name.strip()]


@pytest.mark.parametrize(("schema", "table"), TABLES, ids=[f"{schema}.{table.name}" for schema, table in TABLES])
def test_every_column_has_a_line(schema: str, table: sa.Table) -> None:
    line = line_of(schema, table.name)
    assert line, f"{schema}.{table.name} has no line in deploy/erasure.toml"
    assert line.get("why")
    if "rows" not in (line.get("keep"), line.get("delete")):
        assert sorted(columns(line)) == sorted(column.name for column in table.columns)


def test_no_line_is_about_nothing() -> None:
    known = {(schema, table.name) for schema, table in TABLES}
    for schema in SCHEMAS:
        named = {name for name in MAP.get(schema, {}) if name != "tables"} | set(MAP.get(schema, {}).get("tables", {}))
        assert {(schema, name) for name in named} <= known
    assert set(MAP["shared"]) <= {table.name for _, table in TABLES}


OWN: Final = {"agency_id", "work_item_id", "decision_id", "message_id"}
"""Ids of agencies, and of what is about the referral itself."""


def test_every_member_of_an_event_that_names_another_referral_has_a_line() -> None:
    """An id that is not of an agency or of the referral's own work may be another referral's."""
    naming = set()
    for event in EVENTS.values():
        for name, field in event.model_fields.items():
            text = str(field.annotation)
            if (UUID.__name__ in text and name not in OWN) or LinkedReferral.__name__ in text:
                naming.add(name)
    assert naming == set(MAP["events"])
