"""The assurance files: what they name is there and not skipped, each line names something, made pages are current."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from deploy.assurance import dpia, safety_case
from deploy.assurance.evidence import FOLDER, all_tests, faults, is_evidence, read_names, rows_without

FILES: Final = sorted(path for path in FOLDER.iterdir() if path.is_file())
STATUSES: Final = {"pass", "fail", "not applicable", "organisation"}
LEVELS_1_AND_2: Final = 253
"""Requirements of OWASP ASVS 5.0.0 at levels 1 and 2."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_test_and_file_that_is_named_is_there_and_not_skipped(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [each for each in FILES if each.suffix == ".md"], ids=lambda path: path.name)
def test_every_row_of_evidence_names_some(path: Path) -> None:
    assert rows_without(path.read_text(encoding="utf-8")) == []


def test_the_tests_are_found_by_reading_them() -> None:
    assert "tests/assurance/test_living_files.py::test_the_tests_are_found_by_reading_them" in all_tests().known


@pytest.mark.parametrize(
    ("source", "is_skipped"),
    [
        ("def test_it(): ...", False),
        ("@pytest.mark.skip\ndef test_it(): ...", True),
        ("@pytest.mark.skipif(True, reason='no')\nasync def test_it(): ...", True),
        ("class TestAll:\n    @pytest.mark.skip(reason='no')\n    def test_it(self): ...", True),
        ("pytestmark = pytest.mark.skip\ndef test_it(): ...", True),
        ("pytestmark = [pytest.mark.stack, pytest.mark.skip]\ndef test_it(): ...", True),
        ("pytestmark = pytest.mark.stack\ndef test_it(): ...", False),
    ],
)
def test_a_test_that_is_marked_to_be_skipped_is_no_evidence(source: str, *, is_skipped: bool) -> None:
    found = read_names(source, "tests/test_x.py")
    assert found.known == {"tests/test_x.py::test_it"}
    assert bool(found.skipped) is is_skipped


def test_what_is_gone_is_named() -> None:
    assert faults("`tests/unit/shared/test_policy.py::test_of_nothing` and `docs/no-such-file.md`") == [
        "there is no tests/unit/shared/test_policy.py::test_of_nothing",
        "there is no file docs/no-such-file.md",
    ]


def test_a_row_without_evidence_is_found() -> None:
    table = "| Claim | Evidence |\n|---|---|\n| good | `docs/rules.md` |\n| ours | the organisation's to do |\n| bad | yes |\n"
    assert rows_without(table) == ["bad"]


@pytest.mark.parametrize("made", [safety_case, dpia], ids=["safety case", "DPIA"])
def test_a_made_page_is_current(made: object) -> None:
    assert made.PAGE.read_text(encoding="utf-8") == made.page(), "run `make assurance`"  # type: ignore[attr-defined]


def test_every_hazard_has_controls_with_evidence_and_is_no_more_likely_after_them() -> None:
    hazards = safety_case.hazards()
    assert [each["id"] for each in hazards] == [f"H{number:02}" for number in range(1, len(hazards) + 1)]
    for each in hazards:
        assert each["control"]
        assert all(control["by"] and all(map(is_evidence, control["by"])) for control in each["control"]), each["id"]
        assert each["after"]["severity"] <= each["before"]["severity"]
        assert safety_case.risk(each["after"]) <= safety_case.risk(each["before"])


@pytest.mark.parametrize(
    ("severity", "likelihood", "risk"), [(1, 1, 1), (5, 1, 3), (1, 5, 3), (3, 3, 3), (4, 4, 4), (5, 5, 5)]
)
def test_the_risk_is_that_of_the_matrix(severity: int, likelihood: int, risk: int) -> None:
    assert safety_case.risk({"severity": severity, "likelihood": likelihood}) == risk


def test_every_requirement_of_asvs_has_one_line_and_a_pass_has_evidence() -> None:
    with (FOLDER / "asvs.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == LEVELS_1_AND_2
    assert Counter(row["requirement"] for row in rows).most_common(1)[0][1] == 1
    assert all(re.fullmatch(r"V\d+\.\d+\.\d+", row["requirement"]) and row["words"] for row in rows)
    assert {row["status"] for row in rows} <= STATUSES
    assert [row["requirement"] for row in rows if row["status"] == "pass" and not is_evidence(row["evidence"])] == []
    assert [row["requirement"] for row in rows if not row["evidence"]] == []


SIGNED: Final = re.compile(r"(?i)\b(?:is|was|has been|have been) (?:signed off|approved|certified|accredited)\b")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_claims_a_sign_off(path: Path) -> None:
    assert SIGNED.findall(path.read_text(encoding="utf-8")) == []


def test_the_folders_page_lists_every_file() -> None:
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in FILES if path.name != "README.md" and f"({path.name})" not in listed] == []


def test_the_log_is_toml_with_both_ratings() -> None:
    for each in tomllib.loads(safety_case.LOG.read_text(encoding="utf-8"))["hazard"]:
        assert {"severity", "likelihood"} == set(each["before"]) == set(each["after"])
