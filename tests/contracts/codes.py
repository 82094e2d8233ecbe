"""The code lists of the contract, as they are now and as they were stored."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Final

FILE: Final = Path(__file__).parent / "codes.json"
"""Every code that was ever published; one may be added (`python -m tests.contracts.write`), none may go."""


def codes_now(events: ModuleType) -> dict[str, list[str]]:
    lists = {name: each for name, each in vars(events).items() if isinstance(each, type) and issubclass(each, StrEnum)}
    return {name: [code.value for code in lists[name]] for name in sorted(lists)}
