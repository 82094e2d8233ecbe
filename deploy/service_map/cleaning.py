"""What strangers wrote, made fit for a map: one line of words without markup, a number to dial, an https:// address."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser
from typing import Final

import phonenumbers
from pydantic import TypeAdapter, ValidationError

from shared.service_map import Contact

LINE: Final = 160
"""Characters of a line in a map (shared/service_map/model.py)."""
_READ: Final = 5000
"""Characters of a text that are looked at: what a map takes stands at its beginning."""
_TIMES: Final = 5
"""How often a text may be markup within markup; one that still is after that is dropped."""
_UNREAD: Final = frozenset({"script", "style", "template", "noscript", "title"})
_INLINE: Final = frozenset({"a", "abbr", "b", "em", "i", "mark", "small", "span", "strong", "sub", "sup", "u"})
_CONTACT: Final = TypeAdapter(Contact)


class _Words(HTMLParser):
    """Collects what a browser would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  the library's
        self._unread += tag in _UNREAD
        self._space(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unread = max(0, self._unread - (tag in _UNREAD))
        self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.parts.append(data)

    def _space(self, tag: str) -> None:
        if tag not in _INLINE:
            self.parts.append(" ")


def line(text: str) -> str:
    """One line of printable words without markup, not cut; empty when nothing is left."""
    words = text[:_READ]
    for _ in range(_TIMES):
        before, words = words, _shown(words)
        if words == before:
            return words
    return ""


def _shown(text: str) -> str:
    reader = _Words()
    reader.feed(text)
    reader.close()
    shown = unicodedata.normalize("NFC", "".join(reader.parts))
    return " ".join("".join(each if each.isprintable() else " " for each in shown).split())


def cut(words: str) -> str:
    """The beginning that fits into a line of a map, up to the end of a word, without a full stop at the end."""
    if len(words) > LINE:
        words = words[: LINE + 1].rpartition(" ")[0] or words[:LINE]
    return words.removesuffix(".").rstrip()


def phone(text: str) -> str:
    """A number as maps write it, read as a British one unless it begins with +; empty when it is none.

    One with an extension is none: a map has no place for that, and without it somebody else answers.
    """
    plain = text.strip(" \"'\t")
    if _fits(phone=plain):
        return plain
    try:
        number = phonenumbers.parse(plain, "GB")
    except phonenumbers.NumberParseException:
        return ""
    if number.extension or not phonenumbers.is_possible_number(number):
        return ""
    is_home = number.country_code == phonenumbers.country_code_for_region("GB")
    form = phonenumbers.PhoneNumberFormat.NATIONAL if is_home else phonenumbers.PhoneNumberFormat.E164
    written = phonenumbers.format_number(number, form)
    return written if _fits(phone=written) else ""


def address(text: str) -> str:
    """The address when it is one that a map takes; empty for any other scheme or form."""
    plain = text.strip()
    return plain if len(plain) <= 2 * LINE and _fits(web=plain) else ""


def _fits(**members: str) -> bool:
    """Tell whether a contact with these members would be taken."""
    try:
        _CONTACT.validate_python({"phone": "0115 496 0100", "how_to_refer": "Ring", **members})
    except ValidationError:
        return False
    return True
