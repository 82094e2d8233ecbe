"""The start page, by danger and then by time: emergencies until they are done, what is new for me, what is late."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Response

from services.triage import team
from services.triage.pages.context import Anybody, Visit
from services.triage.pages.parked import words as parked_words
from services.triage.pages.queue.queues import EVERYWHERE, SHOWN, address, done_in_words, line_of
from services.triage.work_items import queues, today
from services.triage.work_items.queues import Choices, Show
from shared.access import Permission, Role
from shared.pages.wording import ESCALATIONS

routes = APIRouter(prefix="/staff", include_in_schema=False)


class Listed(NamedTuple):
    """A list of the page: what it says when it is empty, and how many lines it has at most."""

    calm: str
    size: int = 5


LISTS: Final[dict[Show, Listed]] = {
    Show.ON_CALL: Listed("Nothing is waiting for the person on call.", 25),
    Show.SAFETY: Listed("No other safety work is open.", 25),
    Show.DECLINES: Listed("No proposed decline waits for a lead."),
    Show.UNOWNED_LATE: Listed("All that is overdue is with somebody."),
    Show.MINE: Listed("You have no open work. You can take something on from a queue."),
    Show.OVERDUE: Listed("Nothing is overdue."),
    Show.DUE_TODAY: Listed("Nothing more is due today."),
    Show.PLACE_FREE: Listed("No free place waits for a family."),
    Show.FACTS_CHANGED: Listed("No decision waits for another look."),
    Show.CONTACT_DUE: Listed("Every accepted family has been met."),
    Show.NEAR_BIRTHDAY: Listed("No baby who waits is close to the second birthday."),
    Show.WAITING: Listed("Every family is with a team."),
    Show.UNDELIVERABLE: Listed("Every message has arrived."),
}
"""In the order of the page; each has the most urgent first."""
SAFETY_LISTS: Final = (Show.ON_CALL, Show.SAFETY)
"""On top of the page; what is new for whoever looks stands below them."""
ONLY_FOR: Final = {
    Show.MINE: Permission.WORK_ITEMS,
    Show.DECLINES: Permission.CONFIRM_DECLINE,
    Show.UNOWNED_LATE: Permission.LEAD,
}
"""Only who can take work on has work of their own; declines and work with nobody are a lead's."""
NEWS: Final = {
    "item.assign": "{who} gave it to you",
    "item.hand-back": "{who} gave it back to you",
    "referral.informed": "The referrer has answered",
    "referral.proposed": "The facts have changed",
    "referral.decided": "The rules have decided again",
    "referral.challenged": "The referrer asks us to look at the decline again",
    "referral.withdrawn": "The referrer has withdrawn it",
}
"""Action of the audit trail → words; for what was brought to attention, the reason's."""
NOT_FOR_QUEUES: Final = {
    Role.COMMISSIONER: "The published figures are in the reports, which have their own pages. No family is in them.",
    Role.OPERATIONS: "You look after the running of the services. The queues of families are for the triage team.",
    Role.AUDITOR: "You check how the service is used. The queues of families are for the triage team.",
}


@routes.get("")
async def home(visit: Anybody) -> Response:
    if not visit.may(Permission.READ_QUEUES):
        seen = await visit.context.all_services.look() if visit.may(Permission.READ_PARKED) else ()
        return visit.render("today/home.html", words=NOT_FOR_QUEUES[visit.staff.role], seen=seen, services=parked_words)
    wanted = {show: each.size for show, each in LISTS.items() if show not in ONLY_FOR or visit.may(ONLY_FOR[show])}
    async with visit.engine.connect() as tx:
        found = await queues.short_lists(tx, wanted, staff=visit.staff, now=visit.now)
        counts = await queues.counts(tx, now=visit.now)
        watch = await today.watch(tx, now=visit.now)
        news = await today.news(tx, visit.staff) if visit.may(Permission.WORK_ITEMS) else None
        everybody = await team.colleagues(tx, now=visit.now) if visit.may(Permission.LEAD) else None
        done = await done_in_words(visit, tx)
    sections = [_section(visit, show, page) for show, page in found.items()]
    dangers = [line for each in sections if each["name"] in SAFETY_LISTS for line in each["lines"]]
    return visit.render(
        "today/home.html",
        sections=sections,
        most_urgent=next(iter(dangers), None),
        on_top=SAFETY_LISTS,
        watch=watch,
        news=None if news is None else [(row, _news_in_words(row)) for row in news],
        away=None if everybody is None else [each for each in everybody if each.away_until and each.open],
        here="/staff",
        **done,
        **counts,
    )


def _section(visit: Visit, show: Show, page: queues.QueuePage) -> dict[str, Any]:
    lines = [line_of(row, staff=visit.staff, now=visit.now) for row in page.rows]
    shown = {"name": show.value, "heading": SHOWN[show], "calm": LISTS[show].calm, "lines": lines}
    return shown | {"total": page.total, "href": address(EVERYWHERE, Choices(show=show))}


def _news_in_words(row: Any) -> str:
    return NEWS[row.action].format(who=row.who) if row.action in NEWS else ESCALATIONS.get(row.detail, row.detail)
