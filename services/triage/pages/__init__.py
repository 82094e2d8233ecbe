"""The triage team's pages under /staff: server-rendered, plain forms, no script needed."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request

from services.triage.pages import (
    arrivals,
    audit,
    capacity,
    enquiries,
    family_messages,
    find,
    giving,
    home,
    item,
    parked,
    policy,
    queues,
    service_map,
    steps,
    team,
)
from services.triage.pages.context import PageContext

AREAS: Final = (
    home,
    find,
    arrivals,
    queues,
    giving,
    item,
    steps,
    family_messages,
    capacity,
    policy,
    service_map,
    enquiries,
    team,
    parked,
    audit,
)


def router(context: PageContext) -> APIRouter:
    """Every page; docs/pages.md lists the addresses."""

    async def bring(request: Request) -> None:
        """Where the dependencies of context.py find it."""
        request.state.page_context = context

    routes = APIRouter(dependencies=[Depends(bring)])
    for area in AREAS:
        routes.include_router(area.routes)
    return routes
