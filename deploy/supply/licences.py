"""The licence of an installed package as an SPDX expression, and whether the allow-list (licences.toml) has it."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, Final

from license_expression import AND, OR, ExpressionError, LicenseSymbol, get_spdx_licensing

LIST: Final = Path(__file__).with_name("licences.toml")
UNKNOWN: Final = "LicenseRef-unknown"


@cache
def allowed() -> dict[str, Any]:
    """The allow-list as written; its own comments explain it."""
    return tomllib.loads(LIST.read_text(encoding="utf-8"))


@cache
def _spdx() -> Any:
    return get_spdx_licensing()


def expression_of(distribution: Distribution) -> str:
    """Return what the package says of itself, in SPDX names; UNKNOWN when nothing there is clear.

    First what a person read in its licence file (`[read]`), then `License-Expression`, then `License` and classifiers.
    """
    if read := allowed()["read"].get(distribution.name.lower().replace("_", "-").replace(".", "-")):
        return str(read)
    said = distribution.metadata
    classifiers = [each.rpartition("::")[2].strip() for each in said.get_all("Classifier") or [] if "License" in each]
    texts = [said[name].partition("\n")[0].strip() for name in ("License-Expression", "License") if name in said]
    for text in [*texts, *classifiers]:
        named = allowed()["words"].get(text, text)
        if _is_spdx(named):
            return str(named)
    return UNKNOWN


def is_allowed(expression: str, *, names: frozenset[str]) -> bool:
    """Of alternatives (OR) one in `names` is enough, of parts (AND) each must be."""
    return _holds(_spdx().parse(expression), names)


def exceptions(on: date) -> dict[str, str]:
    """Package → licence of each dated exception that has not run out."""
    return {each["package"]: each["licence"] for each in allowed()["exception"] if each["until"] >= on}


def _is_spdx(text: str) -> bool:
    try:
        return not _spdx().validate(text).errors
    except ExpressionError:
        return False


def _holds(part: Any, names: frozenset[str]) -> bool:
    if isinstance(part, OR):
        return any(_holds(each, names) for each in part.args)
    if isinstance(part, AND):
        return all(_holds(each, names) for each in part.args)
    return isinstance(part, LicenseSymbol) and part.key in names
