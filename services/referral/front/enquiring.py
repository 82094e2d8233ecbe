"""An enquiry: a consultation or a training, asked for without the data of any child."""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import steps
from services.referral.document.errors import Invalid
from services.referral.front import authors, filling, members, step_forms
from services.referral.front.signed_out import lists_of, visit_or_typed
from services.referral.front.step_forms import ENQUIRY
from services.referral.front.stepping import refusal_of, shown_form, take_once
from services.referral.front.visits import Front, MemberVisit, SignedInVisit, to
from services.referral.reference import new_reference
from services.referral.submitting.idempotency import Answer
from shared.problems import Problem

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/refer/enquiry")
async def show(visit: SignedInVisit) -> Response:
    return shown_form(visit, "enquiry.html", ENQUIRY, {"referrer": visit.member.as_referrer})


@routes.post("/refer/enquiry")
async def send(request: Request, context: Front) -> Response:
    visit = await visit_or_typed(request, context, ENQUIRY)
    return visit if isinstance(visit, Response) else await _send(visit)


async def _send(visit: MemberVisit) -> Response:
    form = lists_of(await visit.form())
    said = filling.read_page(ENQUIRY, {}, form)

    async def work(tx: AsyncConnection) -> Answer:
        value, reference = step_forms.enquiry_from(said), new_reference(secrets.randbelow)
        answer = await steps.enquire(tx, visit.context.preparing, reference, value, visit.by)
        await authors.keep(tx, UUID(answer.body["id"]), visit.member.id)
        await members.remember(tx, visit.identities, visit.member, value["referrer"])
        return answer

    try:
        answer = await take_once(visit, "POST /refer/enquiry", form, work)
    except Invalid as invalid:
        found = step_forms.mistakes_of(ENQUIRY, invalid.errors)
        return shown_form(visit, "enquiry.html", ENQUIRY, said, status=422, found=found)
    except Problem as problem:
        return shown_form(visit, "enquiry.html", ENQUIRY, said, status=409, errors=refusal_of(problem))
    return to(f"/refer/{answer.body['reference']}/sent")


@routes.get("/refer/{reference}/sent")
async def sent(visit: SignedInVisit, reference: str) -> Response:
    async with visit.engine.connect() as tx:
        own = await authors.own(tx, visit, reference)
        receipt = await authors.as_it_stands(tx, own.reference, visit.policy)
    if not own.is_enquiry:
        return to(f"/refer/{own.reference}")
    return visit.render("enquiry_sent.html", sent=own, ring=receipt["act_now"])
