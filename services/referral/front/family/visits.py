"""One request to /help: its language, the secret of the browser, and the frame around every page."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.datastructures import FormData

from services.referral.agencies import Agency
from services.referral.front.client_address import address_of
from services.referral.front.family import drafts
from services.referral.front.family.drafts import BrowserSecret, FamilyDraft
from services.referral.front.family.empty_drafts import EmptyDrafts
from services.referral.front.family.floods import Counts, SlowedAnswers
from services.referral.front.visits import FrontContext, front_context, to
from shared.database import sql
from shared.languages import ORIGINAL, Language
from shared.policy import Policy
from shared.problems import Problem
from shared.sign_in import cookies
from shared.sign_in.forms import FIELD, fields_of

START: Final = "/help"
LEAVE: Final = "/help/leave"
AGENCY: Final = "self-referral"
"""The row of `agency` in whose name parents refer themselves; deploy.setup makes it."""


@dataclass(frozen=True, slots=True)
class FamilyContext:
    """What /help works with beside FrontContext. `leave_to` is a page that says nothing of us.

    `counts` are of what is sent, `begun` of the drafts that are made, `empty` those that hold nothing yet.
    """

    languages: Mapping[str, Language]
    leave_to: str
    counts: Counts = field(default_factory=Counts)
    begun: Counts = field(default_factory=Counts)
    empty: EmptyDrafts = field(default_factory=EmptyDrafts)
    waits: SlowedAnswers = field(default_factory=SlowedAnswers)


@dataclass(frozen=True, slots=True)
class HelpVisit:
    """All of it happens at `now`. `secret` is None in a browser that has not begun."""

    request: Request
    front: FrontContext
    family: FamilyContext
    language: Language
    secret: BrowserSecret | None
    now: datetime

    @property
    def engine(self) -> AsyncEngine:
        return self.front.engine

    @property
    def policy(self) -> Policy:
        return self.front.preparing.policy

    @property
    def client(self) -> str:
        """Where it comes from; for counts in memory alone."""
        return address_of(self.request, self.front.client_address_header)

    def address(self, page: str) -> str:
        """Of a page in the same language."""
        return f"{START}/{self.language.tag}/{page}"

    def to(self, page: str) -> Response:
        return to(self.address(page))

    async def draft(self) -> FamilyDraft | None:
        """What this browser has typed so far; nothing is asked of the database for one that has not begun."""
        if self.secret is None:
            return None
        async with self.engine.connect() as tx:
            return await drafts.one(tx, self.secret, at=self.now)

    async def form(self) -> FormData | None:
        """What was sent from a page that we showed to this browser; None for anything else."""
        try:
            sent = await fields_of(self.request)
        except Problem as problem:
            if problem.name == "forbidden":
                return None
            raise
        token = sent.get(FIELD)
        if self.secret is None or not isinstance(token, str):
            return None
        return sent if hmac.compare_digest(token.encode(), self.secret.csrf.encode()) else None

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page of templates/family, with whom to ring at once."""
        first, *others = self.policy.ring
        shown: dict[str, Any] = {
            "say": self.language.say,
            "language": self.language,
            "csrf": self.secret.csrf if self.secret else "",
            "here": f"{START}/{self.language.tag}",
            "first": first,
            "others": others,
        }
        return self.front.pages.render(self.request, f"family/{template}", status=status, **shown | values)

    def lost(self) -> Response:
        """The form is of a draft that this browser no longer has, or of nobody."""
        return self.render("lost.html", status=403)

    def closed(self) -> Response:
        """The service does not take requests of families here: somebody has ended its row of `agency`."""
        return self.render("closed.html", status=503)


async def own_agency(tx: AsyncConnection) -> Agency | None:
    """In whose name parents refer themselves; None while that is ended."""
    found = await tx.execute(
        sql("SELECT id, slug, name, team_inbox, source FROM agency WHERE slug = :slug AND is_active"), {"slug": AGENCY}
    )
    row = found.one_or_none()
    return Agency(row.id, row.slug, row.name, row.team_inbox, row.source) if row else None


def secret_of(request: Request) -> BrowserSecret | None:
    token = request.cookies.get(drafts.COOKIE, "")
    return BrowserSecret(token) if cookies.is_token(token) else None


def new_secret() -> BrowserSecret:
    return BrowserSecret(secrets.token_urlsafe(32))


def frame_of(language: Language) -> dict[str, Any]:
    """Around every page of /help, those for problems too: neutral, in its language, with the way out."""
    say = language.say
    return {
        "lang": language.tag,
        "direction": language.direction,
        "service_name": say("service"),
        "start": f"{START}/{language.tag}",
        "guide": "",
        "accessibility": "",  # the statement is not translated yet, and its page has no way out
        "skip_words": say("skip"),
        "problem_title": say("problem"),
        "problem_mark": say("problem_mark"),
        "leave": {"href": LEAVE, "text": say("leave"), "skip": say("skip_leave")},
    }


async def _help_visit(request: Request, tag: str = ORIGINAL) -> HelpVisit:
    family: FamilyContext = request.app.state.family_context
    language = family.languages.get(tag)
    request.state.frame = frame_of(language or family.languages[ORIGINAL])
    if language is None:
        raise Problem("not-found")
    front = front_context(request)
    return HelpVisit(request, front, family, language, secret_of(request), front.now())


HelpPage = Annotated[HelpVisit, Depends(_help_visit)]
"""A page for everybody, in the language of its address; Problem "not-found" for one that is not offered."""
