"""HTTP in, for agencies: read, call one function, map to an answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache, partial
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import answers, asked, contract, steps, views
from services.referral.agencies import Agency, AgencyActor
from services.referral.agency_keys import Callers
from services.referral.asked import AsksTriage
from services.referral.document.checks import is_urgent
from services.referral.document.errors import Invalid
from services.referral.facts import ring_now
from services.referral.reference import new_reference
from services.referral.request_line import (
    PathReference,
    idempotency_key,
    reference_named,
    refuse_unknown_queries,
    version_named,
)
from services.referral.requirements import requirements
from services.referral.requirements_answer import Requirements
from services.referral.steps import TakeStep
from services.referral.submitting import idempotency
from services.referral.submitting.batch_writer import BatchWriter
from services.referral.submitting.idempotency import Answer, request_key
from services.referral.submitting.prepare import Arrival, Preparing
from shared.audit import Actor
from shared.database import seen_by
from shared.errors import failure_name
from shared.problems import FieldError, Problem, of_failure
from shared.service_map import ServiceMap
from shared.strict_json import Unreadable, canonical, parse_json
from shared.web import JSON, NO_STORE, Express, cause_of, read_json_body
from shared.web import answer as json_answer
from shared.working_time import day_in_london

log = structlog.get_logger(__name__)

DRAWS: Final = 3
"""Of a reference for an enquiry: with a million taken, three in a row are all taken once in 100 million enquiries."""
_OF_PATCH: Final = (JSON, "application/merge-patch+json")


@dataclass(frozen=True)
class ReferralApi:
    """The intake API. `writer` stores new referrals in groups; every other step has a transaction of its own."""

    engine: AsyncEngine
    callers: Callers
    preparing: Preparing
    service_map: ServiceMap
    writer: BatchWriter[Arrival]
    triage: AsksTriage

    def router(self) -> APIRouter:
        routes = APIRouter(tags=["intake"])
        routes.post(
            "/referrals",
            status_code=201,
            openapi_extra=contract.REFERRAL,
            responses=contract.gives(answers.Receipt, 201) | contract.gives(answers.Amended, 200),
            summary="Send a referral",
        )(self.post_referral)
        routes.get(
            "/referrals",
            openapi_extra=contract.KEYED,
            responses=contract.gives(answers.Feed, 200),
            summary="Your referrals that are new or changed since a cursor",
        )(self.get_feed)
        routes.get(
            "/referrals/{reference}",
            openapi_extra=contract.KEYED,
            responses=contract.gives(answers.Shown, 200),
            summary="One of your referrals: where it stands and why",
        )(self.get_one)
        routes.get(
            "/referrals/{reference}/questions",
            openapi_extra=contract.KEYED,
            responses=contract.gives(answers.Questions, 200) | contract.refuses(403),
            summary="What we ask you about it (each look is written down)",
        )(self.get_questions)
        for verb, path, takes, gives, summary, endpoint in (
            ("PATCH", "", contract.CHANGE, answers.Amended, "Change it: a JSON merge patch (RFC 7396)", self.patch),
            ("POST", "/withdrawal", contract.WITHDRAWAL, answers.Withdrawn, "Take it back", self.withdraw),
            ("POST", "/information", contract.INFORMATION, answers.Informed, "Answer what we asked", self.inform),
            (
                "POST",
                "/challenge",
                contract.CHALLENGE,
                answers.Informed,
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
            responses=contract.gives(answers.Receipt, 201),
            summary="Ask for a consultation or training",
        )(self.post_enquiry)
        routes.get(
            "/requirements",
            responses=contract.gives(Requirements, 200),
            summary="What to send, what happens next, whom to ring now",
        )(self.get_requirements)
        return routes

    def express(self) -> Express:
        """The two calls that come in thousands: a referral, and a look at it."""

        async def look(request: Request) -> Response:
            return await self.get_one(request, request.path_params["id"])

        return {("POST", "/referrals"): self.post_referral, ("GET", "/referrals/"): look}

    async def post_referral(self, request: Request) -> Response:
        agency = await self.callers.agency(request)
        key = idempotency_key(request)
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
                    log.warning("request failed", answer=problem.name, cause=failure_name(error))
                problem.extra["act_now"] = ring_now(self.preparing.policy)
            if problem is error:
                raise
            raise problem from error

    async def get_one(self, request: Request, reference: PathReference) -> Response:
        agency = await self.callers.agency(request)
        async with seen_by(self.engine, agency.id) as tx:
            shown = await self._shown(tx, agency, reference_named(reference))
        return json_answer(self._with_whom_to_ring(shown))

    async def get_questions(self, request: Request, reference: PathReference) -> Response:
        agency, own = await self.callers.agency(request), reference_named(reference)
        async with seen_by(self.engine, agency.id) as tx:
            about = await asked.about(tx, agency_id=agency.id, reference=own)
            shown = await self._shown(tx, agency, own)
        said = await self.triage.questions(about.id, Actor("agency", agency.slug))
        if said is None:
            raise Problem("unavailable", "What we ask can't be read now")
        return json_answer(asked.listed(shown, about.consent_since, said))

    async def _shown(self, tx: AsyncConnection, agency: Agency, reference: str) -> dict[str, Any]:
        """Raises Problem 404 and 410, as `views.one`."""
        return await views.one(
            tx,
            self.preparing.identities,
            agency_id=agency.id,
            reference=reference,
            service_map=self.service_map,
            on=day_in_london(_now()),
        )

    async def get_feed(
        self,
        request: Request,
        changed_since: Annotated[
            str | None, Query(description="`next` of the page before; left out, from the beginning")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="how many at most")] = 50,
        external_reference: Annotated[
            str | None, Query(max_length=64, description="only the one that you know by this reference of your own")
        ] = None,
    ) -> Response:
        agency = await self.callers.agency(request)
        refuse_unknown_queries(request)
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

    async def patch(self, request: Request, reference: PathReference) -> Response:
        return await self._take(partial(steps.patch, version=version_named(request)), request, reference)

    async def withdraw(self, request: Request, reference: PathReference) -> Response:
        return await self._take(steps.withdraw, request, reference)

    async def inform(self, request: Request, reference: PathReference) -> Response:
        return await self._take(steps.inform, request, reference)

    async def challenge(self, request: Request, reference: PathReference) -> Response:
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
        agency = await self.callers.agency(request)
        key = idempotency_key(request)
        own = reference_named(reference) if reference is not None else ""
        value = _read(await read_json_body(request, types=_OF_PATCH if request.method == "PATCH" else (JSON,)))
        by = AgencyActor(_now(), cause_of(request), agency)
        named = f"{request.method} {request.scope['route'].path} {own}"
        keyed = request_key(self.preparing.identities, agency.id, key, named, canonical(value))
        with self._telling_whom_to_ring(value):
            for draws_left in reversed(range(DRAWS)):
                used = own or new_reference(secrets.randbelow)
                work = partial(_work, step, self.preparing, used, value, by)
                try:
                    return _answer(await idempotency.once(self.engine, keyed, at=by.at, work=work))
                except IntegrityError:  # the reference is somebody else's already
                    if own or not draws_left:
                        raise
        raise AssertionError("the loop returns or raises")


async def _work(
    step: TakeStep, preparing: Preparing, reference: str, value: object, by: AgencyActor, tx: AsyncConnection
) -> Answer:
    return await step(tx, preparing, reference, value, by)


def _read(body: bytes) -> object:
    try:
        return parse_json(body)
    except Unreadable as error:
        raise Problem("unreadable", error.detail, errors=[FieldError("", error.code, error.detail)]) from None


def _answer(answer: Answer) -> Response:
    headers = NO_STORE | ({"Location": answer.location} if answer.location else {})
    if answer.is_replay:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.text, answer.status, headers, "application/json")


def _now() -> datetime:
    return datetime.now(UTC)
