"""The secrets of each service and of the deploy step, made from the file of deploy.secrets: no other's.

For Kubernetes as JSON on standard output:
`python -m deploy.service_secrets .env --database URL | kubectl apply --server-side --namespace council --filename -`
For a machine as files, one secret each, in DIR/<service>, which PIR_SECRETS_DIR names:
`python -m deploy.service_secrets .env --database URL --folder DIR`
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


def write(secrets: Mapping[str, Mapping[str, str]], folder: Path) -> None:
    """Files that their owner alone can read, and no others: what is not given any more is removed."""
    for name, files in secrets.items():
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in (folder / name).iterdir():
            file.unlink()
        for variable, value in files.items():
            file = folder / name / variable
            file.touch(0o600)
            file.write_text(value, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.service_secrets", description=__doc__)
    parser.add_argument("file", type=Path, help="what deploy.secrets wrote, filled in")
    parser.add_argument("--database", required=True, help="PostgreSQL's URL, with the role of the deploy step")
    parser.add_argument("--folder", type=Path, help="write files below it instead")
    arguments = parser.parse_args()
    secrets = secrets_of(read(arguments.file.read_text(encoding="utf-8")), arguments.database)
    if arguments.folder:
        write(secrets, arguments.folder)
    else:
        print(json.dumps(objects(secrets), indent=1))


if __name__ == "__main__":
    main()
