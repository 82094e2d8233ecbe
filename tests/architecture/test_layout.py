"""Where things are: what may be shared, what every service has, how long a file may be."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("metrics", "notify", "referral", "triage")

SHARED: Final = {
    "access",
    "audit",
    "audit_calls",
    "audit_chain",
    "backoff",
    "bounded_head",
    "brokers",
    "commands",
    "contact_holds",
    "crypto",
    "database",
    "docs",
    "errors",
    "events",
    "folding",
    "health",
    "ids",
    "internal_client",
    "key_rotation",
    "encryption_keys",
    "languages",
    "logs",
    "messaging",
    "metrics",
    "mistakes",
    "openapi",
    "pages",
    "parked_calls",
    "policy",
    "problems",
    "retention",
    "revision",
    "room",
    "runtime",
    "secret_files",
    "safety_words",
    "service_map",
    "settings",
    "sign_in",
    "startup",
    "strict_json",
    "subject_access",
    "tables",
    "version",
    "web",
    "working_time",
}
"""What all services may lean on. One more is a decision: what is shared can't change for one service alone."""

CORE: Final = {"__init__", "__main__", "api", "app", "handlers", "settings", "tables"}

LINES: Final = 330


def modules_of(folder: Path) -> set[str]:
    inside = {path.name for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    return inside | {file.stem for file in folder.glob("*.py")}


def sources() -> list[Path]:
    folders = ("services", "shared", "deploy")
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py") if "versions" not in file.parts)


def test_shared_holds_only_what_was_decided() -> None:
    assert modules_of(ROOT / "shared") - {"__init__"} == SHARED


def test_there_are_four_services() -> None:
    found = {folder.name for folder in (ROOT / "services").iterdir() if (folder / "__init__.py").exists()}
    assert found == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_core_files(service: str) -> None:
    assert modules_of(ROOT / "services" / service) >= CORE


def test_no_file_is_long() -> None:
    long = [
        str(file.relative_to(ROOT)) for file in sources() if len(file.read_text(encoding="utf-8").splitlines()) > LINES
    ]
    assert long == []


@pytest.mark.parametrize("folder", [*(f"services/{service}" for service in SERVICES), "shared", "deploy"])
def test_no_class_name_stands_for_two_things(folder: str) -> None:
    names = Counter(
        node.name
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_every_module_says_first_what_lives_in_it() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in sources()
        if (text := file.read_text(encoding="utf-8").strip()) and not text.startswith('"""')
    ]
    assert silent == []


def test_the_tests_need_nothing_beside_the_checkout() -> None:
    up, name = "..", "shared"
    beside = f"{up}/{name}"
    files = [*sources(), *(ROOT / "tests").rglob("*.py")]
    assert [str(file) for file in files if beside in file.read_text(encoding="utf-8")] == []
