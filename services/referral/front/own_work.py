"""What a member has begun and sent, by what it needs."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from services.referral import views
from services.referral.front import drafts
from services.referral.front.visits import HOME, SignedInVisit
from services.referral.status import Status

GROUPS: Final = (
    ("Needs your answer", (Status.WAITING_FOR_REFERRER,)),
    ("Being looked at", (Status.RECEIVED, Status.BEING_REVIEWED)),
    ("With a team", (Status.WITH_TEAM, Status.WAITING_LIST, Status.ACCEPTED)),
    ("Ended", (Status.DECLINED, Status.WITHDRAWN, Status.CLOSED)),
)


routes: Final = APIRouter(include_in_schema=False)


@routes.get(HOME)
async def home(visit: SignedInVisit) -> Response:
    async with visit.engine.connect() as tx:
        begun = await drafts.of_member(tx, visit.identities, visit.member.id, at=visit.now)
        sent = await views.of_member(tx, visit.identities, visit.member.id)
    groups = [(title, [each for each in sent if Status(each["status"]) in statuses]) for title, statuses in GROUPS]
    return visit.render("home.html", begun=begun, groups=groups)
