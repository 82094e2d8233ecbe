"""From what a parent typed to a referral, sent once; and the way out of these pages.

POST /help/{tag}/send      the draft's id is the Idempotency-Key: twice is once
GET  /help/{tag}/sent      the reference and the day, for an hour, and nothing of what was typed
GET  /help/leave           the draft is deleted, the cookie expires, another site opens
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import FormData

from services.referral.agencies import Agency, AgencyActor
from services.referral.document.codes import ToldBy
from services.referral.document.text import NOTES_LENGTH
from services.referral.front import resending
from services.referral.front.family import drafts, questions
from services.referral.front.family.drafts import FamilyDraft
from services.referral.front.family.floods import FASTEST, Counted, Mark
from services.referral.front.family.visits import (
    AGENCY,
    LEAVE,
    START,
    FamilyContext,
    HelpPage,
    HelpVisit,
    own_agency,
    secret_of,
)
from services.referral.front.form import NONE
from services.referral.front.unreadable import sendable
from services.referral.front.visits import front_context, to
from shared.audit import Actor
from shared.database import sql
from shared.events import Carer, Consent, Severity
from shared.languages import Language
from shared.sign_in import cookies
from shared.web import cause_of

log = structlog.get_logger(__name__)

routes: Final = APIRouter(include_in_schema=False)

FAMILY: Final = Actor("family", AGENCY)
PARENTS: Final = frozenset({Carer.MOTHER, Carer.FATHER, Carer.ADOPTIVE})
RELATIVE: Final = "B2"
"""SOURCE OF REFERRAL FOR MENTAL HEALTH: a carer or relative; a parent's own request is that of the agency row, B1."""
MARKED: Final = (
    "(Added by the form, not by the family: this came in a way in which programs write too. "
    "It may be a family all the same. Ring as always.)"
)
HIDDEN_BOX: Final = "website"
"""No person sees this box; programs that fill in every box fill it in."""
_LEAVING_SECONDS: Final = 1.0
DECIDES_SECONDS: Final = 2.0
"""So long the page waits for the decision. Triage hears of 95 in 100 within 0.08 s at 50 a second (`make bench`)."""


@routes.get(LEAVE)
async def leave(request: Request) -> Response:
    """Whoever leaves is gone at once: when the row can't be deleted now, the key to it is, and it goes in its time."""
    family: FamilyContext = request.app.state.family_context
    if secret := secret_of(request):
        with suppress(SQLAlchemyError, OSError, TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS), front_context(request).engine.begin() as tx:
                await drafts.forget(tx, secret)
    answer = to(family.leave_to)
    cookies.take(answer, drafts.COOKIE)
    return answer


@routes.post(START + "/{tag}/send")
async def send(visit: HelpPage) -> Response:
    sent = await visit.form()
    draft = await visit.draft() if sent else None
    if sent is None or draft is None:
        return visit.lost()
    if draft.sent_as:
        return visit.to("sent")
    async with visit.engine.connect() as tx:
        agency = await own_agency(tx)
    if agency is None:
        return visit.closed()
    document = document_of(draft.document, visit.language)
    found = questions.mistakes_of(draft.document, document, now=visit.now)
    if found and not sendable(document, now=visit.now).moved:
        return visit.to("check")
    counted = _counted(visit, draft, sent)
    is_whole = await _send(visit, agency, draft, counted.marks)
    await visit.family.waits.wait(counted.seconds)
    return visit.to("sent" if is_whole else "check")


@routes.get(START + "/{tag}/sent")
async def shown_as_sent(visit: HelpPage) -> Response:
    draft = await visit.draft()
    if draft is None or not draft.sent_as:
        return to(f"{START}/{visit.language.tag}")
    by = await _expected_by(visit, draft.sent_as)
    day = visit.language.day(by) if by else ""
    return visit.render("sent.html", reference=draft.sent_as, day=day, calls=visit.policy.family_messages)


