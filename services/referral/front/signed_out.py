"""A form that arrives after its session has ended: nothing is done, and what was typed is shown again to be copied.

A draft is written all the same (writing.py). Here a form would do a step, and only somebody who is signed in does one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import FormData

from services.referral.document.checks import is_urgent
from services.referral.facts import ring_now
from services.referral.front import filling
from services.referral.front.form import FormPage
from services.referral.front.visits import (
    FrontContext,
    MemberVisit,
    optional_member,
    sign_in_at,
    to,
)
from shared.problems import CHALLENGE
from shared.sign_in.forms import FIELD, fields_of

Lists = Mapping[str, Sequence[str]]


def lists_of(form: FormData) -> dict[str, list[str]]:
    """Name → texts, as a browser sends them."""
    return {name: [each for each in form.getlist(name) if isinstance(each, str)] for name in form}


def asks_of_danger(page: FormPage) -> bool:
    return any(field.name == "safety" for field in page.fields)


async def visit_or_typed(request: Request, context: FrontContext, page: FormPage | None) -> MemberVisit | Response:
    """The visit of whoever is signed in; else the page with what was typed into `page`, if our own page showed it.

    Without a form of ours, or `page`, the way leads to the sign-in.
    """
    if signed_in := await optional_member(request):
        return MemberVisit(request, signed_in, context, context.now())
    sent, address = await fields_of(request), sign_in_at(request.url.path)
    if page is None or context.door.shown_to(str(sent.get(FIELD, ""))) is None:
        return to(address)
    return typed_again(request, context, page, filling.read_page(page, {}, lists_of(sent)), address)


def typed_again(
    request: Request, context: FrontContext, page: FormPage, typed: Mapping[str, Any], address: str
) -> Response:
    """A page with what was typed, to be copied, and the way to the sign-in at `address`."""
    is_danger = asks_of_danger(page) and is_urgent(typed)
    page_of_it = context.pages.render(
        request,
        "typed_signed_out.html",
        status=HTTPStatus.UNAUTHORIZED,
        typed=filling.summary_of(page, typed),
        sign_in=address,
        ring=ring_now(context.preparing.policy) if is_danger else [],
    )
    page_of_it.headers.update(CHALLENGE)
    return page_of_it
