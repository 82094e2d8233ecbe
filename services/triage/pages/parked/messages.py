"""What the services could not handle: seen by operations and auditors, tried again or given up by operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from starlette.responses import RedirectResponse

from services.triage.clients import NoAnswerError
from services.triage.pages.context import Visit, who_may
from services.triage.pages.forms import error_summary, text_in
from services.triage.pages.parked import words as parked_words
from services.triage.pages.parked.words import REASONS, SERVICES
from shared.access import Permission
from shared.parked_calls import MOST, Replayed
from shared.problems import Problem

Reader = Annotated[Visit, who_may(Permission.READ_PARKED)]
Resolver = Annotated[Visit, who_may(Permission.RESOLVE_PARKED)]
RowId = Annotated[int, Path(ge=1, lt=2**63)]

routes = APIRouter(prefix="/staff", include_in_schema=False)

LONGEST: Final = 200
NO_ANSWER: Final = "The {service} did not answer in time. It may have done it all the same: look again in a minute."
GONE: Final = "This message does not wait any more. Somebody may have dealt with it already."


@routes.get("/parked")
async def parked(visit: Reader) -> Response:
    return await _overview(visit)


@routes.post("/parked/{service}/{row_id}/replay")
async def replay(visit: Resolver, service: str, row_id: RowId) -> Response:
    await visit.form()
    _check(visit, service)
    try:
        done = await visit.context.all_services.replay(service, row_id, actor=visit.staff.id)
    except NoAnswerError:
        return await _overview(visit, status=503, trouble=NO_ANSWER, at=service)
    if done and not done.left:
        return RedirectResponse("/staff/parked?done=parked-replayed", 303)
    return await _overview(visit, status=409, trouble=_still(done) if done else GONE, at=service)


@routes.get("/parked/{service}/{row_id}/discard")
async def discard_form(visit: Resolver, service: str, row_id: RowId) -> Response:
    return await _form(visit, service, row_id)


@routes.post("/parked/{service}/{row_id}/discard")
async def discard(visit: Resolver, service: str, row_id: RowId) -> Response:
    sent = await visit.form()
    _check(visit, service)
    typed = {name: text_in(sent, name) for name in ("reason", "words")}
    if mistakes := _mistakes(typed):
        return await _form(visit, service, row_id, typed=typed, mistakes=mistakes)
    reason = f"{typed['reason']}: {typed['words']}".removesuffix(": ")
    try:
        is_done = await visit.context.all_services.discard(service, row_id, reason=reason, actor=visit.staff.id)
    except NoAnswerError:
        return await _overview(visit, status=503, trouble=NO_ANSWER, at=service)
    if not is_done:
        return await _overview(visit, status=409, trouble=GONE, at=service)
    return RedirectResponse("/staff/parked?done=parked-discarded", 303)


async def _overview(visit: Visit, *, status: int = 200, trouble: str = "", at: str = "") -> Response:
    """The page; `trouble` says what went wrong with what was asked of the service `at`."""
    seen = await visit.context.all_services.look()
    return visit.render(
        "parked/parked.html",
        status=status,
        seen=seen,
        parked=sum(each.found.total for each in seen if each.found),
        most=MOST,
        may_resolve=visit.may(Permission.RESOLVE_PARKED),
        errors=error_summary({at: trouble.format(service=SERVICES.get(at, at))} if trouble else {}),
        words=parked_words,
    )


async def _form(
    visit: Visit,
    service: str,
    row_id: int,
    *,
    typed: Mapping[str, str] | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> Response:
    """The form to give a message up; with what was typed, and 422, when it comes back with mistakes.

    Raises Problem 404 for a row that does not wait, 503 when the service does not answer.
    """
    _check(visit, service)
    found = (await visit.context.all_services.look_at(service)).found
    if found is None:
        raise Problem("unavailable")
    waiting = next((each for each in found.items if each.id == row_id), None)
    if waiting is None:
        raise Problem("not-found", GONE)
    return visit.render(
        "parked/discard.html",
        status=422 if mistakes else 200,
        service=service,
        waiting=waiting,
        reasons=REASONS,
        longest=LONGEST,
        errors=error_summary(mistakes or {}),
        words=parked_words,
        typed=typed or {},
        mistakes=mistakes or {},
    )


def _check(visit: Visit, service: str) -> None:
    """Raises Problem 404 for a name that is no service of ours."""
    if not visit.context.all_services.knows(service):
        raise Problem("not-found")


def _mistakes(typed: Mapping[str, str]) -> dict[str, str]:
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
