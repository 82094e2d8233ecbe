"""A person at a browser without scripts: follows links and redirects, keeps cookies, sends the forms of its pages."""

from __future__ import annotations

import html
import re
from http.cookies import SimpleCookie
from typing import Final, Self
from urllib.parse import urljoin

import httpx

_INPUT: Final = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_MOST_REDIRECTS: Final = 10


class Browser:
    """At `url`; `page` is what it shows now.

    Like a real browser it takes 127.0.0.1 for as good as TLS, and keeps `__Host-` cookies that are whole only.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.page: httpx.Response
        self.cookies: dict[str, str] = {}
        self._client = httpx.Client(timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def words(self) -> str:
        return self.page.text

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page that is shown."""
        return {html.unescape(name): html.unescape(value) for name, value in _INPUT.findall(self.page.text)}

    def ask(self, method: str, url: str, fields: dict[str, str] | None = None) -> httpx.Response:
        """One request; a redirect is not followed, and the page shown stays."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies} if cookies else {}
        answer = self._client.request(method, urljoin(self.url, url), data=fields, headers=headers)
        self._client.cookies.clear()
        for line in answer.headers.get_list("set-cookie"):
            self._keep(line)
        return answer

    def open(self, path: str) -> httpx.Response:
        """Go there, and on to wherever it leads."""
        return self._go("GET", urljoin(self.url, path), None)

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the page that is shown: its hidden fields, and these."""
        return self._go("POST", urljoin(str(self.page.url), path), self.hidden | fields)

    def follow(self, text: str) -> httpx.Response:
        """Click the link with this text."""
        found = re.search(rf'<a [^>]*href="([^"]*)"[^>]*>\s*{re.escape(text)}\s*</a>', self.page.text)
        assert found, f"no link {text!r} on {self.page.url}: {self.page.text}"
        return self.open(urljoin(str(self.page.url), html.unescape(found[1])))

    def go_to_provider(self, page: str = "/staff") -> httpx.Response:
        """From the sign-in page to the identity provider, which asks who they are."""
        self.open(f"/staff/sign-in?next={page}")
        return self.follow("Sign in with your work account")

    def sign_in(self, role: str = "triage-worker", page: str = "/staff") -> httpx.Response:
        """All the way: the development identity provider takes one click."""
        self.go_to_provider(page)
        return self.send("/authorize", role=role)

    def _go(self, method: str, url: str, fields: dict[str, str] | None) -> httpx.Response:
        for _ in range(_MOST_REDIRECTS):
            self.page = self.ask(method, url, fields)
            if not self.page.is_redirect:
                return self.page
            method, fields, url = "GET", None, urljoin(url, self.page.headers["location"])
        raise AssertionError(f"too many redirects, the last to {url}")

    def _keep(self, line: str) -> None:
        [cookie] = SimpleCookie(line).values()
        assert cookie.key.startswith("__Host-"), line
        assert (bool(cookie["secure"]), cookie["path"], cookie["domain"]) == (True, "/", ""), line
        if cookie["max-age"] == "0":
            self.cookies.pop(cookie.key, None)
        else:
            self.cookies[cookie.key] = cookie.value
