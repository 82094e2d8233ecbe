"""Takes what Alertmanager posts to its webhooks, and puts alerts into words for the console."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from deploy.local.ports import free_port


class Receiver:
    """`tell` gets the path that was posted to (`page`, `ticket`, `heartbeat`) and the alerts, in some thread."""

    def __init__(self, tell: Callable[[str, list[dict[str, Any]]], None]) -> None:
        class AlertRequests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                tell(self.path.lstrip("/"), body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), AlertRequests)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True, name="webhooks").start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def in_words(alerts: Sequence[Mapping[str, Any]], boards_url: str) -> list[str]:
    """A line for the console for each alert that fires or is over, however many series it has, and what to do."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for alert in alerts:
        groups.setdefault((alert["status"], alert["labels"]["alertname"]), []).append(alert)
    return [_line(status, name, group, boards_url) for (status, name), group in groups.items()]


def _line(status: str, name: str, group: Sequence[Mapping[str, Any]], boards_url: str) -> str:
    first, others = group[0], len(group) - 1
    what = f"{name}: {first['annotations']['summary']}{f' (and {others} more)' if others else ''}"
    if status == "resolved":
        return f"ALERT OVER {what}"
    page = first["annotations"]["runbook"]
    severity = first["labels"]["severity"]
    return f"ALERT ({severity}) {what}. What to do: {page} or {boards_url}/boards/pir-runbooks#{name}"
