"""How Prometheus and its tools come onto the machine, with commands that only pretend, and what a failure says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring import programs


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
    """Debian with root, without systemd."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PIR_MONITORING_BIN", raising=False)
    monkeypatch.setattr(programs, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(programs, "SYSTEMD", tmp_path / "no-systemd")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return Machine(tmp_path)


def test_nothing_is_installed_where_all_of_them_are(machine: Machine) -> None:
    for name in (*programs.NAMES, "apt-get"):
        machine.has(name)
    assert programs.main() is None
    assert machine.said == []


def test_they_are_installed_without_starting_and_the_way_is_cleared(machine: Machine) -> None:
    made = " ".join(str(machine.folder / name) for name in programs.NAMES)
    there = f"test -x {machine.folder}/policy-rc.d || exit 1"
    machine.has("apt-get", f"{there}\nfor name in {made}; do /bin/cp {machine.folder}/apt-get $name; done")
    assert programs.main() is None
    assert [line.split()[1] for line in machine.said] == ["update", "install"]
    assert not (machine.folder / "policy-rc.d").exists()


def test_an_installation_that_fails_says_what_failed_and_what_to_do(machine: Machine) -> None:
    machine.has("apt-get", 'test "$1" = update || exit 100')
    fault = programs.main()
    assert fault is not None
    assert fault.startswith("no prometheus, promtool, alertmanager, amtool (`apt-get install ")
    assert "ended with 100" in fault
    assert "apt-get update" not in fault
    assert fault.endswith(
        "`apt install prometheus prometheus-alertmanager` as root, or PIR_MONITORING_BIN=folder with their programs"
    )
    assert not (machine.folder / "policy-rc.d").exists()


def test_services_that_systemd_could_not_be_kept_from_are_named(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine.folder / "no-systemd").mkdir()
    machine.has("systemctl", "exit 1")
    machine.has("apt-get", "exit 1")
    assert programs.main()
    assert "`systemctl mask prometheus prometheus-alertmanager` ended with 1: they may run" in capsys.readouterr().out


def test_whoever_may_not_install_is_told_what_to_do(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    machine.has("apt-get")
    assert programs.main() == (
        "no prometheus, promtool, alertmanager, amtool: `apt install prometheus prometheus-alertmanager` as root, "
        "or PIR_MONITORING_BIN=folder with their programs"
    )
    assert machine.said == []
