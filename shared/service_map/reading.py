"""From a council's file to its map: every mistake is told at once, in a sentence with the service it is about."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared.policy import InvalidPolicyError
from shared.service_map.model import ServiceMap


class InvalidServiceMapError(InvalidPolicyError):
    """The file can't be used: its message lists every mistake. A service won't start with it, as with a policy."""


def read(members: Mapping[str, Any], *, name: str) -> ServiceMap:
    """Make a map of what a file holds; `name` stands in the message. Raises InvalidServiceMapError."""
    try:
        return ServiceMap.model_validate(members)
    except ValidationError as error:
        mistakes = [f"  {_place(part['loc'], members)} {_words(part['msg'])}" for part in error.errors()]
        raise InvalidServiceMapError("\n".join([f"{name} is not a usable service map:", *mistakes])) from error


def _place(loc: tuple[int | str, ...], members: Mapping[str, Any]) -> str:
    """Where the mistake is: `service "early-help", contact.phone:`, by number when the service has no id."""
    match loc:
        case ("services", int(index), *inside):
            service = members["services"][index]
            id_ = service.get("id") if isinstance(service, dict) else None
            where = [f'service "{id_}"' if id_ else f"service number {index + 1}"]
        case _:
            where, inside = [], list(loc)
    return ", ".join([*where, *([".".join(map(str, inside))] if inside else [])] or ["the map"]) + ":"


def _words(message: str) -> str:
    said = message.removeprefix("Value error, ")
    return said[0].lower() + said[1:]


def load(path: Path) -> ServiceMap:
    """Read one file; raises InvalidServiceMapError as `read` does, or for a file that is no readable TOML."""
    try:
        members = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidServiceMapError(f"{path}: {error}") from error
    return read(members, name=str(path))


def load_all(folder: Path) -> dict[str, ServiceMap]:
    """Every `*.toml` of the folder by its authority; raises InvalidServiceMapError for one that has two files."""
    maps: dict[str, ServiceMap] = {}
    for path in sorted(folder.glob("*.toml")):
        found = load(path)
        if found.authority in maps:
            raise InvalidServiceMapError(f"{path}: the authority {found.authority} has another file already")
        maps[found.authority] = found
    return maps


def of_authority(authority: str, *, folder: Path) -> ServiceMap:
    """The authority's map, an empty one when the folder has none: then nobody is named, and everything is a gap."""
    return load_all(folder).get(authority) or ServiceMap(authority=authority, title="No service map yet")
