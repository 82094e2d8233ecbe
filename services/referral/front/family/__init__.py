"""Parents ask for help at /help, without an account: docs/families.md says what becomes of what they type."""

from __future__ import annotations

from fastapi import APIRouter

from services.referral.front.family import asking, sending
from services.referral.front.family.visits import FamilyContext

__all__ = ["FamilyContext", "routes"]

routes = APIRouter()
for each in (sending, asking):
    routes.routes.extend(each.routes.routes)
