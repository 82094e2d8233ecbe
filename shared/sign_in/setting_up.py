"""Signing in made from settings and put into an app: one line of a service's wiring."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.settings import Settings
from shared.sign_in.client import Client
from shared.sign_in.cookies import Names
from shared.sign_in.door import FrontDoor
from shared.sign_in.keeping import KeepsWhatIsTyped, Renders
from shared.sign_in.provider import Provider, Strength
from shared.sign_in.reception import KeepsColleague, Reception, keep_nothing, routes
from shared.sign_in.roles import RoleBook
from shared.sign_in.wire import Wire
from shared.web import add_routes

_NAMES: Final = Names()


def install(
    app: FastAPI,
    settings: Settings,
    *,
    engine: AsyncEngine,
    pages: Renders,
    now: Callable[[], datetime],
    keep_colleague: KeepsColleague = keep_nothing,
    names: Names = _NAMES,
) -> None:
    """Set `app.state.sign_in` and add the sign-in pages. Raises ValueError for a role that is none of ours.

    A second service on the same host needs other `names` for its cookies.
    """
    door, provider = FrontDoor(engine, settings.public_url, now, names), provider_of(settings)
    app.state.sign_in = door
    if provider is not None:
        app.add_middleware(KeepsWhatIsTyped, door=door, pages=pages, secret=provider.client.secret)
    reception = Reception(
        door=door,
        provider=provider,
        roles=RoleBook.of(claim=settings.oidc_roles_claim, fields=settings.oidc_role_fields, roles=settings.oidc_roles),
        pages=pages,
        keep_colleague=keep_colleague,
        new_secret=secrets.token_urlsafe,
    )
    add_routes(app, routes(reception))


def provider_of(settings: Settings) -> Provider | None:
    """None when no provider is set up: then nobody gets in. Raises ValueError for a key that is none."""
    if not settings.oidc_metadata_url:
        return None
    known, file = (settings.oidc_client_id, settings.oidc_scopes), settings.oidc_client_key_file
    if file is None:
        client = Client(*known, settings.oidc_client_secret.get_secret_value())
    else:
        client = Client.with_key(*known, file.read_text(encoding="utf-8"))
    strength = Strength(tuple(settings.oidc_acr.split()), settings.oidc_max_age)
    return Provider(Wire(settings.oidc_metadata_url), client, strength)
