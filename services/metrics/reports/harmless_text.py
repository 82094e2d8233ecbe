"""Text for files and pictures: what XML cannot hold left out, and nothing a spreadsheet takes for a formula or link."""

from __future__ import annotations

import re
from typing import Final

_ACTIVE: Final = re.compile(r"\s*(?:[=+\-@|＝＋－＠]|\{=|(?:https?|ftp|file|mailto|internal|external):)", re.IGNORECASE)
_LEADING_CONTROL: Final = re.compile(r"[\t\r\n]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text, an apostrophe before it when a spreadsheet would run or open it; control characters are left out."""
    plain = without_controls(text)
    return f"'{plain}" if _ACTIVE.match(plain) or _LEADING_CONTROL.match(plain) else plain


def without_controls(text: str) -> str:
    """The text without what no XML may hold."""
    return _CONTROLS.sub("", text)
