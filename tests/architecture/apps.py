"""The four services in this process without a server: engines connect when needed, and nobody listens where they would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from deploy.local import credentials
from deploy.secrets import CALL_TOKENS
from services.metrics import app as metrics_app
from services.metrics.settings import Settings as MetricsSettings
from services.notify import app as notify_app
from services.notify.settings import Settings as NotifySettings
from services.referral import app as referral_app
from services.referral.settings import Settings as ReferralSettings
from services.triage import app as triage_app
from services.triage.settings import Settings as TriageSettings
from shared.runtime import Service
from shared.settings import Settings

SETTINGS: Final[dict[str, type[Settings]]] = {
    "referral": ReferralSettings,
    "triage": TriageSettings,
    "notify": NotifySettings,
    "metrics": MetricsSettings,
}
BUILD: Final[dict[str, Callable[[Any], Awaitable[Service]]]] = {
    "referral": referral_app.build,
    "triage": triage_app.build,
    "notify": notify_app.build,
    "metrics": metrics_app.build,
}
NAMES: Final = tuple(SETTINGS)
NOWHERE: Final = "127.0.0.1:1"
INTERNAL_PORT: Final = 9100
SCRAPE_TOKEN: Final = "scrape-" + "x" * 32


def told(folder: Path, **changes: Any) -> dict[str, Any]:
    """What any service is told in development; None in `changes` leaves a setting out."""
    file = folder / "credentials.json"
    secrets = credentials.load(file)["secrets"]
    values = {
        "profile": "development",
        "DATABASE_URL": f"postgresql://nobody:nothing@{NOWHERE}/nowhere",
        "KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
        "credentials_file": file,
        **{name: secrets[name] for name in CALL_TOKENS},
        "master_key": secrets["PIR_MASTER_KEY"],
        "index_key": secrets["PIR_INDEX_KEY"],
        "triage_master_key": secrets["PIR_TRIAGE_MASTER_KEY"],
        "notify_master_key": secrets["PIR_NOTIFY_MASTER_KEY"],
        "audit_signing_key": secrets["PIR_AUDIT_SIGNING_KEY_REFERRAL"],
        **dict.fromkeys(("referral_url", "triage_url", "notify_url", "metrics_url"), f"http://{NOWHERE}"),
        "mail_dir": folder / "mail",
    } | changes
    return {name: value for name, value in values.items() if value is not None}


def in_production(folder: Path, **changes: Any) -> dict[str, Any]:
    """The same outside development: mail goes to a server, staff come from nowhere."""
    smtp = {"smtp_host": "mail.example.org", "mail_from": "no-reply@example.org"}
    outside = {
        "profile": "production",
        "credentials_file": None,
        "mail_dir": None,
        "internal_port": INTERNAL_PORT,
        "scrape_token": SCRAPE_TOKEN,
        "policy_accepted_by": "A. Person, 1 May 2026, for a test",
    }
    return told(folder, **outside | smtp | changes)


async def built(name: str, folder: Path) -> Service:
    return await BUILD[name](SETTINGS[name](**told(folder)))


def client_of(service: Service, *, port: int = 8000) -> httpx.AsyncClient:
    """A client of one of its listeners."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=service.app), base_url=f"http://service:{port}")


def routes_of(routes: Iterable[Any]) -> Iterator[Any]:
    """Every route, those of included routers too (the framework keeps them apart)."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from routes_of(route.original_router.routes)
        else:
            yield route
