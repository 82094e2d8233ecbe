"""The pages of /help that ask: each saves what was typed, and leads on by a redirect.

GET  /help, /help/{tag}          what happens, and how to leave the page
GET  /help/{tag}/1 ... /7        a question; the first one gives the browser its secret
POST /help/{tag}/1 ... /7        sealed into the draft, whether or not it can be read
GET  /help/{tag}/now             whom to ring, after a danger, and for those who are not safe at home
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData

from services.referral.document.checks import is_urgent
from services.referral.front.doubts import can_be_reached, has_an_address
from services.referral.front.family import drafts, questions
from services.referral.front.family.empty_drafts import says_nothing
from services.referral.front.family.questions import PAGES
from services.referral.front.family.sending import document_of
from services.referral.front.family.visits import START, HelpPage, HelpVisit, new_secret, own_agency
from services.referral.front.form import FormPage
from services.referral.front.unreadable import sendable
from shared.problems import Problem
from shared.sign_in import cookies

CHECKED: Final = "checked"
"""In the address of a page: its mistakes are shown."""
CHANGE: Final = "change"
"""In the address and the form of a page that was opened from the last one: back there."""
TO_END: Final = "end"
"""The button that leads there."""
LAST: Final = len(PAGES) + 1
"""The page that shows all answers has a number too."""

routes: Final = APIRouter(include_in_schema=False)


@routes.get(START)
@routes.get(START + "/{tag}")
async def start(visit: HelpPage) -> Response:
    hours = int(drafts.LASTS.total_seconds() / 3600)
    return visit.render("start.html", hours=hours, languages=list(visit.family.languages.values()))


@routes.get(START + "/{tag}/now")
async def now(visit: HelpPage) -> Response:
    draft = await visit.draft()
    said = draft.document if draft else {}
    is_unsafe = questions.tells_of_home(said)
    return visit.render("now.html", of=LAST, is_unsafe=is_unsafe, is_about_home=is_unsafe and not is_urgent(said))


@routes.get(START + "/{tag}/check")
async def check(visit: HelpPage) -> Response:
    draft = await visit.draft()
    if draft is None or draft.sent_as:
        return visit.to("sent") if draft else visit.to("1")
    document = document_of(draft.document, visit.language)
    found = questions.mistakes_of(draft.document, document, now=visit.now)
    pages = [questions.in_language(page, visit.language, year=visit.now.year) for page in PAGES]
    return visit.render(
        "check.html",
        number=LAST,
        of=LAST,
        to_do=[
            {"text": text, "href": f"{visit.address(questions.page_of(name))}?{CHECKED}&{CHANGE}#{_id(name)}"}
            for name, text in _said(visit, found).items()
        ],
        can_be_sent=not found or bool(sendable(document, now=visit.now).moved),
        answers=[(page, questions.summary_of(page, draft.document, visit.language)) for page in pages],
        has_address=has_an_address(draft.document),
        can_be_reached=can_be_reached(draft.document),
        messages_stay_away=questions.messages_stay_away(draft.document),
        change=CHANGE,
    )


@routes.get(START + "/{tag}/{slug}")
async def show(visit: HelpPage, slug: str) -> Response:
    page = _page(slug)
    draft = await visit.draft()
    is_first = page is PAGES[0]
    if not is_first and draft is None:
        return visit.to("1")
    if not is_first and draft and draft.sent_as:
        return visit.to("sent")
    if draft is None or draft.sent_as:
        return _begun(visit, page)
    return _shown(visit, page, draft.document)


@routes.post(START + "/{tag}/{slug}")
async def save(visit: HelpPage, slug: str) -> Response:
    page, sent = _page(slug), await visit.form()
    if sent is None or visit.secret is None:
        return visit.lost()
    fields = {name: [each for each in sent.getlist(name) if isinstance(each, str)] for name in sent}
    async with visit.engine.begin() as tx:
        agency = await own_agency(tx)
        if agency is None:
            return visit.closed()
        draft = await drafts.one(tx, visit.secret, at=visit.now, locked=True)
        if draft and draft.sent_as:
            return visit.to("sent")
        answers = questions.read(page, draft.document if draft else {}, fields)
        answers |= questions.written_in(page, answers, visit.language)
        lasts = drafts.LASTS_IF_UNSAFE if questions.tells_of_home(answers) else drafts.LASTS
        await drafts.write(tx, visit.secret, answers, draft=draft, agency_id=agency.id, at=visit.now, lasts=lasts)
        await _keep_few_empty(visit, tx, visit.secret.row_id, answers, is_new=draft is None)
    if draft is None:
        counted = visit.family.begun.count(visit.client, at=visit.now)
        if not _needs_numbers(answers):
            await visit.family.waits.wait(counted.seconds)
        if page is not PAGES[0]:  # what was typed before is gone, and the danger has to be asked again
            return visit.to("1")
    return visit.to(_next(visit, page, answers, sent))


async def _keep_few_empty(
    visit: HelpVisit, tx: AsyncConnection, row_id: UUID, answers: questions.Answers, *, is_new: bool
) -> None:
    """Of an address that begins many forms and types into none, the oldest go."""
    empty = visit.family.empty
    if not says_nothing(answers):
        empty.is_empty_no_more(row_id)
    elif is_new and (oldest := empty.begun(visit.client, row_id)):
        await drafts.forget_unchanged(tx, oldest)


def _next(visit: HelpVisit, page: FormPage, answers: dict[str, Any], sent: FormData) -> str:
    """The same page again while something on it is wrong, whom to ring after a danger, else on."""
    if _of_page(page, questions.mistakes_of(answers, document_of(answers, visit.language), now=visit.now)):
        return f"{page.slug}?{CHECKED}{f'&{CHANGE}' if CHANGE in sent else ''}"
    if page is PAGES[0] and _needs_numbers(answers):
        return "now"
    if CHANGE in sent or TO_END in sent or page is PAGES[-1]:
        return "check"
    return PAGES[PAGES.index(page) + 1].slug


def _needs_numbers(answers: questions.Answers) -> bool:
    """Whether whom to ring comes next. Nobody waits for that, however many forms came from their address."""
    return is_urgent(answers) or questions.tells_of_home(answers)


def _begun(visit: HelpVisit, page: FormPage) -> Response:
    """The first page, for a browser without a draft that is open: with a new secret, for it may be another family."""
    secret = new_secret()
    answer = _shown(visit, page, {}, csrf=secret.csrf)
    cookies.give(answer, drafts.COOKIE, secret.token)
    return answer


def _shown(visit: HelpVisit, page: FormPage, answers: dict[str, Any], **more: Any) -> Response:
    asked = visit.request.query_params
    document = document_of(answers, visit.language)
    found = questions.mistakes_of(answers, document, now=visit.now) if CHECKED in asked else {}
    mistakes = _said(visit, _of_page(page, found))
    errors = [{"text": text, "href": f"#{_id(name)}"} for name, text in mistakes.items()]
    if errors and sendable(document, now=visit.now).moved:
        errors.append({"text": visit.language.say("send_unread"), "href": visit.address("check")})
    place = PAGES.index(page)
    return visit.render(
        "question.html",
        page=questions.in_language(page, visit.language, year=visit.now.year),
        values=questions.values_of(page, answers, visit.language),
        mistakes=mistakes,
        errors=errors,
        number=place + 1,
        of=LAST,
        back=PAGES[place - 1].slug if place else "",
        change=CHANGE if CHANGE in asked else "",
        to_end=TO_END if place + 1 >= int(questions.ENOUGH) else "",
        **more,
    )


def _page(slug: str) -> FormPage:
    found = questions.BY_SLUG.get(slug)
    if found is None:
        raise Problem("not-found")
    return found


def _of_page(page: FormPage, found: dict[str, str]) -> dict[str, str]:
    return {name: sentence for name, sentence in found.items() if questions.page_of(name) == page.slug}


def _said(visit: HelpVisit, found: dict[str, str]) -> dict[str, str]:
    return {name: visit.language.say(sentence, year=visit.now.year) for name, sentence in found.items()}


def _id(name: str) -> str:
    """Of the box: what an error links to."""
    return name.replace(".", "-")
