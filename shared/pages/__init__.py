"""Pages for people: NHS.UK templates and ours, with who looks, what they may open, and a strict security policy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from shared.access import Permission, Staff
from shared.pages.assets import Assets
from shared.pages.environment import compile_all, environment
from shared.pages.outcomes import DONE, trouble
from shared.problems import CATALOGUE, Problem

__all__ = ["NavigationItem", "Pages"]

GUIDE: Final = "/docs"
START: Final = "/staff"
SIGN_OUT: Final = "/staff/sign-out"
ACCESSIBILITY: Final = "/accessibility"
"""The accessibility statement of the site, below its start page."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageVisitor(Protocol):
    """Who looks at a page, as shared.sign_in leaves it in the state of the request.

    Pages without `navigation` may have visitors without `staff`: those say who they are by a `label`.
    """

    @property
    def staff(self) -> Staff: ...

    @property
    def csrf(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A link in the header, for those who have the permission."""

    text: str
    href: str
    permission: Permission


class Pages:
    """Renders templates of `folder` and of shared/pages; set as `app.state.pages` it shows problems as pages too."""

    def __init__(
        self,
        *,
        name: str,
        folder: Path,
        navigation: Sequence[NavigationItem],
        is_development: bool,
        guide: str = GUIDE,
        start: str = START,
        sign_out: str = SIGN_OUT,
    ) -> None:
        self._navigation = tuple(navigation)
        self._assets = Assets()
        self._folder = folder
        self._start = start
        self._environment = environment(folder, reloads=is_development)
        self._environment.globals |= {
            "static": self._assets.address,
            "service_name": name,
            "start": start,
            "sign_out": sign_out,
            "guide": guide,
            "accessibility": f"{start}{ACCESSIBILITY}",
            "is_development": is_development,
        }

    def render(
        self, request: Request, template: str, *, status: int = 200, form_leads_to: str = "", **context: Any
    ) -> HTMLResponse:
        """A page that no cache keeps; `errors` ([{"text", "href"}]) puts a summary on top, "Error:" into the title.

        `request.state.frame` is what a part of the site has around each of its pages: names of layout.html.
        `form_leads_to` is another site of ours, as `https://host`, to which the answer to a form of the page leads:
        browsers follow no form to one that the page does not name.
        """
        visitor: PageVisitor | None = getattr(request.state, "visitor", None)
        path = request.url.path
        html = self._environment.get_template(template).render(
            {
                "visitor": visitor,
                "csrf": visitor.csrf if visitor else "",
                "navigation": self._links(visitor, path),
                "path": path,
                "flash": DONE.get(request.query_params.get("done", "")),
                "is_typed_again": getattr(request.state, "is_typed_again", False),
                **getattr(request.state, "frame", {}),
                **context,
            }
        )
        return HTMLResponse(html, status, _headers(form_leads_to))

    def compile(self) -> None:
        """Compile every template now, rather than for the first who looks at it."""
        compile_all(self._environment, self._folder)

    async def keep_compiled(self) -> None:
        """A loop of the HTTP side, with one thing to do, in a thread: the service answers meanwhile."""
        await asyncio.to_thread(self.compile)
        await asyncio.Event().wait()

    def problem(self, request: Request, problem: Problem) -> HTMLResponse:
        """The problem in kind words, with what to do next."""
        status, _ = CATALOGUE[problem.name]
        words = trouble(problem.name, problem.detail)
        return self.render(
            request,
            "problem.html",
            status=status,
            words=words,
            state=problem.extra.get("state"),
            flash=None,
        )

    def router(self) -> APIRouter:
        """The static files that the pages name, and the accessibility statement, for everybody."""
        routes = self._assets.router()

        @routes.get(f"{self._start}{ACCESSIBILITY}", include_in_schema=False)
        async def accessibility(request: Request) -> HTMLResponse:
            return self.render(request, "accessibility.html")

        return routes

    def _links(self, visitor: PageVisitor | None, path: str) -> list[Mapping[str, Any]]:
        """What the visitor may open; the closest to `path` is marked: `current` when it is that very page."""
        if visitor is None:
            return []
        shown = [item for item in self._navigation if visitor.staff.may(item.permission)]
        under = [item.href for item in shown if path == item.href or _is_under(path, item.href)]
        closest = max(under, key=len, default=None)
        return [
            {
                "text": item.text,
                "href": item.href,
                "current": item.href == path,
                "active": item.href == closest,
            }
            for item in shown
        ]


def _headers(form_leads_to: str) -> dict[str, str]:
    if not form_leads_to:
        return _HEADERS
    ours = "form-action 'self'"
    policy = _HEADERS["Content-Security-Policy"].replace(ours, f"{ours} {form_leads_to}")
    return _HEADERS | {"Content-Security-Policy": policy}


def _is_under(path: str, href: str) -> bool:
    """The start page is above everything, which says nothing."""
    return href != START and path.startswith(f"{href}/")
