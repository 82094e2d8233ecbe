"""Each fact about a work item is said twice side by side, in SQL and in Python: here on 10,000 random rows both agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from services.triage import tables
from services.triage.work_items import conditions as is_
from services.triage.work_items.deadlines import ItemState
from shared.events import Route, Urgency
from tests.integration.support import engine_of, fetch

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ROWS = 10_000
AGREE: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "safety": (is_.IS_SAFETY, is_.is_safety),
    "watched": (is_.IS_WATCHED, is_.is_watched),
    "attended": (is_.IS_ATTENDED, is_.is_attended),
    "unread safety": (is_.IS_UNREAD_SAFETY, is_.is_unread_safety),
    "outlives": (is_.OUTLIVES, is_.outlives),
    "met": (is_.IS_MET, is_.is_met),
    "runs": (is_.RUNS, is_.runs),
    "overdue": (is_.IS_OVERDUE, lambda row: is_.is_overdue(row, NOW)),
    "contact due": (is_.IS_CONTACT_DUE, is_.is_contact_due),
    "on the list": (is_.IS_ON_LIST, is_.is_on_list),
    "proposed decline": (is_.IS_PROPOSED_DECLINE, is_.is_proposed_decline),
}


def random_rows() -> list[dict[str, Any]]:
    chance = Random(20260615)

    def maybe(value: Any) -> Any:
        return chance.choice((None, value))

    marks = [is_.SAFETY_WORDS, is_.UNDELIVERABLE, is_.WAITING_LIST, is_.PLACE_FREE, "twins"]
    return [
        {
            "id": number,
            "route": chance.choice([*Route, Route.REVIEW, Route.MASH, Route.PIR_SHORT]).value,
            "urgency": chance.choice(list(Urgency)).value,
            "state": chance.choice(list(ItemState)).value,
            "marks": chance.sample(marks, chance.randrange(len(marks))),
            "assignee": maybe("maya"),
            "accepted_at": maybe(NOW.isoformat()),
            "opened_first_at": maybe(NOW.isoformat()),
            "first_contact_at": maybe(NOW.isoformat()),
            "clock_stands": chance.random() < 0.3,
            "due_at": (NOW + timedelta(minutes=chance.randrange(-60, 60))).isoformat(),
        }
        for number in range(ROWS)
    ]


@pytest.mark.parametrize("name", AGREE)
async def test_sql_and_python_say_the_same_of_a_work_item(database: str, name: str) -> None:
    condition, predicate = AGREE[name]
    rows = random_rows()
    engine = engine_of(database, tables.SCHEMA)
    bound = {"now": NOW} if ":now" in condition else {}
    found = await fetch(
        engine,
        f"""
        SELECT id FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS work_item(
            id integer, route text, urgency text, state text, marks jsonb, assignee text, accepted_at timestamptz,
            opened_first_at timestamptz, first_contact_at timestamptz, clock_stands boolean, due_at timestamptz)
        WHERE {condition}
        """,
        rows=json.dumps(rows),
        **bound,
    )
    await engine.dispose()
    in_python = [SimpleNamespace(**row | {"due_at": datetime.fromisoformat(row["due_at"])}) for row in rows]
    expected = {row.id for row in in_python if predicate(row)}
    assert 0 < len(expected) < ROWS
    assert {row.id for row in found} == expected
