"""The pages of a referral: one work item with everything around it, and a referral with all of its items."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.triage.identity_access import LookReason, record_view
from services.triage.pages.context import Looker, Reader, Visit
from services.triage.pages.decision_view import decision_view, near
from services.triage.pages.forms import error_summary, read_reference
from services.triage.pages.identity_view import sections
from services.triage.pages.labels import AUDIENCES, LOOKS, MESSAGE_STATES, gap_in_words, told_facts
from services.triage.pages.queues import done_with, due_in_words
from services.triage.pages.step_forms import offers
from services.triage.pages.timeline import Moment, timeline
from services.triage.rules.model import support_ends_on
from services.triage.staff_notes import StaffNote
from services.triage.work_items import item as items
from services.triage.work_items.conditions import ENQUIRIES, FACTS_CHANGED, PLACE_FREE
from services.triage.work_items.item import ItemDetails
from shared.access import Permission
from shared.events import FAMILY_WORK, SAFEGUARDING, Facts, Hold, Mode, Route
from shared.pages.wording import CLOSURES, DECLINES
from shared.policy import Policy
from shared.problems import Problem
from shared.service_map import SIGNPOSTS, Service

routes = APIRouter(prefix="/staff", include_in_schema=False)

NO_REASON: Final = error_summary({"why": "Choose why you are looking"})


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A step that did not fit any more: why, and what was done meanwhile."""

    words: str
    changes: Sequence[Moment] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """Who a referral is about, for somebody who may know now: `found` is None when it can't be fetched."""

    found: dict[str, Any] | None
    texts: Sequence[StaffNote]


@routes.get("/items/{item_id}")
async def one_item(visit: Reader, item_id: UUID) -> Response:
    return await item_page(visit, item_id)


@routes.post("/items/{item_id}/look")
async def look_at_it(visit: Looker, item_id: UUID) -> Response:
    why = (await visit.form()).get("why")
    if why not in LOOKS:
        return await item_page(visit, item_id, errors=NO_REASON)
    return await item_page(visit, item_id, why=LookReason(str(why)))


@routes.get("/items/{item_id}/look")
async def back_to_the_item(_: Looker, item_id: UUID) -> Response:
    """After signing in again, or when the page with the family is loaded once more: each look is asked for."""
    return RedirectResponse(f"/staff/items/{item_id}", 303)


@routes.get("/referrals/{reference}")
async def one_referral(visit: Reader, reference: str) -> Response:
    """Every item of it; straight to the current one when there is no other to choose."""
    known = read_reference(reference)
    if known is None:
        raise Problem("not-found")
    async with visit.engine.connect() as tx:
        found = await items.items_of(tx, known)
        names = await items.names_of(tx, [each.assignee for each in found])
    if not found:
        raise Problem("not-found")
    current = [each for each in found if each.ended_at is None]
    if len(current) == 1:
        return RedirectResponse(f"/staff/items/{current[0].id}", 303)
    ended = [each for each in found if each.ended_at is not None]
    return visit.render("referral.html", reference=known, current=current, ended=ended, names=names, me=visit.staff.id)


async def item_page(
    visit: Visit,
    item_id: UUID,
    *,
    why: LookReason | None = None,
    overtaken: Overtaken | None = None,
    errors: Sequence[dict[str, str]] = (),
) -> Response:
    """The page; with the family when the visitor gave a reason to look, or works on the item and needs none.

    409 when a step was `overtaken`, 422 with `errors`.
    """
    reason = await record_view(visit.engine, item_id, visit.staff, at=visit.now, why=why)
    async with visit.engine.connect() as tx:
        told = await items.load(tx, item_id)
    family, messages = await asyncio.gather(
        _family(visit, told.referral_id if reason else None), visit.context.messages.about(told.item["reference"])
    )
    return visit.render(
        "item.html",
        status=409 if overtaken else 422 if errors else 200,
        errors=list(errors),
        overtaken=overtaken,
        messages=messages,
        message_states=MESSAGE_STATES,
        audiences=AUDIENCES,
        **_shown(visit, told, family),
        **_given(visit, told),
    )


def _given(visit: Visit, told: ItemDetails) -> dict[str, Any]:
    """After it was given to a colleague: to whom."""
    row = told.row
    holder = told.names.get(row.assignee, row.assignee)
    named = SimpleNamespace(id=row.id, reference=row.reference, assignee=row.assignee, holder=holder)
    return done_with(visit, [named]) if visit.request.query_params.get("done") == "assigned" else {}


async def _family(visit: Visit, referral_id: UUID | None) -> Family | None:
    """Fetched by id from where it is kept; that side writes down who looked, too. None: nobody is to be seen."""
    if referral_id is None:
        return None
    found = await visit.context.families.look(referral_id, actor=visit.staff.id)
    async with visit.engine.connect() as tx:
        return Family(found, await visit.context.steps.texts.read(tx, referral_id))


