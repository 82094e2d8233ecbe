"""Around the staff pages: nothing typed is lost, and every page is one that can be loaded again.

A form sent without its session    what was typed is kept, and stands in the form again after the sign-in (`?typed=`)
A form answered with a page        the page is kept and shown at an address of its own by a redirect (`?kept=`), so
                                   that Back and reload show it again: nothing is sent, searched or written down twice

Only forms that our own pages showed are kept (tokens.py), for the same person in the same browser, for an hour
(kept.py). Where the database is away the answer goes out as it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import structlog
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import failure_name, is_transient
from shared.pages.filling import fill_in
from shared.problems import Problem
from shared.sign_in import cookies, kept
from shared.sign_in.addresses import HOME, SIGN_IN
from shared.sign_in.door import FrontDoor
from shared.sign_in.forms import FIELD, fields_of
from shared.sign_in.tokens import shown_to
from shared.sign_in.visitors import Visitor, optional_visitor, page_of, sign_in_at
from shared.web import BODY_BYTES, NO_STORE

log = structlog.get_logger(__name__)

TYPED: Final = "typed"
KEPT: Final = "kept"
_OURS: Final = frozenset({FIELD, "seen", "next", "item", "to"})
"""Hidden fields and names of buttons: nobody types them."""
_REDIRECTS: Final = range(300, 400)
_FORBIDDEN: Final = 403
_FAILED: Final = 500
_OF_ITS_OWN: Final = frozenset({"content-length", "connection", "set-cookie"})
"""Headers that belong to one answer."""


class Renders(Protocol):
    """What shared.pages.Pages does."""

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page."""


@dataclass(frozen=True, slots=True)
class TypedForm:
    """What a form brought: its token, whom it was shown to, and its other fields as text."""

    token: str
    staff_id: str
    fields: list[tuple[str, str]]


class KeepsWhatIsTyped:
    """Set around the app by setting_up.install. `secret` is what the tokens of forms are signed with."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: FrontDoor,
        pages: Renders,
        secret: str,
        new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._app, self._door, self._pages, self._secret, self._new_secret = app, door, pages, secret, new_secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{HOME}/")
        method = scope.get("method")
        if is_page and method == "POST":
            await self._take(scope, receive, send)
        elif is_page and method == "GET" and {TYPED, KEPT} & set(_query(scope)):
            await self._show_again(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    # A form that was sent.

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})
        body, answer = _Recording(receive), _Answer(send, holds=_is_page_or_sign_in)
        await self._app(scope, body.receive, answer.send)
        if answer.is_held:
            try:
                instead = await self._instead(Request(scope, body.again), answer)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("nothing could be kept of a form", cause=failure_name(error))
                instead = None
            await answer.release(instead, scope, receive)

    async def _instead(self, request: Request, answer: _Answer) -> Response | None:
        """A redirect to where the form or the page is found again; None when the answer goes out as it is."""
        visitor: Visitor | None = request.scope["state"].get("visitor")
        if visitor is None and answer.status not in _REDIRECTS:  # the page after a sign-out, or of no address
            return None
        if visitor is None or answer.status == _FORBIDDEN:
            form = await self._form(request)
            if form is None:
                return None
            if visitor is None or form.token != visitor.csrf:
                return await self._keep_typed(request, form, visitor)
        if answer.status >= _FAILED:  # what fails now may work the next time
            return None
        page = {"status": answer.status, "headers": answer.own_headers, "body": answer.body.decode()}
        name = await self._keep(request, page, visitor.staff.id, session=visitor.session)
        return self._redirect(request, f"{page_of(request)}?{KEPT}={name}") if name else None

    async def _keep_typed(self, request: Request, form: TypedForm, visitor: Visitor | None) -> Response | None:
        """For after the sign-in; straight back to the form where the same person has signed in meanwhile."""
        is_of_another = visitor is not None and visitor.staff.id != form.staff_id
        if is_of_another or not any(value.strip() for name, value in form.fields if name not in _OURS):
            return None
        content = {"action": request.url.path, "fields": form.fields}
        name = await self._keep(request, content, form.staff_id)
        page = f"{page_of(request)}?{TYPED}={name}"
        return self._redirect(request, page if visitor else sign_in_at(page)) if name else None

    async def _form(self, request: Request) -> TypedForm | None:
        """What was sent; None for what none of our pages has shown."""
        try:
            sent = await fields_of(request)
        except Problem:
            return None
        fields = [(name, value) for name, value in sent.multi_items() if isinstance(value, str)]
        token = dict(fields).get(FIELD, "")
        staff_id = shown_to(token, self._secret)
        return None if staff_id is None else TypedForm(token, staff_id, [each for each in fields if each[0] != FIELD])

    async def _keep(self, request: Request, content: Any, staff_id: str, *, session: bytes | None = None) -> str | None:
        """Its name; None when it is too large."""
        name, token = self._new_secret(), self._token_of(request)
        if token is None:
            token = request.scope["state"]["new_kept_token"] = self._new_secret()
        is_kept = await kept.keep(
            self._door.engine,
            content,
            name=name,
            token=token,
            staff_id=staff_id,
            session=session,
            at=self._door.now(),
        )
        return name if is_kept else None

    def _token_of(self, request: Request) -> str | None:
        token = request.cookies.get(self._door.names.kept, "")
        return token if cookies.is_token(token) else None

    def _redirect(self, request: Request, page: str) -> Response:
        response = RedirectResponse(page, 303, NO_STORE)
        if token := request.scope["state"].get("new_kept_token"):
            cookies.give(response, self._door.names.kept, token)
        return response

    # What was kept, asked for again.

    async def _show_again(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The kept page, or the page of the form with what was typed; else the page as it is now."""
        scope.setdefault("state", {})
        request, query = Request(scope, receive), _query(scope)
        if (visitor := await optional_visitor(request)) is None:
            await self._app(scope, receive, send)
            return
        found = {name: await self._find(request, query.get(name, ""), visitor) for name in (TYPED, KEPT)}
        rest = {name: value for name, value in query.items() if name not in found}
        scope["query_string"] = urlencode(rest).encode()
        if found[KEPT]:
            page = found[KEPT]
            await Response(page["body"], page["status"], dict(page["headers"]))(scope, receive, send)
        elif found[TYPED]:
            await self._fill(scope, receive, send, name=query[TYPED], form=found[TYPED])
        else:
            await self._app(scope, receive, send)

    async def _find(self, request: Request, name: str, visitor: Visitor) -> Any:
        token = self._token_of(request)
        if not name or token is None:
            return None
        return await kept.find(self._door.engine, name, token=token, visitor=visitor, at=self._door.now())

    async def _fill(self, scope: Scope, receive: Receive, send: Send, *, name: str, form: Mapping[str, Any]) -> None:
        scope["state"]["is_typed_again"] = True
        answer = _Answer(send, holds=_is_page_or_redirect)
        await self._app(scope, receive, answer.send)
        if not answer.is_held:
            return
        request = Request(scope, receive)
        if answer.status in _REDIRECTS:
            there = answer.headers["location"]
            instead: Response = RedirectResponse(f"{there}{'&' if '?' in there else '?'}{TYPED}={name}", 303, NO_STORE)
        else:
            filled = fill_in(
                answer.body.decode(), action=form["action"], fields=form["fields"], keeps=frozenset({FIELD})
            )
            if filled is None:
                texts = [text for field, text in form["fields"] if field not in _OURS and text.strip()]
                scope["state"]["is_typed_again"] = False
                instead = self._pages.render(request, "typed.html", texts=texts, onward=scope["path"])
            else:
                instead = Response(filled, answer.status, dict(answer.own_headers))
        await answer.release(instead, scope, receive)


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html")


