"""Ending sessions from outside: by the identity provider (OpenID Connect Back-Channel Logout 1.0), and by a command.

A logout token is believed within 10 minutes of when it was made, and once.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from joserfc.errors import JoseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared import audit
from shared.audit import Actor, Entry, operator
from shared.database import sql
from shared.sign_in import sessions
from shared.sign_in.forms import fields_of
from shared.sign_in.provider import LEEWAY_SECONDS, Provider
from shared.sign_in.refusals import Refusal, RefusedError
from shared.web import NO_STORE

log = structlog.get_logger(__name__)

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
BELIEVED: Final = timedelta(minutes=10)
ENDED: Final = "staff.sessions-ended"
_LEEWAY: Final = timedelta(seconds=LEEWAY_SECONDS)
_TYPES: Final = (None, "JWT", "logout+jwt")
_LONGEST: Final = 255
"""Characters of an id; `sub` has at most as many (OpenID Connect Core, 2)."""
_PROVIDER: Final = Actor("system", "identity-provider")

End = Callable[[AsyncConnection, str, Mapping[str, str]], Awaitable[Sequence[str]]]
"""Ends, of this provider, the sessions of somebody (`sub`), one session there (`sid`), or what is both; whose."""


async def answer(
    provider: Provider | None, request: Request, engine: AsyncEngine, *, at: datetime, end: End, action: str
) -> Response:
    """To a provider that ends sessions (back-channel logout): no browser is there, and no page."""
    try:
        await _end_sessions(provider, await fields_of(request), engine, at=at, end=end, action=action)
    except RefusedError as error:
        log.warning("a logout token is refused", cause=error.refusal.value)
        status = 503 if error.refusal is Refusal.AWAY else 400
        return JSONResponse({"error": "invalid_request"}, status, NO_STORE)
    return Response(status_code=200, headers=NO_STORE)


async def _end_sessions(
    provider: Provider | None, form: FormData, engine: AsyncEngine, *, at: datetime, end: End, action: str
) -> None:
    """End what the `logout_token` says, and write an entry for each of whom. Raises RefusedError."""
    text = form.get("logout_token")
    if provider is None:
        raise RefusedError(Refusal.NOT_SET_UP)
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
        await audit.write(tx, [Entry(_PROVIDER, action, at, detail=whose) for whose in await end(tx, issuer, claims)])


async def end_of_staff(tx: AsyncConnection, _: str, claims: Mapping[str, str]) -> Sequence[str]:
    """Sessions at the staff pages; the ids of the staff."""
    return list(await sessions.end_all(tx, staff_id=claims.get("sub"), provider_session=claims.get("sid")))


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
