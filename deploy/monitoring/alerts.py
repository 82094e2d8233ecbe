"""The alert rules of deploy/prometheus/rules, taken apart: what each measures, and from where on it fires."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = ROOT / "deploy" / "prometheus" / "rules"

_AND: Final = re.compile(r"\s+and\s+(?![^()]*\))")
_OTHERWISE: Final = re.compile(r"\s(?:or|unless|and\s+(?:on|ignoring))\b(?![^()]*\))")
"""What joins conditions so that they need not all hold of the same series."""
_COMPARED: Final = re.compile(r"(?P<measure>.*\S)\s*(?P<sign>==|>|<)\s*(?P<limit>[\d.]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a rule: it holds where `measure` is above, below or at `limit`."""

    measure: str
    sign: str
    limit: float


@dataclass(frozen=True, slots=True)
class Alert:
    """`severity` is page, ticket or none; several conditions must all hold."""

    name: str
    group: str
    severity: str
    expression: str
    summary: str
    runbook: str
    conditions: tuple[Condition, ...]


def conditions_of(expression: str) -> tuple[Condition, ...]:
    """Raises ValueError for a part that compares nothing with a number: every rule has to say from where it fires.

    Likewise for parts that are joined by anything but `and`: `or`, `unless`, `and on (...)`.
    """
    if otherwise := _OTHERWISE.search(expression):
        raise ValueError(f"only `and` joins conditions, not `{otherwise[0].strip()}`: {expression}")
    found = []
    for part in _AND.split(expression):
        compared = _COMPARED.fullmatch(part.strip())
        if compared is None:
            raise ValueError(f"no limit in: {part}")
        found.append(Condition(compared["measure"], compared["sign"], float(compared["limit"])))
    return tuple(found)


@cache
def alerts() -> dict[str, Alert]:
    """Every alert by its name, in the order of the files."""
    found = {}
    for file in sorted(RULES.glob("*.yml")):
        for group in YAML(typ="safe").load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                expression = str(rule["expr"])
                found[rule["alert"]] = Alert(
                    name=rule["alert"],
                    group=group["name"],
                    severity=rule["labels"]["severity"],
                    expression=expression,
                    summary=rule["annotations"]["summary"],
                    runbook=rule["annotations"]["runbook"],
                    conditions=conditions_of(expression),
                )
    return found
