"""var/dev.json, by which other programs find the running system, and what `make run` prints for a person."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from deploy.local.keeper import Keeper
from deploy.local.record import write_private
from deploy.local.services import WITH_PAGES, Service


def document(keepers: list[Keeper], *, credentials: dict[str, Any], database_url: str, brokers: str) -> dict[str, Any]:
    """Return dev.json's content, as the contract fixes it."""
    return {
        **{f"{keeper.service.name}_url": keeper.service.url for keeper in keepers},
        "database_url": database_url,
        "kafka_bootstrap_servers": brokers,
        "front_url": next(keeper.service.url for keeper in keepers if keeper.service.name == "referral"),
        "agencies": credentials["agencies"],
        "members": credentials["members"],
        "keepers": credentials["keepers"],
        "staff": {role: person["token"] for role, person in credentials["staff"].items()},
        "processes": {keeper.service.name: keeper.pid for keeper in keepers},
    }


def write(var: Path, content: dict[str, Any]) -> None:
    """Replace var/dev.json in one step, mode 0600."""
    write_private(var / "dev.json", content)


def remove(var: Path) -> None:
    """Remove it: nothing is running."""
    (var / "dev.json").unlink(missing_ok=True)


def referral(today: date) -> dict[str, Any]:
    """Return a small valid referral of an invented family, the baby five months old."""
    return {
        "referrer": {"name": "Ada Okoro", "role": "Health visitor", "email": "ada.okoro@example.org"},
        "babies": [{"given_name": "Robin", "date_of_birth": (today - timedelta(days=150)).isoformat()}],
        "caregivers": [{"relationship": "mother", "given_name": "Sana", "family_name": "Shah"}],
        "home": {"postcode": "NG6 8GB"},
        "consent": {"status": "given"},
        "concern": {"severity": "moderate"},
    }


def welcome(services: list[Service], credentials: dict[str, Any], var: Path, today: date) -> str:
    """Return the lines for a person: addresses, a request to paste, keys."""
    first = services[0]
    addresses = [f"  {service.name:<9} {service.url}  {service.url}/docs" for service in services]
    curl = [
        f"  curl -i {first.url}/referrals \\",
        f"    -H 'Authorization: Bearer {credentials['agencies']['health-visiting']}' \\",
        "    -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s)\" \\",
        f"    -d '{json.dumps(referral(today))}'",
    ]
    agencies = [f"  {slug:<16} {key}" for slug, key in credentials["agencies"].items()]
    staff = [f"  {role:<16} {who['token']}  ({who['name']})" for role, who in credentials["staff"].items()]
    pages = {service.name: service.url for service in services if service.name in WITH_PAGES}
    member = credentials["members"]["health-visiting"]
    lines = [f"Refer a family:  {first.url}/refer (sign in as {member}; the code is in {var}/mail)"]
    lines += [f"Ask for help:    {first.url}/help (parents, without an account)"]
    lines += [f"Staff pages:     {pages['triage']}/staff (one click signs you in)"]
    lines += [
        f"Reports:         {pages['metrics']}/staff",
        "",
        *addresses,
        "",
        "Refer a family by a program:",
        *curl,
        "",
    ]
    lines += ["Demo agency keys:", *agencies, "Demo staff tokens:", *staff]
    return "\n".join([*lines, "", f"Logs: {var}/log  Mail: {var}/mail  Stop: Ctrl-C (data is kept)"])
