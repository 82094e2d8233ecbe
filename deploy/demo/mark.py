"""A small file that says when the demo was begun, and that it is done: it is filled once a data folder."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

MORNING: Final = -1
"""As a number of families: the twelve awkward cases of a morning instead."""


class Mark:
    """One that was begun and not done was interrupted: with the same moment and number it can go on."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def begun(self) -> tuple[datetime, int] | None:
        """The moment from which times count, and how many families; None before the first time."""
        known = self._read()
        return (datetime.fromisoformat(known["now"]), known["families"]) if "now" in known else None

    def begin(self, now: datetime, families: int) -> None:
        self._write(self._read() | {"now": now.isoformat(), "families": families})

    def practised(self) -> None:
        self._write(self._read() | {"is_practised": True})

    @property
    def is_practised(self) -> bool:
        """Whether the practice reports are there."""
        return bool(self._read().get("is_practised"))

    def done(self) -> None:
        self._write(self._read() | {"is_done": True})

    @property
    def is_done(self) -> bool:
        return bool(self._read().get("is_done"))

    def _read(self) -> dict[str, Any]:
        try:
            known: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not there yet, or cut short: as good as none
            return {}
        return known

    def _write(self, known: dict[str, Any]) -> None:
        draft = self._file.with_suffix(".tmp")
        draft.write_text(json.dumps(known), encoding="utf-8")
        draft.replace(self._file)
