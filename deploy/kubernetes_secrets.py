"""The Secrets that deploy/kubernetes asks for, made from the file of deploy.secrets: JSON on standard output.

`python -m deploy.kubernetes_secrets .env --database URL | kubectl apply --server-side --namespace council --filename -`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from deploy.roles import as_service
from deploy.secrets import SERVICES, password_variable, signing_variable
from services.metrics.settings import Settings as MetricsSettings
from services.notify.settings import Settings as NotifySettings
from services.referral.settings import Settings as ReferralSettings
from services.triage.settings import Settings as TriageSettings
from shared.settings import Settings

SETTINGS: Final[dict[str, type[Settings]]] = {
    "referral": ReferralSettings,
    "triage": TriageSettings,
    "notify": NotifySettings,
    "metrics": MetricsSettings,
}
BESIDE: Final = frozenset({"PIR_MEMBER_PROVIDERS"})
"""Secret by what is in them, though not by their type."""


def secret_settings(service: str) -> dict[str, bool]:
    """Variable → whether the service does not start without it."""
    fields = SETTINGS[service].model_fields.items()
    named = {str(field.validation_alias or f"PIR_{name.upper()}"): field for name, field in fields}
    secret = {name: each for name, each in named.items() if "SecretStr" in str(each.annotation) or name in BESIDE}
    needed = {"PIR_KAFKA_PASSWORD", "PIR_SCRAPE_TOKEN", "PIR_AUDIT_SIGNING_KEY"}
    return {name: each.is_required() or name in needed for name, each in secret.items()}


def secrets_of(given: Mapping[str, str], database_url: str) -> dict[str, dict[str, str]]:
    """Name of a Secret → its files. `database_url` has the name and password of the deploy step.

    Raises KeyError for a variable that is needed and not given.
    """
    own = {
        service: dict(given)
        | {
            "DATABASE_URL": as_service(database_url, service, given[password_variable("database", service)]),
            "PIR_KAFKA_PASSWORD": given[password_variable("kafka", service)],
            "PIR_AUDIT_SIGNING_KEY": given[signing_variable(service)],
        }
        for service in SERVICES
    }
    found = {
        service: {
            name: own[service][name]
            for name, is_needed in secret_settings(service).items()
            if is_needed or own[service].get(name)
        }
        for service in SERVICES
    }
    passwords = [password_variable(server, service) for server in ("database", "kafka") for service in SERVICES]
    found["setup"] = {name: given[name] for name in passwords}
    found["setup"] |= {"DATABASE_URL": database_url, "PIR_KAFKA_PASSWORD": given["KAFKA_ADMIN_PASSWORD"]}
    return found


def read(text: str) -> dict[str, str]:
    """Lines NAME=value, as Compose reads them; empty ones and comments are left out."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {name: value.strip('"') for name, value in pairs}


def objects(secrets: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "parent-infant-referrals"}},
            "stringData": dict(files),
        }
        for name, files in secrets.items()
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.kubernetes_secrets", description=__doc__)
    parser.add_argument("file", type=Path, help="what deploy.secrets wrote, filled in")
    parser.add_argument("--database", required=True, help="PostgreSQL's URL, with the role of the deploy step")
    arguments = parser.parse_args()
    given = read(arguments.file.read_text(encoding="utf-8"))
    print(json.dumps(objects(secrets_of(given, arguments.database)), indent=1))


if __name__ == "__main__":
    main()
