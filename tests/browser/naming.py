"""`python -m tests.browser.naming serve`: the referral service, whose pages also say in headers what made them.

So a test knows for sure which template and which route a page in a browser comes from. Nothing else is different.
"""

from __future__ import annotations

import runpy
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from shared.pages import Pages

TEMPLATE, ROUTE = "x-template", "x-route"
SERVICE: Final = "services.referral"

_render = Pages.render


def _named(pages: Pages, request: Request, template: str, **more: Any) -> HTMLResponse:
    answer = _render(pages, request, template, **more)
    route = request.scope.get("route")
    answer.headers[TEMPLATE] = template
    answer.headers[ROUTE] = f"{request.method} {getattr(route, 'path', '')}".strip()
    return answer


if __name__ == "__main__":
    Pages.render = _named  # type: ignore[method-assign]  # in this process alone, a test's own
    runpy.run_module(SERVICE, run_name="__main__", alter_sys=True)
