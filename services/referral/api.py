"""HTTP in, for agencies: read, call one function, map to an answer."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache, partial
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral import contract, steps, views
from services.referral.agencies import Agency, AgencyActor
from services.referral.agency_keys import AgencyKeys
from services.referral.document.checks import is_urgent
from services.referral.document.errors import Invalid
from services.referral.facts import ring_now
from services.referral.reference import new_reference, parse
from services.referral.request_limits import RequestLimits
from services.referral.requirements import requirements
from services.referral.steps import TakeStep
from services.referral.submitting import idempotency
from services.referral.submitting.batch_writer import BatchWriter
from services.referral.submitting.idempotency import Answer, request_key
from services.referral.submitting.prepare import Arrival, Preparing
from shared.database import seen_by
from shared.mistakes import is_shown
from shared.problems import FieldError, Problem, of_failure
from shared.service_map import ServiceMap
from shared.strict_json import Unreadable, canonical, parse_json
from shared.web import NO_STORE, Express, bearer_token, cause_of, read_json_body
from shared.web import answer as json_answer
from shared.working_time import day_in_london

log = structlog.get_logger(__name__)

_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_ETAG: Final = re.compile(r'"?([0-9]{1,9})"?', re.ASCII)
_OF_FEED: Final = ("changed_since", "limit", "external_reference")
_MERGE_PATCH: Final = ("application/merge-patch+json",)


@dataclass(frozen=True)
class ReferralApi:
    """The intake API. `writer` stores new referrals in groups; every other step has a transaction of its own."""

    engine: AsyncEngine
    keys: AgencyKeys
    limits: RequestLimits
    preparing: Preparing
    service_map: ServiceMap
    writer: BatchWriter[Arrival]

    def router(self) -> APIRouter:
        routes = APIRouter(tags=["intake"])
        routes.post(
            "/referrals",
            status_code=201,
            openapi_extra=contract.REFERRAL,
            responses=contract.gives(contract.Receipt, 201) | contract.gives(contract.Amended, 200),
            summary="Send a referral",
        )(self.post_referral)
        routes.get(
            "/referrals",
            openapi_extra=contract.KEYED,
            responses=contract.gives(contract.Feed, 200),
            summary="Your referrals that are new or changed since a cursor",
        )(self.get_feed)
        routes.get(
            "/referrals/{reference}",
            openapi_extra=contract.KEYED,
            responses=contract.gives(contract.Shown, 200),
            summary="One of your referrals: where it stands and why",
        )(self.get_one)
        for verb, path, takes, gives, summary, endpoint in (
            ("PATCH", "", contract.CHANGE, contract.Amended, "Change it: a JSON merge patch (RFC 7396)", self.patch),
            ("POST", "/withdrawal", contract.WITHDRAWAL, contract.Withdrawn, "Take it back", self.withdraw),
            ("POST", "/information", contract.INFORMATION, contract.Informed, "Answer what we asked", self.inform),
            (
                "POST",
                "/challenge",
                contract.CHALLENGE,
                contract.Informed,
                "Ask us, once, to look again at a decline",
                self.challenge,
            ),
        ):
            routes.api_route(
                f"/referrals/{{reference}}{path}",
                methods=[verb],
                openapi_extra=takes,
                responses=contract.gives(gives, 200),
                summary=summary,
            )(endpoint)
        routes.post(
            "/enquiries",
            status_code=201,
            openapi_extra=contract.ENQUIRY,
            responses=contract.gives(contract.Receipt, 201),
            summary="Ask for a consultation or training",
        )(self.post_enquiry)
        routes.get("/requirements", summary="What to send, what happens next, whom to ring now")(self.get_requirements)
        return routes

    def express(self) -> Express:
        """The two calls that come in thousands: a referral, and a look at it."""

        async def look(request: Request) -> Response:
            return await self.get_one(request, request.path_params["id"])

        return {("POST", "/referrals"): self.post_referral, ("GET", "/referrals/"): look}

    async def post_referral(self, request: Request) -> Response:
        agency = await self._agency(request)
        key = _idempotency_key(request)
        value = _read(await read_json_body(request))
        by = AgencyActor(_now(), cause_of(request), agency)
        with self._telling_whom_to_ring(value):
            answer = await self.writer.submit(self.preparing.arrival(value, by=by, key=key))
            if isinstance(answer, Problem):
                raise answer
        return _answer(answer)

    @contextmanager
    def _telling_whom_to_ring(self, value: object) -> Iterator[None]:
        """A value that can't be read is Problem 422, with every mistake at once.

        A family in danger is in danger whatever we answer: a refusal and a failure say whom to ring, too.
        """
        try:
            yield
        except Exception as error:
            problem = Problem("invalid", errors=error.errors) if isinstance(error, Invalid) else error
            if isinstance(value, dict) and is_urgent(value):
                if not isinstance(problem, Problem):
                    problem = of_failure(error)
                    log.warning("request failed", answer=problem.name, cause=type(error).__name__)
                problem.extra["act_now"] = ring_now(self.preparing.policy)
            if problem is error:
                raise
            raise problem from error

    async def _agency(self, request: Request) -> Agency:
        """Whose key it is, within its share of requests; raises Problem 401 or 429."""
        agency = await self.keys.find(bearer_token(request))
        self.limits.take(agency.id, now=time.monotonic())
        return agency

    async def get_one(self, request: Request, reference: str) -> Response:
        agency = await self._agency(request)
        async with seen_by(self.engine, agency.id) as tx:
            shown = await views.one(
                tx,
                self.preparing.identities,
                agency_id=agency.id,
                reference=_reference(reference),
                service_map=self.service_map,
                on=day_in_london(_now()),
            )
        return json_answer(self._with_whom_to_ring(shown))

    async def get_feed(
        self,
        request: Request,
        changed_since: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        external_reference: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        agency = await self._agency(request)
        if unknown := [name for name in request.query_params if name not in _OF_FEED]:
            raise Problem("invalid", errors=[_unknown_query(name) for name in unknown])
        async with seen_by(self.engine, agency.id) as tx:
            page = await views.feed(
                tx,
                self.preparing.identities,
                agency_id=agency.id,
                cursor=changed_since,
                limit=limit,
                external_reference=external_reference,
            )
        return json_answer(page | {"items": [self._with_whom_to_ring(item) for item in page["items"]]})

    def _with_whom_to_ring(self, shown: dict[str, Any]) -> dict[str, Any]:
        """As every answer about a family in danger; what is erased tells of none."""
        return shown | {"act_now": ring_now(self.preparing.policy) if shown["dangers"] else []}

    async def patch(self, request: Request, reference: str) -> Response:
        return await self._take(partial(steps.patch, version=_version(request)), request, reference)

    async def withdraw(self, request: Request, reference: str) -> Response:
        return await self._take(steps.withdraw, request, reference)

    async def inform(self, request: Request, reference: str) -> Response:
        return await self._take(steps.inform, request, reference)

    async def challenge(self, request: Request, reference: str) -> Response:
        return await self._take(steps.challenge, request, reference)

    async def post_enquiry(self, request: Request) -> Response:
        return await self._take(steps.enquire, request)

    @cached_property
    def _requirements(self) -> Callable[[date], Response]:
        """The answer of a day, made once: everybody asks, and the schema in it is large."""
        return lru_cache(maxsize=2)(lambda on: json_answer(requirements(self.preparing.policy, on)))

    async def get_requirements(self) -> Response:
        made = self._requirements(day_in_london(_now()))
        return Response(made.body, headers=dict(made.headers))

    async def _take(self, step: TakeStep, request: Request, reference: str | None = None) -> Response:
        """Take the step once per Idempotency-Key, in a transaction of its own; an enquiry gets a new reference."""
        agency = await self._agency(request)
        key = _idempotency_key(request)
        own = _reference(reference) if reference is not None else ""
        value = _read(await read_json_body(request, also=_MERGE_PATCH if request.method == "PATCH" else ()))
        by = AgencyActor(_now(), cause_of(request), agency)
        asked = f"{request.method} {request.scope['route'].path} {own}"
        keyed = request_key(self.preparing.identities, agency.id, key, asked, canonical(value))
        used = own or new_reference(secrets.randbelow)
        with self._telling_whom_to_ring(value):
            answer = await idempotency.once(
                self.engine, keyed, at=by.at, work=lambda tx: step(tx, self.preparing, used, value, by)
            )
        return _answer(answer)


def _read(body: bytes) -> object:
    try:
        return parse_json(body)
    except Unreadable as error:
        raise Problem("unreadable", error.detail, errors=[FieldError("", error.code, error.detail)]) from None


def _idempotency_key(request: Request) -> str:
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _VISIBLE.fullmatch(keys[0]):
        raise Problem("idempotency-key-missing")
    return keys[0]


def _unknown_query(name: str) -> FieldError:
    """A name that means nothing: ignored, `page=2` would be the first page for ever."""
    words = f"The list takes {', '.join(_OF_FEED)}, and no others."
    return FieldError(f"/query/{name}" if is_shown(name) else "/query", "unknown-member", words)


def _version(request: Request) -> int | None:
    """The version that If-Match names; None without it."""
    named = request.headers.get("if-match")
    if named is None or named == "*":
        return None
    if found := _ETAG.fullmatch(named):
        return int(found[1])
    raise Problem("precondition-failed", 'If-Match takes the version of an answer in quotes, such as "2"')


def _reference(text: str) -> str:
    """A reference as people say it; anything else can't be one of the agency's."""
    if (found := parse(text)) is None:
        raise Problem("not-found")
    return found


def _answer(answer: Answer) -> Response:
    headers = NO_STORE | ({"Location": answer.location} if answer.location else {})
    if answer.is_replay:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.text, answer.status, headers, "application/json")


def _now() -> datetime:
    return datetime.now(UTC)
