"""Steps of the author, each a page with a form: answer, tell, born, challenge, withdraw.

A form carries a random `once`: sent twice, it does its step once. A step that is refused is a page that keeps what was
typed, and says how things stand.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import steps
from services.referral.document.checks import is_urgent
from services.referral.document.errors import Invalid, required
from services.referral.facts import ring_now
from services.referral.front import authors, filling, standing, step_forms
from services.referral.front.authors import AgencyReferral, Contents
from services.referral.front.clients import Question
from services.referral.front.form import FormPage
from services.referral.front.signed_out import Lists, asks_of_danger, lists_of, visit_or_typed
from services.referral.front.step_forms import QUESTION
from services.referral.front.typed_dates import day
from services.referral.front.visits import Front, MemberVisit, SignedInVisit, beside_boxes, to
from services.referral.status import Status, Step
from services.referral.submitting import idempotency
from services.referral.submitting.amend import open_for
from services.referral.submitting.idempotency import Answer, request_key
from shared.events import RED_FLAGS, MentalHealth
from shared.pages.times import clock
from shared.problems import FieldError, Problem
from shared.sign_in.forms import FIELD
from shared.strict_json import canonical

ONCE: Final = "once"
SURE: Final = "sure"
"""The check page before a withdrawal sends it."""
EARLY: Final = timedelta(days=21)
"""A baby born more than 3 weeks before its due date (before 37 weeks, the NHS's "premature") keeps that date: rule E6p
looks at it at the end of the support.
"""
_STANDS_OTHERWISE: Final = {
    "step-not-allowed": "This step is not possible now. If you wrote something, it is still here to copy",
    "precondition-failed": "This has changed since you opened the page. Look at it again, and then send it again",
    "idempotency-key-reused": "You have sent this page once already. If there is more to say, send it again",
}
"""Problem → what its page says first."""

routes: Final = APIRouter(include_in_schema=False)

Work = Callable[[AsyncConnection], Awaitable[Answer]]


async def take_once(visit: MemberVisit, asked: str, form: Lists, work: Work) -> Answer:
    """Do the work once for this shown form; raises what the work raises, and Problem for another text with its `once`.

    `asked` is which form it is, and about which referral.
    """
    once = (form.get(ONCE) or [secrets.token_urlsafe(16)])[0]
    said = {name: list(values) for name, values in form.items() if name not in (FIELD, ONCE)}
    key = f"page {visit.member.id} {once}"
    request = request_key(visit.identities, visit.member.agency.id, key, asked, canonical(said))
    return await idempotency.once(visit.engine, request, at=visit.now, work=work)


def refusal_of(problem: Problem) -> list[dict[str, str]]:
    """The error summary of a form whose step was refused; raises the problem itself when it is of another kind."""
    if problem.name not in _STANDS_OTHERWISE:
        raise problem
    return [{"text": _STANDS_OTHERWISE[problem.name], "href": "#stands"}]


def shown_form(
    visit: MemberVisit, template: str, page: FormPage, document: Mapping[str, Any], *, status: int = 200, **more: Any
) -> Response:
    """A form with what `document` says in its boxes, and a new `once`."""
    found: Sequence[FieldError] = more.pop("found", ())
    return visit.render(
        template,
        status=status,
        page=page,
        values=filling.values_of(page, document),
        titles=filling.titles_of(page, document),
        once=secrets.token_urlsafe(16),
        ring=ring_now(visit.policy) if asks_of_danger(page) and is_urgent(document) else [],
        **beside_boxes(found) | more,
    )


@dataclass(frozen=True, slots=True)
class StepPage:
    """`done` is the code of what is said afterwards, `work` what the form does, in an open transaction."""

    form: FormPage
    step: Step
    done: str
    button: str
    work: Callable[[AsyncConnection, MemberVisit, AgencyReferral, Lists], Awaitable[Answer]]


async def _answer(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral, form: Lists) -> Answer:
    """Which question it answers is said in the words, because staff read the words."""
    said = filling.read_page(step_forms.ANSWER, {}, form)
    asked_at = _moment((form.get(QUESTION) or [""])[0])
    if asked_at and said.get("notes"):
        said["notes"] = f"To your question of {clock(asked_at)}:\n{said['notes']}"
    return await steps.inform(tx, visit.context.preparing, sent.reference, said, visit.by)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


async def _tell(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral, form: Lists) -> Answer:
    """New ticks stand beside those of before."""
    page = step_forms.TELL_OF_ENQUIRY if sent.is_enquiry else step_forms.TELL
    said = filling.read_page(page, {}, form)
    news: dict[str, Any] = {"notes": said["notes"]} if said.get("notes") else {}
    if not sent.is_enquiry:
        stored = await open_for(tx, visit.context.preparing, sent.reference, visit.by, Step.INFORM)
        before = list(stored.document.get("safety") or ())
        if fresh := [tick for tick in said.get("safety") or () if tick not in before]:
            news["safety"] = [*before, *fresh]
        if (flag := said.get("mental_health")) in RED_FLAGS:
            known = stored.document.get("mental_health")
            graver = _graver(known, flag)
            news["mental_health"] = graver
            if known in RED_FLAGS and known != flag:  # the document has room for one, and staff read the words
                other = _in_words(page, flag if graver == known else known)
                news["notes"] = "\n".join(filter(None, [f"Told as well: {other}", news.get("notes")]))
    return await steps.inform(tx, visit.context.preparing, sent.reference, news, visit.by)


def _graver(known: object, told: str) -> str:
    """A plan to harm the baby goes before all other signs (rule S6); else what was told last counts."""
    return MentalHealth.HARM_BABY_PLAN if MentalHealth.HARM_BABY_PLAN in (known, told) else told


def _in_words(page: FormPage, flag: str) -> str:
    choices = (choice for field in page.fields if field.name == "mental_health" for choice in field.choices)
    return next((choice.label for choice in choices if choice.value == flag), flag)


async def _born(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral, form: Lists) -> Answer:
    """The birth date takes the place of the due date; all else that is known of each baby stays."""
    stored = await open_for(tx, visit.context.preparing, sent.reference, visit.by, Step.AMEND)
    before = stored.document.get("babies") or []
    after = filling.read_page(step_forms.BORN, stored.document, form).get("babies") or []
    if after == before:
        raise Invalid([required("/babies/0/date_of_birth")])
    change = {"babies": [_since_born(baby) for baby in after]}
    return await steps.patch(tx, visit.context.preparing, sent.reference, change, visit.by)


def _since_born(baby: dict[str, Any]) -> dict[str, Any]:
    born, due = (_day(baby.get(name)) for name in ("date_of_birth", "due_on"))
    if born is None or (due is not None and due - born > EARLY):
        return baby
    return {name: value for name, value in baby.items() if name != "due_on"}


def _day(written: object) -> date | None:
    return day(written) if isinstance(written, str) else None


async def _challenge(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral, form: Lists) -> Answer:
    said = filling.read_page(step_forms.CHALLENGE, {}, form)
    return await steps.challenge(tx, visit.context.preparing, sent.reference, said, visit.by)


async def _withdraw(tx: AsyncConnection, visit: MemberVisit, sent: AgencyReferral, form: Lists) -> Answer:
    said = filling.read_page(step_forms.WITHDRAW, {}, form)
    return await steps.withdraw(tx, visit.context.preparing, sent.reference, said, visit.by)


STEP_PAGES: Final = (
    StepPage(step_forms.ANSWER, Step.INFORM, "answer-sent", "Send the answer", _answer),
    StepPage(step_forms.TELL, Step.INFORM, "told", "Send", _tell),
    StepPage(step_forms.BORN, Step.AMEND, "birth-told", "Save", _born),
    StepPage(step_forms.CHALLENGE, Step.CHALLENGE, "challenged", "Ask us to look again", _challenge),
    StepPage(step_forms.WITHDRAW, Step.WITHDRAW, "withdrawn", "Continue", _withdraw),
)


async def _show(visit: MemberVisit, reference: str, *, of: StepPage) -> Response:
    sent, contents = await _known(visit, reference, of)
    return await _page(visit, of, sent, contents.document)


async def _send(visit: MemberVisit, reference: str, *, of: StepPage) -> Response:
    form = lists_of(await visit.form())
    sent, contents = await _known(visit, reference, of)
    typed = filling.read_page(of.form, contents.document, form)
    asked = f"POST /refer/{sent.reference}/{of.form.slug}"
    if of.step is Step.WITHDRAW and typed.get("reason") and SURE not in form and sent.may(of.step):
        return shown_form(visit, "withdraw_check.html", of.form, typed, sent=sent, reason=typed["reason"])
    try:
        await take_once(visit, asked, form, lambda tx: of.work(tx, visit, sent, form))
    except Invalid as invalid:
        return await _page(visit, of, sent, typed, status=422, refused=invalid.errors)
    except Problem as problem:
        errors = refusal_of(problem)
        sent, _ = await _known(visit, reference, of)
        return await _page(visit, of, sent, typed, status=409, errors=errors)
    ring = "&ring" if asks_of_danger(of.form) and is_urgent(typed) else ""
    return to(f"/refer/{sent.reference}?done={of.done}{ring}")


async def _known(visit: MemberVisit, reference: str, of: StepPage) -> tuple[AgencyReferral, Contents]:
    """The author's referral, and what was sent for a page that shows some of it: a look. Raises Problem 404."""
    async with visit.engine.begin() as tx:
        sent = await authors.own(tx, visit, reference)
        if of.form is not step_forms.BORN or not sent.may(of.step):
            return sent, Contents({}, ())
        return sent, await authors.opened(tx, visit, sent)


async def _page(
    visit: MemberVisit,
    of: StepPage,
    sent: AgencyReferral,
    document: Mapping[str, Any],
    *,
    status: int = 200,
    refused: Iterable[FieldError] = (),
    **more: Any,
) -> Response:
    """The step's form; without its button, and as 409, when the step is not possible from here."""
    page, questions = of.form, None
    if page is step_forms.ANSWER:
        asked = await visit.context.triage.questions(sent.id, visit.member.actor)
        questions = None if asked is None else open_questions(sent, asked)
        page = step_forms.asking(questions or ())
    if page is step_forms.TELL and sent.is_enquiry:
        page = step_forms.TELL_OF_ENQUIRY
    elif page is step_forms.TELL and sent.has_loss:
        page = step_forms.TELL_AFTER_LOSS
    is_possible = sent.may(of.step)
    if not is_possible and "errors" not in more:
        status, more = 409, {"errors": refusal_of(Problem("step-not-allowed"))}
    found = filling.errors_of(page, document, now=visit.now) if page is step_forms.BORN and refused else []
    return shown_form(
        visit,
        "own_step.html",
        page,
        document,
        status=status,
        found=found or step_forms.mistakes_of(page, refused),
        sent=sent,
        **standing.in_words(sent.shown, sent.kind),
        is_possible=is_possible,
        questions=questions,
        button=of.button,
        **more,
    )


def open_questions(sent: AgencyReferral, asked: Iterable[Question]) -> list[Question]:
    """Those that wait for an answer: none once an answer is on its way, which triage may not have heard of yet."""
    return [each for each in asked if each.is_open and sent.status is Status.WAITING_FOR_REFERRER]


def _add(of: StepPage) -> None:
    async def show(visit: SignedInVisit, reference: str) -> Response:
        return await _show(visit, reference, of=of)

    async def send(request: Request, context: Front, reference: str) -> Response:
        visit = await visit_or_typed(request, context, of.form)
        return visit if isinstance(visit, Response) else await _send(visit, reference, of=of)

    path = f"/refer/{{reference}}/{of.form.slug}"
    routes.get(path, name=f"show {of.form.slug}")(show)
    routes.post(path, name=f"send {of.form.slug}")(send)


for _each in STEP_PAGES:
    _add(_each)
