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
from services.referral.front import authors, drafts, filling, form_pages, members
from services.referral.front.drafts import Draft
from services.referral.front.visits import MemberVisit, SignedInVisit, to
from services.referral.front.writing import CHECKED, draft_of
from services.referral.submitting import idempotency
from services.referral.submitting.idempotency import Answer
from shared.audit import write
from shared.database import sql
from shared.problems import Problem

REFERENCE_TAKEN: Final = "Your agency has another referral under this reference of yours. Use another one, or none"
TAKEN: Final = "referral.taken-by-telephone"

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
        if await _is_reference_taken(visit, draft):
            return _check(visit, draft, status=HTTPStatus.CONFLICT, is_reference_taken=True)
        try:
            answer = await _submit(visit, draft)
        except Invalid:
            return _check(visit, draft, status=422)
        await _keep(visit, draft, answer)
    return to(f"/refer/drafts/{draft_id}/sent")


@routes.get("/refer/drafts/{draft_id}/sent")
async def sent(visit: SignedInVisit, draft_id: UUID) -> Response:
    draft = await draft_of(visit, draft_id)
    if not draft.sent_as:
        return to(f"/refer/drafts/{draft_id}")
    async with visit.engine.connect() as tx:
        receipt = await authors.receipt_of(tx, draft.sent_as)
    return visit.render("sent.html", reference=draft.sent_as, receipt=receipt, ring=ring_now(visit.policy))


async def _submit(visit: MemberVisit, draft: Draft) -> Answer:
    """The intake's answer. Raises Invalid for what can't be read, Problem for the rest."""
    arrival = visit.context.preparing.arrival(draft.document, by=visit.by, key=draft.key)
    answer = await visit.context.submit(arrival)
    if isinstance(answer, Problem) and answer.name == "idempotency-key-reused":
        # It was sent, and changed in another window before that was written down: the referral is what was sent.
        async with visit.engine.connect() as tx:
            answer = await idempotency.first_answer(tx, visit.identities, visit.member.agency.id, draft.key) or answer
    if isinstance(answer, Problem):
        raise answer
    return answer


async def _is_reference_taken(visit: MemberVisit, draft: Draft) -> bool:
    """Whether the agency has another referral under this reference of its own.

    A program that sends one again means the same family; a person has most likely taken the wrong line of a list, and
    would change another family's referral.
    """
    external, agency_id = draft.document.get("external_reference"), visit.member.agency.id
    if not isinstance(external, str):
        return False
    taken = sql("SELECT EXISTS (SELECT FROM referral WHERE agency_id = :agency AND external_digest = :external)")
    digest = visit.identities.digest("external", agency_id.bytes, external)
    async with visit.engine.connect() as tx:
        if await idempotency.first_answer(tx, visit.identities, agency_id, draft.key):
            return False
        return bool(await tx.scalar(taken, {"agency": agency_id, "external": digest}))


async def _keep(visit: MemberVisit, draft: Draft, answer: Answer) -> None:
    """Whose referral it is, and that the draft was sent; repeatable, for a crash may come before it."""
    receipt = answer.body
    referral_id = UUID(receipt["id"])
    async with visit.engine.begin() as tx:
        is_new = await authors.keep(tx, referral_id, visit.member.id)
        await drafts.mark_sent(tx, draft.id, receipt["reference"], at=visit.now)
        if visit.member.is_staff and is_new:
            await write(tx, [visit.by.entry(TAKEN, referral_id)])
        await members.remember(tx, visit.identities, visit.member, draft.document.get("referrer") or {})


def _check(
    visit: MemberVisit, draft: Draft, *, status: int = HTTPStatus.OK, is_reference_taken: bool = False
) -> Response:
    """All answers, with a link to change each; what is missing or wrong, which stands on top once it was sent."""
    document, pages = draft.document, form_pages.pages_for(draft.document)
    is_danger, missing = is_urgent(document), filling.missing_of(document)
    wrong = [error for page in pages for error in filling.errors_of(page, document, now=visit.now)]
    needed = [] if is_danger else [error for errors in missing.values() for error in errors]
    to_do = [
        {"text": error.detail, "href": f"/refer/drafts/{draft.id}/{filling.page_of(error.pointer)}?{CHECKED}"}
        for error in dict.fromkeys([*wrong, *needed])
    ]
    if is_reference_taken:
        page = f"/refer/drafts/{draft.id}/{filling.page_of('external_reference')}"
        to_do.append({"text": REFERENCE_TAKEN, "href": f"{page}#external_reference"})
    return visit.render(
        "check.html",
        status=status,
        draft=draft,
        answers=[(page, filling.summary_of(page, document)) for page in pages],
        errors=to_do if status != HTTPStatus.OK else [],
        to_do=to_do,
        gaps=missing if is_danger else {},
        ring=ring_now(visit.policy) if is_danger else [],
    )
