"""Every page of the form for people who refer and around it, in every state that looks different, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.referral.front.form_pages import PAGES, SLUGS
from tests.browser.front import fills_in
from tests.browser.looking import AUTHOR, CALLER, LONG, MISTAKEN, NEWCOMER, NOBODY, WHOLE, Looking, can_be_mistaken

Way = Callable[[Looking], None]
FORM_PAGE: Final = "GET /refer/drafts/{draft_id}/{slug}"
CHECK: Final = "GET /refer/drafts/{draft_id}/check"


@dataclass(frozen=True, slots=True)
class State:
    """One page as it may look: `who` looks, `way` leads there. The service says if `route` and `template` made it.

    `is_refused`: its mistakes stand in a summary on top; None where that is another state's to say.
    """

    route: str
    template: str
    who: str
    way: Way
    is_refused: bool | None = False


def opens(who: str, path: Callable[[Looking], str] | str) -> Way:
    def way(at: Looking) -> None:
        at.window(who).person.opens(path if isinstance(path, str) else path(at))

    return way


def presses(who: str, path: Callable[[Looking], str] | str, button: str, **boxes: object) -> Way:
    """Open a form, fill boxes in (with `__` for a dot), and press: the page is the answer."""

    def way(at: Looking) -> None:
        opens(who, path)(at)
        person = at.window(who).person
        fills_in(person, {name.replace("__", "."): typed for name, typed in boxes.items()})
        person.presses(button, within=person.main)

    return way


def _form(slug: str, made: str, query: str = "") -> Way:
    return opens(AUTHOR, lambda at: f"{getattr(at, made)}{slug and f'/{slug}'}{query}")


def _asks_for_a_code(at: Looking) -> None:
    person = at.becomes(NOBODY, {})
    person.opens("/refer/sign-in")
    person.fills("Your work email address", "nobody@nowhere.example.org")
    person.presses("Send me a code")


def _mistypes_the_code(at: Looking) -> None:
    _asks_for_a_code(at)
    person = at.window(NOBODY).person
    person.fills("Code", "AAAA-AAAA")
    person.presses("Sign in")


def _overtaken(at: Looking) -> None:
    """Another window has changed the page since."""
    draft, person = at.draft(), at.window(AUTHOR).person
    person.opens(f"{draft}/words")
    fills_in(person, {"notes": LONG})
    at.members[AUTHOR].writes(draft, "words", notes="Of the other window")
    person.presses("Save and continue")


def _signed_out_while_typing(at: Looking) -> None:
    """And another window has changed the page, so it can't be stored."""
    person, draft = at.becomes(NOBODY, at.members[AUTHOR].cookies), at.draft()
    person.opens(f"{draft}/safety")
    fills_in(person, {"safety": ["immediate_danger"]})
    at.members[AUTHOR].writes(draft, "safety", safety="domestic_abuse")
    person.page.context.clear_cookies()
    person.presses("Save and continue")
    person.reads("Nothing was sent")


def _signed_out(at: Looking) -> None:
    at.becomes(NOBODY, {}).opens("/refer/signed-out")


def _sends_a_reference_that_is_taken(at: Looking) -> None:
    reference = {"external_reference": f"HV-{id(at)}"}
    at.sent(at.draft(**WHOLE | {"words": reference}))
    names = {"babies.0.given_name": "Alma", "babies.0.date_of_birth": "2 6 2026"}
    other = at.draft(**WHOLE | {"words": reference, "babies": names})
    person = at.window(AUTHOR).person
    person.opens(f"{other}/check")
    person.presses("Confirm and send")


def _takes_a_call(at: Looking) -> None:
    person = at.becomes(CALLER, {})
    person.opens(at.rung())
    person.presses("Open the form")


def _sends_what_a_caller_told(at: Looking) -> None:
    _takes_a_call(at)
    person = at.window(CALLER).person
    fills_in(person, {"safety": ["injury_nonmobile"]})
    person.presses("Save and continue")
    person.follows("Send what you have now")
    person.presses("Confirm and send")


def _own_calls(at: Looking) -> None:
    _takes_a_call(at)
    at.window(CALLER).person.opens("/refer")


def _used_up(at: Looking) -> None:
    person, path = at.becomes(CALLER, {}), at.rung()
    for _ in range(2):
        person.opens(path)
        person.presses("Open the form")


