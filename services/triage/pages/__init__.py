"""The triage team's pages under /staff: server-rendered, plain forms, no script needed.

A folder an area, in it a module and its templates a page; what several areas use stands beside this file.
"""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI

from services.triage.pages.arrivals import by_telephone
from services.triage.pages.audit import entries
from services.triage.pages.context import PageContext
from services.triage.pages.enquiry import enquiries
from services.triage.pages.find import search
from services.triage.pages.parked import messages
from services.triage.pages.places import capacity
from services.triage.pages.policy import versions
from services.triage.pages.queue import giving, queues
from services.triage.pages.referral import family_messages, item
from services.triage.pages.services import service_map
from services.triage.pages.steps import taking
from services.triage.pages.team import colleagues
from services.triage.pages.today import home
from shared.web import add_routes

PAGES: Final = (
    home,
    search,
    by_telephone,
    queues,
    giving,
    item,
    taking,
    family_messages,
    capacity,
    versions,
    service_map,
    enquiries,
    colleagues,
    messages,
    entries,
)


def install(app: FastAPI, context: PageContext) -> None:
    """Every page; docs/pages.md lists the addresses. The dependencies of context.py find the context in the app."""
    app.state.page_context = context
    add_routes(app, *(page.routes for page in PAGES))
