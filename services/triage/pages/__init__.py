"""The triage team's pages under /staff: server-rendered, plain forms, no script needed."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

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
from shared.web import add_routes

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


def install(app: FastAPI, context: PageContext) -> None:
    """Every page; docs/pages.md lists the addresses. The dependencies of context.py find the context in the app."""
    app.state.page_context = context
    add_routes(app, *(area.routes for area in AREAS))
