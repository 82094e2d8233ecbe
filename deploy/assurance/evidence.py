"""What an assurance file names as evidence: a test as `tests/…/test_x.py::test_name`, or a file of this repository."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "docs" / "assurance"
TEST: Final = re.compile(r"tests/[\w/]+\.py::test_\w+")
FILE: Final = re.compile(
    r"(?<![\w/.])(?:(?:deploy|docs|services|shared|tests|\.github)/[\w./-]*\w|\.ci/run|\.dockerignore"
    r"|(?:pyproject|osv-scanner)\.toml|docker-compose\.yml|(?:CONTRIBUTING|README|SECURITY)\.md)"
)
ORGANISATION: Final = "organisation"
_SKIPS: Final = frozenset({"skip", "skipif"})


@dataclass
class TestNames:
    """Test ids by AST: all there are, and those that carry a mark to be skipped (on the test or its whole file)."""

    known: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)


def read_names(source: str, name: str) -> TestNames:
    """Read one file's tests; `name` is its path from the root."""
    tree, found = ast.parse(source), TestNames()
    is_skipped = any(_is_mark(node.value) for node in tree.body if isinstance(node, ast.Assign) and _names_marks(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            found.known.add(f"{name}::{node.name}")
            if is_skipped or any(_is_mark(each) for each in node.decorator_list):
                found.skipped.add(f"{name}::{node.name}")
    return found


@cache
def all_tests() -> TestNames:
    found = TestNames()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        of_file = read_names(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
        found.known |= of_file.known
        found.skipped |= of_file.skipped
    return found


def faults(text: str) -> list[str]:
    """Return what `text` names that is not there or is skipped, each in words."""
    tests = all_tests()
    gone = [f"there is no {each}" for each in TEST.findall(text) if each not in tests.known]
    passed_over = [f"{each} is skipped" for each in TEST.findall(text) if each in tests.skipped]
    files = [f"there is no file {each}" for each in FILE.findall(text) if not (ROOT / each).exists()]
    return [*gone, *passed_over, *files]


def is_evidence(text: str) -> bool:
    """Whether a cell names a test, a file, or says that it is the organisation's to do."""
    return bool(TEST.search(text) or FILE.search(text) or ORGANISATION in text.lower())


def rows_without(markdown: str) -> list[str]:
    """Return the first cell of each row whose table ends with `Evidence` and which names none."""
    return [row[0] for row in _rows(markdown) if not is_evidence(row[-1])]


def _rows(markdown: str) -> Iterator[list[str]]:
    is_wanted = False
    for line in markdown.splitlines():
        if not line.startswith("|"):
            is_wanted = False
            continue
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if cells[-1] == "Evidence":
            is_wanted = True
        elif is_wanted and not set(line) <= set("|-: "):
            yield cells


def _names_marks(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _is_mark(node: ast.expr) -> bool:
    """`pytest.mark.skip`, `pytest.mark.skipif(...)`, or a list with one of them."""
    if isinstance(node, ast.List | ast.Tuple):
        return any(_is_mark(each) for each in node.elts)
    called = node.func if isinstance(node, ast.Call) else node
    return isinstance(called, ast.Attribute) and called.attr in _SKIPS
