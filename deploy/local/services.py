"""The four services as `make run` starts them: command, port, environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.console import LocalError
from deploy.local.ports import is_free
from deploy.roles import as_service
from deploy.secrets import CALL_TOKENS, password_variable, signing_variable

DEFAULT_PORTS = {"referral": 8001, "triage": 8002, "notify": 8003, "metrics": 8004}
HIGHEST_PORT = 65_535
WITH_PAGES = {"triage": "PIR_PUBLIC_URL", "metrics": "PIR_METRICS_PUBLIC_URL"}
"""The services where staff sign in, and the variable that says where browsers see each."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service: a process of its own that listens on 127.0.0.1:`port`."""

    name: str
    command: tuple[str, ...]
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def port_variable(self) -> str:
        """The environment variable that moves it."""
        return f"PIR_{self.name.upper()}_PORT"


def from_environment(environ: Mapping[str, str] = os.environ) -> list[Service]:
    """Return the four services, on the ports that PIR_<NAME>_PORT say."""
    return [
        Service(name=name, command=(sys.executable, "-m", f"services.{name}"), port=_port(name, default, environ))
        for name, default in DEFAULT_PORTS.items()
    ]


def _port(name: str, default: int, environ: Mapping[str, str]) -> int:
    variable = f"PIR_{name.upper()}_PORT"
    text = environ.get(variable) or str(default)
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        raise LocalError(f"{variable}={text} is not a port")
    return int(text)


def refuse_taken_ports(services: list[Service]) -> None:
    """Raise LocalError naming the first port that something else has, and the variable that changes it."""
    for service in services:
        if not is_free(service.port):
            raise LocalError(f"port {service.port} ({service.name}) is taken: free it, or set {service.port_variable}")


def return_addresses(services: list[Service]) -> list[str]:
    """Return where the identity provider may send people back to."""
    return [f"{service.url}/staff/signed-in" for service in services if service.name in WITH_PAGES]


KEYS = {
    "referral": {"PIR_MASTER_KEY", "PIR_INDEX_KEY"},
    "triage": {"PIR_TRIAGE_MASTER_KEY"},
    "notify": {"PIR_NOTIFY_MASTER_KEY"},
}


def of_service(name: str, known: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """What one service is told of all that is `known`: its own role in the database, and its own secrets alone."""
    own = {
        "DATABASE_URL": as_service(known["DATABASE_URL"], name, secrets[password_variable("database", name)]),
        "PIR_AUDIT_SIGNING_KEY": secrets[signing_variable(name)],
    }
    calls = {variable for variable in CALL_TOKENS if name.upper() in variable.split("_")}
    others = secrets.keys() - calls - KEYS.get(name, set())
    return {variable: value for variable, value in known.items() if variable not in others} | own


def environment(
    services: list[Service], *, var: Path, credentials: dict[str, Any], database_url: str, brokers: str
) -> dict[str, str]:
    """Return the environment of the deploy step, on top of our own; `of_service` takes from it what a service needs."""
    own = {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": brokers,
        "PIR_PROFILE": "development",
        "PIR_INSTANCE": "local",
        "PIR_POLICY": os.environ.get("PIR_POLICY") or "nottingham",
        "PIR_CREDENTIALS_FILE": str(var / "credentials.json"),
        "PIR_MAIL_DIR": str(var / "mail"),
        "PIR_WEBHOOK_LOCAL": "true",
        "MALLOC_ARENA_MAX": "2",  # a small machine: glibc would keep an arena a thread
        "PYTHONUNBUFFERED": "1",
    }
    places = {f"PIR_{service.name.upper()}_URL": service.url for service in services}
    seen = {WITH_PAGES[service.name]: service.url for service in services if service.name in WITH_PAGES}
    seen["PIR_FRONT_URL"] = next(service.url for service in services if service.name == "referral")
    ports = {service.port_variable: str(service.port) for service in services}
    return {**os.environ, **own, **places, **seen, **ports, **credentials["secrets"]}
