"""What the small servers of `make run` answer with: status, type, body, headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

NO_STORE: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Answer:
    """Never kept by a cache."""

    status: int
    kind: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: NO_STORE)

    def send(self, handler: BaseHTTPRequestHandler) -> None:
        """To whoever asked."""
        handler.send_response(self.status)
        headers = {"Content-Type": self.kind, "Content-Length": str(len(self.body)), **self.headers}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)


def to(url: str) -> Answer:
    return Answer(303, "text/plain", headers={"Location": url, **NO_STORE})


def as_json(found: Any, status: int = 200) -> Answer:
    return Answer(status, "application/json", json.dumps(found).encode())


def as_page(html: str, status: int = 200, *, form_action: str = "'self'") -> Answer:
    """Without script, and never inside another page; `form_action`: where its forms may end up."""
    policy = f"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {form_action}"
    headers = {**NO_STORE, "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return Answer(status, "text/html; charset=utf-8", html.encode(), headers)
