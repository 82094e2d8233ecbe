"""From a draft to a referral: check, send once, and the page that says so.

The draft's id is the Idempotency-Key of the intake's own step. So two presses, a reload and a press after a crash are
one referral: whoever comes second gets the first answer.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response

from services.referral.document.checks import is_urgent
from services.referral.document.errors import Invalid
from services.referral.facts import ring_now
from services.referral.front import authors, drafts, filling, form_pages, members
from services.referral.front.drafts import Draft
from services.referral.front.visits import MemberVisit, SignedInVisit, to
from services.referral.front.writing import draft_of
from services.referral.submitting import idempotency
from services.referral.submitting.idempotency import Answer, request_key
from shared.problems import FieldError, Problem

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
    if not draft.sent_as:
        try:
            answer = await _submit(visit, draft)
        except Invalid as error:
            return _check(visit, draft, mistakes=error.errors, status=422)
        await _keep(visit, draft, answer)
    return to(f"/refer/drafts/{draft_id}/sent")


@routes.get("/refer/drafts/{draft_id}/sent")
async def sent(visit: SignedInVisit, draft_id: UUID) -> Response:
    draft = await draft_of(visit, draft_id)
    if not draft.sent_as:
        return to(f"/refer/drafts/{draft_id}")
    async with visit.engine.connect() as tx:
        receipt = await authors.receipt_of(tx, draft.sent_as)
    return visit.render("sent.html", reference=draft.sent_as, receipt=receipt)


async def _submit(visit: MemberVisit, draft: Draft) -> Answer:
    """The intake's answer. Raises Invalid for what can't be read, Problem for the rest."""
    arrival = visit.context.preparing.arrival(draft.document, by=visit.by, key=draft.key)
    answer = await visit.context.submit(arrival)
    if isinstance(answer, Problem) and answer.name == "idempotency-key-reused":
        return await _first_answer(visit, draft)
    if isinstance(answer, Problem):
        raise answer
    return answer


async def _first_answer(visit: MemberVisit, draft: Draft) -> Answer:
    """It was sent, and changed in another window before that was written down: the referral is what was sent."""
    asked = request_key(visit.identities, visit.member.agency.id, draft.key, "POST /referrals", draft.document)
    async with visit.engine.connect() as tx:
        return await idempotency.first_answer(tx, asked)


async def _keep(visit: MemberVisit, draft: Draft, answer: Answer) -> None:
    """Whose referral it is, and that the draft was sent; repeatable, for a crash may come before it."""
    receipt = answer.body
    async with visit.engine.begin() as tx:
        await authors.keep(tx, UUID(receipt["id"]), visit.member.id)
        await drafts.mark_sent(tx, draft.id, receipt["reference"], at=visit.now)
        await members.remember(tx, visit.identities, visit.member, draft.document.get("referrer") or {})


def _check(visit: MemberVisit, draft: Draft, *, mistakes: list[FieldError] = [], status: int = 200) -> Response:  # noqa: B006  only read
    """All answers, with a link to change each, and what is missing."""
    document = draft.document
    urgent = is_urgent(document)
    missing = (
        []
        if urgent and not mistakes
        else [error for errors in filling.missing_of(document).values() for error in errors]
    )
    wrong = [error for page in form_pages.pages_for(document) for error in filling.errors_of(page, document, now=visit.now)]
    found = list(dict.fromkeys([*wrong, *missing]))
    errors: list[dict[str, Any]] = [
        {"text": error.detail, "href": f"/refer/drafts/{draft.id}/{filling.page_of(error.pointer)}?checked"}
        for error in found
    ]
    answers = [(page, filling.summary_of(page, document)) for page in form_pages.pages_for(document)]
    gaps = filling.missing_of(document) if urgent else {}
    ring = ring_now(visit.policy) if urgent else []
    return visit.render(
        "check.html",
        status=status,
        draft=draft,
        answers=answers,
        errors=errors if status != 200 else [],  # noqa: PLR2004  a page that nobody has sent shows no mistakes on top
        to_do=errors,
        gaps=gaps,
        ring=ring,
    )
