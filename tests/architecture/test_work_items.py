"""The page of work items draws the steps that the code has."""

from __future__ import annotations

from deploy.work_items import FILE, written


def test_the_page_shows_the_steps_of_the_code() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert written(text) == text, "draw it again: python -m deploy.work_items"
