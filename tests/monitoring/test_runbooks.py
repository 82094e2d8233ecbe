"""What the runbooks tell people to type, tried on the running system: its SQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.system import System

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "runbooks").glob("*.md"))


def statements() -> list[object]:
    found = re.compile(r'psql --username=pir -c "([^"]+)"')
    return [
        pytest.param(statement, id=f"{page.stem} {number}")
        for page in PAGES
        for number, statement in enumerate(found.findall(page.read_text(encoding="utf-8")), 1)
    ]


@pytest.mark.parametrize("statement", statements())
def test_a_statement_of_a_runbook_is_one_that_postgresql_takes(statement: str, system: System) -> None:
    assert isinstance(system.query(statement), list)


def test_the_runbooks_have_statements() -> None:
    assert len(statements()) >= 5
