"""The door of the staff pages: who comes in with which cookie. Set as `app.state.sign_in`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.sign_in import cookies, sessions
from shared.sign_in.cookies import Names
from shared.sign_in.visitors import Visitor


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """`public_url` is where browsers see us (scheme and host), `now` the wall clock in UTC."""

    engine: AsyncEngine
    public_url: str
    now: Callable[[], datetime]
    names: Names = field(default_factory=Names)

    async def find(self, request: Request) -> Visitor | None:
        token = request.cookies.get(self.names.session, "")
        return await sessions.look(self.engine, token, at=self.now()) if cookies.is_token(token) else None
