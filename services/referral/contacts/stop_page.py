"""Where anybody can say that we should not write to them any more, without an account.

GET  /callbacks/stop/{token}     from an e-mail: a page with a button, because mail scanners open every address
POST /callbacks/stop/{token}     stops, for mail programs by themselves too (RFC 8058, one click)
GET  /callbacks/stop, POST       the same for whoever types their number or address; the answer tells nothing
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response

from services.referral.contacts import stops
from services.referral.contacts.api import Contacts
from services.referral.document.text import stored
from services.referral.request_limits import RequestLimits
from shared.pages import Pages
from shared.problems import Problem
from shared.sign_in.forms import fields_of

STOP: Final = "/callbacks/stop"
TYPED_A_MINUTE: Final = 60
"""By all together: a stop is one small row, and nobody has to be slowed down who is one of many."""
LONGEST: Final = 320
_FRAME: Final = {"service_name": "Messages", "start": STOP, "guide": "", "accessibility": ""}


@dataclass(frozen=True, slots=True)
class StopPages:
    contacts: Contacts
    pages: Pages
    limits: RequestLimits

    def shown(self, request: Request, *, is_stopped: bool = False, is_typed: bool = False, error: str = "") -> Response:
        request.state.frame = _FRAME
        errors = [{"text": error, "href": "#contact"}] if error else []
        return self.pages.render(
            request, "stop.html", is_stopped=is_stopped, is_typed=is_typed, error=error, errors=errors
        )

    async def stop(self, digest: bytes) -> None:
        async with self.contacts.engine.begin() as tx:
            await stops.stop(tx, digest, at=self.contacts.now())

    async def read(self, token: str) -> bytes:
        """Raises Problem 404 for a token that is not ours."""
        async with self.contacts.engine.begin() as tx:
            digest = await self.contacts.addresses.read(tx, token)
        if digest is None:
            raise Problem("not-found")
        return digest


def router(own: StopPages) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get(STOP)
    async def form(request: Request) -> Response:
        return own.shown(request, is_typed=True)

    @routes.post(STOP)
    async def typed(request: Request) -> Response:
        own.limits.take("all", now=time.monotonic())
        said = (await fields_of(request)).get("contact")
        contact = str(stored(said)).strip() if isinstance(said, str) else ""
        if not 3 <= len(contact) <= LONGEST:  # noqa: PLR2004  no number or address is shorter
            return own.shown(request, is_typed=True, error="Enter your phone number or your email address")
        if not stops.as_written(contact):
            return own.shown(request, is_typed=True, error="Enter a whole phone number, or an email address")
        async with own.contacts.engine.begin() as tx:
            digest = await own.contacts.addresses.digest(tx, contact)
        await own.stop(digest)
        return own.shown(request, is_stopped=True)

    @routes.get(STOP + "/{token}")
    async def ask(request: Request, token: str) -> Response:
        await own.read(token)
        return own.shown(request)

    @routes.post(STOP + "/{token}")
    async def by_link(request: Request, token: str) -> Response:
        await own.stop(await own.read(token))
        return own.shown(request, is_stopped=True)

    return routes