def _is_page_or_sign_in(status: int, headers: Headers) -> bool:
    if status in _REDIRECTS:
        return urlsplit(headers.get("location", "")).path == SIGN_IN
    return _is_page(headers)


def _is_page_or_redirect(status: int, headers: Headers) -> bool:
    return headers.get("location", "").startswith(HOME) if status in _REDIRECTS else _is_page(headers)


class _Recording:
    """The body of a request as it is read by the app, to be read once more afterwards: 256 KiB and no more."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._said, self._size, self._is_whole = receive, list[Message](), 0, False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not self._is_whole:
            self._size += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)
            if self._size <= BODY_BYTES:
                self._said.append(message)
        return message

    async def again(self) -> Message:
        """From its beginning, and what the app has not read."""
        return self._said.pop(0) if self._said else await self._receive()


class _Answer:
    """The answer of the app: held back while it may be replaced, passed on at once otherwise."""

    def __init__(self, send: Send, *, holds: Callable[[int, Headers], bool]) -> None:
        self._send, self._holds = send, holds
        self.is_held, self.status, self.body = False, 0, b""
        self.headers = Headers()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], Headers(raw=message["headers"])
            self.is_held = self._holds(self.status, self.headers)
        if not self.is_held:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    @property
    def own_headers(self) -> list[tuple[str, str]]:
        """Those that belong to the page rather than to this one answer."""
        return [(name, value) for name, value in self.headers.items() if name not in _OF_ITS_OWN]

    async def release(self, instead: Response | None, scope: Scope, receive: Receive) -> None:
        """The other answer with the cookies and the connection of this one; without one, this one."""
        if instead is None:
            instead = Response(self.body, self.status)
            instead.raw_headers = self.headers.raw
        else:
            for name in ("set-cookie", "connection"):
                for value in self.headers.getlist(name):
                    MutableHeaders(raw=instead.raw_headers).append(name, value)
        await instead(scope, receive, self._send)
