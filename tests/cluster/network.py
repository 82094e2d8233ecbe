"""Machines that are network namespaces, and the cables between them, which can be pulled.

There are three nets, so that a machine can be cut off from one of them without a word, as by a switch that fails:
`front` for requests, `log` for Kafka, `data` for PostgreSQL. This process has an address in each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_hex
from typing import Final, Self


class Net(StrEnum):
    FRONT = "front"
    LOG = "log"
    DATA = "data"


_NUMBERS: Final = {net: number for number, net in enumerate(Net, start=1)}
BLOCK: Final = "10.87"
"""Of the addresses: `10.87.<net>.<machine>`; .1 is this process."""


def is_possible() -> bool:
    """Whether this machine has namespaces and we may make them."""
    return os.geteuid() == 0 and bool(shutil.which("ip"))


def run(*command: str) -> None:
    """Raises CalledProcessError."""
    subprocess.run(command, check=True, capture_output=True)


@dataclass(frozen=True)
class Machine:
    """One namespace; `name` is its own in the kernel, `number` the last part of its addresses."""

    name: str
    number: int
    nets: tuple[Net, ...]

    def address(self, net: Net) -> str:
        return f"{BLOCK}.{_NUMBERS[net]}.{self.number}"

    def inside(self, *command: object) -> list[str]:
        """The command line that runs in it, as root."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def pull(self, *nets: Net) -> None:
        """The cables of these nets, of all when none is named: what is under way gets no answer, and no error."""
        self._set("down", nets)

    def plug(self, *nets: Net) -> None:
        self._set("up", nets)

    def _set(self, state: str, nets: tuple[Net, ...]) -> None:
        for net in nets or self.nets:
            run("ip", "link", "set", self._cable(net), state)

    def _cable(self, net: Net) -> str:
        """Its end on the bridge."""
        return f"{self.name}{_NUMBERS[net]}"


class Network:
    """Bridges with machines on them, gone in the end."""

    def __init__(self) -> None:
        self._mark = token_hex(2)
        self._machines: list[Machine] = []

    def __enter__(self) -> Self:
        """Raises RuntimeError where another of them is: both would have the same addresses."""
        there = subprocess.run(["ip", "-brief", "address"], check=True, capture_output=True, text=True).stdout
        if f" {BLOCK}." in there:
            raise RuntimeError(f"addresses of {BLOCK} are in use here: another cluster, or one that was killed")
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self) -> None:
        for net, number in _NUMBERS.items():
            run("ip", "link", "add", self._bridge(net), "type", "bridge")
            run("ip", "address", "add", f"{BLOCK}.{number}.1/24", "dev", self._bridge(net))
            run("ip", "link", "set", self._bridge(net), "up")

    def __exit__(self, *_: object) -> None:
        for machine in self._machines:
            subprocess.run(["ip", "netns", "delete", machine.name], check=False)
        for net in Net:
            subprocess.run(["ip", "link", "delete", self._bridge(net)], check=False, capture_output=True)

    def machine(self, name: str, number: int, *nets: Net) -> Machine:
        made = Machine(f"p{self._mark}{name}", number, nets)
        run("ip", "netns", "add", made.name)
        self._machines.append(made)
        run(*made.inside("ip", "link", "set", "lo", "up"))
        for net in nets:
            cable, within = made._cable(net), f"net{_NUMBERS[net]}"
            run("ip", "link", "add", cable, "type", "veth", "peer", "name", within, "netns", made.name)
            run("ip", "link", "set", cable, "master", self._bridge(net), "up")
            run(*made.inside("ip", "address", "add", f"{made.address(net)}/24", "dev", within))
            run(*made.inside("ip", "link", "set", within, "up"))
        return made

    def _bridge(self, net: Net) -> str:
        return f"p{self._mark}b{_NUMBERS[net]}"


@contextmanager
def cut_off(machine: Machine, *nets: Net) -> Iterator[None]:
    """For as long as this lasts."""
    machine.pull(*nets)
    try:
        yield
    finally:
        machine.plug(*nets)
