"""The pages of the development identity provider."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final
from urllib.parse import urlsplit

from deploy.local.answers import Answer, as_page

STYLE: Final = """html { font-family: arial, "Liberation Sans", sans-serif; line-height: 1.5; color: #212b32; }
body { max-width: 40rem; margin: 0 auto; padding: 1rem; }
.warning { border-left: 8px solid #ffeb3b; background: #fff9c4; padding: 1rem; }
ul { list-style: none; padding: 0; }
li { margin: 0 0 0.75rem; }
button { font: inherit; text-align: left; width: 100%; padding: 0.75rem 1rem; cursor: pointer; color: inherit;
  background: #fff; border: 2px solid #005eb8; border-radius: 4px; }
button:hover { background: #f0f4f5; }
button:focus-visible, a:focus-visible { outline: 4px solid #ffeb3b; box-shadow: 0 0 0 6px #212b32; }
"""
WARNING: Final = (
    '<p class="warning"><strong>Development only.</strong> These people are invented, and nobody asks for a password. '
    "A live system sends you to your organisation’s own sign-in instead.</p>"
)


def choice(staff: Mapping[str, Mapping[str, str]], asked: Mapping[str, str], redirect_uris: Sequence[str]) -> Answer:
    """Whom to be: one button each, and one to stop."""
    hidden = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(asked[name])}">' for name in asked)
    buttons = "".join(
        f'<li><button name="role" value="{escape(role)}"><strong>{escape(person["name"])}</strong>, '
        f"{escape(role.replace('-', ' '))}</button></li>"
        for role, person in staff.items()
    )
    return _page(
        "Who do you want to be?",
        f'{WARNING}<form method="post" action="/authorize">{hidden}<ul>{buttons}</ul>'
        '<p><button name="role" value="">Do not sign in</button></p></form>',
        goes_to=redirect_uris,
    )


def refusal(problem: str) -> Answer:
    """A request that can't be sent back to where it came from."""
    return _page("This sign-in can’t go on", f"<p>{escape(problem)}</p>{WARNING}", status=400)


def signed_out() -> Answer:
    return _page("You are signed out", WARNING)


def style() -> Answer:
    return Answer(200, "text/css", STYLE.encode())


def _page(heading: str, content: str, *, status: int = 200, goes_to: Sequence[str] = ()) -> Answer:
    """`goes_to`: where its form may end up, or a browser would stop the redirect."""
    targets = " ".join(["'self'", *sorted({"{}://{}".format(*urlsplit(uri)[:2]) for uri in goes_to})])
    html = (
        f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{heading} – practice sign-in</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/style.css"></head><body><main><h1>{heading}</h1>{content}</main></body></html>'
    )
    return as_page(html, status, form_action=targets)
