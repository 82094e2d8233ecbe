"""The HTTP edge that four services share: the app with its health, metrics and docs; bodies; security headers."""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import docs, problems
from shared.events import Event
from shared.health import Health
from shared.ids import uuid7
from shared.messaging.outbox import Cause
from shared.metrics import REQUESTS
from shared.mistakes import field_errors
from shared.problems import Problem
from shared.settings import Part, Settings
from shared.strict_json import Unreadable, parse_json
from shared.version import VERSION

log = structlog.get_logger(__name__)

_NOT_LOGGED: Final = (*problems.FOR_PEOPLE, "/callbacks/stop/")
"""Refusals there are those of people at pages, families among them."""

BODY_BYTES: Final = 256 * 1024
BODY_SECONDS: Final = 15.0
JSON: Final = "application/json"
NO_STORE: Final = {"Cache-Control": "no-store"}

M = TypeVar("M", bound=BaseModel)

_SECURITY_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def create_app(
    *,
    title: str,
    description: str,
    health: Health,
    speaks: Sequence[type[Event]],
    hears: Sequence[type[Event]],
    guide: Sequence[docs.Table] = (),
) -> FastAPI:
    """An app with `/health/live`, `/health/ready`, `/metrics`, `/docs`, `/openapi.json` and `/asyncapi`."""
    app = FastAPI(
        title=title, description=description, version=VERSION, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    problems.install(app)

    @app.get("/health/live", tags=["health"], summary="The process runs and none of its tasks has ended")
    async def live() -> JSONResponse:
        is_live = health.is_live()
        return JSONResponse({"live": is_live}, 200 if is_live else 503)

    @app.get("/health/ready", tags=["health"], summary="The service can do its work now")
    async def ready() -> JSONResponse:
        is_ready, checks = await health.is_ready()
        return JSONResponse({"ready": is_ready, "checks": checks}, 200 if is_ready else 503)

    @app.get("/metrics", tags=["health"], summary="Prometheus metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/asyncapi", tags=["docs"], summary="The events this service speaks and hears (AsyncAPI 3)")
    async def asyncapi() -> JSONResponse:
        return JSONResponse(docs.asyncapi(title, speaks, hears))

    @app.get("/docs", tags=["docs"], summary="This API for people")
    async def human_docs() -> HTMLResponse:
        return HTMLResponse(docs.page(app.openapi(), guide))

    @app.get("/docs.css", include_in_schema=False)
    async def stylesheet() -> Response:
        return Response(docs.CSS, media_type="text/css")

    return app


COUNTS: Final = ("/metrics", "/totals")
"""Exact live counts, from which single families could be told in published figures."""
Endpoint = Callable[[Request], Awaitable[Response]]
Express = Mapping[tuple[str, str], Endpoint]
"""(method, path) → endpoint; a path that ends in `/` matches with one more segment."""


class Edge:
    """Around every request: a correlation id, the time it took, security headers, and an answer to any failure.

    `express` are the few calls that come in thousands: they go straight to their endpoint, past the framework's
    routing (a third of the intake's CPU when measured). The framework has the same routes, for its docs.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_development: bool,
        internal_port: int | None = None,
        scrape_token: str = "",
        express: Express | None = None,
        only: Part | None = None,
    ) -> None:
        self._app = app
        self._only = only
        self._internal_port = internal_port
        self._scrape_token = scrape_token
        self._express = dict(express or {})
        self._headers = _SECURITY_HEADERS if is_development else [*_SECURITY_HEADERS, _HSTS]

    @classmethod
    def of(cls, app: ASGIApp, settings: Settings, *, express: Express | None = None) -> Edge:
        return cls(
            app,
            is_development=settings.is_development,
            internal_port=settings.internal_port,
            scrape_token=settings.scrape_token.get_secret_value(),
            express=express,
            only=settings.only,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, is_answered = time.perf_counter(), 500, False
        scope["pir_cause"] = cause = _cause(scope)
        correlation = (b"x-correlation-id", str(cause.correlation_id).encode())

        async def send_with_headers(message: Message) -> None:
            nonlocal status, is_answered
            if message["type"] == "http.response.start":
                status, is_answered = message["status"], True
                named = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in (*self._headers, correlation) if header[0] not in named),
                ]
            await send(message)

        try:
            if self._is_hidden(scope):
                await Problem("not-found").response(problems.instance(scope))(scope, receive, send_with_headers)
            elif not self._may_count(scope):
                await Problem("credentials-missing").response(problems.instance(scope))(
                    scope, receive, send_with_headers
                )
            elif endpoint := self._endpoint(scope):
                await _answer_directly(endpoint, scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        except Exception as error:
            problem = problems.of_failure(error)
            log.exception("request failed", answer=problem.name, correlation_id=str(cause.correlation_id))
            if not is_answered:  # the framework answers failures of its own routes (problems.py) and raises them again
                await problem.response(problems.instance(scope))(scope, receive, send_with_headers)
        finally:
            route = scope.get("pir_route") or getattr(scope.get("route"), "path", "unmatched")
            is_known = route != "unmatched" and not f"{scope['path']}/".startswith(_NOT_LOGGED)
            if is_known and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
                log.info(
                    "request refused",
                    status=status,
                    method=scope["method"],
                    route=route,
                    caller=scope.get("pir_caller"),
                    correlation_id=str(cause.correlation_id),
                )
            REQUESTS.labels(scope["method"] if route != "unmatched" else "any", route, status).observe(
                time.perf_counter() - started
            )

    def _is_hidden(self, scope: Scope) -> bool:
        """Exact counts and internal calls are for the internal listener alone, where there is one.

        Where the work runs alone there are only health and metrics: its process has no HTTP loops to answer with.
        """
        path = scope["path"]
        if self._only is Part.WORK and path != "/metrics" and not path.startswith("/health/"):
            return True
        is_internal = path in COUNTS or path.startswith("/internal/")
        return self._internal_port is not None and is_internal and scope["server"][1] != self._internal_port

    def _may_count(self, scope: Scope) -> bool:
        """Live counts are for whoever shows the scrape token, where there is one."""
        if not self._scrape_token or scope["path"] not in COUNTS:
            return True
        shown = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(shown, f"Bearer {self._scrape_token}".encode())

    def _endpoint(self, scope: Scope) -> Endpoint | None:
        method, path = scope["method"], scope["path"]
        parent, _, last = path.rpartition("/")
        if not last:
            return None
        if endpoint := self._express.get((method, path)):
            scope["pir_route"] = path
            return endpoint
        if endpoint := self._express.get((method, parent + "/")):
            scope["pir_route"], scope["path_params"] = parent + "/{id}", {"id": last}
            return endpoint
        return None


async def _answer_directly(endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        response = await endpoint(Request(scope, receive))
    except Problem as problem:
        response = problem.response(problems.instance(scope))
    await response(scope, receive, send)


def add_routes(app: FastAPI, *routers: APIRouter) -> None:
    """Add the very routes of these routers; those of a module are then the same in all apps of the process.

    What is an app's own they find in `app.state`. FastAPI's own way makes each route anew, at the first request.
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def cause_of(request: Request) -> Cause:
    """What the events of this request follow from."""
    cause: Cause = request.scope["pir_cause"]
    return cause


def _cause(scope: Scope) -> Cause:
    trace = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
    return Cause(uuid7(), traceparent=trace if trace and _TRACEPARENT.fullmatch(trace) else None)


async def read_json_body(
    request: Request,
    *,
    may_be_empty: bool = False,
    types: Sequence[str] = (JSON,),
) -> bytes:
    """The body of a JSON request, still bytes.

    Raises Problem: 415 for none of these types, another charset or any content encoding, 413 over 256 KiB, 408 when it
    takes longer than 15 s. Where it `may_be_empty`, no body needs no type.
    """
    if may_be_empty and _is_bodiless(request):
        return b""
    _check_media_type(request, types)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request)
    except TimeoutError:
        raise Problem("too-slow", headers={"Connection": "close"}) from None


