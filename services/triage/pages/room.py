"""What every page of the triage team works with, made once in app.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage.clients import AllServices, Families, Messages
from services.triage.trail import AuditTrails
from services.triage.work_items.working import StepContext
from shared.pages import Pages
from shared.policy import Policy
from shared.service_map import ServiceMap


@dataclass(frozen=True, slots=True)
class Room:
    """`policies` are those on disk by id; `steps.policy` is the one in force; `now` is the wall clock in UTC."""

    engine: AsyncEngine
    pages: Pages
    steps: StepContext
    families: Families
    messages: Messages
    all_services: AllServices
    trails: AuditTrails
    policies: Mapping[str, Policy]
    service_map: ServiceMap
    now: Callable[[], datetime]
