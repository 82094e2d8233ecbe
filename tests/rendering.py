"""Pages to test with: a visitor, a request, the frame around templates of a test, and HTML read as a browser reads it."""

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import httpx
from fastapi import FastAPI, Request

from shared.access import Permission, Role, Staff
from shared.pages import NavigationItem, Pages

HOSTILE = """"'><script>alert(1)</script><img src=x onerror=alert(1)> style="x" {{ 7 * 7 }}"""
NAVIGATION = (
    NavigationItem("Start", "/staff", Permission.READ_QUEUES),
    NavigationItem("Queues", "/staff/queues", Permission.READ_QUEUES),
    NavigationItem("Every queue", "/staff/queues/all", Permission.READ_QUEUES),
    NavigationItem("Parked events", "/staff/parked", Permission.READ_PARKED),
)
_VOID = {"img", "input", "link", "meta", "br", "hr"}


@dataclass(frozen=True)
class AVisitor:
    staff: Staff
    csrf: str = "the-token"


class Page(HTMLParser):
    """The elements of a page with their attributes, and the words inside them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self._words: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self._words[tag] = self._words.get(tag, "") + data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self, tag: str = "html") -> str:
        return " ".join(self._words.get(tag, "").split())

    @property
    def is_harmless(self) -> bool:
        """No script and no style of its own, and no picture but ours."""
        names = {name for _, attributes in self.elements for name in attributes}
        pictures = [each["src"] for each in self.all("img") if not each["src"].startswith("/static/")]
        is_inert = not self.all("script") and not self.all("style") and not names & {"style", "srcdoc"}
        return is_inert and not pictures and not any(name.startswith("on") for name in names)


def a_page(body: str = "", before: str = "") -> str:
    """The source of a template in the layout."""
    content = f"{{% block content %}}<h1>A page</h1>{body}{{% endblock %}}"
    return f'{{% extends "layout.html" %}}{before}{{% block title %}}A page{{% endblock %}}{content}'


def some_pages(folder: Path, *, is_development: bool = False, **templates: str) -> Pages:
    """Pages with these templates and `page.html`."""
    for name, source in {"page": a_page(), **templates}.items():
        (folder / f"{name}.html").write_text(source, encoding="utf-8")
    return Pages(name="Referrals", folder=folder, navigation=NAVIGATION, is_development=is_development)


def a_request(path: str = "/staff", query: str = "", *, role: Role | None = Role.WORKER, name: str = "Maya") -> Request:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    request = Request({**scope, "scheme": "https", "server": ("council.example", 443)})
    if role:
        request.state.visitor = AVisitor(Staff("s1", name, role))
    return request


def text_of(pages: Pages, request: Request, template: str = "page.html", **context: object) -> str:
    return bytes(pages.render(request, template, **context).body).decode()


def shown(pages: Pages, request: Request, template: str = "page.html", **context: object) -> Page:
    return Page(text_of(pages, request, template, **context))


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://here")
