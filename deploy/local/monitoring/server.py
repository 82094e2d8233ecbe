"""Serves the boards on this machine: one page a dashboard, no script, nothing kept."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from deploy.local.answers import Answer, as_page, to
from deploy.local.monitoring import page
from deploy.local.monitoring.asking import PrometheusApi
from deploy.local.monitoring.dashboards import boards
from deploy.local.ports import free_port

DEFAULT_PORT: Final = 8007
FIRST: Final = "pir-health"
STYLE: Final = Path(__file__).parent / "templates" / "boards.css"


class Boards:
    """At `url`/boards once it is started; asks the Prometheus at `prometheus_url` whenever a page is opened."""

    def __init__(self, prometheus_url: str) -> None:
        self.port = free_port(DEFAULT_PORT)
        self.url = f"http://127.0.0.1:{self.port}"
        self._prometheus = PrometheusApi(prometheus_url)
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Raises OSError for a port that has been taken meanwhile."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="boards").start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._prometheus.close()

    def answer(self, address: str) -> Answer:
        """To a GET of this path and query."""
        parts = urlsplit(address)
        if parts.path == "/boards.css":
            return Answer(200, "text/css", STYLE.read_bytes())
        if parts.path.rstrip("/") in {"", "/boards"}:
            return to(f"/boards/{FIRST}")
        board = boards().get(parts.path.removeprefix("/boards/"))
        if board is None:
            return Answer(404, "text/plain", b"There is no such board.")
        try:
            return as_page(page.page(board, self._prometheus, dict(parse_qsl(parts.query))))
        except httpx.HTTPError:
            return as_page(page.silent(board), 503)


def _handler(boards_: Boards) -> type[BaseHTTPRequestHandler]:
    class BoardRequests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            boards_.answer(self.path).send(self)

        def log_message(self, *_: object) -> None:
            pass

    return BoardRequests
