"""How hard a text is to read, counted as a school would, and the sentences of a page that people read."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = {
    *(
        "br",
        "address",
        "blockquote",
        "button",
        "caption",
        "dd",
        "details",
        "div",
        "dt",
        "fieldset",
        "form",
        "h1",
        "h2",
        "h3",
    ),
    *("h4", "header", "label", "legend", "li", "main", "nav", "ol", "option", "p", "section", "summary", "table"),
    *("tbody", "td", "th", "thead", "title", "tr", "ul", "footer", "body", "html"),
}


def syllables(word: str) -> int:
    """Groups of vowels, a silent last e left out: it errs on the high side."""
    word = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", word))
    is_silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - is_silent)


def grade(text: str, *, ends: str = ".!?") -> float:
    """Flesch-Kincaid grade: 6 is about eleven years old. Our own count: textstat needs a download to count syllables.

    `ends`: what ends a sentence.
    """
    words = re.findall(r"[A-Za-z0-9'’-]+", text)
    sentences = max(1, len(re.findall(rf"[{ends}]+(?:\s|$)", text)))
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


class _Blocks(HTMLParser):
    """`parts`: the words of a page, one for each stretch between the edges of two blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("")

    def handle_data(self, data: str) -> None:
        self.parts[-1] += data


def texts_of(html: str) -> list[str]:
    """What a page without scripts says, a text for each block that has words of its own."""
    blocks = _Blocks()
    blocks.feed(html)
    return [words for part in blocks.parts if (words := " ".join(part.split()))]
