"""One referral: for its author with whom it is about and what they can do; for a keeper where it stands, and no more.

Every look of the author at whom it is about, and every copy, is a line of the audit trail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Response

from services.referral.facts import ring_now
from services.referral.front import authors, filling, form_pages, standing, step_forms
from services.referral.front.authors import COPIED, AgencyReferral
from services.referral.front.clients import Question
from services.referral.front.stepping import open_questions
from services.referral.front.visits import KeeperVisit, SignedInVisit, to
from shared.pages.facts import fact_name

RING: Final = "ring"
"""In the address after a danger was told: the page says whom to ring."""

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/refer/{reference}")
async def show(visit: SignedInVisit, reference: str) -> Response:
    async with visit.own_rows() as tx:
        sent = await authors.find(tx, visit, reference)
        if not sent.is_author:
            return visit.render("colleagues_referral.html", **_standing(sent))
        contents = await authors.opened(tx, visit, sent)
        await authors.look(tx, sent)
    asked = await visit.context.triage.questions(sent.id, visit.member.actor)
    return visit.render(
        "own_referral.html",
        **_standing(sent),
        history=standing.history_of(sent.shown),
        people=list(_people(contents.document)),
        topic=contents.document.get("topic") if sent.is_enquiry else None,
        gaps=_gaps(sent),
        steps=standing.steps_from(sent, contents.document),
        questions=None if asked is None else _open_first(sent, asked),
        ring=ring_now(visit.policy) if RING in visit.request.query_params else [],
    )


@routes.post("/refer/{reference}/take-over")
async def take_over(visit: KeeperVisit, reference: str) -> Response:
    await visit.form()
    async with visit.engine.begin() as tx:
        sent = await authors.find(tx, visit, reference)
        await authors.take_over(tx, visit, sent)
    return to(f"/refer/{sent.reference}?done=yours-now")


@routes.get("/refer/{reference}/copy")
async def copy(visit: SignedInVisit, reference: str) -> Response:
    async with visit.own_rows() as tx:
        sent = await authors.own(tx, visit, reference)
        contents = await authors.opened(tx, visit, sent, action=COPIED)
    pages = (step_forms.ENQUIRY,) if sent.is_enquiry else form_pages.pages_for(contents.document)
    return visit.render(
        "copy.html",
        **_standing(sent),
        history=standing.history_of(sent.shown),
        answers=[(page.title, filling.summary_of(page, contents.document)) for page in pages],
        told=contents.answers,
    )


def _standing(sent: AgencyReferral) -> dict[str, Any]:
    """What both its author and a keeper see of it; the page of a keeper shows less."""
    return {"sent": sent, **standing.in_words(sent.shown, sent.kind)}


def _people(document: Mapping[str, Any]) -> Iterator[str]:
    """`Ada Shah (baby)`, `Sana Shah (mother)`: those who have a name."""
    for people in ("babies", "caregivers"):
        for person in document.get(people) or ():
            name = " ".join(filter(None, (person.get("given_name"), person.get("family_name")))) if person else ""
            if name:
                who = "baby" if people == "babies" else fact_name(person.get("relationship"), "carer").lower()
                yield f"{name} ({who or 'carer'})"


def _gaps(sent: AgencyReferral) -> list[tuple[str, str]]:
    """The pages of the form that something is missing on: the last part of the address, and the title."""
    slugs = dict.fromkeys(filling.page_of(pointer) for pointer in sent.shown["gaps"])
    titles = {page.slug: page.title for page in form_pages.PAGES}
    return [(slug, titles[slug]) for slug in slugs if slug]


def _open_first(sent: AgencyReferral, asked: Sequence[Question]) -> list[dict[str, Any]]:
    is_open = open_questions(sent, asked)
    shown = [{"at": each.at, "words": each.words, "is_open": each in is_open} for each in asked]
    return sorted(shown, key=lambda each: (not each["is_open"], each["at"]))
