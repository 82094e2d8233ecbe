"""HTTP in: the audit trail of all services, for those who may read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from services.triage.trail import AuditTrails, Scope
from shared.access import Permission, Staff, may
from shared.web import answer

AuditReader = Annotated[Staff, Depends(may(Permission.READ_AUDIT))]
ACTOR: Final = r"^[A-Za-z0-9._|:-]{0,100}$"
"""A staff id, or an agency's code: no spaces and no @, so that no name or address gets in."""
ACTION: Final = r"^[a-z.-]{0,60}$"


def router(trails: AuditTrails, now: Callable[[], datetime]) -> APIRouter:
    """One call."""
    routes = APIRouter()

    @routes.get("/audit", tags=["audit"], summary="Who did or saw what, in all services: own, team or all, by role")
    async def audit_trail(
        staff: AuditReader,
        referral: Annotated[str, Query(max_length=20, description="A reference")] = "",
        actor: Annotated[str, Query(pattern=ACTOR)] = "",
        action: Annotated[str, Query(pattern=ACTION)] = "",
        after: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        scope = Scope.of(staff, actor=actor or None, action=action or None, reference=referral or None)
        page = await trails.page(staff, scope, after=after or None, limit=limit, at=now())
        return answer(page.shown())

    return routes
