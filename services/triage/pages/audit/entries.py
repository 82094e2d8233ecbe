"""The audit page: who did or saw what in all services, one's own or the team's, and looks to ask about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from services.triage import identity_access, trail
from services.triage.identity_access import Looked
from services.triage.pages.context import Visit, who_may
from services.triage.pages.forms import (
    LONGEST,
    UNKNOWN_REFERENCE,
    UNREADABLE_REFERENCE,
    code_in,
    error_summary,
    read_reference,
    short_text_in,
)
from services.triage.pages.labels import LOOKED
from services.triage.pages.referral import timeline
from services.triage.pages.referral.timeline import DID
from services.triage.trail import Scope, TrailEntry
from services.triage.work_items.bodies import STAFF_ID
from services.triage.work_items.item import VIEWED
from shared.access import Permission, Role, Staff
from shared.problems import Problem

Reader = Annotated[Visit, who_may(Permission.READ_AUDIT)]

routes = APIRouter(prefix="/staff", include_in_schema=False)

PAGE: Final = "/staff/audit"
SIZE: Final = 50


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

SERVICES: Final = {"referral": "Referral", "triage": "Triage", "notify": "Notify", "metrics": "Metrics"}


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
        chosen = code_in(asked, "view", AuditView) or AuditView.ENTRIES
        if chosen in _OF_TEAM and staff.role is Role.WORKER:
            raise Problem("forbidden", "You may read your own entries only")
        typed = short_text_in(asked, "referral")
        reference = read_reference(typed) if typed else None
        actor, action = asked.get("actor", ""), asked.get("action", "")
        return cls(
            view=chosen,
            reference=reference,
            typed=reference or typed,
            mistake=UNREADABLE_REFERENCE if typed and not reference else "",
            actor=actor if re.fullmatch(STAFF_ID, actor) else None,
            action=action if action in dict(action_names()) else None,
            after=asked.get("after", "")[:LONGEST] or None,
        )

    def href(self, **changes: str) -> str:
        """The address of this choice with other parts."""
        given = {"view": self.view.value, "referral": self.reference, "actor": self.actor, "action": self.action}
        return f"{PAGE}?{urlencode({name: value for name, value in (given | changes).items() if value})}"


@routes.get("/audit")
async def audit_page(visit: Reader) -> Response:
    choice = Choice.of(visit.request.query_params, visit.staff)
    mistake, is_own = choice.mistake, visit.staff.role is Role.WORKER
    shown: dict[str, Any] = {}
    try:
        if not mistake:
            shown = await (_looks if choice.view in _OF_TEAM else _entries)(visit, choice)
    except Problem as problem:
        if problem.name != "not-found":
            raise
        mistake = UNKNOWN_REFERENCE
    async with visit.engine.connect() as tx:
        people = await trail.names_of_colleagues(tx)
    return visit.render(
        "audit/audit.html",
        status=422 if mistake else 503 if shown.get("looks", ()) is None else 200,
        choice=choice,
        views=[(view, words) for view, words in VIEWS.items() if not (is_own and view in _OF_TEAM)],
        heading=VIEWS[choice.view],
        meaning=MEANINGS[choice.view],
        is_own=is_own,
        people=sorted(people.items(), key=lambda each: (each[1], each[0])),
        names=people,
        actions=action_names(),
        services=SERVICES,
        who=who,
        what=timeline.what,
        looked=LOOKED,
        may_open=visit.may(Permission.READ_QUEUES),
        mistake=mistake,
        errors=error_summary({"referral": mistake} if mistake else {}),
        **shown,
    )


async def _entries(visit: Visit, choice: Choice) -> dict[str, Any]:
    staff, is_mine = visit.staff, choice.view is AuditView.MY_LOOKS
    scope = Scope.of(
        staff,
        actor=staff.id if is_mine or staff.role is Role.WORKER else choice.actor,
        action=VIEWED if is_mine else choice.action,
        reference=choice.reference,
    )
    page = await visit.context.trails.page(staff, scope, after=choice.after, limit=SIZE, at=visit.now)
    return {"page": page, "next": choice.href(after=page.next) if page.next else None}


async def _looks(visit: Visit, choice: Choice) -> dict[str, Any]:
    """Looks to ask about; that somebody asked is written down before. None: the names can't be asked for."""
    staff, now, engine = visit.staff, visit.now, visit.engine
    async with engine.begin() as tx:
        await trail.write_reading(tx, staff, at=now, detail=choice.view.value)
    looks: list[Looked] | None
    if choice.view is AuditView.WITHOUT_WORK:
        async with engine.connect() as tx:
            looks = await identity_access.without_work(tx, now=now, actor=choice.actor)
    else:
        families = visit.context.families
        looks = await identity_access.with_own_name(engine, families, by=staff, now=now, actor=choice.actor)
    return {"looks": looks, "most": identity_access.MOST}


def action_names() -> list[tuple[str, str]]:
    """Every action with its words, for a choice: in the order of the words."""
    short = {action: words.partition(":")[0] for action, words in DID.items() if not words.startswith("{")}
    named = {"referral.decided": "decided", **short}
    return sorted(((action, words[0].upper() + words[1:]) for action, words in named.items()), key=lambda each: each[1])


def who(entry: TrailEntry) -> str:
    """A colleague by name when known, an agency and an operator by their code, a part of the system by its words."""
    if entry.actor_kind == "staff":
        return entry.actor_name or entry.actor
    if entry.actor_kind == "system":
        return timeline.who("system", entry.actor, {})
    return f"{entry.actor_kind.capitalize()} {entry.actor}"
