"""Who gives an operator's command: as the kernel knows them, and who is another person than whom."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from shared import audit
from shared.audit import is_another_person, operator

USER = pwd.getpwuid(os.getuid()).pw_name
NOBODY = 4294967295


@pytest.fixture(autouse=True)
def nobody_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the kernel that says who did, as it is in a container."""
    file = tmp_path / "loginuid"
    file.write_text(str(NOBODY))
    monkeypatch.setattr(audit, "_LOGIN", file)
    monkeypatch.delenv("PIR_OPERATOR", raising=False)
    return file


@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"])
def test_a_name_in_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "anna")
    assert (operator().kind, operator().id) == ("operator", USER)


def test_whoever_logged_in_acts_whatever_they_have_become_since(nobody_logged_in: Path) -> None:
    nobody_logged_in.write_text(str(pwd.getpwnam("daemon").pw_uid))
    assert operator().id == "daemon"


def test_a_user_without_a_name_is_a_number(nobody_logged_in: Path) -> None:
    nobody_logged_in.write_text("3999999999")
    assert operator().id == "3999999999"


@pytest.mark.parametrize("said", ["", "x"])
def test_where_the_kernel_says_nothing_it_is_the_user_of_the_process(nobody_logged_in: Path, said: str) -> None:
    nobody_logged_in.write_text(said)
    assert operator().id == USER
    nobody_logged_in.unlink()
    assert operator().id == USER


def test_in_a_container_they_say_who_they_are_beside_the_user_of_the_process(
    monkeypatch: pytest.MonkeyPatch, nobody_logged_in: Path
) -> None:
    monkeypatch.setenv("PIR_OPERATOR", " anna ")
    assert operator().id == f"{USER} as anna"
    monkeypatch.setenv("PIR_OPERATOR", " ")
    assert operator().id == USER
    monkeypatch.setenv("PIR_OPERATOR", "ben")
    nobody_logged_in.write_text(str(pwd.getpwnam("daemon").pw_uid))
    assert operator().id == "daemon", "who logged in is known, and can't be another"


@pytest.mark.parametrize(
    ("one", "other", "are_two"),
    [
        ("anna", "ben", True),
        ("anna", "anna", False),
        ("anna", "anna as ben", False),
        ("anna as ben", "anna", False),
        ("pir as anna", "pir as anna", False),
        ("pir as anna", "pir as ben", True),
        ("pir as anna", "ben", True),
    ],
)
def test_a_second_person_is_another_one(one: str, other: str, are_two: bool) -> None:
    assert is_another_person(one, other) is are_two
