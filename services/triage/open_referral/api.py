"""HTTP in, for anybody: the service map as Open Referral UK has it. No key, any origin; no personal data.

An address may hold no postcode: what a filter by place would find is not known here, and postcodes are personal.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from services.triage.open_referral.directory import MOST_PER_PAGE, PER_PAGE, Directory, Filter, page_of
from services.triage.open_referral.documents import Document, taxonomy_documents, term_documents
from services.triage.open_referral.vocabulary import PROFILE, VERSION
from shared.mistakes import field_errors
from shared.problems import FieldError, Problem
from shared.working_time import day_in_london

ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}
"""The profile asks for it, so that a page of anybody may read the directory; no other call of ours has it."""
KEPT: Final = {"Cache-Control": "public, max-age=300", **ANY_ORIGIN}
"""A cache may keep an answer for 5 minutes: an entry that has run out must not stay for long."""
UNKNOWN_HERE: Final = ("organization_id", "start_time", "end_time", "day", "postcode", "proximity")
"""Filters of HSDS or the profile by what the map does not hold. All services would be a wrong answer, none too."""

Page = Annotated[int, Query(ge=1, le=100_000, description="From 1")]
PerPage = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]
Id = Annotated[str | None, Query(max_length=36)]
Years = Annotated[float | None, Query(ge=0, le=150, allow_inf_nan=False)]


class OpenRoute(APIRoute):
    """Lets pages of any origin read refusals too: why a question can't be answered is for who asked it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answering = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await answering(request)
            except Problem as problem:
                problem.headers.update(ANY_ORIGIN)
                raise
            except RequestValidationError as error:
                raise Problem("invalid", errors=field_errors(error.errors()), headers=ANY_ORIGIN) from None

        return answer


def _filter(
    request: Request,
    search: Annotated[str | None, Query(max_length=200, description="Words that all have to be there")] = None,
    taxonomy_id: Id = None,
    taxonomy_term_id: Id = None,
    minimum_age: Years = None,
    maximum_age: Years = None,
) -> Filter:
    """Raises Problem 422 for a filter that can't be used here."""
    if unknown := [name for name in UNKNOWN_HERE if name in request.query_params]:
        detail = "The directory does not hold this, so that nothing can be found by it"
        raise Problem("invalid", errors=[FieldError(f"/query/{name}", "unsupported", detail) for name in unknown])
    return Filter(search, taxonomy_id, taxonomy_term_id, minimum_age, maximum_age)


def router(directory: Directory, *, is_public: bool, public_url: str, now: Callable[[], datetime]) -> APIRouter:
    """The calls of the profile. Unless the map `is_public` each is 503; `public_url` is where others reach us."""
    routes = APIRouter(tags=["open referral"], route_class=OpenRoute, dependencies=[Depends(_gate(is_public))])

    @routes.get("/", summary="Which version of HSDS and which profile this is")
    async def about() -> Response:
        openapi_url = f"{public_url.rstrip('/')}/openapi.json"
        return _given({"version": VERSION, "profile": PROFILE, "openapi_url": openapi_url})

    @routes.get("/services", summary="The services of the map; full=true for all that is nested in them")
    async def services(
        wanted: Annotated[Filter, Depends(_filter)],
        page: Page = 1,
        per_page: PerPage = PER_PAGE,
        full: bool = False,
    ) -> Response:
        found = directory.services(wanted, on=day_in_london(now()), is_full=full)
        return _given(page_of(found, page=page, per_page=per_page))

    @routes.get("/services/{service_id}", summary="One service with all that is nested in it")
    async def service(service_id: str) -> Response:
        found = directory.service(service_id, on=day_in_london(now()))
        if found is None:
            raise Problem("not-found")
        return _given(found)

    @routes.get("/service_at_locations", summary="Empty: the map knows areas and no addresses of services")
    async def service_at_locations(page: Page = 1, per_page: PerPage = PER_PAGE) -> Response:
        return _given(page_of([], page=page, per_page=per_page))

    _add_lists(routes, "/taxonomies", "The taxonomies by which services are sorted", taxonomy_documents())
    _add_lists(routes, "/taxonomy_terms", "The words of these taxonomies", term_documents())
    return routes


def _add_lists(routes: APIRouter, path: str, summary: str, items: Sequence[Document]) -> None:
    @routes.get(path, summary=summary, name=path.strip("/"))
    async def listed(page: Page = 1, per_page: PerPage = PER_PAGE) -> Response:
        return _given(page_of(items, page=page, per_page=per_page))


def _gate(is_public: bool) -> Callable[[], None]:
    def let_in() -> None:
        """Raises Problem 503 for a map that is made up: nobody may take it for the council's."""
        if not is_public:
            raise Problem("not-published", "The service map is invented; a real one is published here")

    return let_in


def _given(document: Document) -> Response:
    return JSONResponse(document, headers=KEPT)
