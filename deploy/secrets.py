"""Write the secrets that docker-compose.yml asks for: `python3 -m deploy.secrets .env` (no packages needed).

The file is made readable by its owner only and never replaced: whoever loses these keys can't read stored referrals.
Without a file name the lines go to standard output.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from typing import Final

from shared.secret_files import secret

SERVICES: Final = ("referral", "triage", "notify", "metrics")


def signing_variable(service: str) -> str:
    """Of the key with which a service signs the head of its audit trail."""
    return f"PIR_AUDIT_SIGNING_KEY_{service}".upper()


KEYS: Final = (
    "PIR_MASTER_KEY",
    "PIR_INDEX_KEY",
    "PIR_TRIAGE_MASTER_KEY",
    "PIR_NOTIFY_MASTER_KEY",
    *map(signing_variable, SERVICES),
)
"""32 random bytes in base64url (shared/crypto.py)."""
CALLS: Final = (
    *(("referral", called) for called in ("triage", "notify", "metrics")),
    *(("triage", called) for called in SERVICES),
    ("notify", "referral"),
)
"""Which service calls which; each pair has a token that only the two know."""
CALL_TOKENS: Final = tuple(f"PIR_TOKEN_{caller}_{called}".upper() for caller, called in CALLS)


def password_variable(server: str, service: str) -> str:
    """Of a service's name at `database` or `kafka`."""
    return f"PIR_{server}_PASSWORD_{service}".upper()


def passwords_from(environ: Mapping[str, str], server: str) -> dict[str, str]:
    """The passwords of services at a server that the environment names, by service. Raises SecretFileError."""
    named = {service: secret(password_variable(server, service), environ) for service in SERVICES}
    return {service: password for service, password in named.items() if password}


TOKENS: Final = (
    *CALL_TOKENS,
    "PIR_SCRAPE_TOKEN",
    "POSTGRES_PASSWORD",
    "KAFKA_ADMIN_PASSWORD",
    *(password_variable(server, service) for server in ("database", "kafka") for service in SERVICES),
    "GRAFANA_PASSWORD",
)
"""Letters, digits, - and _ only, so that one can stand in a URL."""

KEEP: Final = """\
# Keep a copy of this file apart from the database's backups. Without PIR_MASTER_KEY and PIR_TRIAGE_MASTER_KEY nobody
# can read what is stored; without PIR_INDEX_KEY a known family is no longer recognised; without PIR_NOTIFY_MASTER_KEY
# agencies have to set their webhooks anew. PIR_AUDIT_SIGNING_KEY_... sign what proves the audit trails; what they have
# signed is checked by public keys, so others may take their place.
"""
TO_FILL_IN: Final = """\

# Staff sign in with the council's identity provider: the file of its public keys, and what its tokens say of
# themselves. Until these are real nobody on the staff can sign in; agencies can already send.
#PIR_STAFF_JWKS=./staff-jwks.json
#PIR_STAFF_JWKS_URL=https://identity.example.org/jwks
PIR_STAFF_ISSUER=https://identity.example.org/
PIR_STAFF_AUDIENCE=parent-infant-referrals

# The staff pages and the reports: where browsers see each, and the identity provider of both (docs/sign-in.md).
#PIR_PUBLIC_URL=https://triage.example.org
#PIR_FRONT_URL=https://refer.example.org
#PIR_METRICS_PUBLIC_URL=https://reports.example.org
#PIR_OIDC_METADATA_URL=https://identity.example.org/.well-known/openid-configuration
#PIR_OIDC_CLIENT_ID=
#PIR_OIDC_CLIENT_SECRET=
#PIR_OIDC_SCOPES=openid profile
#PIR_OIDC_ROLES_CLAIM=roles
#PIR_OIDC_ROLES={}
#PIR_OIDC_ACR=
#PIR_OIDC_MAX_AGE=

# Mail goes to the mail catcher of docker-compose.yml until these name a real server.
PIR_MAIL_FROM="Parent-infant referrals <referrals@example.org>"
#PIR_SMTP_HOST=smtp.example.org
#PIR_SMTP_PORT=587
#PIR_SMTP_TLS=starttls
#PIR_SMTP_USER=
#PIR_SMTP_PASSWORD=

# The policy that is live: the id of a file in deploy/policies.
#PIR_POLICY=nottingham

# Families who ask for help themselves: your own desk, the proxy's header for where a request comes from, and where
# "Leave this page" leads (docs/operations.md).
#PIR_DESK_INBOX=desk@example.org
#PIR_CLIENT_ADDRESS_HEADER=X-Forwarded-For
#PIR_HELP_LEAVE_URL=https://www.bbc.co.uk/weather

# Messages to families by GOV.UK Notify, where the policy switches them on; the token is yours to make
# (docs/messages.md).
#PIR_GOVUK_NOTIFY_KEY=
#PIR_GOVUK_NOTIFY_CALLBACK_TOKEN=
#PIR_GOVUK_NOTIFY_TEMPLATE_SMS=
#PIR_GOVUK_NOTIFY_TEMPLATE_EMAIL=
#PIR_GOVUK_NOTIFY_TEMPLATE_LETTER=
"""


def database_url(environ: Mapping[str, str] = os.environ) -> str:
    """DATABASE_URL, or what DATABASE_URL_FILE holds, as asyncpg takes it.

    Raises SecretFileError, and KeyError for neither.
    """
    if (found := secret("DATABASE_URL", environ)) is None:
        raise KeyError("DATABASE_URL")
    return found.replace("postgresql+asyncpg://", "postgresql://", 1)


def environment_file() -> str:
    """Fresh secrets and, commented, what a deployment sets; different at every call."""
    keys = [f"{name}={base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}\n" for name in KEYS]
    tokens = [f"{name}={secrets.token_urlsafe(32)}\n" for name in TOKENS]
    return "".join([KEEP, *keys, *tokens, TO_FILL_IN])


def main(arguments: list[str]) -> str | None:
    """Write the file; returns one line when that is refused."""
    if not arguments:
        print(environment_file(), end="")
        return None
    try:
        with os.fdopen(os.open(arguments[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(environment_file())
    except FileExistsError:
        return f"{arguments[0]} is there already; it may hold the only copy of keys in use, so it is left as it is"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
