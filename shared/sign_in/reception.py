"""The pages of signing in and out: to the identity provider, back with a code, into a session, and out of it again."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Protocol
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import JSONResponse, RedirectResponse, Response

from shared import audit
from shared.access import Staff
from shared.audit import Actor, Entry
from shared.sign_in import addresses, cookies, handshakes, kept, logout, sessions
from shared.sign_in.addresses import local_page
from shared.sign_in.door import FrontDoor
from shared.sign_in.forms import read_form
from shared.sign_in.handshakes import Handshake
from shared.sign_in.keeping import TYPED, Renders
from shared.sign_in.provider import Identity, Provider
from shared.sign_in.refusals import WORDS, Refusal, RefusedError
from shared.sign_in.roles import RoleBook
from shared.sign_in.tokens import new_token
from shared.sign_in.visitors import Visitor, any_visitor, optional_visitor
from shared.web import NO_STORE

log = structlog.get_logger(__name__)

SIGNED_IN: Final = "staff.signed-in"
SIGNED_OUT: Final = "staff.signed-out"


class KeepsColleague(Protocol):
    """What the service itself notes about somebody who signs in, in the transaction of the session."""

    async def __call__(self, tx: AsyncConnection, staff: Staff, *, at: datetime) -> None: ...


async def keep_nothing(tx: AsyncConnection, staff: Staff, *, at: datetime) -> None:
    """For a service where nobody is given work: the session and the trail say enough."""


@dataclass(frozen=True, slots=True)
class Reception:
    """`new_secret` makes 256 random bits in base64url; without a `provider` nobody can sign in."""

    door: FrontDoor
    provider: Provider | None
    roles: RoleBook
    pages: Renders
    keep_colleague: KeepsColleague
    new_secret: Callable[[], str]

    async def show(self, request: Request) -> Response:
        """The sign-in page; on to where they wanted to go for those who are signed in already."""
        page = local_page(request.query_params.get("next"))
        if await optional_visitor(request):
            return RedirectResponse(page, 303, NO_STORE)
        if self.provider is None:
            return self._refuse(request, Refusal.NOT_SET_UP)
        start = f"{addresses.START}?next={quote(page, safe='/')}"
        ran_out = self.door.names.session in request.cookies
        is_kept = f"{TYPED}=" in page
        return self.pages.render(request, "sign_in.html", onward=start, ran_out=ran_out, is_kept=is_kept)

    async def leave(self, request: Request) -> Response:
        """Off to the provider, with a cookie that ties the way back to this browser."""
        at = self.door.now()
        handshake = Handshake(
            state=self.new_secret(),
            nonce=self.new_secret(),
            verifier=self.new_secret(),
            page=local_page(request.query_params.get("next")),
            until=int((at + handshakes.LASTS).timestamp()),
        )
        try:
            provider = self._provider()
            url = await provider.address(handshake, redirect_uri=self._public(addresses.CALLBACK))
        except RefusedError as error:
            return self._refuse(request, error.refusal)
        response = RedirectResponse(url, 303, NO_STORE)
        seconds = int(handshakes.LASTS.total_seconds())
        sealed = handshakes.seal(handshake, provider.client.secret)
        cookies.give(response, self.door.names.handshake, sealed, seconds=seconds)
        return response

    async def come_back(self, request: Request) -> Response:
        """From the provider, with a code or an error."""
        at = self.door.now()
        try:
            provider = self._provider()
            handshake = self._handshake(request, provider, at=at)
            back = self._public(addresses.CALLBACK)
            identity = await provider.redeem(request.query_params, handshake, redirect_uri=back, at=at)
            staff = await self._person(provider, identity)
        except RefusedError as error:
            return self._refuse(request, error.refusal)
        token = self.new_secret()
        await self._let_in(request, staff, token=token, identity=identity, at=at)
        response = RedirectResponse(local_page(handshake.page), 303, NO_STORE)
        cookies.give(response, self.door.names.session, token)
        cookies.take(response, self.door.names.handshake)
        return response

    async def sign_out(self, request: Request, visitor: Visitor) -> Response:
        """The session ends here first, whatever becomes of the one at the provider."""
        await read_form(request, visitor)
        at = self.door.now()
        async with self.door.engine.begin() as tx:
            id_token = await sessions.end(tx, visitor.session)
            await kept.drop_pages(tx, visitor.session)
            if id_token is not None:
                await audit.write(tx, [Entry(Actor("staff", visitor.staff.id), SIGNED_OUT, at)])
        request.state.visitor = None
        response = await self._farewell(request, id_token)
        cookies.take(response, self.door.names.session)
        return response

    async def show_signed_out(self, request: Request) -> Response:
        return self.pages.render(request, "signed_out.html")

    async def show_keys(self) -> Response:
        """Our public keys, for a provider that asks us to sign."""
        return JSONResponse(self.provider.client.public_keys() if self.provider else {"keys": []})

    async def end_from_there(self, request: Request) -> Response:
        at, engine = self.door.now(), self.door.engine
        return await logout.answer(self.provider, request, engine, at=at, end=logout.end_of_staff, action=logout.ENDED)

    def _provider(self) -> Provider:
        if self.provider is None:
            raise RefusedError(Refusal.NOT_SET_UP)
        return self.provider

    def _handshake(self, request: Request, provider: Provider, *, at: datetime) -> Handshake:
        sealed, state = request.cookies.get(self.door.names.handshake, ""), request.query_params.get("state", "")
        handshake = handshakes.unseal(sealed, provider.client.secret, at=at)
        if handshake is None or not hmac.compare_digest(handshake.state.encode(), state.encode()):
            raise RefusedError(Refusal.RAN_OUT)
        return handshake

    async def _person(self, provider: Provider, identity: Identity) -> Staff:
        if self.roles.has_roles(identity.claims):
            return self.roles.person(identity.claims)
        return self.roles.person(await provider.more_claims(identity))

    async def _let_in(self, request: Request, staff: Staff, *, token: str, identity: Identity, at: datetime) -> None:
        """A new session every time, and the end of the one that this browser had."""
        before = request.cookies.get(self.door.names.session, "")
        async with self.door.engine.begin() as tx:
            await sessions.sweep(tx, at=at)
            await logout.sweep(tx, at=at)
            await kept.sweep(tx, at=at)
            await sessions.end(tx, sessions.digest_of(before))
            csrf = new_token(self._provider().client.secret, staff.id, nonce=self.new_secret())
            sid = identity.claims.get("sid")
            await sessions.start(
                tx,
                staff,
                token=token,
                csrf=csrf,
                id_token=identity.id_token,
                at=at,
                provider_session=sid if isinstance(sid, str) else None,
            )
            await self.keep_colleague(tx, staff, at=at)
            await audit.write(tx, [Entry(Actor("staff", staff.id), SIGNED_IN, at, detail=staff.role.value)])

    async def _farewell(self, request: Request, id_token: str | None) -> Response:
        """To the provider by a page that moves on at once: our policy keeps the answer to a form on this site."""
        back = self._public(addresses.SIGNED_OUT)
        url = await self.provider.farewell(id_token, back=back) if self.provider and id_token else None
        if url is None:
            return RedirectResponse(addresses.SIGNED_OUT, 303, NO_STORE)
        response = self.pages.render(request, "signed_out.html", onward=url)
        response.headers["Refresh"] = f"0; url={url}"
        return response

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        log.warning("sign-in refused", cause=refusal.value)
        words = WORDS[refusal]
        return self.pages.render(request, "sign_in_refused.html", status=words.status, words=words)

    def _public(self, path: str) -> str:
        return f"{self.door.public_url.rstrip('/')}{path}"


def routes(reception: Reception) -> APIRouter:
    """The addresses of signing in; all but the sign-out are there for everybody."""
    router = APIRouter(include_in_schema=False)

    async def sign_out(request: Request, visitor: Annotated[Visitor, Depends(any_visitor())]) -> Response:
        return await reception.sign_out(request, visitor)

    router.add_api_route(addresses.SIGN_IN, reception.show, methods=["GET"])
    router.add_api_route(addresses.START, reception.leave, methods=["GET"])
    router.add_api_route(addresses.KEYS, reception.show_keys, methods=["GET"])
    router.add_api_route(addresses.CALLBACK, reception.come_back, methods=["GET"])
    router.add_api_route(addresses.SIGNED_OUT, reception.show_signed_out, methods=["GET"])
    router.add_api_route(addresses.SIGN_OUT, sign_out, methods=["POST"])
    router.add_api_route(addresses.BACK_CHANNEL, reception.end_from_there, methods=["POST"])
    return router
