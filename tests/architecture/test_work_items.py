"""Work items stand in one place: the page draws the code's steps, and no other module asks for an item's state."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.work_items import FILE, written

TRIAGE = Path(__file__).parents[2] / "services" / "triage"
STATE_IN_SQL = re.compile(
    r"\b(?:w|work_item)\.(?:state|accepted_at|ended_at|opened_first_at)\b|\bstate (?:=|<>|IN) \S*'(?:open|closed|declined|wait)"
)


def test_the_page_shows_the_steps_of_the_code() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert written(text) == text, "draw it again: python -m deploy.work_items"


def test_only_the_work_items_write_sql_on_their_states() -> None:
    elsewhere = [
        f"{file.relative_to(TRIAGE)}: {found.group()}"
        for file in sorted(TRIAGE.rglob("*.py"))
        if file.parent.name != "work_items"
        for found in STATE_IN_SQL.finditer(file.read_text(encoding="utf-8"))
    ]
    assert not elsewhere
