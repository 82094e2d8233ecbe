"""What a member has begun and sent, by what it needs. No names: whom it is about is on the page of each alone."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from services.referral import views
from services.referral.front import drafts, standing, webhook_page
from services.referral.front.visits import HOME, SignedInVisit
from shared.events import Kind

routes: Final = APIRouter(include_in_schema=False)


@routes.get(HOME)
async def home(visit: SignedInVisit) -> Response:
    async with visit.own_rows() as tx:
        begun = await drafts.of_member(tx, visit.identities, visit.member.id, at=visit.now)
        sent = await views.of_member(tx, visit.identities, visit.member.id)
    lines = [each | standing.in_words(each, Kind(each["kind"])) for each in sent]
    return visit.render(
        "home.html",
        begun=begun,
        groups=standing.by_group(lines),
        is_webhook_off=await webhook_page.is_off(visit),
    )
