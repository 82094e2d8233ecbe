"""Errors at the edge: RFC 9457 `application/problem+json`, one catalogue for all services.

Never a bad value in one: it may be personal. `errors` names places (JSON pointers) and kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.status import HTTP_401_UNAUTHORIZED, HTTP_405_METHOD_NOT_ALLOWED
from starlette.types import Scope

from shared.errors import is_transient
from shared.mistakes import field_errors
from shared.room import ROOM
from shared.strict_json import FieldError as FieldError  # noqa: PLC0414  for whoever raises a Problem

CATALOGUE: Final[dict[str, tuple[int, str]]] = {
    "unreadable": (400, "The body or the address can't be read"),
    "idempotency-key-missing": (400, "An Idempotency-Key header of 1 to 255 visible ASCII characters is needed"),
    "cursor-unknown": (400, "This cursor is not one of ours"),
    "cursor-ended": (410, "The database was restored since this cursor: start again without one"),
    "credentials-missing": (401, "Credentials are needed"),
    "credentials-unknown": (401, "These credentials are not known, or not any more"),
    "forbidden": (403, "These credentials may not do this"),
    "not-found": (404, "There is nothing here that you may see"),
    "method-not-allowed": (405, "This address does not take this method"),
    "too-slow": (408, "The body did not arrive in time"),
    "not-acceptable": (406, "None of the forms that you would take is one we can give"),
    "conflict": (409, "This does not fit what has happened meanwhile"),
    "ended": (409, "This referral has ended; send the family again under a new external reference"),
    "step-not-allowed": (409, "This step is not possible from here"),
    "erased": (410, "What we held about this family has been erased"),
    "precondition-failed": (412, "It has changed since the version that If-Match names"),
    "too-large": (413, "The body is too large"),
    "media-type": (415, "Only application/json in UTF-8, without a content encoding, is taken"),
    "invalid": (422, "Some values can't be used"),
    "idempotency-key-reused": (422, "This Idempotency-Key was used with another body"),
    "too-many-requests": (429, "Too many requests"),
    "too-many-looks": (429, "You have looked at too many families within the hour"),
    "internal": (500, "Something went wrong on our side"),
    "unavailable": (503, "The service can't store anything now"),
    "not-published": (503, "This is not published yet"),
}
"""name → status and title; `type` is `urn:pir:problem:<name>`."""

RETRY_SECONDS: Final = "5"
CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
"""Of every 401 (RFC 9110, 11.6.1). A browser asks for no password by it."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LONGEST_INSTANCE: Final = 200
"""Characters, percent-encoded: room for every path of ours with its ids."""
FOR_PEOPLE: Final = ("/staff/", "/refer/", "/help/")
"""Where pages live: a problem there is a page too."""


class Problem(Exception):  # noqa: N818  it is an answer rather than a failure
    """Raised anywhere below the edge; the edge answers with it. `name` is one of the catalogue."""

    def __init__(
        self,
        name: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name)
        self.name = name
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def response(self, instance: str) -> Response:
        """As `application/problem+json`."""
        status, title = CATALOGUE[self.name]
        body: dict[str, Any] = {
            "type": f"urn:pir:problem:{self.name}",
            "title": title,
            "status": status,
            "detail": self.detail or title,
            "instance": instance,
            **self.extra,
        }
        if self.errors:
            body["errors"] = [asdict(error) for error in self.errors]
        headers = {"Cache-Control": "no-store", **self.all_headers}
        return JSONResponse(body, status, headers, media_type="application/problem+json")

    @property
    def all_headers(self) -> dict[str, str]:
        """Those of this answer and those that its name brings."""
        own = {"Retry-After": RETRY_SECONDS} if self.name == "unavailable" else {}
        return own | (CHALLENGE if CATALOGUE[self.name][0] == HTTP_401_UNAUTHORIZED else {}) | self.headers


class PagesForProblems(Protocol):
    """`app.state.pages` of an app that has pages: shared.pages.Pages, which knows problems, and not the other way."""

    def problem(self, request: Request, problem: Problem) -> Response:
        """The problem in kind words."""


def install(app: FastAPI) -> None:
    """Answer every error of this app with a problem, those of the framework too."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101  FastAPI's signature is wider than what it calls
        return answer_to(request, error)

    async def framework(request: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 500)
        if status < 400:  # noqa: PLR2004  a redirect is no mistake
            return Response(status_code=status, headers=getattr(error, "headers", None))
        name = {401: "credentials-missing", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}.get(
            status,
            "unreadable" if 400 <= status < 500 else "internal",  # noqa: PLR2004  client or server
        )
        headers = dict(getattr(error, "headers", None) or {})
        if status == HTTP_405_METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(request))
        return answer_to(request, Problem(name, headers=headers))

    async def parameters(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  as above
        return answer_to(request, Problem("invalid", errors=field_errors(error.errors())))

    async def failure(request: Request, error: Exception) -> Response:
        return answer_to(request, of_failure(error))

    app.add_exception_handler(Exception, failure)
    app.add_exception_handler(Problem, ours)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, parameters)


def answer_to(request: Request, problem: Problem) -> Response:
    """A page for people who are on a page, where the app has pages; `application/problem+json` for programs.

    `app.state.problem_forms` (prefix of the path → request and problem to response) are calls whose standard has a form
    of its own for mistakes.
    """
    for prefix, in_their_form in getattr(request.app.state, "problem_forms", {}).items():
        if request.url.path.startswith(prefix):
            answer: Response = in_their_form(request, problem)
            return answer
    pages: PagesForProblems | None = getattr(request.app.state, "pages", None)
    if pages is None or not f"{request.url.path}/".startswith(FOR_PEOPLE):
        return problem.response(instance(request.scope))
    page = pages.problem(request, problem)
    page.headers.update(problem.all_headers)
    return page


def of_failure(error: Exception) -> Problem:
    """What a failure below the edge looks like from outside: 503 when it will pass, else 500."""
    ROOM.note(error)
    return Problem("unavailable" if is_transient(error) else "internal")


def instance(scope: Scope) -> str:
    """The path that was asked for, without its query; the route's template when it is too long to repeat, or `/`."""
    path = quote(scope["path"], errors="replace")
    if len(path) <= LONGEST_INSTANCE:
        return path
    return scope.get("pir_route") or getattr(scope.get("route"), "path", None) or "/"


def _methods(request: Request) -> Iterable[str]:
    """Every method that this path takes: the framework names those of its first route alone."""
    for method in METHODS:
        asked = {**request.scope, "method": method}
        if any(route.matches(asked)[0] is Match.FULL for route in request.app.routes):
            yield method
