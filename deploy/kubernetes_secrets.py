"""The Secrets that deploy/kubernetes asks for, made from the file of deploy.secrets: JSON on standard output.

`python -m deploy.kubernetes_secrets .env --database URL | kubectl apply --server-side --namespace council --filename -`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values

from deploy.roles import as_service
from deploy.secrets import SERVICES, password_variable, signing_variable
from deploy.variables import SERVICES as SETTINGS
from deploy.variables import is_secret
from shared.settings import variable_of

NEEDED: Final = frozenset({"PIR_KAFKA_PASSWORD", "PIR_SCRAPE_TOKEN", "PIR_AUDIT_SIGNING_KEY"})
"""Outside development, though the settings have a default."""


def secret_settings(service: str) -> dict[str, bool]:
    """Variable → whether the service does not start without it."""
    settings = SETTINGS[service]
    secret = {variable_of(settings, name): each for name, each in settings.model_fields.items() if is_secret(each)}
    return {name: each.is_required() or name in NEEDED for name, each in secret.items()}


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
    """Lines NAME=value; nothing is put in place of a `$`, for keys may have one."""
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items()}


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
