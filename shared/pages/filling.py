"""What somebody had typed, put back into the form of a page that was made anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from html import escape
from html.parser import HTMLParser
from typing import Final

_CHOSEN: Final = frozenset({"radio", "checkbox"})
_NOT_TYPED: Final = frozenset({"file", "submit", "button", "reset", "image"})

Attributes = list[tuple[str, str | None]]


def fill_in(html: str, *, action: str, fields: Iterable[tuple[str, str]], keeps: frozenset[str]) -> str | None:
    """The page with these fields in its first form that posts to `action`; None when it has no such form.

    Boxes of the same name are filled in order. Fields named in `keeps` stay as the page has them.
    """
    filler = _Filler(action, fields, keeps)
    filler.feed(html)
    filler.close()
    return "".join(filler.written) if filler.is_found else None


class _Filler(HTMLParser):
    """Writes the page again as it comes; only the boxes of the one form change."""

    def __init__(self, action: str, fields: Iterable[tuple[str, str]], keeps: frozenset[str]) -> None:
        super().__init__(convert_charrefs=False)
        self._action, self._keeps = action, keeps
        self._typed: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in fields:
            self._typed[name].append(value)
        self.written: list[str] = []
        self.is_found = False
        self._is_inside = self._is_replacing = False
        self._select = ""

    def _is_ours(self, form: Mapping[str, str | None]) -> bool:
        """A form that only goes on to another page (GET) would lose what was typed."""
        return form.get("action") == self._action and (form.get("method") or "").lower() == "post"

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        known, name = dict(attrs), dict(attrs).get("name") or ""
        if tag == "form" and not self.is_found and self._is_ours(known):
            self.is_found = self._is_inside = True
        if not self._is_inside or (tag != "option" and (not name or name in self._keeps)):
            self._write(self.get_starttag_text())
        elif tag == "input" and known.get("type") not in _NOT_TYPED:
            self._input(attrs, name, known)
        elif tag == "option":
            is_chosen = known.get("value") in self._typed[self._select] if self._select else "selected" in known
            self._tag(tag, attrs, "selected", "" if is_chosen else None)
        else:
            self._write(self.get_starttag_text())
            self._select = name if tag == "select" else self._select
            if tag == "textarea":
                self._write(f"\n{escape(self._next(name))}")
                self._is_replacing = True

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "textarea":
            self._is_replacing = False
        elif tag == "select":
            self._select = ""
        self._write(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        self._write(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._write(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._write(f"<!{decl}>")

    def _input(self, attrs: Attributes, name: str, known: dict[str, str | None]) -> None:
        if known.get("type") in _CHOSEN:
            is_chosen = (known.get("value") or "on") in self._typed[name]
            self._tag("input", attrs, "checked", "" if is_chosen else None)
        else:
            self._tag("input", attrs, "value", self._next(name))

    def _next(self, name: str) -> str:
        return self._typed[name].pop(0) if self._typed[name] else ""

    def _tag(self, tag: str, attrs: Attributes, changed: str, value: str | None) -> None:
        """The tag with this attribute; without it for None."""
        whole = [each for each in attrs if each[0] != changed] + ([(changed, value)] if value is not None else [])
        said = "".join(f' {name}="{escape(text)}"' if text else f" {name}" for name, text in whole)
        self._write(f"<{tag}{said}>")

    def _write(self, text: str | None) -> None:
        if text and not self._is_replacing:
            self.written.append(text)
