"""One form of a text for comparing: no case, accents, apostrophes or invisible characters; all else one space.

Used for safety words and for names. What a person reads is never folded.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

APOSTROPHES: Final = "'`´‘’‛′‵ʹʻʼʽʾʿˈˊˋ՚׳ߴߵꞋꞌ＇"
"""All that keyboards, word processors and transliterations put where a plain apostrophe belongs."""
_LETTERS: Final = {
    "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ȷ": "j", "ø": "o", "œ": "oe", "æ": "ae", "þ": "th", "ŧ": "t",
    "ŋ": "n", "ĸ": "k", "ƀ": "b", "ɓ": "b", "ɗ": "d", "ɖ": "d", "ǥ": "g", "ƙ": "k", "ɨ": "i", "ƴ": "y", "ə": "e",
    "ɛ": "e", "ɔ": "o", "ⱥ": "a", "ƶ": "z", "ß": "ss",
}  # fmt: skip
"""Letters that Unicode does not take apart, in lower case, and how people write them without their key."""
_TABLE: Final = str.maketrans({**dict.fromkeys(APOSTROPHES, ""), **_LETTERS})
_ASCII: Final = {
    code: None if chr(code) in APOSTROPHES else chr(code).lower() if chr(code).isalnum() else " " for code in range(128)
}
"""Most text is plain: one step instead of one for each letter."""
_ACCENTS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Accents of Latin, Greek and Cyrillic letters. Marks of other scripts are their vowels: they stay."""
_BROKEN: Final = re.compile("(?:[-\u2010\u2011]|\u00ad)[^\\S\n]*\n\\s*")


def fold(text: str) -> str:
    """Lower case letters, digits and marks of other scripts, words apart by one space: `Self-Harm` → `self harm`."""
    if text.isascii():
        return " ".join(text.translate(_ASCII).split())
    cased = visible(text).translate(_TABLE).casefold().translate(_TABLE)
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", cased)).casefold().translate(_TABLE)
    return " ".join("".join(each if _is_kept(each) else " " for each in plain).split())


def visible(text: str) -> str:
    """Without what nobody sees: soft hyphens, zero width characters, direction marks."""
    return "".join(each for each in text if unicodedata.category(each) != "Cf")


def joined(text: str) -> str:
    """Words that a hyphen broke at the end of a line, in one piece again: `bruis-⏎ing` → `bruising`."""
    return _BROKEN.sub("", text)


def _is_kept(each: str) -> bool:
    return each.isalnum() or (not each.isascii() and unicodedata.category(each)[0] == "M")