FORM: Final[dict[str, State]] = {
    **{
        f"form-{slug}-{made}": State(FORM_PAGE, "draft_page.html", AUTHOR, _form(slug, made))
        for slug in SLUGS
        for made in ("fresh", "whole")
    },
    **{
        f"form-{page.slug}-mistaken": State(
            FORM_PAGE, "draft_page.html", AUTHOR, _form(page.slug, "mistaken", "?checked"), is_refused=True
        )
        for page in PAGES
        if can_be_mistaken(page) or page.slug in MISTAKEN
    },
    **{
        f"form-{slug}-{made}": State(FORM_PAGE, "draft_page.html", AUTHOR, _form(slug, made))
        for slug in ("babies", "relationship", "around-them", "equality")
        for made in ("bereaved", "bereaved_whole")
    },
    "form-overtaken": State(
        "POST /refer/drafts/{draft_id}/{slug}", "draft_page.html", AUTHOR, _overtaken, is_refused=True
    ),
    **{
        f"tasks-{made}": State("GET /refer/drafts/{draft_id}", "tasks.html", AUTHOR, _form("", made))
        for made in ("fresh", "whole", "mistaken", "dangerous")
    },
    **{
        f"check-{made}": State(CHECK, "check.html", AUTHOR, _form("check", made))
        for made in ("fresh", "whole", "mistaken", "dangerous", "bereaved_whole")
    },
    "check-saved-meanwhile": State(CHECK, "check.html", AUTHOR, _form("check", "whole", "?done=sent-before")),
    "check-reference-taken": State(
        "POST /refer/drafts/{draft_id}/send",
        "check.html",
        AUTHOR,
        _sends_a_reference_that_is_taken,
        is_refused=True,
    ),
    "ring": State("GET /refer/drafts/{draft_id}/ring", "ring.html", AUTHOR, _form("ring", "dangerous")),
    "advice": State(
        "GET /refer/drafts/{draft_id}/advice",
        "advice.html",
        AUTHOR,
        opens(AUTHOR, lambda at: f"{at.draft(agreement={'consent.status': ['refused']})}/advice"),
    ),
    "drop": State("GET /refer/drafts/{draft_id}/drop", "drop.html", AUTHOR, _form("drop", "whole")),
    "sent": State(
        "GET /refer/drafts/{draft_id}/sent",
        "sent.html",
        AUTHOR,
        opens(AUTHOR, lambda at: at.sent(at.draft(**WHOLE | {"words": {}}))),
    ),
    "sent-danger": State(
        "GET /refer/drafts/{draft_id}/sent",
        "sent.html",
        AUTHOR,
        opens(AUTHOR, lambda at: at.sent(at.draft(safety={"safety": ["immediate_danger"]}))),
    ),
}
"""The pages of one form."""

AROUND: Final[dict[str, State]] = {
    "before": State("GET /refer/new", "before.html", AUTHOR, opens(AUTHOR, "/refer/new")),
    "home-nothing": State("GET /refer", "home.html", NEWCOMER, opens(NEWCOMER, "/refer")),
    "home": State("GET /refer", "home.html", AUTHOR, opens(AUTHOR, lambda at: at.whole and "/refer?done=draft-gone")),
    "accessibility": State(
        "GET /refer/accessibility", "accessibility.html", AUTHOR, opens(AUTHOR, "/refer/accessibility")
    ),
    "form-gone": State(
        "GET /refer/drafts/{draft_id}",
        "problem.html",
        AUTHOR,
        opens(AUTHOR, "/refer/drafts/00000000-0000-7000-8000-000000000000"),
    ),
    "stop": State("GET /callbacks/stop", "stop.html", NOBODY, opens(NOBODY, "/callbacks/stop")),
    "stop-mistaken": State(
        "POST /callbacks/stop",
        "stop.html",
        NOBODY,
        presses(NOBODY, "/callbacks/stop", "Stop messages"),
        is_refused=True,
    ),
    "sign-in": State("GET /refer/sign-in", "sign_in.html", NOBODY, opens(NOBODY, "/refer/new")),
    "sign-in-mistaken": State(
        "POST /refer/sign-in", "sign_in.html", NOBODY, presses(NOBODY, "/refer/new", "Send me a code"), is_refused=True
    ),
    "sign-in-code": State("GET /refer/sign-in/code", "sign_in_code.html", NOBODY, _asks_for_a_code),
    "sign-in-code-mistaken": State(
        "POST /refer/sign-in/code", "sign_in_code.html", NOBODY, _mistypes_the_code, is_refused=True
    ),
    "sign-in-with-nobody": State(
        "GET /refer/sign-in/with/{slug}", "problem.html", NOBODY, opens(NOBODY, "/refer/sign-in/with/nursery")
    ),
    "sign-in-refused": State(
        "GET /refer/signed-in", "sign_in_refused.html", NOBODY, opens(NOBODY, "/refer/signed-in?state=old")
    ),
    "signed-out": State("GET /refer/signed-out", "signed_out.html", NOBODY, _signed_out),
    "signed-out-while-typing": State(
        "POST /refer/drafts/{draft_id}/{slug}", "typed_signed_out.html", NOBODY, _signed_out_while_typing
    ),
    "call": State("GET /refer/calls/{ticket}", "call.html", CALLER, lambda at: at.becomes(CALLER, {}).opens(at.rung())),
    "call-used-up": State("POST /refer/calls/{ticket}", "problem.html", CALLER, _used_up),
    "call-form": State(FORM_PAGE, "draft_page.html", CALLER, _takes_a_call),
    "call-sent": State("GET /refer/drafts/{draft_id}/sent", "sent.html", CALLER, _sends_what_a_caller_told),
    "call-home": State("GET /refer", "home.html", CALLER, _own_calls),
}
"""Before the form, beside it, and in the hands of staff who take a call."""
