"""The form: a draft begun, its pages shown and written, left and found again.

A page is always saved as it was typed; what can't be read is said when it is shown again. A form that arrives after
its session has ended still writes its page (and reads nothing): then the way leads to the sign-in, and back. So does
one whose browser has another session by now, as after a second call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from services.referral.document.checks import is_urgent
from services.referral.facts import ring_now
from services.referral.front import agreement, drafts, filling, form_pages, members, trail
from services.referral.front.drafts import Draft
from services.referral.front.form import FormPage, page_in
from services.referral.front.open_here import HOME_PAGE, after_home, said_of_home
from services.referral.front.sign_in import end_session
from services.referral.front.signed_out import lists_of, typed_again
from services.referral.front.trail import Standing
from services.referral.front.unreadable import sendable
from services.referral.front.visits import (
    Front,
    FrontContext,
    MemberVisit,
    ReferrerVisit,
    SignedInVisit,
    beside_boxes,
    optional_member,
    sign_in_at,
    to,
)
from services.referral.requirements import area_of
from shared.problems import Problem
from shared.sign_in.forms import FIELD, expired, fields_of, is_shown_to

IN_A_DANGER: Final = "Somebody is in danger: you can send it as it is. We read what you typed in your notes"
SEEN: Final = "seen"
"""Hidden in each form: what the page said when it was shown, so that another window's answer is not undone unseen."""
ENDS: Final = "sign-out"
"""The button that keeps the page and signs out: on a shared computer nothing that is typed has to be given up."""

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/refer/new")
async def before(visit: ReferrerVisit) -> Response:
    return visit.render("before.html", area=area_of(visit.policy, visit.today), ring=ring_now(visit.policy))


@routes.post("/refer/drafts")
async def begin(visit: ReferrerVisit) -> Response:
    await visit.form()
    member = visit.member
    document = {"referrer": member.as_referrer}
    async with visit.engine.begin() as tx:
        draft_id = await drafts.begin(
            tx,
            visit.identities,
            agency_id=member.agency.id,
            member_id=member.id,
            document=document,
            at=visit.now,
        )
    return to(f"/refer/drafts/{draft_id}/{form_pages.pages_for(document)[0].slug}")


@routes.get("/refer/drafts/{draft_id}")
async def tasks(visit: SignedInVisit, draft_id: UUID) -> Response:
    draft = await draft_of(visit, draft_id)
    if draft.sent_as:
        return to(f"/refer/drafts/{draft_id}/sent")
    is_refused = agreement.is_refused(draft.document)
    groups = trail.by_group(draft.document, visit.now)
    states = {task["state"] for _, tasks in groups for task in tasks}
    return visit.render(
        "tasks.html",
        draft=draft,
        groups=groups,
        is_refused=is_refused,
        is_enough=not is_refused and not states & {Standing.MISTAKE, Standing.NEEDED},
        **_danger(visit, draft) | said_of_home(visit, draft.document),
    )


@routes.get("/refer/drafts/{draft_id}/ring")
async def ring(visit: SignedInVisit, draft_id: UUID) -> Response:
    draft = await draft_of(visit, draft_id)
    return visit.render("ring.html", draft=draft, ring=ring_now(visit.policy))


@routes.get("/refer/drafts/{draft_id}/advice")
async def advice(visit: SignedInVisit, draft_id: UUID) -> Response:
    draft = await draft_of(visit, draft_id)
    return visit.render("advice.html", draft=draft)


@routes.get("/refer/drafts/{draft_id}/drop")
async def ask_to_drop(visit: SignedInVisit, draft_id: UUID) -> Response:
    return visit.render("drop.html", draft=await draft_of(visit, draft_id))


@routes.post("/refer/drafts/{draft_id}/drop")
async def drop(visit: SignedInVisit, draft_id: UUID) -> Response:
    await visit.form()
    async with visit.engine.begin() as tx:
        await drafts.drop(tx, draft_id, member_id=visit.member.id)
    return to("/refer?done=draft-gone")


@routes.get("/refer/drafts/{draft_id}/{slug}")
async def show(visit: SignedInVisit, draft_id: UUID, slug: str) -> Response:
    draft = await draft_of(visit, draft_id)
    if draft.sent_as:
        return to(f"/refer/drafts/{draft_id}/sent")
    page = _page(draft.document, slug)
    if not agreement.is_open(page, draft.document):
        return to(f"/refer/drafts/{draft_id}/advice")
    return _shown(visit, draft, page, draft.document, are_checked=trail.CHECKED in visit.request.query_params)


@routes.post("/refer/drafts/{draft_id}/{slug}")
async def save(request: Request, context: Front, draft_id: UUID, slug: str) -> Response:
    signed_in, sent = await optional_member(request), await fields_of(request)
    if signed_in is None or not is_shown_to(signed_in, sent):
        shown_to = context.door.shown_to(str(sent.get(FIELD, "")))
        if signed_in and shown_to is None:
            raise expired()
        return await _save_without_session(request, context, draft_id, slug, sent, shown_to)
    visit = MemberVisit(request, signed_in, context, context.now())
    saved = await _save(context, draft_id, slug, sent, member_id=signed_in.member.id, at=visit.now)
    if saved.changed_meanwhile:
        return _shown(visit, saved.draft, saved.page, saved.document, status=409, changed_meanwhile=True)
    if ENDS in sent:
        return await end_session(visit)
    return to(f"/refer/drafts/{draft_id}{saved.next}")


