"""The roles of the database: an owner for the migrations, and for each service one with rights on its own schema alone.

The deploy step calls `make` before the migrations, as a role that may create roles. The owner gives the rights in the
transaction of the migrations, so that no service meets a table that it may not use yet. Roles belong to the whole
cluster, rights to one database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from deploy.secrets import SERVICES, password_variable
from shared.database import ROLE_SETTINGS

OWNER: Final = "pir_owner"
"""Has all tables and can't log in; whoever runs the deploy step acts as it."""
APPEND_ONLY: Final = {"audit": SERVICES, "audit_seal": SERVICES, "report": ("metrics",)}
"""Tables that a service may read and add to, never change; beside this right a trigger refuses it, too."""
EMPTIED: Final = ("referral", "work_item", "clock_change", "message", "agency", "places", "totals", "inbox")
"""What `rebuild` of the metrics service empties (services/metrics/commands.py; a test compares)."""
LOCK: Final = 7043001
"""The lock of the migrations: two deploy steps at once take turns."""
_ROUNDS: Final = 4096
"""Of SCRAM-SHA-256: PostgreSQL's own default."""


class RolesError(Exception):
    """The roles can't be made; the words say what a person can do."""


def role_of(service: str) -> str:
    return f"pir_{service}"


def as_service(database_url: str, service: str, password: str) -> str:
    """The same database's URL for one of the services."""
    parts = urlsplit(database_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role_of(service)}:{quote(password, safe='')}@{place}"))


async def make(database: asyncpg.Connection[Any], passwords: Mapping[str, str]) -> None:
    """The owner and the four roles; what an older version made becomes the owner's.

    `passwords`: of services by name. A role that is there keeps its password when none is given. Raises RolesError for
    a new role without one, and when this connection may not make roles.
    """
    async with database.transaction():
        await database.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        known = {row["rolname"] for row in await database.fetch("SELECT rolname FROM pg_roles")}
        try:
            if OWNER not in known:
                await database.execute(_unless_there(f"CREATE ROLE {OWNER} NOLOGIN"))
            await database.execute(f"GRANT {OWNER} TO CURRENT_USER")
            for service in SERVICES:
                await _make_one(database, service, passwords.get(service), is_there=role_of(service) in known)
            await database.execute(_HAND_OVER)
        except asyncpg.InsufficientPrivilegeError as error:
            raise RolesError(f"the role of DATABASE_URL has to create roles and own the database: {error}") from error


async def _make_one(database: asyncpg.Connection[Any], service: str, password: str | None, *, is_there: bool) -> None:
    role = role_of(service)
    if not is_there:
        if not password:
            raise RolesError(
                f"{password_variable('database', service)} is missing: the role {role} needs a password to begin with"
            )
        await database.execute(_unless_there(f"CREATE ROLE {role} LOGIN NOINHERIT"))
    stored = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = $1::regrole AND setdatabase = 0"
    known = await database.fetchval(stored, role)
    for name, value in (ROLE_SETTINGS | {"search_path": service}).items():
        if f"{name}={value}" not in (known or ()):  # two deploy steps at once could not both write this row
            await database.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
    if password:  # as a verifier, so that no log of the server has it
        await database.execute(f"ALTER ROLE {role} PASSWORD '{scram(password, secrets.token_bytes(16))}'")


def _unless_there(statement: str) -> str:
    """Another database of the same cluster may be set up at this moment."""
    taken = "duplicate_object OR unique_violation"
    return f"DO $$ BEGIN {statement}; EXCEPTION WHEN {taken} THEN NULL; END $$"


_HAND_OVER: Final = f"""
DO $$
DECLARE each text;
BEGIN
    EXECUTE format('GRANT CREATE, CONNECT ON DATABASE %I TO {OWNER}', current_database());
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO {", ".join(map(role_of, SERVICES))}', current_database());
    GRANT USAGE, CREATE ON SCHEMA public TO {OWNER};
    FOR each IN
        SELECT format('ALTER SCHEMA %I OWNER TO {OWNER}', nspname) FROM pg_namespace
        WHERE nspname = ANY('{{{",".join(SERVICES)}}}') AND pg_get_userbyid(nspowner) <> '{OWNER}'
        UNION ALL
        SELECT format('ALTER TABLE %s OWNER TO {OWNER}', CAST(c.oid AS regclass))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v') AND pg_get_userbyid(c.relowner) <> '{OWNER}'
            AND (n.nspname = ANY('{{{",".join(SERVICES)}}}')
                OR n.nspname = 'public' AND c.relname IN ('pir_version', 'pir_backup'))
        UNION ALL
        SELECT format('ALTER FUNCTION %s OWNER TO {OWNER}', CAST(p.oid AS regprocedure))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY('{{{",".join(SERVICES)}}}') AND pg_get_userbyid(p.proowner) <> '{OWNER}'
    LOOP
        EXECUTE each;
    END LOOP;
END $$
"""  # noqa: S608  constants of this module


def rights() -> Iterator[str]:
    """Statements, for the owner to run, that say all that each service may do with the tables that there are now."""
    for service in SERVICES:
        role = role_of(service)
        kept = [f"{service}.{table}" for table, where in APPEND_ONLY.items() if service in where]
        yield f"GRANT USAGE ON SCHEMA public, {service} TO {role}"
        yield f"GRANT SELECT ON public.pir_version TO {role}"
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {service} FROM {role}"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {service} TO {role}"
        yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {role}"
        yield f"REVOKE UPDATE, DELETE ON {', '.join(kept)} FROM {role}"
    yield f"GRANT SELECT ON public.pir_backup TO {role_of('metrics')}"
    yield f"GRANT TRUNCATE ON {', '.join(f'metrics.{table}' for table in EMPTIED)} TO {role_of('metrics')}"


async def grant(database: asyncpg.Connection[Any]) -> None:
    """All rights, in one transaction."""
    async with database.transaction():
        await database.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await database.execute(f"SET LOCAL ROLE {OWNER}")
        for statement in rights():
            await database.execute(statement)


def scram(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password (RFC 5803); ASCII only, which needs no SASLprep."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    text = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ROUNDS}:{text[0]}${text[1]}:{text[2]}"
