"""Every page for people who refer and for parents, each with what makes it ready to be measured; a test holds it whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from services.referral.front import stepping
from services.referral.front.family import questions
from services.referral.front.form_pages import SLUGS
from tests.bench.front_people import Ask, People
from tests.journeys.people import Member
from tests.signing_in import Browser

OK, SEE_OTHER = HTTPStatus.OK, HTTPStatus.SEE_OTHER
DECLINE: Final = "UPDATE referral.referral SET declined_at = now(), challenged_at = NULL WHERE reference = $1"
STEPS: Final = {
    "answer": {"notes": "Since the third week."},
    "tell": {"notes": "They have moved."},
    "born": {"babies.0.date_of_birth": "1 11 2026"},
    "challenge": {"notes": "They have no other help."},
    "withdraw": {"reason": "family_declined", "sure": "1"},
}
NOT_MEASURED: Final = {
    "GET /refer/sign-in/with/{slug}": "asks the provider of an agency, and there is none",
    "GET /refer/signed-in": "asks the provider of an agency, and there is none",
    "POST /refer/back-channel-logout/{slug}": "comes from the provider of an agency",
}


@dataclass(frozen=True)
class Measured:
    """A page, by its route and what it is called. `ready` is not measured; what it returns is, and answers `status`.

    `is_fresh`: made ready anew before each time.
    """

    route: str
    ready: Callable[[People], Ask]
    name: str = ""
    status: HTTPStatus = OK
    is_fresh: bool = False


def opened(route: str, path: Callable[[People], str] | str = "", *, name: str = "", by: str = "member") -> Measured:
    def ready(people: People) -> Ask:
        at = path(people) if callable(path) else path or route.partition(" ")[2]
        return partial(getattr(people, by).ask, "GET", at)

    return Measured(route, ready, name)


def pressed(route: str, ready: Callable[[People], Ask], *, name: str = "") -> Measured:
    return Measured(route, ready, name, SEE_OTHER, is_fresh=True)


def _signs_in(people: People) -> Member:
    """As far as the code, in a browser of its own."""
    people.system.query("DELETE FROM referral.sign_in_code")
    browser = Member(people.system, "nursery")
    browser.open("/refer/sign-in")
    browser.send("/refer/sign-in", email=browser.email)
    return browser


def _types_the_code(people: People) -> Ask:
    browser = _signs_in(people)
    return partial(browser.ask, "POST", "/refer/sign-in/code", {"code": people.system.code_for(browser.email)})


def _signs_out(people: People) -> Ask:
    browser = _signs_in(people)
    browser.send("/refer/sign-in/code", code=people.system.code_for(browser.email))
    return people.posts(browser, "/refer/sign-out", shown_at="/refer")


def _asks_for_a_code(people: People) -> Ask:
    people.system.query("DELETE FROM referral.sign_in_code")
    return people.posts(Browser(people.system.url("referral")), "/refer/sign-in", email="nobody@example.org")


def _sends(people: People) -> Ask:
    draft = people.begun(*SLUGS)
    return people.posts(people.member, f"{draft}/send", shown_at=f"{draft}/check")


def _sent(people: People) -> str:
    return str(_sends(people)().headers["location"])


def _drops(people: People) -> Ask:
    return people.posts(people.member, f"{people.member.begins()}/drop")


def _adds(people: People) -> Ask:
    email = f"new{next(people.numbers)}@health-visiting.example.org"
    return people.posts(people.keeper, "/refer/colleagues", email=email)


def _colleague(people: People) -> str:
    """The page that asks whether to end the one who was added last."""
    _adds(people)()
    people.keeper.open("/refer/colleagues")
    rows = people.system.query("SELECT id FROM referral.member ORDER BY id DESC LIMIT 1")
    return f"/refer/colleagues/{rows[0]['id']}/end"


def _ends(people: People) -> Ask:
    return people.posts(people.keeper, _colleague(people))


def _takes_over(people: People) -> Ask:
    reference = people.another()
    return people.posts(people.keeper, f"/refer/{reference}/take-over", shown_at=f"/refer/{reference}")


def _asks_for_advice(people: People) -> Ask:
    said = {"kind": "consultation", "topic": f"A baby who looks away, {next(people.numbers)}"}
    return people.posts(people.member, "/refer/enquiry", **said)


def _enquiry(people: People) -> str:
    return str(_asks_for_advice(people)().headers["location"])


def _corrects(slug: str) -> Callable[[People], Ask]:
    """Something new each time, or a page that says the same."""

    def ready(people: People) -> Ask:
        more = {"notes": f"A family, {next(people.numbers)}"} if slug == "words" else {}
        return people.posts(people.member, f"/refer/{people.own}/correct/{slug}", **more)

    return ready


def _takes(step: str) -> Callable[[People], Ask]:
    def ready(people: People) -> Ask:
        reference = people.another()
        if step == "challenge":
            people.system.query(DECLINE, reference)
        return people.posts(people.member, f"/refer/{reference}/{step}", **STEPS[step])

    return ready


def _saves(slug: str) -> Callable[[People], Ask]:
    def ready(people: People) -> Ask:
        more = {"notes": f"A family, {next(people.numbers)}"} if slug == "words" else {}
        return people.posts(people.member, f"{people.draft}/{slug}", **more)

    return ready


def _opens_a_call(people: People) -> Ask:
    return people.posts(Browser(people.system.url("referral")), people.call())


def _asks_for_help(people: People) -> Ask:
    return people.posts(people.parent(), "/help/en/send", shown_at="/help/en/check")


def _asked_for_help(people: People) -> Ask:
    parent = people.parent()
    people.posts(parent, "/help/en/send", shown_at="/help/en/check")()
    return partial(parent.ask, "GET", "/help/en/sent")


def _leaves(people: People) -> Ask:
    return partial(people.parent().ask, "GET", "/help/leave")


def _of_draft(slug: str) -> Callable[[People], str]:
    return lambda people: f"{people.draft}/{slug}"


def _of_own(page: str) -> Callable[[People], str]:
    return lambda people: f"/refer/{people.own}{page}"


DRAFT, OWN = "/refer/drafts/{draft_id}", "/refer/{reference}"
PAGES: Final[tuple[Measured, ...]] = (
    opened("GET /refer/sign-in", "/refer/sign-in", by="stranger"),
    pressed("POST /refer/sign-in", _asks_for_a_code),
    opened("GET /refer/sign-in/code"),
    pressed("POST /refer/sign-in/code", _types_the_code),
    pressed("POST /refer/sign-out", _signs_out),
    opened("GET /refer/signed-out"),
    opened("GET /refer/accessibility"),
    opened("GET /refer"),
    opened("GET /refer/new"),
    pressed("POST /refer/drafts", lambda people: people.posts(people.member, "/refer/drafts", shown_at="/refer/new")),
    opened(f"GET {DRAFT}", lambda people: people.draft),
    *(opened(f"GET {DRAFT}/{{slug}}", _of_draft(slug), name=slug) for slug in SLUGS),
    *(pressed(f"POST {DRAFT}/{{slug}}", _saves(slug), name=slug) for slug in SLUGS),
    *(opened(f"GET {DRAFT}/{page}", _of_draft(page)) for page in ("check", "ring", "advice", "drop")),
    pressed(f"POST {DRAFT}/drop", _drops),
    pressed(f"POST {DRAFT}/send", _sends),
    opened(f"GET {DRAFT}/sent", _sent),
    opened(f"GET {OWN}", _of_own("")),
    *(opened(f"GET {OWN}/{page}", _of_own(f"/{page}")) for page in ("copy", "correct")),
    *(opened(f"GET {OWN}/correct/{{slug}}", _of_own(f"/correct/{slug}"), name=slug) for slug in SLUGS),
    *(pressed(f"POST {OWN}/correct/{{slug}}", _corrects(slug), name=slug) for slug in SLUGS),
    *(Measured(f"GET {OWN}/{page.form.slug}", opened("", _of_own(f"/{page.form.slug}")).ready, status=HTTPStatus.CONFLICT)
      if page.form.slug == "challenge" else opened(f"GET {OWN}/{page.form.slug}", _of_own(f"/{page.form.slug}"))
      for page in stepping.STEP_PAGES),
    *(pressed(f"POST {OWN}/{page.form.slug}", _takes(page.form.slug)) for page in stepping.STEP_PAGES),
    opened("GET /refer/enquiry"),
    pressed("POST /refer/enquiry", _asks_for_advice),
    opened(f"GET {OWN}/sent", _enquiry),
    opened("GET /refer/agency", by="keeper"),
    opened("GET /refer/webhook", by="keeper"),
    opened("GET /refer/colleagues", by="keeper"),
    pressed("POST /refer/colleagues", _adds),
    opened("GET /refer/colleagues/{member_id}/end", _colleague, by="keeper"),
    pressed("POST /refer/colleagues/{member_id}/end", _ends),
    pressed(f"POST {OWN}/take-over", _takes_over),
    opened("GET /refer/calls/{ticket}", lambda people: people.call()),
    pressed("POST /refer/calls/{ticket}", _opens_a_call),
    opened("GET /help", by="family"),
    opened("GET /help/{tag}", "/help/en", by="family"),
    opened("GET /help/{tag}/now", "/help/en/now", by="family"),
    *(opened("GET /help/{tag}/{slug}", f"/help/en/{page.slug}", name=page.slug, by="family") for page in questions.PAGES),
    *(pressed("POST /help/{tag}/{slug}", lambda people, path=f"/help/en/{page.slug}": people.posts(people.family, path),
              name=page.slug) for page in questions.PAGES),
    opened("GET /help/{tag}/check", "/help/en/check", by="family"),
    pressed("POST /help/{tag}/send", _asks_for_help),
    Measured("GET /help/{tag}/sent", _asked_for_help),
    pressed("GET /help/leave", _leaves),
)  # fmt: skip
