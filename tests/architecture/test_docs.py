"""Whatever function a page of the documentation names as `file.py:function` exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.test_layout import ROOT

NAMED = re.compile(r"`((?:services|shared|deploy)/[\w/]+\.py)(?::([\w.]+))?`")
STOP = re.compile(r"^\| \d+ \| `([\w/]+\.py):", re.MULTILINE)
LIFE = ROOT / "docs" / "life-of-a-referral.md"
MOST_STOPS = 5


def pages() -> list[Path]:
    return [*sorted((ROOT / "docs").rglob("*.md")), *ROOT.glob("*.md"), *sorted((ROOT / "shared").rglob("*.md"))]


def named() -> list[tuple[str, str, str]]:
    """(page, file, dotted name), each once."""
    found = {
        (str(page.relative_to(ROOT)), file, name)
        for page in pages()
        for file, name in NAMED.findall(page.read_text(encoding="utf-8"))
    }
    return sorted(found)


def defined_in(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """The functions and classes of a module or class, each with what it holds."""
    return {
        node.name: node.body for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def test_the_life_of_a_referral_names_functions() -> None:
    assert len([name for page, _, name in named() if name and page == str(LIFE.relative_to(ROOT))]) > 20


@pytest.mark.parametrize(("page", "file", "name"), named())
def test_a_file_or_function_that_a_page_names_exists(page: str, file: str, name: str) -> None:
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for part in filter(None, name.split(".")):
        inside = defined_in(body)
        assert part in inside, f"{page}: there is no {name} in {file}"
        body = inside[part]


def stories() -> dict[str, list[str]]:
    """Heading → the files of its stops."""
    parts = LIFE.read_text(encoding="utf-8").split("\n## ")[1:]
    told = {part.partition("\n")[0]: STOP.findall(part) for part in parts}
    return {heading: stops for heading, stops in told.items() if stops}


def test_there_are_four_stories() -> None:
    assert len(stories()) == 4


@pytest.mark.parametrize("story", stories())
def test_each_is_read_in_five_files_at_most(story: str) -> None:
    stops = stories()[story]
    assert len(set(stops)) == len(stops) <= MOST_STOPS
