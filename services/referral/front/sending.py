"""From a draft to a referral: check, send once, and the page that says so.

The draft's id is the Idempotency-Key of the intake's own step. So two presses, a reload and a press after a crash are
one referral: whoever comes second gets the first answer.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from services.referral.document.checks import is_urgent
from services.referral.document.errors import Invalid
from services.referral.facts import ring_now
from services.referral.front import agreement, authors, drafts, filling, form_pages, members, resending, trail
from services.referral.front.doubts import doubts_of
from services.referral.front.drafts import Draft
from services.referral.front.open_here import said_of_home
from services.referral.front.unreadable import Sendable, sendable
from services.referral.front.visits import MemberVisit, SignedInVisit, to
from services.referral.front.writing import draft_of
from services.referral.submitting.idempotency import Answer
from shared.audit import write
from shared.problems import FieldError, Problem

TAKEN: Final = "referral.taken-by-telephone"
SAID_NO: Final = "The family said no, so we can't take this. See what you can do"

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/refer/drafts/{draft_id}/check")
async def check(visit: SignedInVisit, draft_id: UUID) -> Response:
    draft = await draft_of(visit, draft_id)
    if draft.sent_as:
        return to(f"/refer/drafts/{draft_id}/sent")
    return _check(visit, draft)


@routes.post("/refer/drafts/{draft_id}/send")
async def send(visit: SignedInVisit, draft_id: UUID) -> Response:
    await visit.form()
    draft = await draft_of(visit, draft_id)
    if draft.sent_as:
        return to(f"/refer/drafts/{draft_id}/sent")
    if _danger_unsaid(draft) or agreement.is_refused(draft.document):
        return _check(visit, draft, status=422)
    going = sendable(draft.document, now=visit.now)
    try:
        answer = await _sent(visit, draft, going)
    except Invalid:
        return _check(visit, draft, status=422)
    except Problem as problem:
        if problem.name != "conflict" or "is_sent" in problem.extra:
            raise
        going = sendable(draft.document, now=visit.now, taken="external_reference")
        if not going.moved:
            return _check(visit, draft, status=HTTPStatus.CONFLICT, reference_taken=problem.detail)
        answer = await _sent(visit, draft, going)
    is_whole = await _keep(visit, draft, going, answer)
    return to(f"/refer/drafts/{draft_id}/sent" if is_whole else f"/refer/drafts/{draft_id}/check?done=sent-before")


@routes.get("/refer/drafts/{draft_id}/sent")
async def sent(visit: SignedInVisit, draft_id: UUID) -> Response:
    draft = await draft_of(visit, draft_id)
    if not draft.sent_as:
        return to(f"/refer/drafts/{draft_id}")
    async with visit.engine.connect() as tx:
        now = await authors.as_it_stands(tx, draft.sent_as, visit.policy)
    return visit.render("sent.html", reference=draft.sent_as, receipt=now, ring=ring_now(visit.policy))


async def _sent(visit: MemberVisit, draft: Draft, going: Sendable) -> Answer:
    front = visit.context
    return await resending.send(front.engine, front.preparing, front.submit, going.document, by=visit.by, key=draft.key)


async def _keep(visit: MemberVisit, draft: Draft, going: Sendable, answer: Answer) -> bool:
    """Whose referral it is, and that the draft was sent; repeatable, for a crash may come before it.

    False when a page was saved meanwhile: the draft stays, and sending it again adds what was said.
    """
    receipt = answer.body
    async with visit.engine.begin() as tx:
        if "id" in receipt:  # not erased meanwhile
            referral_id = UUID(receipt["id"])
            is_new = await authors.keep(tx, referral_id, visit.member.id)
            if visit.member.is_staff and is_new:
                await write(tx, [visit.by.entry(TAKEN, referral_id)])
        await members.remember(tx, visit.identities, visit.member, going.document.get("referrer") or {})
        return await drafts.mark_sent(tx, draft, receipt["reference"], at=visit.now)


def _danger_unsaid(draft: Draft) -> list[FieldError]:
    return trail.danger_unsaid(form_pages.pages_for(draft.document)[0], draft.document)


def _check(visit: MemberVisit, draft: Draft, *, status: int = HTTPStatus.OK, reference_taken: str = "") -> Response:
    """All answers, with a link to change each; what is missing or wrong, which stands on top once it was sent.

    In a danger a mistake is a doubt: it goes as it was typed.
    """
    document, pages = draft.document, form_pages.pages_for(draft.document)
    moved = sendable(document, now=visit.now).moved
    states = trail.standings(document, visit.now)
    is_danger, missing = is_urgent(document), filling.missing_of(document)
    mistaken = [page for page in pages if states[page.slug] is trail.Standing.MISTAKE]
    wrong = [error for page in mistaken for error in filling.errors_of(page, document, now=visit.now)]
    needed = [] if is_danger else [error for errors in missing.values() for error in errors]
    to_do = [
        {"text": error.detail, "href": f"/refer/drafts/{draft.id}/{filling.page_of(error.pointer)}?{trail.CHECKED}"}
        for error in dict.fromkeys([*([] if moved else wrong), *needed])
    ]
    for error in reversed(_danger_unsaid(draft)):
        page = f"/refer/drafts/{draft.id}/{form_pages.SLUGS[0]}?{trail.CHECKED}"
        to_do.insert(0, {"text": error.detail, "href": f"{page}#{error.pointer}"})
    if agreement.is_refused(document):
        to_do.insert(0, {"text": SAID_NO, "href": f"/refer/drafts/{draft.id}/advice"})
    if reference_taken:
        page = f"/refer/drafts/{draft.id}/{filling.page_of('external_reference')}"
        to_do.append({"text": reference_taken, "href": f"{page}#external_reference"})
    return visit.render(
        "check.html",
        status=status,
        draft=draft,
        answers=[(page, filling.summary_of(page, document)) for page in pages],
        left_out=[page for page in pages if states[page.slug] is trail.Standing.EMPTY],
        errors=to_do if status != HTTPStatus.OK else [],
        to_do=to_do,
        gaps=missing if is_danger else {},
        doubts=doubts_of(document, today=visit.today),
        unread=[(f"{filling.page_of(error.pointer)}?{trail.CHECKED}", error.detail) for error in wrong if moved],
        ring=ring_now(visit.policy) if is_danger else [],
        **said_of_home(visit, document),
    )
