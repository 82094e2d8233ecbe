"""All four services in this process on one database, which reach each other without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from services.metrics import app as metrics_app
from services.metrics.settings import Settings as MetricsSettings
from services.notify import app as notify_app
from services.notify.settings import Settings as NotifySettings
from services.triage import app as triage_app
from services.triage.clients import Families
from services.triage.settings import Settings as TriageSettings
from services.triage.trail import AuditTrails
from shared import audit
from shared.audit import Entry
from tests.integration.behind import Behind, behind
from tests.integration.support import fetch

NAMES: Final = ("referral", "triage", "notify", "metrics")


class Network(httpx.AsyncBaseTransport):
    """Requests to `http://<service>` go to that service in this process; those that are `away` refuse."""

    def __init__(self) -> None:
        self.services: dict[str, httpx.ASGITransport] = {}
        self.away: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host in self.away:
            raise httpx.ConnectError("away")
        return await self.services[request.url.host].handle_async_request(request)


@dataclass
class System:
    """All four services on one database."""

    services: dict[str, Behind]
    network: Network

    @property
    def triage(self) -> Behind:
        return self.services["triage"]

    async def write(self, service: str, *entries: Entry) -> None:
        async with self.services[service].engine.begin() as tx:
            await audit.write(tx, entries)

    async def read(self, role: str, **query: Any) -> httpx.Response:
        path = f"/audit?{httpx.QueryParams(query)}"
        return await self.triage.as_staff("GET", path, role=role)

    async def items(self, role: str, **query: Any) -> list[dict[str, Any]]:
        answer = await self.read(role, **query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def readings(self) -> list[tuple[str, str | None]]:
        rows = await fetch(
            self.triage.engine, "SELECT actor_id, detail FROM audit WHERE action = 'audit.read' ORDER BY id"
        )
        return [(row.actor_id, row.detail) for row in rows]


@asynccontextmanager
async def all_services(
    intake: Behind, settings: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[System]:
    """Triage, notify and metrics beside the referral service that is there."""
    network = Network()
    for maker in (AuditTrails, Families):
        monkeypatch.setattr(triage_app, maker.__name__, partial(maker, transport=network))
    told = settings | {f"{name}_url": f"http://{name}" for name in NAMES} | {"mail_dir": folder / "mail"}
    async with AsyncExitStack() as running:
        made = {
            "referral": intake,
            "triage": await running.enter_async_context(behind(triage_app.build, TriageSettings(**told))),
            "notify": await running.enter_async_context(behind(notify_app.build, NotifySettings(**told))),
            "metrics": await running.enter_async_context(behind(metrics_app.build, MetricsSettings(**told))),
        }
        network.services |= {name: httpx.ASGITransport(each.service.app) for name, each in made.items()}
        yield System(made, network)
