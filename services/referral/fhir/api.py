"""The FHIR calls: a message in and one back, where a referral stands, what we take. Mistakes are OperationOutcomes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral import views
from services.referral.agencies import AgencyActor
from services.referral.agency_keys import Callers
from services.referral.fhir import contract, describing
from services.referral.fhir.names import FHIR_JSON
from services.referral.fhir.outcomes import refused
from services.referral.fhir.replying import response_to, service_request
from services.referral.fhir.taking import Intake, Refused
from services.referral.identity import Identities
from services.referral.reference import parse
from shared.database import seen_by
from shared.problems import CATALOGUE, Problem
from shared.service_map import ServiceMap
from shared.strict_json import Unreadable, parse_json
from shared.web import NO_STORE, add_routes, cause_of, read_json_body
from shared.working_time import day_in_london

PATHS: Final = "/fhir/"
_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_MIRRORED: Final = ("x-request-id", "x-correlation-id")
_JSON_TYPES: Final = ("*/*", "application/*", "application/json", FHIR_JSON)


class FhirResponse(Response):
    media_type = FHIR_JSON


@dataclass(frozen=True)
class FhirApi:
    """`base` is the address of `/fhir` as others reach it."""

    engine: AsyncEngine
    identities: Identities
    callers: Callers
    service_map: ServiceMap
    intake: Intake
    base: str

    def install(self, app: FastAPI) -> None:
        """Add the calls; every problem on their paths, the framework's too, is told as an OperationOutcome."""
        app.state.problem_forms = getattr(app.state, "problem_forms", {}) | {PATHS: _problem}
        add_routes(app, self.router())

    def router(self) -> APIRouter:
        routes = APIRouter(tags=["fhir"])
        routes.post(
            "/fhir/$process-message",
            response_class=FhirResponse,
            openapi_extra=contract.MESSAGE,
            responses=contract.gives("Bundle: the message servicerequest-response"),
            summary="Send a message: a new referral, news of one, or that it is taken back",
        )(self.process_message)
        routes.get(
            "/fhir/ServiceRequest/{reference}",
            response_class=FhirResponse,
            openapi_extra=contract.KEYED,
            responses=contract.gives("ServiceRequest"),
            summary="Where one of your referrals stands",
        )(self.get_service_request)
        for path, answer, what, summary in (
            ("metadata", self.get_metadata, "CapabilityStatement", "What we take and give"),
            ("MessageDefinition", self.get_definitions, "Bundle of MessageDefinition", "The messages that we take"),
            ("Questionnaire/pir-referral", self.get_questionnaire, "Questionnaire", "What else to answer"),
            ("CodeSystem/{name}", self.get_code_system, "CodeSystem", "The codes of an answer"),
        ):
            gives = contract.gives(what)
            routes.get(f"/fhir/{path}", response_class=FhirResponse, responses=gives, summary=summary)(answer)
        return routes

    async def process_message(self, request: Request) -> Response:
        agency = await self.callers.agency(request)
        _check_accepts(request)
        request_id = request.headers.get("x-request-id", "")
        if len(request.headers.getlist("x-request-id")) != 1 or not _VISIBLE.fullmatch(request_id):
            raise Problem("idempotency-key-missing")
        body = await read_json_body(request, types=(FHIR_JSON,))
        try:
            value = parse_json(body)
        except Unreadable as error:
            raise Problem("unreadable", error.detail) from None
        by = AgencyActor(datetime.now(UTC), cause_of(request), agency)
        try:
            taken = await self.intake.take(value, by=by, request_id=request_id)
        except Refused as refusal:
            return _answer(
                request,
                refused(refusal.problem, refusal.issues),
                CATALOGUE[refusal.problem.name][0],
                refusal.problem.all_headers,
            )
        if "status" not in taken.answer.body:  # a first answer, of a family that is erased since
            raise Problem("erased")
        said = response_to(taken.envelope, taken.answer.body, reason=taken.reason, endpoint=self.base)
        return _answer(request, said, headers={"Idempotent-Replayed": "true"} if taken.answer.is_replay else {})

    async def get_service_request(self, request: Request, reference: str) -> Response:
        agency = await self.callers.agency(request)
        _check_accepts(request)
        if (own := parse(reference)) is None:
            raise Problem("not-found")
        async with seen_by(self.engine, agency.id) as tx:
            shown = await views.one(
                tx,
                self.identities,
                agency_id=agency.id,
                reference=own,
                service_map=self.service_map,
                on=day_in_london(datetime.now(UTC)),
            )
        return _answer(request, service_request(shown))

    async def get_metadata(self, request: Request) -> Response:
        return self._described(request, "metadata", lambda: describing.capability_statement(self.base))

    async def get_definitions(self, request: Request) -> Response:
        """`context`, a service's id, may be given: there is one service here."""
        return self._described(request, "definitions", lambda: describing.message_definitions(self.base))

    async def get_questionnaire(self, request: Request) -> Response:
        return self._described(request, "questionnaire", describing.questionnaire)

    async def get_code_system(self, request: Request, name: str) -> Response:
        if name not in describing.code_lists():
            raise Problem("not-found", "There is no code system of this name; the Questionnaire names them")
        return self._described(request, f"CodeSystem/{name}", lambda: describing.code_system(name))

    @cached_property
    def _made(self) -> dict[str, bytes]:
        return {}

    def _described(self, request: Request, name: str, make: Callable[[], Any]) -> Response:
        """A definition, made once."""
        _check_accepts(request)
        if name not in self._made:
            self._made[name] = _bytes(make())
        return _answer(request, self._made[name])


def _check_accepts(request: Request) -> None:
    """Raises Problem 406 for who takes neither FHIR's JSON nor any."""
    wanted = request.headers.get("accept", "*/*").lower()
    if not any(part.split(";")[0].strip() in _JSON_TYPES for part in wanted.split(",")):
        raise Problem("not-acceptable", f"We answer in {FHIR_JSON}")


def _problem(request: Request, problem: Problem) -> Response:
    return _answer(request, refused(problem), CATALOGUE[problem.name][0], problem.all_headers)


def _answer(request: Request, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`X-Request-Id` and `X-Correlation-Id` come back as they came."""
    mirrored = {name: value for name in _MIRRORED if _VISIBLE.fullmatch(value := request.headers.get(name, ""))}
    content = body if isinstance(body, bytes) else _bytes(body)
    return FhirResponse(content, status, NO_STORE | mirrored | (headers or {}))


def _bytes(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
