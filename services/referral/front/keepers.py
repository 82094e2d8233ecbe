"""What the keepers of an agency do: see which referrals there are, and say which colleagues sign in.

No names of families here. A colleague is added by an address on a domain that the agency uses already: that of its
team inbox, or of somebody who signs in for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import views
from services.referral.front import members, standing
from services.referral.front.members import Member, MemberError
from services.referral.front.visits import KeeperVisit, MemberVisit, to
from shared.database import sql
from shared.problems import Problem
from shared.sign_in import cookies

ON_A_PAGE: Final = 100
COLLEAGUES: Final = "/refer/colleagues"
TOLD: Final = "Told to us by telephone"

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/refer/agency")
async def agency(visit: KeeperVisit) -> Response:
    asked = visit.request.query_params.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 5 else 1  # noqa: PLR2004  a million
    async with visit.own_rows() as tx:
        rows = await views.of_agency(
            tx, visit.member.agency.id, limit=ON_A_PAGE + 1, offset=max(number - 1, 0) * ON_A_PAGE
        )
        names = {each.id: each.name or each.email for each in await _colleagues(tx, visit)}
    lines = [
        {
            "reference": row["reference"],
            "status": standing.STATUS_NAMES[row["status"]],
            "received_at": row["received_at"].isoformat(),
            "whose": TOLD if row["is_by_staff"] else _whose(row["member_id"], names),
        }
        for row in rows[:ON_A_PAGE]
    ]
    return visit.render("agency.html", lines=lines, number=number, is_more=len(rows) > ON_A_PAGE)


def _whose(member_id: UUID | None, names: dict[UUID, str]) -> str:
    return "Nobody: a program sent it" if member_id is None else names.get(member_id, "Somebody who has left")


@routes.get(COLLEAGUES)
async def colleagues(visit: KeeperVisit) -> Response:
    async with visit.engine.connect() as tx:
        return _list(visit, await _colleagues(tx, visit))


@routes.post(COLLEAGUES)
async def add(visit: KeeperVisit) -> Response:
    form, member = await visit.form(), visit.member
    email, is_keeper = members.address_of(str(form.get("email", ""))), "is_keeper" in form
    async with visit.engine.begin() as tx:
        known = await _colleagues(tx, visit)
        try:
            _refuse_other_domains(email, [member.agency.team_inbox, *(each.email for each in known)])
            await members.add(
                tx,
                visit.identities,
                slug=member.agency.slug,
                email=email,
                is_keeper=is_keeper,
                actor=member.actor,
                at=visit.now,
            )
        except MemberError as error:
            return _list(visit, known, mistake=_sentence(error), email=email, is_keeper=is_keeper, status=422)
    return to(f"{COLLEAGUES}?done=colleague-added")


@routes.get("/refer/colleagues/{member_id}/end")
async def ask_to_end(visit: KeeperVisit, member_id: UUID) -> Response:
    async with visit.engine.connect() as tx:
        return visit.render("colleague_end.html", colleague=_one(await _colleagues(tx, visit), member_id))


@routes.post("/refer/colleagues/{member_id}/end")
async def end(visit: KeeperVisit, member_id: UUID) -> Response:
    await visit.form()
    member = visit.member
    async with visit.engine.begin() as tx:
        await tx.execute(sql("SELECT id FROM agency WHERE id = :id FOR UPDATE"), {"id": member.agency.id})
        known = await _colleagues(tx, visit)
        colleague = _one(known, member_id)
        if colleague.id == member.id and not any(each.is_keeper for each in known if each.id != member.id):
            raise Problem("conflict", "You are the last keeper of your agency. Add another keeper first")
        await members.end(tx, colleague.id, agency_id=member.agency.id, actor=member.actor, at=visit.now)
    if colleague.id != member.id:
        return to(f"{COLLEAGUES}?done=colleague-ended")
    response = to("/refer/signed-out")
    cookies.take(response, visit.context.door.names.session)
    return response


async def _colleagues(tx: AsyncConnection, visit: MemberVisit) -> Sequence[Member]:
    return await members.of_agency(tx, visit.identities, visit.member.agency.id)


def _one(known: Iterable[Member], member_id: UUID) -> Member:
    for each in known:
        if each.id == member_id:
            return each
    raise Problem("not-found", "This colleague is not one of your agency, or has left already")


def _refuse_other_domains(email: str, known: Iterable[str]) -> None:
    domains = {address.lower().rpartition("@")[2] for address in known}
    if email.rpartition("@")[2] not in domains:
        words = f"the address must end with one of: {', '.join(sorted(domains))}. For another one, ask us"
        raise MemberError(words)


def _sentence(error: MemberError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _list(visit: MemberVisit, known: Sequence[Member], *, status: int = 200, **typed: Any) -> Response:
    mistake = typed.get("mistake")
    errors = [{"text": mistake, "href": "#email"}] if mistake else []
    return visit.render("colleagues.html", status=status, colleagues=known, errors=errors, **typed)
