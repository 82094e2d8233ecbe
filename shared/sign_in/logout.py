"""Ending sessions from outside: by the identity provider (OpenID Connect Back-Channel Logout 1.0), and by a command.

A logout token is believed within 10 minutes of when it was made, and once.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from joserfc.errors import JoseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.datastructures import FormData

from shared import audit
from shared.audit import Actor, Entry, operator
from shared.database import sql
from shared.sign_in import sessions
from shared.sign_in.provider import LEEWAY_SECONDS, Provider
from shared.sign_in.refusals import Refusal, RefusedError

log = structlog.get_logger(__name__)

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
BELIEVED: Final = timedelta(minutes=10)
ENDED: Final = "staff.sessions-ended"
_LEEWAY: Final = timedelta(seconds=LEEWAY_SECONDS)
_TYPES: Final = (None, "JWT", "logout+jwt")
_LONGEST: Final = 255
"""Characters of an id; `sub` has at most as many (OpenID Connect Core, 2)."""
_PROVIDER: Final = Actor("system", "identity-provider")


async def end_sessions(provider: Provider, form: FormData, engine: AsyncEngine, *, at: datetime) -> int:
    """End what the `logout_token` of a request says; how many sessions. Raises RefusedError."""
    text = form.get("logout_token")
    if not isinstance(text, str):
        raise RefusedError(Refusal.NOT_BELIEVED)
    issuer = await provider.issuer()
    try:
        token = await provider.signed_by_it(text)
        claims = checked(token.header, token.claims, issuer=issuer, client_id=provider.client.id, at=at)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        log.warning("a logout token is not believed", cause=type(error).__name__)
        raise RefusedError(Refusal.NOT_BELIEVED) from None
    async with engine.begin() as tx:
        taken = await tx.execute(
            sql("INSERT INTO logout_token (issuer, jti, until) VALUES (:issuer, :jti, :until) ON CONFLICT DO NOTHING"),
            {"issuer": issuer, "jti": claims["jti"], "until": at + BELIEVED + 2 * _LEEWAY},
        )
        if not taken.rowcount:
            raise RefusedError(Refusal.RAN_OUT)
        ended = await sessions.end_all(tx, staff_id=claims.get("sub"), provider_session=claims.get("sid"))
        await audit.write(tx, [Entry(_PROVIDER, ENDED, at, detail=staff_id) for staff_id in ended])
    return sum(ended.values())


def checked(
    header: Mapping[str, Any], claims: Mapping[str, Any], *, issuer: str, client_id: str, at: datetime
) -> dict[str, Any]:
    """The claims of a logout token whose signature is right; raises ValueError (2.4 and 2.6 of the specification)."""
    audiences = claims.get("aud")
    made, ends, events = claims.get("iat"), claims.get("exp"), claims.get("events")
    ids = {name: claims[name] for name in ("sub", "sid") if name in claims}
    age = at - datetime.fromtimestamp(made, UTC) if isinstance(made, int) else None
    checks = {
        "typ": header.get("typ") in _TYPES,
        "iss": claims.get("iss") == issuer,
        "aud": client_id in (audiences if isinstance(audiences, list) else [audiences]),
        "iat": age is not None and -_LEEWAY <= age <= BELIEVED + _LEEWAY,
        "exp": ends is None or (isinstance(ends, int) and at.timestamp() < ends + LEEWAY_SECONDS),
        "events": isinstance(events, Mapping) and isinstance(events.get(EVENT), Mapping),
        "nonce": "nonce" not in claims,
        "jti": _is_id(claims.get("jti")),
        "sub, sid": bool(ids) and all(map(_is_id, ids.values())),
    }
    if wrong := [name for name, is_right in checks.items() if not is_right]:
        raise ValueError(", ".join(wrong))
    return {**ids, "jti": claims["jti"]}


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST


async def sweep(tx: AsyncConnection, *, at: datetime) -> None:
    """Forget tokens that nobody would believe any more. Done at every sign-in."""
    await tx.execute(sql("DELETE FROM logout_token WHERE until <= :at"), {"at": at})


def add_session_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`sessions end STAFF`, for the command line of a service with pages."""
    verbs = commands.add_parser("sessions", help="who is signed in to the pages").add_subparsers(required=True)
    end = verbs.add_parser("end", help="end all sessions of somebody here, at once")
    end.add_argument("staff", help="their id, as in the audit trail")
    end.set_defaults(run=_end)


async def _end(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    async with engine.begin() as tx:
        ended = sum((await sessions.end_all(tx, staff_id=arguments.staff)).values())
        await audit.write(tx, [Entry(operator(), ENDED, datetime.now(UTC), detail=arguments.staff)])
    print(f"{ended} session(s) of {arguments.staff} ended")
    return 0
