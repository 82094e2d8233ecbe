"""What the services could not handle: seen by operations and auditors, tried again or given up by operations."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import RedirectResponse

from services.triage.clients import NoAnswerError
from services.triage.pages import parked_words
from services.triage.pages.parked_words import REASONS, SERVICES
from services.triage.pages.room import Room
from services.triage.pages.typed import text_in
from shared.access import Permission
from shared.parked_calls import MOST, Replayed, Waiting
from shared.problems import Problem
from shared.sign_in import Visitor, read_form, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_PARKED))]
Resolver = Annotated[Visitor, Depends(visitor(Permission.RESOLVE_PARKED))]
RowId = Annotated[int, Path(ge=1, lt=2**63)]

LONGEST: Final = 200
NO_ANSWER: Final = "The {service} did not answer in time. It may have done it all the same: look again in a minute."
GONE: Final = "This message does not wait any more. Somebody may have dealt with it already."


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/parked")
    async def parked(request: Request, who: Reader) -> Response:
        return await _overview(room, request, who)

    @routes.post("/parked/{service}/{row_id}/replay")
    async def replay(request: Request, service: str, row_id: RowId, who: Resolver) -> Response:
        await read_form(request, who)
        _check(room, service)
        try:
            done = await room.all_services.replay(service, row_id, actor=who.staff.id)
        except NoAnswerError:
            return await _overview(room, request, who, status=503, trouble=NO_ANSWER, at=service)
        if done and not done.left:
            return RedirectResponse("/staff/parked?done=parked-replayed", 303)
        return await _overview(room, request, who, status=409, trouble=_still(done) if done else GONE, at=service)

    _add_giving_up(routes, room)


def _add_giving_up(routes: APIRouter, room: Room) -> None:
    @routes.get("/parked/{service}/{row_id}/discard")
    async def form(request: Request, service: str, row_id: RowId, _: Resolver) -> Response:
        return await _form(room, request, service, row_id)

    @routes.post("/parked/{service}/{row_id}/discard")
    async def discard(request: Request, service: str, row_id: RowId, who: Resolver) -> Response:
        sent = await read_form(request, who)
        _check(room, service)
        typed = {name: text_in(sent, name) for name in ("reason", "words")}
        if mistakes := _mistakes(typed):
            return await _form(room, request, service, row_id, status=422, typed=typed, mistakes=mistakes)
        reason = f"{typed['reason']}: {typed['words']}".removesuffix(": ")
        try:
            is_done = await room.all_services.discard(service, row_id, reason=reason, actor=who.staff.id)
        except NoAnswerError:
            return await _overview(room, request, who, status=503, trouble=NO_ANSWER, at=service)
        if not is_done:
            return await _overview(room, request, who, status=409, trouble=GONE, at=service)
        return RedirectResponse("/staff/parked?done=parked-discarded", 303)


async def _overview(
    room: Room, request: Request, who: Visitor, *, status: int = 200, trouble: str = "", at: str = ""
) -> Response:
    """The page; `trouble` says what went wrong with what was asked of the service `at`."""
    seen = await room.all_services.look()
    text = trouble.format(service=SERVICES.get(at, at))
    return room.pages.render(
        request,
        "parked.html",
        status=status,
        seen=seen,
        parked=sum(each.found.total for each in seen if each.found),
        most=MOST,
        may_resolve=who.staff.may(Permission.RESOLVE_PARKED),
        errors=[{"text": text, "href": f"#{at}"}] if text else [],
        now=room.now(),
        words=parked_words,
    )


async def _form(
    room: Room, request: Request, service: str, row_id: int, *, status: int = 200, **filled: Any
) -> Response:
    """The form to give a message up; `typed` and `mistakes` when it comes back."""
    waiting = await _one(room, service, row_id)
    mistakes: dict[str, str] = filled.get("mistakes", {})
    return room.pages.render(
        request,
        "parked_discard.html",
        status=status,
        service=service,
        waiting=waiting,
        reasons=REASONS,
        longest=LONGEST,
        errors=[{"text": text, "href": f"#{name}"} for name, text in mistakes.items()],
        now=room.now(),
        words=parked_words,
        **filled,
    )


async def _one(room: Room, service: str, row_id: int) -> Waiting:
    """Raises Problem 404 for a row that does not wait, 503 when the service does not answer."""
    _check(room, service)
    found = (await room.all_services.look_at(service)).found
    if found is None:
        raise Problem("unavailable")
    waiting = next((each for each in found.items if each.id == row_id), None)
    if waiting is None:
        raise Problem("not-found", GONE)
    return waiting


def _check(room: Room, service: str) -> None:
    """Raises Problem 404 for a name that is no service of ours."""
    if not room.all_services.knows(service):
        raise Problem("not-found")


def _mistakes(typed: dict[str, str]) -> dict[str, str]:
    """By field, what is wrong with it."""
    if typed["reason"] not in REASONS:
        return {"reason": "Choose why you give this up"}
    if typed["reason"] == "other" and not typed["words"]:
        return {"words": "Say in a few words why"}
    if len(typed["words"]) > LONGEST:
        return {"words": f"Use at most {LONGEST} characters"}
    return {}


def _still(done: Replayed) -> str:
    """What to tell when not all of the line is handled."""
    if not done.handled:
        return "It still can't be handled. Mend the cause first, and then try again."
    handled = "1 event is" if done.handled == 1 else f"{done.handled:,} events are"
    left = "1 more still can't be" if done.left == 1 else f"the {done.left:,} after that still wait: one can't be"
    return f"{handled} handled now, but {left} handled."
