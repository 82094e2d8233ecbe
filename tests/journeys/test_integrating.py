"""The page for integrators, followed to the letter: its blocks are run against the system, in their order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from shared.settings import ROOT
from tests.journeys.people import Agency
from tests.system import System

PAGE: Final = ROOT / "docs" / "integrating.md"
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if name == language]


def said_by(agency: Agency, system: System, command: list[str], folder: Path) -> str:
    """What a program prints that knows address and key, as the page has it. It has to end well."""
    known = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = known | {"PIR_URL": system.url("referral"), "PIR_KEY": system.agency_key(agency.slug)}
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_of_the_page_is_run_here() -> None:
    languages = [name for name, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    assert PAGE.read_text(encoding="utf-8").count("```") == 2 * len(languages)
    assert set(languages) == {"sh", "python"}
    assert (languages.count("sh"), languages.count("python")) == (4, 4)


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_the_curl_examples_send_one_referral_and_find_it(
    system: System, health_visiting: Agency, tmp_path: Path
) -> None:
    script = "set -euo pipefail\n" + "\n".join(blocks("sh"))
    said = said_by(health_visiting, system, ["bash", "-c", script], tmp_path)
    (reference,) = set(re.findall(r"PIR-[0-9A-Z]{3}-[0-9A-Z]{3}", said))
    assert "HTTP/1.1 201 Created" in said
    assert "idempotent-replayed: true" in said.lower()
    assert "wards" in (tmp_path / "requirements.json").read_text(encoding="utf-8")
    seen = health_visiting.sees_decided(reference)
    assert seen["external_reference"] == "HV-2026-0417"
    assert seen["decision"]["reasons"]


@pytest.fixture
def another(system: System) -> Agency:
    """Whose list is read, so that what other journeys sent is not in it."""
    return Agency(system, "nursery")


def test_the_python_examples_send_read_change_and_end_a_referral(
    system: System, another: Agency, tmp_path: Path
) -> None:
    script = tmp_path / "example.py"
    script.write_text("\n".join(blocks("python")), encoding="utf-8")
    said = said_by(another, system, [sys.executable, str(script)], tmp_path)
    reference = re.findall(r"^sent: (PIR-\S+)$", said, re.MULTILINE)[0]
    assert "refused: urn:pir:problem:invalid" in said
    assert re.search(r"^   /concern/severity \S+$", said, re.MULTILINE)
    assert re.search(r"^   /babies \S+$", said, re.MULTILINE)
    assert re.search(rf"^status: {reference} \w+$", said, re.MULTILINE)
    assert "changed: 2 ['/babies/0/due_on']" in said
    assert "ended: withdrawn" in said
    assert another.call("GET", f"/referrals/{reference}").body["status"] == "withdrawn"


def test_a_pasted_example_can_be_compiled_without_the_services() -> None:
    for text in blocks("python"):
        compile(text, str(PAGE), "exec")
