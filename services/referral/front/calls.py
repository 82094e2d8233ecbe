"""Calls: what somebody tells the triage team on the telephone, written into the same form for whoever rings.

    triage asks for a draft and a ticket → the browser brings the ticket → a session for calls of that agency

A ticket opens one door once, within a minute; a GET uses none up. The session lasts two hours at most and does not end
when the form is sent: the caller may add something. Its member sees what this person wrote down for this agency, and
nothing else of the agency; every entry in the audit trail is the staff person's.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field, StrictStr
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.document.errors import Invalid, required
from services.referral.document.fields import Phone, WorkEmail
from services.referral.document.model import Part
from services.referral.document.read import read
from services.referral.document.text import Name
from services.referral.facts import ring_now
from services.referral.front import drafts, form_pages, members
from services.referral.front.family.sending import RELATIVE
from services.referral.front.family.visits import AGENCY as FAMILIES
from services.referral.front.visits import Front, FrontContext, to
from shared.access import ActingPerson, internal_router
from shared.audit import Actor, Entry, write
from shared.database import read_only, sql
from shared.events import Consent, Severity
from shared.problems import FieldError, Problem
from shared.sign_in import cookies
from shared.sign_in.forms import fields_of
from shared.sign_in.sessions import digest_of
from shared.strict_json import Unreadable, parse_json
from shared.web import answer, read_json_body

CALLS: Final = "/refer/calls"
LASTS: Final = timedelta(seconds=60)
"""From the staff page to the form: two clicks."""
PARENT: Final = "Parent"
PARENTS: Final = frozenset({"parent", "mother", "mum", "mam", "mom", "father", "dad", "adoptive parent"})
"""What somebody who rings about their own baby may say that they are, in small letters; all others are relatives."""
BEGUN: Final = "call.begun"
OVER: Final = "This way in was used, or is more than a minute old. Go back to “Take a call” and begin again"


class Call(Part):
    """Who rings, for which agency, and the name of the staff person who takes the call.

    A parent has no role to tell; a relative says who they are to the baby, and all others need one.
    """

    agency: Annotated[StrictStr, Field(max_length=100)] | None = None
    staff_name: Name | None = None
    name: Name | None = None
    role: Name | None = None
    phone: Phone | None = None
    email: WorkEmail | None = None


def read_call(value: object, *, now: datetime) -> Call:
    """Raises Problem 422 with every mistake."""
    try:
        call = read(Call, value, now=now)
    except Invalid as invalid:
        raise Problem("invalid", errors=invalid.errors) from None
    needed = ["agency", "staff_name", "name", *([] if call.agency == FAMILIES else ["role"])]
    if missing := [required(f"/{name}") for name in needed if getattr(call, name) is None]:
        raise Problem("invalid", errors=missing)
    return call


def document_of(call: Call, *, inbox: str, at: datetime) -> dict[str, Any]:
    """What a form knows when it begins: the referrer, who answers to `inbox` without an address of their own.

    A parent agrees by ringing, now; they are asked for what they see, not for a judgement (as at /help). A relative is
    asked whether the family agrees, and how to reach them.
    """
    is_family = call.agency == FAMILIES
    is_parent = is_family and (call.role or PARENT).lower() in PARENTS
    role = call.role or (PARENT if is_family else None)
    referrer = {"name": call.name, "role": role, "email": call.email or inbox, "phone": call.phone}
    document: dict[str, Any] = {"referrer": {name: value for name, value in referrer.items() if value}}
    if is_family:
        document["concern"] = {"severity": Severity.UNKNOWN.value}
    if is_family and not is_parent:
        document["source"] = RELATIVE
    if is_parent:
        given = {"status": Consent.GIVEN.value, "given_by": call.name, "recorded_at": at.isoformat(timespec="seconds")}
        document["consent"] = given
        if call.phone:
            document["caregivers"] = [{"phone": call.phone}]
    return document


async def begin(tx: AsyncConnection, context: FrontContext, call: Call, *, staff_id: str, at: datetime) -> str:
    """A draft and the ticket to it. Raises Problem 422 for an agency that is not there, or has ended."""
    found = await tx.execute(
        sql("SELECT id, team_inbox FROM agency WHERE slug = :slug AND is_active FOR NO KEY UPDATE"),
        {"slug": call.agency},
    )
    if (agency := found.one_or_none()) is None:
        raise Problem("invalid", errors=[FieldError("/agency", "unknown", "There is no such agency.")])
    member_id = await members.for_calls(
        tx, context.identities, agency_id=agency.id, staff_id=staff_id, name=str(call.staff_name), at=at
    )
    draft_id = await drafts.begin(
        tx,
        context.identities,
        agency_id=agency.id,
        member_id=member_id,
        document=document_of(call, inbox=agency.team_inbox, at=at),
        at=at,
    )
    ticket = secrets.token_urlsafe(32)
    await tx.execute(sql("DELETE FROM call_ticket WHERE until <= :at"), {"at": at})
    await tx.execute(
        sql("INSERT INTO call_ticket (digest, draft_id, until) VALUES (:digest, :draft, :until)"),
        {"digest": digest_of(ticket), "draft": draft_id, "until": at + LASTS},
    )
    await write(tx, [Entry(Actor("staff", staff_id), BEGUN, at, detail=call.agency)])
    return ticket


def internal(context: FrontContext, *, internal_token: str) -> APIRouter:
    """Two calls of the staff pages, with triage's token; the second with the id of who takes the call."""
    asked = internal_router(internal_token, below="/front")

    @asked.get("/agencies", summary="Agencies that refer, for which a call can be taken")
    async def agencies() -> Response:
        async with read_only(context.engine).connect() as tx:
            rows = await tx.execute(sql("SELECT slug, name FROM agency WHERE is_active ORDER BY name, slug"))
            items = [{"slug": row.slug, "name": row.name, "is_families": row.slug == FAMILIES} for row in rows]
        return answer({"items": items})

    @asked.post(
        "/calls",
        summary="A form for whoever rings, and the way to it (audited)",
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": Call.model_json_schema()}}}},
    )
    async def take(request: Request, x_pir_actor: ActingPerson) -> Response:
        try:
            value, now = parse_json(await read_json_body(request)), context.now()
        except Unreadable as error:
            raise Problem("unreadable", error.detail) from None
        call = read_call(value, now=now)
        async with context.engine.begin() as tx:
            ticket = await begin(tx, context, call, staff_id=x_pir_actor, at=now)
        return answer({"path": f"{CALLS}/{ticket}"})

    return asked


routes: Final = APIRouter(include_in_schema=False)


@routes.get(CALLS + "/{ticket}")
async def show(request: Request, context: Front, ticket: str) -> Response:
    if not cookies.is_token(ticket):
        raise Problem("not-found")
    return context.pages.render(request, "call.html", action=request.url.path, ring=ring_now(context.preparing.policy))


@routes.post(CALLS + "/{ticket}")
async def open_form(request: Request, context: Front, ticket: str) -> Response:
    await fields_of(request)
    async with context.engine.begin() as tx:
        used = {"digest": digest_of(ticket), "at": context.now()}
        row = (await tx.execute(members.OF_TICKET, used)).one_or_none()
        if row is not None:
            member = members.member_of(row, context.identities)
            token = await context.door.let_in(tx, request, member, by="call")
    if row is None:
        raise Problem("not-found", OVER)
    return context.door.opened(to(f"/refer/drafts/{row.draft_id}/{form_pages.pages_for({})[0].slug}"), token)
