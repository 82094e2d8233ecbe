"""The way through the form: where each page stands, which comes next, and what is still needed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from services.referral.document.checks import is_urgent
from services.referral.front import agreement, filling, form_pages
from services.referral.front.form import FormPage
from shared.strict_json import FieldError

ABOUT_YOU: Final = "you"
CHECKED: Final = "checked"
"""In the address of a page: its mistakes are shown, which a page that nobody has sent yet does not."""
CHECK: Final = "/check"


class Standing(StrEnum):
    """Of one page."""

    MISTAKE = "mistake"
    NEEDED = "needed"
    DONE = "done"
    EMPTY = "empty"
    """Not filled in, and optional."""


def standings(document: Mapping[str, Any], at: datetime) -> dict[str, Standing]:
    """Page → whether it has something that can't be read, or lacks what a referral needs; in order."""
    wrong, missing = filling.wrong_in(document, now=at), filling.missing_of(document)
    found = {}
    for page in form_pages.pages_for(document):
        if any(field.name in wrong for field in page.fields):
            found[page.slug] = Standing.MISTAKE
        elif missing.get(page.slug) or filling.wants_an_answer(page, document):
            found[page.slug] = Standing.NEEDED
        else:
            is_answered = any(any(each) for each in filling.values_of(page, document).values())
            found[page.slug] = Standing.DONE if is_answered else Standing.EMPTY
    return found


def by_group(document: Mapping[str, Any], at: datetime) -> list[tuple[str, list[dict[str, Any]]]]:
    """The pages by group, each with where it stands; after a no only those that may change it."""
    groups: dict[str, list[dict[str, Any]]] = {}
    states = standings(document, at)
    for page in form_pages.pages_for(document):
        if agreement.is_open(page, document):
            groups.setdefault(page.group, []).append({"page": page, "state": states[page.slug]})
    return list(groups.items())


def after(page: FormPage, document: Mapping[str, Any], at: datetime, *, passes_over: bool = False) -> str:
    """The last part of the address of what comes after a page that was saved.

    With mistakes it is the page itself, and while it is not said if anybody is in danger; after a danger, whom to ring;
    after a no, advice. `passes_over`: to the first page that is still needed, wherever it stands, or to the check.
    """
    if filling.errors_of(page, document, now=at) or danger_unsaid(page, document):
        return f"/{page.slug}?{CHECKED}"
    pages = form_pages.pages_for(document)
    if page.slug == pages[0].slug and is_urgent(document):
        return "/ring"
    if agreement.is_refused(document):
        return "/advice"
    return _first_needed(page, document, at) if passes_over else _following(page, document)


def danger_unsaid(page: FormPage, document: Mapping[str, Any]) -> list[FieldError]:
    """The open questions of the page that asks for dangers; none once a danger is told, which goes at once."""
    asks = page.slug == form_pages.SLUGS[0] and not is_urgent(document)
    return filling.unanswered_of(page, document) if asks else []


def can_pass_over(page: FormPage, document: Mapping[str, Any], at: datetime) -> bool:
    """Whether passing over leads elsewhere than going on; not before the page that asks about a loss."""
    is_first_group = page.group == form_pages.PAGES[0].group
    return not is_first_group and _first_needed(page, document, at) != _following(page, document)


def _following(page: FormPage, document: Mapping[str, Any]) -> str:
    slugs = [each.slug for each in form_pages.pages_for(document)]
    ahead = slugs[slugs.index(page.slug) + 1 :] if page.slug in slugs else []
    if not filling.missing_of(document).get(ABOUT_YOU):  # known since they last sent a form
        ahead = [slug for slug in ahead if slug != ABOUT_YOU]
    return f"/{ahead[0]}" if ahead else CHECK


def _first_needed(but: FormPage, document: Mapping[str, Any], at: datetime) -> str:
    """The first page but this one that needs something; in a danger none does."""
    states = {} if is_urgent(document) else standings(document, at)
    for slug, state in states.items():
        if slug != but.slug and state in (Standing.MISTAKE, Standing.NEEDED):
            return f"/{slug}?{CHECKED}" if state is Standing.MISTAKE else f"/{slug}"
    return CHECK
