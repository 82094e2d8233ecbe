"""Signing in: an address, a code by mail, the code typed into the same browser. No address in a mail signs anybody in.

GET  /refer/sign-in        asks for the work e-mail address
POST /refer/sign-in        writes a code down and hands the mail to a loop (mailing.py), for unknown addresses too
POST /refer/sign-in/code   the right code in time: a session
POST /refer/sign-out       ends it
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic_core import PydanticCustomError

from services.referral.document.fields import checked_email
from services.referral.front import codes, members, sessions
from services.referral.front.client_address import address_of, household_of
from services.referral.front.codes import CodeUsed
from services.referral.front.visits import (
    HOME,
    SIGN_IN,
    SIGN_OUT,
    Front,
    FrontContext,
    MemberVisit,
    SignedInVisit,
    local_page,
    optional_member,
    to,
)
from shared.audit import Entry, write
from shared.sign_in import cookies
from shared.sign_in.forms import fields_of
from shared.sign_in.sessions import digest_of

ASKS_A_MINUTE: Final = 30
"""For codes, from one place, a fifth of them at once: a hospital has one address for all, and a program has no need."""
CODE_PAGE: Final = f"{SIGN_IN}/code"


routes: Final = APIRouter(include_in_schema=False)


@routes.get(SIGN_IN)
async def show(request: Request, context: Front) -> Response:
    page = local_page(request.query_params.get("next"))
    if await optional_member(request):
        return to(page)
    return _sign_in_page(request, context, page)


@routes.post(SIGN_IN)
async def ask(request: Request, context: Front) -> Response:
    form = await fields_of(request)
    email, page = members.address_of(str(form.get("email", ""))), local_page(str(form.get("next", "")))
    try:
        checked_email(email)
    except PydanticCustomError:
        words = "Write your work email address, such as name@example.nhs.uk"
        mistake = {"errors": [{"text": words, "href": "#email"}], "mistake": words}
        return _sign_in_page(request, context, page, status=422, **mistake)
    place = household_of(address_of(request, context.client_address_header))
    context.asks.take(place, now=time.monotonic())
    browser, names = secrets.token_urlsafe(32), context.door.names
    async with context.engine.begin() as tx:
        code = await codes.ask(
            tx,
            context.identities,
            browser=digest_of(browser),
            email_digests=members.digests_of_address(context.identities, email),
            page=page,
            at=context.now(),
        )
    response = to(CODE_PAGE)
    if code:  # else the code that this browser may have asked for before stays good
        context.mailing.send(email, code)
        cookies.give(response, names.handshake, browser, seconds=int(codes.LASTS.total_seconds()))
    return response


@routes.get(CODE_PAGE)
async def show_code(request: Request, context: Front) -> Response:
    return context.pages.render(request, "sign_in_code.html")


@routes.post(CODE_PAGE)
async def redeem(request: Request, context: Front) -> Response:
    form, names = await fields_of(request), context.door.names
    browser = request.cookies.get(names.handshake, "")
    async with context.engine.begin() as tx:
        used = await codes.redeem(
            tx,
            context.identities,
            browser=digest_of(browser),
            code=str(form.get("code", "")),
            at=context.now(),
        )
    token = await _let_in(request, context, used) if used else None
    if used is None or token is None:
        words = "That code does not open the door. Look at the newest mail, or ask for a new code"
        mistake: dict[str, Any] = {"errors": [{"text": words, "href": "#code"}], "mistake": words}
        return context.pages.render(request, "sign_in_code.html", status=422, **mistake)
    return context.door.opened(to(used.page), token)


@routes.post(SIGN_OUT)
async def sign_out(visit: SignedInVisit) -> Response:
    await visit.form()
    return await end_session(visit)


async def end_session(visit: MemberVisit) -> Response:
    """Sign the member out of this browser."""
    async with visit.engine.begin() as tx:
        await sessions.end(tx, visit.signed_in.session)
        await write(tx, [Entry(visit.member.actor, "member.signed-out", visit.now)])
    response = to("/refer/signed-out")
    cookies.take(response, visit.context.door.names.session)
    return response


@routes.get("/refer/signed-out")
async def signed_out(request: Request, context: Front) -> Response:
    return context.pages.render(request, "signed_out.html", sign_in=HOME)


def _sign_in_page(request: Request, context: FrontContext, page: str, *, status: int = 200, **more: Any) -> Response:
    accounts = [{"slug": each.slug, "name": each.name} for each in context.providers.values()]
    return context.pages.render(request, "sign_in.html", status=status, page=page, accounts=accounts, **more)


async def _let_in(request: Request, context: FrontContext, used: CodeUsed) -> str | None:
    """The token of a new session; None when nobody has the address (any more)."""
    async with context.engine.begin() as tx:
        member = await members.by_digests(tx, context.identities, used.email_digests)
        return await context.door.let_in(tx, request, member, by="code") if member else None
