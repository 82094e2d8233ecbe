"""The audit page: who did or saw what in all services, one's own or the team's, and looks to ask about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from services.triage import identity_access, trail
from services.triage.identity_access import Looked
from services.triage.pages import audit_words
from services.triage.pages.queue import read_reference
from services.triage.pages.room import Room
from services.triage.pages.words import LOOKED
from services.triage.trail import Scope
from services.triage.work_items.item import VIEWED
from shared.access import Permission, Role, Staff
from shared.problems import Problem
from shared.sign_in import Visitor, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_AUDIT))]

PAGE: Final = "/staff/audit"
SIZE: Final = 50
_PERSON: Final = re.compile(r"[A-Za-z0-9._|:-]{1,100}")
_LONGEST: Final = 200


class AuditView(StrEnum):
    """What the page lists; the last two are for those who read the team's entries."""

    ENTRIES = "entries"
    MY_LOOKS = "my-looks"
    WITHOUT_WORK = "without-work"
    OWN_NAME = "own-name"


VIEWS: Final = {
    AuditView.ENTRIES: "All entries",
    AuditView.MY_LOOKS: "My own looks",
    AuditView.WITHOUT_WORK: "Looks without work",
    AuditView.OWN_NAME: "Looks at somebody with one's own name",
}
MEANINGS: Final = {
    AuditView.ENTRIES: "Who did or saw what, in all services, the newest first.",
    AuditView.MY_LOOKS: "The families you looked at, and the reason that is kept.",
    AuditView.WITHOUT_WORK: (
        "Somebody looked at a family in the last 28 days and took no step for them within 24 hours before or after. "
        "There may be a good reason, such as a call or a quality review: ask."
    ),
    AuditView.OWN_NAME: (
        "Somebody looked at a family in the last 28 days in which a baby or carer has the same last name as they have. "
        "Many people share a name without being related: ask."
    ),
}
_OF_TEAM: Final = (AuditView.WITHOUT_WORK, AuditView.OWN_NAME)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks for; `typed` is the reference as it was typed, `mistake` what is wrong with it."""

    view: AuditView
    reference: str | None
    typed: str
    mistake: str
    actor: str | None
    action: str | None
    after: str | None

    @classmethod
    def of(cls, asked: Mapping[str, str], staff: Staff) -> Choice:
        """Codes that are not known count as not given. Raises Problem 403 for a view of the team's looks."""
        view = asked.get("view", "")
        chosen = AuditView(view) if view in set(AuditView) else AuditView.ENTRIES
        if chosen in _OF_TEAM and staff.role is Role.WORKER:
            raise Problem("forbidden", "You may read your own entries only")
        typed = asked.get("referral", "").strip()[:_LONGEST]
        reference = read_reference(typed) if typed else None
        actor, action = asked.get("actor", ""), asked.get("action", "")
        return cls(
            view=chosen,
            reference=reference,
            typed=reference or typed,
            mistake="Enter a reference like PIR-4K7-29M" if typed and not reference else "",
            actor=actor if _PERSON.fullmatch(actor) else None,
            action=action if action in dict(audit_words.action_names()) else None,
            after=asked.get("after", "")[:_LONGEST] or None,
        )

    def href(self, **changes: str) -> str:
        """The address of this choice with other parts."""
        given = {"view": self.view.value, "referral": self.reference, "actor": self.actor, "action": self.action}
        return f"{PAGE}?{urlencode({name: value for name, value in (given | changes).items() if value})}"


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/audit")
    async def audit_page(request: Request, who: Reader) -> Response:
        choice = Choice.of(request.query_params, who.staff)
        if choice.mistake:
            return await _render(room, request, who.staff, choice, status=422, mistake=choice.mistake)
        try:
            shown = await (_looks if choice.view in _OF_TEAM else _entries)(room, who.staff, choice)
        except Problem as problem:
            if problem.name != "not-found":
                raise
            unknown = "We have no referral with this reference. Check each letter and number"
            return await _render(room, request, who.staff, choice, status=422, mistake=unknown)
        return await _render(room, request, who.staff, choice, **shown)


async def _entries(room: Room, staff: Staff, choice: Choice) -> dict[str, Any]:
    is_mine = choice.view is AuditView.MY_LOOKS
    scope = Scope.of(
        staff,
        actor=staff.id if is_mine or staff.role is Role.WORKER else choice.actor,
        action=VIEWED if is_mine else choice.action,
        reference=choice.reference,
    )
    page = await room.trails.page(staff, scope, after=choice.after, limit=SIZE, at=room.now())
    return {"page": page, "next": choice.href(after=page.next) if page.next else None}


async def _looks(room: Room, staff: Staff, choice: Choice) -> dict[str, Any]:
    """Looks to ask about; that somebody asked is written down before."""
    now = room.now()
    async with room.engine.begin() as tx:
        await trail.write_reading(tx, staff, at=now, detail=choice.view.value)
    looks: list[Looked] | None
    if choice.view is AuditView.WITHOUT_WORK:
        async with room.engine.connect() as tx:
            looks = await identity_access.without_work(tx, now=now, actor=choice.actor)
    else:
        looks = await identity_access.with_own_name(room.engine, room.families, by=staff, now=now, actor=choice.actor)
    return {"looks": looks, "most": identity_access.MOST}


async def _render(
    room: Room, request: Request, staff: Staff, choice: Choice, *, status: int = 200, mistake: str = "", **shown: Any
) -> Response:
    is_own = staff.role is Role.WORKER
    async with room.engine.connect() as tx:
        people = await trail.names_of_colleagues(tx)
    return room.pages.render(
        request,
        "audit.html",
        status=503 if shown.get("looks", ()) is None else status,
        choice=choice,
        views=[(view, VIEWS[view]) for view in AuditView if not (is_own and view in _OF_TEAM)],
        heading=VIEWS[choice.view],
        meaning=MEANINGS[choice.view],
        is_own=is_own,
        people=sorted(people.items(), key=lambda each: (each[1], each[0])),
        names=people,
        words=audit_words,
        looked=LOOKED,
        may_open=staff.may(Permission.READ_QUEUES),
        mistake=mistake,
        errors=[{"text": mistake, "href": "#referral"}] if mistake else [],
        now=room.now(),
        **shown,
    )
