"""The author corrects or adds to what was sent: the pages of the form with their answers, each changed by itself.

A page is laid over the referral as it is when it is saved, so it undoes nothing that its boxes do not show. When what
its boxes showed has changed meanwhile, it is shown again with what was typed. A danger that is no longer ticked stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import steps
from services.referral.document.checks import is_urgent
from services.referral.document.errors import Invalid
from services.referral.document.read import keep_dangers
from services.referral.front import agreement, authors, filling, form_pages, standing
from services.referral.front.authors import AgencyReferral, Contents
from services.referral.front.form import FormPage, page_in
from services.referral.front.signed_out import Lists, asks_of_danger, lists_of, visit_or_typed
from services.referral.front.stepping import refusal_of, shown_form, take_once
from services.referral.front.visits import Front, MemberVisit, SignedInVisit, to
from services.referral.status import Step
from services.referral.submitting.amend import open_for
from services.referral.submitting.idempotency import Answer
from shared.problems import FieldError, Problem

SEEN: Final = "seen"
"""Hidden in each form: the version, and a digest of what the boxes said, which may have changed elsewhere since."""
FIXED: Final = "external_reference"
"""By this the agency's own program knows the referral: it stays."""

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/refer/{reference}/correct")
async def choose(visit: SignedInVisit, reference: str) -> Response:
    sent, contents = await _known(visit, reference)
    pages = pages_of(contents.document)
    return visit.render(
        "correct.html",
        status=200 if sent.may(Step.AMEND) else 409,
        sent=sent,
        **standing.in_words(sent.shown, sent.kind),
        is_possible=sent.may(Step.AMEND),
        answers=[(page, filling.summary_of(page, contents.document)) for page in pages],
    )


@routes.get("/refer/{reference}/correct/{slug}")
async def show(visit: SignedInVisit, reference: str, slug: str) -> Response:
    sent, contents = await _known(visit, reference)
    return _page(visit, sent, contents.document, slug, contents.document)


@routes.post("/refer/{reference}/correct/{slug}")
async def save(request: Request, context: Front, reference: str, slug: str) -> Response:
    visit = await visit_or_typed(request, context, page_in(pages_of({}), slug))
    return visit if isinstance(visit, Response) else await _save(visit, reference, slug)


async def _save(visit: MemberVisit, reference: str, slug: str) -> Response:
    form = lists_of(await visit.form())
    sent, contents = await _known(visit, reference)
    page = _named(contents.document, slug)
    typed = filling.read_page(page, contents.document, form)
    if filling.ADD in form:
        return _page(visit, sent, contents.document, slug, filling.add_entry(page, typed), form=form)
    if filling.REMOVE in form:
        number = int(form[filling.REMOVE][0]) if form[filling.REMOVE][0].isdecimal() else -1
        return _page(visit, sent, contents.document, slug, filling.remove_entry(page, typed, number), form=form)
    if not sent.may(Step.AMEND):
        return _page(visit, sent, contents.document, slug, typed)
    asked = f"POST /refer/{sent.reference}/correct/{slug}"
    try:
        await take_once(visit, asked, form, lambda tx: _change(tx, visit, sent, slug, form))
    except Invalid as invalid:
        found = _mistakes(visit, page, typed, invalid)
        return _page(visit, sent, contents.document, slug, typed, status=422, found=found, form=form)
    except Problem as problem:
        errors = refusal_of(problem)
        sent, contents = await _known(visit, reference)
        return _page(visit, sent, contents.document, slug, typed, status=409, errors=errors)
    is_kept = keep_dangers(contents.document, typed) != typed
    ring = "&ring" if asks_of_danger(page) and is_urgent(typed) else ""
    done = "said-no" if page.slug == "agreement" and agreement.is_refused(typed) else "corrected"
    return to(f"/refer/{sent.reference}?done={'danger-stays' if is_kept else done}{ring}")


def pages_of(document: Mapping[str, Any]) -> list[FormPage]:
    """The pages of the form for this document, with the fields that can be changed."""
    return [
        replace(page, fields=tuple(field for field in page.fields if field.name != FIXED))
        for page in form_pages.pages_for(document)
    ]


def patch_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch (RFC 7396) that makes `after` of `before`: null for what is gone, lists whole."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        was = before.get(name)
        if isinstance(was, dict) and isinstance(value, dict):
            patch |= {name: inner} if (inner := patch_between(was, value)) else {}
        elif name not in before or was != value:
            patch[name] = value
    return patch


async def _change(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral, slug: str, form: Lists) -> Answer:
    """Raises Problem 412 when the boxes would show something else by now, unless it is what was typed."""
    preparing = visit.context.preparing
    stored = await open_for(tx, preparing, sent.reference, visit.by, Step.AMEND)
    page = _named(stored.document, slug)
    after = filling.read_page(page, stored.document, form)
    if after != stored.document and (form.get(SEEN) or [""])[0] != _seen(stored.row.version, page, stored.document):
        raise Problem("precondition-failed")
    patch = patch_between(stored.document, after)
    return await steps.patch(tx, preparing, sent.reference, patch, visit.by, version=stored.row.version)


def _seen(version: int, page: FormPage, document: Mapping[str, Any]) -> str:
    return f"{version}.{filling.digest_of(page, document)}"


def _named(document: Mapping[str, Any], slug: str) -> FormPage:
    if (page := page_in(pages_of(document), slug)) is None:
        raise Problem("not-found")
    return page


async def _known(visit: MemberVisit, reference: str) -> tuple[AgencyReferral, Contents]:
    """The author's referral with what was sent, which is a look. Raises Problem 404; for an enquiry too."""
    async with visit.engine.begin() as tx:
        sent = await authors.own(tx, visit, reference)
        if sent.is_enquiry:
            raise Problem("not-found", "A question or a training can't be changed. Tell us on its page what is new")
        return sent, await authors.opened(tx, visit, sent)


def _mistakes(visit: MemberVisit, page: FormPage, typed: Mapping[str, Any], invalid: Invalid) -> list[FieldError]:
    """Of this page what is wrong and what is missing; else the model's own words: what is wrong is on another page."""
    found = filling.errors_of(page, typed, now=visit.now) + filling.missing_of(typed).get(page.slug, [])
    return found or [replace(error, pointer="continue") for error in invalid.errors]


def _page(
    visit: MemberVisit,
    sent: AgencyReferral,
    stored: Mapping[str, Any],
    slug: str,
    document: Mapping[str, Any],
    *,
    form: Lists | None = None,
    **more: Any,
) -> Response:
    """`stored` is what there is, `document` what the boxes say. A form that is shown again keeps what it had seen."""
    page = _named(document, slug)
    seen = (form or {}).get(SEEN) or [_seen(sent.version, _named(stored, slug), stored)]
    if not sent.may(Step.AMEND) and "errors" not in more:
        more |= {"status": 409, "errors": refusal_of(Problem("step-not-allowed"))}
    return shown_form(
        visit,
        "correct_page.html",
        page,
        document,
        sent=sent,
        **standing.in_words(sent.shown, sent.kind),
        is_possible=sent.may(Step.AMEND),
        seen=seen[0],
        **more,
    )
