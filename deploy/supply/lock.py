"""Which packages of uv.lock a part of the system is installed with, on Linux."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker

ROOT: Final = Path(__file__).resolve().parents[2]
OURS: Final = "parent-infant-referrals"
PYTHONS: Final = ("3.11.0", "3.13.0")
"""The oldest Python that is supported, and the image's (deploy/Dockerfile): both count."""


@dataclass(frozen=True, order=True)
class Package:
    """A locked version; `needs` are the (name, version) of what it needs, `hashes` the SHA-256 of all its files."""

    name: str
    version: str
    needs: tuple[tuple[str, str], ...]
    hashes: tuple[str, ...]


@cache
def _locked() -> dict[str, list[dict[str, Any]]]:
    """The entries of uv.lock by name: a package may be locked in several versions, for several Pythons."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for entry in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]:
        entries.setdefault(entry["name"], []).append(entry)
    return entries


def packages(groups: Iterable[str] = ()) -> list[Package]:
    """What the services need and the `groups` of pyproject.toml bring, sorted; each version once."""
    [ours] = _locked()[OURS]
    wanted = [*ours["dependencies"], *(each for group in groups for each in ours["dev-dependencies"][group])]
    found: dict[tuple[str, str], Package] = {}
    seen: set[tuple[str, str, str]] = set()
    while wanted:
        line = wanted.pop()
        if not _applies(line):
            continue
        for entry in _entries(line):
            needs = [need for need in _needs(entry, line.get("extra", [])) if _applies(need)]
            extras = ",".join(sorted(line.get("extra", [])))
            if (entry["name"], entry["version"], extras) in seen:
                continue
            seen.add((entry["name"], entry["version"], extras))
            wanted += needs
            known = found.get((entry["name"], entry["version"]))
            named = {(each["name"], each["version"]) for need in needs for each in _entries(need)}
            found[entry["name"], entry["version"]] = Package(
                entry["name"],
                entry["version"],
                tuple(sorted(named | set(known.needs if known else ()))),
                tuple(sorted(each["hash"].removeprefix("sha256:") for each in _files(entry))),
            )
    return sorted(found.values())


def _entries(line: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries that a line means: all versions of the name, unless it says which."""
    return [each for each in _locked()[line["name"]] if line.get("version", each["version"]) == each["version"]]


def _needs(entry: Mapping[str, Any], extras: Iterable[str]) -> list[dict[str, Any]]:
    optional = entry.get("optional-dependencies", {})
    return [*entry.get("dependencies", []), *(each for extra in extras for each in optional.get(extra, []))]


def _applies(line: Mapping[str, Any]) -> bool:
    if "marker" not in line:
        return True
    marker = Marker(line["marker"])
    machine = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return any(
        marker.evaluate({**machine, "python_full_version": full, "python_version": full.rpartition(".")[0]})
        for full in PYTHONS
    )


def _files(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
