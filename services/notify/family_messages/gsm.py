"""How many parts a text message takes, which is how often it is charged."""

from __future__ import annotations

from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""Each of these takes two places. Both sets: 3GPP TS 23.038, 6.2.1."""
MOST_PARTS: Final = 2


def parts(text: str) -> int:
    """In GSM's own alphabet 160 places, or 153 in each of several; with any other letter 70 or 67 UTF-16 units."""
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        places = sum(2 if letter in _EXTENDED else 1 for letter in text)
        alone, each = 160, 153
    else:
        places = len(text.encode("utf-16-le")) // 2
        alone, each = 70, 67
    return 1 if places <= alone else -(-places // each)
