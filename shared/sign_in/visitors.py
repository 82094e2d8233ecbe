"""Who looks at a page: the dependency that asks for a session and a permission, and what happens without them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import quote

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.access import Permission, Staff
from shared.problems import Problem
from shared.sign_in.addresses import HOME, SIGN_IN

_READING: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page: `csrf` belongs into each of their forms, `session` is the digest of their session."""

    staff: Staff
    csrf: str
    session: bytes


class Door(Protocol):
    """What `app.state.sign_in` must do: find who came, by the session cookie of the request."""

    async def find(self, request: Request) -> Visitor | None:
        """The visitor; None when nobody is signed in."""


class SignInNeededError(HTTPException):
    """Nobody is signed in: a redirect to the sign-in page, and from there back to `page`; nothing is done."""

    def __init__(self, page: str) -> None:
        super().__init__(303, headers={"Location": sign_in_at(page), "Cache-Control": "no-store"})


def sign_in_at(page: str) -> str:
    """The sign-in page, which leads to `page` afterwards."""
    return f"{SIGN_IN}?next={quote(page, safe='/')}"


PageCheck = Callable[[Request], Awaitable[Visitor]]


@lru_cache(maxsize=64)
def visitor(*permissions: Permission) -> PageCheck:
    """A dependency: the visitor, when their role has any of these permissions.

    Without a session: a redirect (303) to the sign-in page, which leads back here. Another role: Problem "forbidden".
    The same permissions give the same function, so that a test can override it.
    """

    async def check(request: Request) -> Visitor:
        found = await optional_visitor(request)
        if found is None:
            raise SignInNeededError(page_of(request))
        if permissions and not any(found.staff.may(permission) for permission in permissions):
            raise Problem("forbidden", f"The role {found.staff.role.value} may not do this")
        return found

    vars(check)["permission"] = permissions[0] if permissions else None  # the access matrix test reads them
    vars(check)["permissions"] = permissions
    return check


def any_visitor() -> PageCheck:
    """A dependency for pages that everybody who is signed in may see."""
    return visitor()


async def optional_visitor(request: Request) -> Visitor | None:
    """A dependency for pages that are there for everybody: the visitor if somebody is signed in."""
    if not hasattr(request.state, "visitor"):
        door: Door = request.app.state.sign_in
        request.state.visitor = await door.find(request)
    found: Visitor | None = request.state.visitor
    return found


def page_of(request: Request) -> str:
    """The address to come back to: for a form its page, or the nearest above it; nothing is sent again by itself."""
    url = request.url
    if request.method in _READING:
        return f"{url.path}?{url.query}" if url.query else url.path
    path = url.path
    while path != HOME and not _has_page(request, path):
        path = path.rpartition("/")[0] or HOME
    return path


def _has_page(request: Request, path: str) -> bool:
    scope = {**request.scope, "method": "GET", "path": path}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)
