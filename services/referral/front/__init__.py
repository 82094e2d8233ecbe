"""Pages for people who refer: agencies sign in (`/refer`), parents ask for help without an account (`/help`).

What a page sends becomes the same document as that of `POST /referrals`, read by the same model and stored by the same
steps. docs/front-door.md draws the way of a form.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI

from services.referral.front import (
    calls,
    correcting,
    enquiring,
    family,
    keepers,
    own_account,
    own_work,
    referral_page,
    sending,
    sign_in,
    stepping,
    webhook_page,
    writing,
)
from services.referral.front.family import FamilyContext
from services.referral.front.visits import FrontContext
from shared.web import add_routes

TEMPLATES: Final = Path(__file__).parent / "templates"
PAGES: Final = (
    sign_in,
    own_account,
    calls,
    sending,
    writing,
    own_work,
    enquiring,
    keepers,
    webhook_page,
    stepping,
    correcting,
    family,
    referral_page,  # last: `/refer/{reference}` would take any other page for a reference
)


def install(app: FastAPI, context: FrontContext, for_families: FamilyContext) -> None:
    """Set `app.state.sign_in` and `app.state.pages`, and add the pages, whose dependencies find both contexts there."""
    app.state.sign_in, app.state.pages = context.door, context.pages
    app.state.front_context, app.state.family_context = context, for_families
    add_routes(app, context.pages.router())
    add_routes(app, *(each.routes for each in PAGES))
