"""The version of the whole: pyproject.toml is the only place that has it (the image holds that file too)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final


def _read() -> str:
    project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


VERSION: Final = _read()
