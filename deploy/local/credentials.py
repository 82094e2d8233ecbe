"""Development credentials: made once, kept in var/credentials.json, the same at every restart."""

import base64
import json
import secrets
from pathlib import Path
from typing import Any

from deploy.local.console import LocalError
from deploy.local.record import write_private
from deploy.secrets import CALL_TOKENS, KEYS, SERVICES, password_variable

AGENCIES = ("health-visiting", "social-care", "early-help", "midwifery", "nursery")
MEMBERS = {  # one person of each, who signs in with a code; the mail stays in var/mail
    "health-visiting": "ada.okoro@health-visiting.example.org",
    "social-care": "rhian.pugh@social-care.example.org",
    "early-help": "dev.anand@early-help.example.org",
    "midwifery": "mel.osei@midwifery.example.org",
    "nursery": "sunny.clarke@nursery.example.org",
}
KEEPERS = {"health-visiting": "bryn.talbot@health-visiting.example.org"}
STAFF = {  # invented people: development actions still have a named actor in the audit trail
    "triage-worker": "Tess Whitlock",
    "triage-lead": "Leonie Marsh",
    "manager": "Maurice Adeyinka",
    "commissioner": "Connie Bramley",
    "operations": "Owen Pryce",
    "auditor": "Audra Lindqvist",
}
TOKENS = (*CALL_TOKENS, *(password_variable("database", service) for service in SERVICES))


def load(file: Path) -> dict[str, Any]:
    """Return `{"agencies": {slug: key}, "staff": {role: {"token", "name", "id"}}, "secrets": {variable: value}}`.

    `members` and `keepers` (slug → e-mail) are people of the agencies who sign in to the pages.

    What is missing is made and written (mode 0600); what is there never changes, or stored referrals became unreadable.
    """
    known = _read(file)
    whole = {
        "agencies": _new_agencies() | known.get("agencies", {}),
        "members": MEMBERS,
        "keepers": KEEPERS,
        "staff": _new_staff() | known.get("staff", {}),
        "secrets": _new_secrets() | known.get("secrets", {}),
    }
    if whole != known:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private(file, whole)
    return whole


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        known: dict[str, Any] = json.loads(file.read_text())
    except ValueError as error:
        raise LocalError(
            f"{file} is not readable JSON ({error}): restore it, or `make clean` to start afresh"
        ) from error
    return known


def _new_agencies() -> dict[str, str]:
    return {slug: f"dev_{slug}_{secrets.token_urlsafe(24)}" for slug in AGENCIES}


def _new_staff() -> dict[str, dict[str, str]]:
    return {
        role: {"token": f"dev_{role}_{secrets.token_urlsafe(24)}", "name": name, "id": f"dev-{role}"}
        for role, name in STAFF.items()
    }


def _new_secrets() -> dict[str, str]:
    keys = {name: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for name in KEYS}
    return keys | {name: secrets.token_urlsafe(32) for name in TOKENS}
