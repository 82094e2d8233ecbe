"""The published schemas of HSDS 3.0 and of its UK profile, asked whether a document is one of theirs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

SCHEMAS: Final = Path(__file__).parent / "data" / "hsds"
BOTH: Final = ("hsds-3.0", "uk-profile")


@cache
def _published(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return schema


def example(name: str) -> dict[str, Any]:
    """One of the specification's own examples."""
    return _published(f"hsds-3.0/example_{name}")


def mistakes(document: Any, schema: str, *, part: str = "") -> list[str]:
    """Everything that the schema finds wrong, formats too; `part` is one of its definitions."""
    whole = _published(schema)
    wanted = {**whole["definitions"][part], "definitions": whole["definitions"]} if part else whole
    checker = Draft202012Validator(wanted, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(document)]


def page_mistakes(page: Any) -> list[str]:
    """What is wrong with the head of a page of a list; all its members have to be there."""
    head = _published("hsds-3.0/openapi")["components"]["schemas"]["Page"]
    wanted = {**head, "required": [*head["properties"], "contents"]}
    return [error.message for error in Draft202012Validator(wanted).iter_errors(page)]
