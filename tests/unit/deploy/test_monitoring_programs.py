"""How Prometheus and its tools come onto the machine, with commands that only pretend, and what a failure says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.local.monitoring import programs


class Machine:
    """A folder as its whole PATH; `said` has the commands that were given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"

    def has(self, name: str, script: str = "") -> None:
        file = self.folder / name
        file.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.log}\n{script}\n', encoding="utf-8")
        file.chmod(0o755)

    @property
    def said(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Without any of the programs, and nobody is root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PIR_MONITORING_BIN", raising=False)
    monkeypatch.setattr(programs, "UNPACKED", tmp_path / "unpacked")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return Machine(tmp_path)


def can_unpack(machine: Machine) -> None:
    """`dpkg-deb -x PACKAGE FOLDER` puts all four programs there."""
    there = "$3/usr/bin"
    copies = "; ".join(f"/bin/cp {machine.folder}/dpkg-deb {there}/{names[0]}" for names in programs.NAMES.values())
    machine.has("dpkg-deb", f"/bin/mkdir -p {there}; {copies}")


def test_nothing_is_fetched_where_all_of_them_are(machine: Machine) -> None:
    for name in (*programs.NAMES, "apt-get", "dpkg-deb"):
        machine.has(name)
    assert programs.main() is None
    assert machine.said == []


def test_a_folder_that_is_named_goes_before_the_path(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has("promtool")
    named = Machine(tmp_path / "named")
    named.folder.mkdir()
    named.has("promtool")
    monkeypatch.setenv("PIR_MONITORING_BIN", str(named.folder))
    assert programs.find("promtool") == str(named.folder / "promtool")


def test_they_are_unpacked_without_root(machine: Machine) -> None:
    machine.has("apt-get", 'for name in prometheus prometheus-alertmanager; do echo > "$name.deb"; done')
    can_unpack(machine)
    assert programs.main() is None
    assert [" ".join(line.split()[:2]) for line in machine.said] == ["apt-get download", "dpkg-deb -x", "dpkg-deb -x"]
    assert programs.find("alertmanager") == str(programs.UNPACKED / "usr" / "bin" / "prometheus-alertmanager")
    assert list(programs.UNPACKED.glob("*/*.deb")) == []


def test_root_fetches_the_lists_of_packages_where_they_are_missing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    lists = machine.folder / "lists"
    machine.has("apt-get", f'test "$1" = update && echo > {lists}; test -e {lists} || exit 100; echo > some.deb')
    can_unpack(machine)
    assert programs.main() is None
    assert [line.split()[1] for line in machine.said] == ["download", "update", "download", "-x"]


def test_a_failure_says_what_failed_and_what_to_do(machine: Machine) -> None:
    machine.has("apt-get", "exit 100")
    can_unpack(machine)
    assert programs.main() == (
        "no prometheus, promtool, alertmanager, amtool (`apt-get download` ended with 100; its words are above): "
        "`apt install prometheus prometheus-alertmanager`, `brew install prometheus alertmanager`, "
        "or PIR_MONITORING_BIN=folder with their programs"
    )


def test_whoever_has_no_packages_of_debian_is_told_what_to_do(machine: Machine) -> None:
    fault = programs.main()
    assert fault is not None
    assert fault.startswith("no prometheus, promtool, alertmanager, amtool: `apt install ")
    assert machine.said == []


def test_an_unpacked_alertmanager_finds_its_templates_where_it_was_unpacked(tmp_path: Path) -> None:
    """Debian's looks in /usr/share only, where nothing is without root."""
    bin_folder, templates = tmp_path / "usr/bin", tmp_path / "usr/share/prometheus/alertmanager"
    bin_folder.mkdir(parents=True)
    templates.mkdir(parents=True)
    (templates / "default.tmpl").write_text("a template")
    program = bin_folder / "prometheus-alertmanager"
    program.write_text('#!/bin/sh\ncat /usr/share/prometheus/alertmanager/default.tmpl; echo " $*"\n')
    program.chmod(0o755)
    size = program.stat().st_size
    for _ in range(2):  # a second fetch finds it done
        programs.move_alertmanager(tmp_path)
        done = subprocess.run([program, "--x"], check=True, capture_output=True, text=True, cwd="/")
        assert done.stdout == "a template --x\n"
    assert (bin_folder / "alertmanager.moved").stat().st_size == size
