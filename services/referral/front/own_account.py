"""Signing in with the work account of one's own organisation: there, and back with a code that its provider answers.

The provider says whose address it is, and is believed for addresses of its own domains alone. Somebody new becomes a
member of the agency; somebody whom a keeper has ended does not come back this way.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from services.referral.front import members, sessions
from services.referral.front.members import Member
from services.referral.front.providers import AgencyProvider
from services.referral.front.visits import SIGN_IN, Front, FrontContext, local_page, to
from shared.audit import Actor
from shared.problems import Problem
from shared.sign_in import cookies, handshakes, logout
from shared.sign_in.handshakes import Handshake
from shared.sign_in.refusals import WORDS, Refusal, RefusedError
from shared.web import NO_STORE

log = structlog.get_logger(__name__)

CALLBACK: Final = "/refer/signed-in"
VOUCHED: Final = Actor("system", "sign-in")
"""Who adds a member that an agency's provider vouches for."""
routes: Final = APIRouter(include_in_schema=False)


@routes.get(f"{SIGN_IN}/with/{{slug}}")
async def leave(request: Request, context: Front, slug: str) -> Response:
    """Off to the provider, with a cookie that ties the way back to this browser."""
    if (agency := context.providers.get(slug)) is None:
        raise Problem("not-found")
    handshake = Handshake(
        state=f"{slug}.{secrets.token_urlsafe(32)}",
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(32),
        page=local_page(request.query_params.get("next")),
        until=int((context.now() + handshakes.LASTS).timestamp()),
    )
    try:
        url = await agency.provider.address(handshake, redirect_uri=_callback(context))
    except RefusedError as error:
        return _refuse(request, context, error.refusal)
    response = RedirectResponse(url, 303, NO_STORE)
    sealed = handshakes.seal(handshake, agency.provider.client.secret)
    seconds = int(handshakes.LASTS.total_seconds())
    cookies.give(response, context.door.names.handshake, sealed, seconds=seconds)
    return response


@routes.get(CALLBACK)
async def come_back(request: Request, context: Front) -> Response:
    """From the provider, with a code or an error."""
    at = context.now()
    try:
        agency, handshake = _handshake(request, context, at)
        member, claims = await _member(request, context, agency, handshake, at)
    except RefusedError as error:
        return _refuse(request, context, error.refusal)
    async with context.engine.begin() as tx:
        token = await context.door.let_in(tx, request, member, by="own account", claims=claims)
        await logout.sweep(tx, at=at)
    return context.door.opened(to(handshake.page), token)


def _handshake(request: Request, context: FrontContext, at: datetime) -> tuple[AgencyProvider, Handshake]:
    """The one that this browser began, with the agency it was for. Raises RefusedError."""
    state = request.query_params.get("state", "")
    agency = context.providers.get(state.partition(".")[0])
    sealed = request.cookies.get(context.door.names.handshake, "")
    handshake = handshakes.unseal(sealed, agency.provider.client.secret, at=at) if agency else None
    if agency is None or handshake is None or not hmac.compare_digest(handshake.state.encode(), state.encode()):
        raise RefusedError(Refusal.RAN_OUT)
    return agency, handshake


async def _member(
    request: Request, context: FrontContext, agency: AgencyProvider, handshake: Handshake, at: datetime
) -> tuple[Member, Mapping[str, Any]]:
    """Who came back, and what the provider says of them. Raises RefusedError, too for an address not the agency's."""
    identity = await agency.provider.redeem(request.query_params, handshake, redirect_uri=_callback(context), at=at)
    claims = identity.claims if identity.claims.get("email") else await agency.provider.more_claims(identity)
    address = members.address_of(str(claims.get("email") or ""))
    if claims.get("email_verified") is False or not agency.vouches_for(address):
        raise RefusedError(Refusal.NO_ROLE)
    async with context.engine.begin() as tx:
        found = await members.by_email(tx, context.identities, address)
        if found is None and not await members.was_ended(tx, context.identities, address):
            try:
                await members.add(
                    tx,
                    context.identities,
                    slug=agency.slug,
                    email=address,
                    is_keeper=False,
                    actor=VOUCHED,
                    at=at,
                    known={"name": str(claims.get("name") or "")},
                )
            except members.MemberError:
                raise RefusedError(Refusal.NO_ROLE) from None
            found = await members.by_email(tx, context.identities, address)
    if found is None or found.agency.slug != agency.slug:
        raise RefusedError(Refusal.NO_ROLE)
    return found, identity.claims


@routes.post("/refer/back-channel-logout/{slug}")
async def end_from_there(request: Request, context: Front, slug: str) -> Response:
    """The agency's provider ends sessions of somebody: no browser is there, and no page."""
    if (agency := context.providers.get(slug)) is None:
        raise Problem("not-found")
    return await logout.answer(
        agency.provider,
        request,
        context.engine,
        at=context.now(),
        end=sessions.end_of_provider,
        action="member.sessions-ended",
    )


def _callback(context: FrontContext) -> str:
    return f"{context.door.public_url.rstrip('/')}{CALLBACK}"


def _refuse(request: Request, context: FrontContext, refusal: Refusal) -> Response:
    log.warning("sign-in of a member refused", cause=refusal.value)
    words = WORDS[refusal]
    return context.pages.render(request, "sign_in_refused.html", status=words.status, words=words, sign_in=SIGN_IN)