def read_model(model: type[M], body: bytes) -> M:
    """The body as `model`. Raises Problem 400 when unreadable, 422 with every mistake, never with what was sent."""
    try:
        return model.model_validate(parse_json(body))
    except Unreadable as error:
        raise Problem("unreadable", error.detail) from None
    except ValidationError as error:
        raise Problem("invalid", errors=field_errors(error.errors())) from None


async def _read(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > BODY_BYTES:
        raise Problem("too-large", "At most 256 KiB are taken", headers={"Connection": "close"})
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES:
            raise Problem("too-large", "At most 256 KiB are taken", headers={"Connection": "close"})
        chunks.append(chunk)
    return b"".join(chunks)


def _is_bodiless(request: Request) -> bool:
    headers = request.headers
    is_empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    return is_empty and not headers.get("content-type")


def _check_media_type(request: Request, allowed: Sequence[str]) -> None:
    if "content-encoding" in request.headers:
        raise Problem("media-type")
    kind, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    fine = {"", "charset=utf-8", 'charset="utf-8"'}
    if kind not in allowed or any(parameter not in fine for parameter in parameters):
        raise Problem("media-type")


def bearer_token(request: Request) -> str:
    """The bearer token of a request; raises Problem 401 when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("credentials-missing", "Send Authorization: Bearer <key>")
    return token.strip()


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    """A JSON answer that no cache keeps."""
    return JSONResponse(body, status, NO_STORE | (headers or {}))