async def _expected_by(visit: HelpVisit, reference: str) -> date | None:
    """By when they hear, once the rules have decided, which is a moment after sending: before that it is later."""
    until = time.monotonic() + DECIDES_SECONDS
    while True:
        async with visit.engine.connect() as tx:
            found = await tx.execute(
                sql(
                    "SELECT expected_by, decision IS NOT NULL AS is_decided FROM referral WHERE reference = :reference"
                ),
                {"reference": reference},
            )
            row = found.one()
        if row.is_decided or time.monotonic() > until:
            by: date | None = row.expected_by if row.is_decided else None
            return by
        await asyncio.sleep(0.1)


def document_of(
    answers: questions.Answers,
    language: Language,
    *,
    inbox: str | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """What `POST /referrals` would be sent: the answers, who refers, and that they agree, as of `at`.

    `inbox` is whom to write to about it where the family gave no address. Without `at` nothing was sent yet.
    """
    first = questions.first_caregiver(answers)
    if first and not language.is_original:
        first = {"preferred_language": language.tag} | first
    if messages := first.get("messages"):
        first = first | {"messages": {**messages, "told_by": ToldBy.FAMILY}}
    name, is_relative = first.get("given_name"), first.get("relationship") not in (None, *PARENTS)
    consent = {"status": Consent.GIVEN, "given_by": name, "recorded_at": at and at.isoformat()}
    role = "Relative or carer" if is_relative else "Parent"
    referrer = {"name": name, "role": role, "phone": first.get("phone")}
    dangers = answers.get(questions.SAFETY)
    document = dict(answers) | {
        questions.SAFETY: dangers if dangers is None else [each for each in dangers if each != NONE],
        "source": RELATIVE if is_relative else None,
        "referrer": _said(referrer | {"email": first.get("email") or inbox}),
        "babies": answers.get("babies") or [{}],
        "caregivers": [first] if first else None,
        "consent": _said(consent),
        "concern": {"severity": Severity.UNKNOWN},
    }
    return _said(document)


def _sendable(document: dict[str, Any], now: datetime) -> dict[str, Any]:
    """In a danger as it was typed; of the one who writes it is said once: they are a caregiver, and who refers."""
    if not (moved := sendable(document, now=now).moved):
        return document
    referrer = {name: value for name, value in document["referrer"].items() if f"caregivers.0.{name}" not in moved}
    return sendable(document | {"referrer": referrer}, now=now).document


def _marked(document: dict[str, Any]) -> dict[str, Any]:
    """With a word that it may come from a program, where there is room: no word of theirs is cut off for it."""
    notes = "\n\n".join(filter(None, [document.get(questions.NOTES), MARKED]))
    if len(notes) <= NOTES_LENGTH:
        return document | {questions.NOTES: notes}
    referrer = document["referrer"]
    return document | {"referrer": referrer | {"role": f"{referrer['role']} (came as programs write too)"}}


def _said(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _counted(visit: HelpVisit, draft: FamilyDraft, sent: FormData) -> Counted:
    """Why a person should know that it may come from a program; the log says how often, never of whom."""
    marks = [Mark.HIDDEN_BOX] if sent.get(HIDDEN_BOX) else []
    marks += [Mark.TOO_FAST] if visit.now - draft.begun_at < FASTEST else []
    counted = visit.family.counts.count(visit.client, at=visit.now)
    marks += counted.marks
    if marks:
        log.warning("a request for help may come from a program", causes=[str(each) for each in marks])
    return Counted(marks, counted.seconds)


async def _send(visit: HelpVisit, agency: Agency, draft: FamilyDraft, marks: Collection[Mark]) -> bool:
    """Raises Problem when the intake does not take it now: the draft is still there then.

    The consent is of when the last page was written: Send pressed twice is the same request. False when a page was
    written meanwhile: the draft stays, and sending it again adds what was said.
    """
    document = document_of(draft.document, visit.language, inbox=agency.team_inbox, at=draft.changed_at)
    by, front = AgencyActor(visit.now, cause_of(visit.request), agency, FAMILY), visit.front
    going = _sendable(document, visit.now)
    told = _marked(going) if marks else going
    answer = await resending.send(front.engine, front.preparing, front.submit, told, by=by, key=draft.key)
    if visit.secret is None:
        return True
    async with visit.engine.begin() as tx:
        return await drafts.mark_sent(tx, visit.secret, draft, answer.body["reference"], at=visit.now)
