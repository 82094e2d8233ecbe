"""Forms of a page as a browser sends them: names and values that stand in it, for tests that fill them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """`sent` is what a browser would send as the form stands; `buttons` are the names and values of its buttons."""

    action: str
    method: str
    sent: dict[str, list[str]] = field(default_factory=dict)
    boxes: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def _add(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).append(value)


class FormReader(HTMLParser):
    """The forms of a page, in order, and its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._form: Form | None = None
        self._area: tuple[str, list[str]] | None = None
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(told.get("href", ""))
        if tag == "form":
            self._form = Form(told.get("action", ""), told.get("method", "get"))
            self.forms.append(self._form)
        elif self._form is not None:
            self._in_form(self._form, tag, told)

    def _in_form(self, form: Form, tag: str, told: dict[str, str]) -> None:
        name, kind = told.get("name", ""), told.get("type", "")
        if name and tag in ("input", "textarea", "select"):
            form.boxes.add(name)
        if tag == "button" and name:
            form.buttons.append((name, told.get("value", "")))
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in told:
            form._add(self._select, told.get("value", ""))
        elif tag == "input" and name and (kind not in ("radio", "checkbox") or "checked" in told):
            form._add(name, told.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._area and self._form is not None:
            words = "".join(self._area[1])
            self._form._add(self._area[0], words.removeprefix("\n"))
            self._area = None