def _shown(visit: Visit, told: ItemDetails, family: Family | None) -> dict[str, Any]:
    """All that the template is told about the item."""
    item, row, now, policy = told.item, told.row, visit.now, visit.policy
    texts = family.texts if family else ()
    reasons = {text.at.isoformat(): text.text for text in texts if text.kind == "override"}
    known = (policy, *visit.context.policies.values())

    def view(decision: Mapping[str, Any]) -> dict[str, Any]:
        return decision_view(decision, policies=known, in_force=policy, names=told.names, reasons=reasons)

    decisions = [view(each) for each in item["decisions"]]
    return {
        "item": item,
        "row": row,
        "now": now,
        "seen": told.seen,
        "names": told.names,
        "holder": "You" if row.assignee == visit.staff.id else told.names.get(row.assignee, row.assignee),
        "due": "Ended" if row.ended_at else due_in_words(row, now=now),
        "family": family,
        "sections": sections(family.found, policy) if family and family.found else [],
        "gaps": [gap_in_words(gap) for gap in item["gaps"]],
        "may_look": visit.may(Permission.SEE_IDENTITY),
        "looks": LOOKS,
        "decision": decisions[-1] if decisions else None,
        "earlier": decisions[-2::-1],
        "proposal": view(item["proposal"]) if item["proposal"] else None,
        "holds": item["decision"]["holds"] if item["decision"] else [],
        "next_steps": next_steps(row, told.facts, item["decision"], policy),
        "offers": offers(row, visit.staff),
        "history": timeline(told.lines, told.names, texts)[::-1],
        **_of_facts(visit, told),
    }


def _of_facts(visit: Visit, told: ItemDetails) -> dict[str, Any]:
    """What the rules saw; nothing for a referral that was erased or that triage has not heard of yet."""
    if told.facts is None or told.row.referral_received_at is None:
        return {"told": [], "near_rules": [], "signposts": []}
    return {
        "told": told_facts(told.facts, visit.policy),
        "near_rules": list(near(told.facts, received_at=told.row.decided_as_of, policy=visit.policy).values()),
        "signposts": _signposts(visit, told.facts, told.item["decision"]),
    }


def _signposts(visit: Visit, facts: Facts, decision: Mapping[str, Any] | None) -> list[Service]:
    """Who else can help, by the service map, when the decision sends somebody on; nobody is named after a loss."""
    if not decision or Hold.C1 in decision["holds"]:
        return []
    ward, on, of_route = facts.place.ward, visit.today, visit.context.service_map.signposts
    onward = [route for route in SIGNPOSTS if route in decision["routes"]]
    return list(dict.fromkeys(each for route in onward for each in of_route(route, ward=ward, on=on)))


class Next(NamedTuple):
    """What is to come; `by` is a moment or a day in ISO 8601, or None where no day is set."""

    what: str
    by: str | None = None


def next_steps(row: Any, facts: Facts | None, decision: dict[str, Any] | None, policy: Policy) -> list[Next]:
    """What happens next with an item as stored, in the order in which it should; one line when the work has ended."""
    if row.ended_at:
        ending = {**CLOSURES, **DECLINES}.get(row.end_reason or "", "")
        return [Next(f"Nothing more here. {ending}." if ending else "Nothing more here.")]
    coming = list(_of_state(row, is_decline=bool(decision and decision["mode"] == Mode.PROPOSE_DECLINE)))
    if FACTS_CHANGED in row.marks:
        coming.insert(0, Next("Look at the facts, which have changed, and take or leave what the rules propose now"))
    if row.escalate_at and row.state != "waiting_for_referrer":
        coming.insert(0, Next("Somebody opens it; later than this the team is alerted", row.escalate_at.isoformat()))
    if facts and facts.infant.born_on:
        ends = support_ends_on(facts.infant.born_on, policy.age)
        coming.append(Next("Help from this service ends with the birthday", ends.isoformat()))
    return coming


def _of_state(row: Any, *, is_decline: bool) -> Iterator[Next]:
    due = row.due_at.isoformat()
    if row.state == "waiting_for_referrer":
        stands = " The clock stands still until then" if row.clock_stands else " Its own clock goes on"
        yield Next(f"The referrer answers.{stands}")
        if row.escalate_at:
            yield Next("If they do not, somebody in the team rings them", row.escalate_at.isoformat())
    elif row.state == "waiting_list":
        free = "A place is free: the team" if PLACE_FREE in row.marks else "A place becomes free, and the team"
        yield Next(f"{free} accepts the family")
        yield Next("The family hears how long it may take, and what they can do meanwhile", due)
    elif row.route in ENQUIRIES and row.arranged_for is None:
        yield Next("Somebody gets in touch and arranges a date", due)
    elif row.route in ENQUIRIES:
        yield Next("It takes place, and somebody records who came", row.arranged_for.isoformat())
    elif row.accepted_at:
        yield _of_accepted(row, due)
    elif is_decline:
        yield Next("A lead confirms the decline, or somebody decides differently", due)
    else:
        yield Next(_decision_of(row.route), due)


def _of_accepted(row: Any, due: str) -> Next:
    if row.first_contact_at:
        return Next("The team works with the family, and closes this when the work has ended")
    if row.route not in FAMILY_WORK:
        return Next("Whoever has it sees it through, and closes it with what was done")
    return Next("The team meets or speaks with the family for the first time", due)


def _decision_of(route: str) -> str:
    if route in SAFEGUARDING:
        return "A person rings them, and writes down who was told, when, and their reference"
    if route == Route.BEREAVEMENT_REVIEW:
        return "Somebody speaks with the team that knows the family, and decides with them"
    if route in FAMILY_WORK:
        return "The team accepts the family and makes the first contact"
    if route == Route.PHASE_HOLD:
        return "Somebody looks again, and writes a note: a note sets the next review date"
    return "Somebody decides what happens"