async def draft_of(visit: MemberVisit, draft_id: UUID) -> Draft:
    """The member's own; raises Problem 404 for any other, and for one that is gone."""
    async with visit.engine.connect() as tx:
        draft = await drafts.one(tx, visit.identities, draft_id, member_id=visit.member.id, at=visit.now)
    if draft is None:
        raise Problem("not-found", "This form is gone: it was 14 days old, somebody deleted it, or it is not yours")
    return draft


def _page(document: Mapping[str, Any], slug: str) -> FormPage:
    if (page := page_in(form_pages.pages_for(document), slug)) is None:
        raise Problem("not-found")
    return page


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a page that was sent. `document` has what was typed, also where it was not stored."""

    draft: Draft
    page: FormPage
    document: dict[str, Any]
    next: str
    changed_meanwhile: bool = False


async def _save(
    context: FrontContext, draft_id: UUID, slug: str, sent: FormData, *, member_id: UUID, at: datetime
) -> Saved:
    """Write the page into the draft, unless another window has changed this page since it was shown.

    Raises Problem: 404 for a draft that is not the member's, 409 for one that was sent.
    """
    fields = lists_of(sent)
    async with context.engine.begin() as tx:
        draft = await drafts.one(tx, context.identities, draft_id, member_id=member_id, at=at, locked=True)
        if draft is None:
            raise Problem("not-found", "This form is gone: it was 14 days old, somebody deleted it, or it is not yours")
        if draft.sent_as:
            raise Problem("conflict", f"This form was sent already, as {draft.sent_as}. Tell us more on its own page")
        page = _page(draft.document, slug)
        document = filling.read_page(page, draft.document, fields)
        is_as_seen = fields.get(SEEN, [""])[0] in ("", filling.digest_of(page, draft.document))
        if not is_as_seen and document != draft.document:
            return Saved(draft, page, document, "", changed_meanwhile=True)
        next_ = f"/{page.slug}"
        if "add" in fields:
            document = filling.add_entry(page, document)
        elif "remove" in fields:
            document = filling.remove_entry(page, document, _number(fields["remove"][0]))
        elif "later" in fields:
            next_ = ""
        else:
            next_ = trail.after(page, document, at, passes_over="needed" in fields)
        if page.slug == HOME_PAGE and not next_.startswith(f"/{HOME_PAGE}"):
            next_ = after_home(next_)
        if document != draft.document:
            await drafts.write(tx, context.identities, draft, document, at=at)
    return Saved(draft, page, document, next_)


def _number(text: str) -> int:
    """The position of an entry, from the button that removes it. Raises Problem 400."""
    if not text.isdecimal():
        raise Problem("unreadable")
    return int(text[:3])


async def _save_without_session(
    request: Request, context: FrontContext, draft_id: UUID, slug: str, sent: FormData, shown_to: UUID | None
) -> Response:
    """Whoever the form was shown to, twelve hours ago at most, finds what they typed after they sign in."""
    address = sign_in_at(f"/refer/drafts/{draft_id}/{slug}")
    if shown_to is not None and await _is_active(context, shown_to):
        saved = await _save(context, draft_id, slug, sent, member_id=shown_to, at=context.now())
        if saved.changed_meanwhile:
            typed = filling.read_page(saved.page, {}, lists_of(sent))
            return typed_again(request, context, saved.page, typed, address)
    return to(address)


async def _is_active(context: FrontContext, member_id: UUID) -> bool:
    async with context.engine.connect() as tx:
        return await members.is_active(tx, member_id)


def _shown(
    visit: MemberVisit,
    draft: Draft,
    page: FormPage,
    document: Mapping[str, Any],
    *,
    status: int = 200,
    are_checked: bool = False,
    changed_meanwhile: bool = False,
) -> Response:
    found = filling.errors_of(page, document, now=visit.now) if are_checked else []
    found = found or (trail.danger_unsaid(page, document) if are_checked else [])
    told = beside_boxes(found)
    if found and sendable(document, now=visit.now).moved:
        told["errors"].append({"text": IN_A_DANGER, "href": f"/refer/drafts/{draft.id}{trail.CHECK}"})
    if changed_meanwhile:
        words = (
            "You have changed this form in another window since. What you typed here is below: look, and send it again"
        )
        told["errors"] = [{"text": words, "href": "#continue"}]
    pages = form_pages.pages_for(document)
    return visit.render(
        "draft_page.html",
        status=status,
        draft=draft,
        page=page,
        seen=filling.digest_of(page, draft.document),
        values=filling.values_of(page, document),
        titles=filling.titles_of(page, document),
        **told,
        number=[each.slug for each in pages].index(page.slug) + 1,
        of=len(pages),
        can_pass_over=trail.can_pass_over(page, document, visit.now),
        **_open_wards(visit, page),
        **({} if found else said_of_home(visit, document, always=page.slug == HOME_PAGE)),
    )


def _open_wards(visit: MemberVisit, page: FormPage) -> dict[str, Any]:
    """Which wards are open, where the home is asked for."""
    return {"area": area_of(visit.policy, visit.today)} if page.slug == HOME_PAGE else {}


def _danger(visit: MemberVisit, draft: Draft) -> dict[str, Any]:
    return {"ring": ring_now(visit.policy) if is_urgent(draft.document) else []}
