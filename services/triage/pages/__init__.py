"""The triage team's pages under /staff: server-rendered, plain forms, no script needed."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.triage.pages.audit import add as add_audit
from services.triage.pages.capacity import add as add_capacity
from services.triage.pages.enquiries import add as add_enquiries
from services.triage.pages.find import add as add_find
from services.triage.pages.home import add as add_home
from services.triage.pages.parked import add as add_parked
from services.triage.pages.policy import add as add_policy
from services.triage.pages.queue import add as add_queue
from services.triage.pages.referral import add as add_referral
from services.triage.pages.room import Room
from services.triage.pages.service_map import add as add_service_map
from services.triage.pages.steps import add as add_steps
from services.triage.pages.team import add as add_team

PAGES: Final = (
    add_home,
    add_find,
    add_queue,
    add_referral,
    add_steps,
    add_capacity,
    add_policy,
    add_service_map,
    add_enquiries,
    add_team,
    add_parked,
    add_audit,
)


def router(room: Room) -> APIRouter:
    """Every page; docs/pages.md lists the addresses."""
    routes = APIRouter(prefix="/staff", include_in_schema=False)
    for add in PAGES:
        add(routes, room)
    return routes
