"""Work items stand in one place: the page draws the code's steps, and nobody else asks for an item's state in SQL."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.work_items import FILE, written

TRIAGE = Path(__file__).parents[2] / "services" / "triage"
STATE_IN_SQL = re.compile(
    r"\b(?:accepted_at|opened_first_at|ended_at|waiting_since) IS (?:NOT )?NULL"
    r"|\b(?:w|work_item)\.state (?:=|<>|IN)"
    r"|\bstate (?:=|<>|IN) (?::|\(?'(?:open|claimed|waiting_list|waiting_for_referrer|accepted|declined|closed)')"
    r"|(?:UPDATE|INSERT INTO|DELETE FROM) work_item\b|tables\.work_item\b"
)
"""A condition on what makes an item open, unread, waiting or accepted, or a change of one."""


def test_the_page_shows_the_steps_of_the_code() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert written(text) == text, "draw it again: python -m deploy.work_items"


def test_only_the_work_items_write_sql_on_their_states() -> None:
    """The tables too, whose indexes serve these conditions."""
    found = {
        file.relative_to(TRIAGE).as_posix(): STATE_IN_SQL.findall(text)
        for file in sorted(TRIAGE.rglob("*.py"))
        if STATE_IN_SQL.search(text := file.read_text(encoding="utf-8"))
    }
    elsewhere = {name: each for name, each in found.items() if not name.startswith("work_items/")}
    assert elsewhere.keys() == {"tables.py"}, elsewhere
    assert {"work_items/conditions.py", "work_items/store.py", "work_items/reopening.py"} <= found.keys()
