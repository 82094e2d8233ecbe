"""What our PromQL names: metrics and the labels asked of them. Not a parser; it knows what our queries are made of."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = frozenset({"by", "on", "and", "or", "unless", "without", "ignoring", "group_left", "group_right"})
_NAME: Final = r"[a-zA-Z_:][a-zA-Z0-9_:]*"


def metrics_in(expression: str) -> set[str]:
    """Every metric named, as Prometheus stores it (`..._bucket`)."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|\b(?:by|on|without|ignoring)\s*\([^)]*\)", " ", expression)
    found = re.findall(rf"(?<![\w.$])({_NAME})\b(?!\s*\()", bare)
    return set(found) - _WORDS


def labels_in(expression: str) -> set[tuple[str, str]]:
    """(metric, label) of every condition in braces."""
    return {
        (metric, label)
        for metric, conditions in re.findall(rf"({_NAME})\{{([^}}]*)\}}", expression)
        for label in re.findall(rf"({_NAME})\s*(?:=~|!~|!=|=)", conditions)
    }
