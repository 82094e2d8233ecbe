"""What comes after sending, for the author and the keeper, and all pages of /help: every state, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.referral.front.family import asking
from services.referral.front.form_pages import PAGES, SLUGS
from tests.browser.cases import Case
from tests.browser.front import fills_in
from tests.browser.front_states import State, Way, opens, presses
from tests.browser.looking import HELP_MISTAKEN, KEEPER, LONG, MISTAKEN, NOBODY, PARENT, Looking
from tests.system import call, eventually

OWN_PAGE: Final = "own_referral.html"
STEP: Final = "own_step.html"
CORRECT: Final = "/refer/{reference}/correct/{slug}"
STEPS: Final = {
    "answer": ("referral", "Send the answer"),
    "tell": ("referral", "Send"),
    "born": ("expected", "Save"),
    "challenge": ("declined", "Ask us to look again"),
    "withdraw": ("referral", "Continue"),
}
"""Step → a referral from which it can be taken, and its button."""


def at_own(made: str, rest: str = "") -> Callable[[Looking], str]:
    """The address of a page of a referral of the keeper's."""

    def path(at: Looking) -> str:
        case: Case = getattr(at, made)
        return f"/refer/{case.reference}{rest}"

    return path


def _own(made: str, rest: str = "") -> Way:
    return opens(KEEPER, at_own(made, rest))


def _signed_out_at_a_step(at: Looking) -> None:
    person = at.becomes(NOBODY, at.members[KEEPER].cookies)
    person.opens(at_own("referral", "/tell")(at))
    fills_in(person, {"safety": ["immediate_danger"], "notes": LONG})
    person.page.context.clear_cookies()
    person.presses("Send", within=person.main)


def _corrects_what_has_changed(at: Looking) -> None:
    person, case = at.window(KEEPER).person, at.taken_over(at.cases.plain())
    person.opens(f"/refer/{case.reference}/correct/words")
    fills_in(person, {"notes": LONG})
    assert at.cases.agency.changes(case.reference, notes="By a program").status == 200
    person.presses("Save")


def _answers_what_is_withdrawn(at: Looking) -> None:
    person, case = at.window(KEEPER).person, at.asked()
    person.opens(f"/refer/{case.reference}/answer")
    fills_in(person, {"notes": LONG})
    at.cases.agency.withdraws(case.reference)
    person.presses("Send the answer")


def _asks_for_advice(at: Looking) -> None:
    presses(
        KEEPER, "/refer/enquiry", "Send", kind=["training"], topic=LONG[:90], safety=["domestic_abuse"],
        referrer__name="Bryn Talbot", referrer__role="Team lead",
    )(at)  # fmt: skip


def _ends_themselves(at: Looking) -> None:
    person = at.window(KEEPER).person
    person.opens("/refer/colleagues")
    row = person.main.locator(".nhsuk-summary-list__row").filter(has_text=at.members[KEEPER].email)
    person.follows("End", within=row)


def _ends_a_colleague(at: Looking) -> None:
    opens(KEEPER, "/refer/colleagues")(at)
    person = at.window(KEEPER).person
    row = person.main.locator(".nhsuk-summary-list__row").filter(has_text=".looks@")
    person.follows("End", within=row)


def _is_called_in_vain(at: Looking) -> None:
    """The webhook of the agency, where nobody answers."""
    webhook, key = f"{at.reception.home}/webhook", at.system.agency_key("health-visiting")
    assert call("PUT", webhook, token=key, body={"url": "http://127.0.0.1:9/hooks"}).status == 201
    try:
        eventually(lambda: call("GET", webhook, token=key).body["last_error"], what="a call that nobody takes")
        opens(KEEPER, "/refer/webhook")(at)
    finally:
        assert call("DELETE", webhook, token=key).status == 204


OWN: Final[dict[str, State]] = {
    **{
        f"own-{made}": State("GET /refer/{reference}", OWN_PAGE, KEEPER, _own(made))
        for made in ("referral", "expected", "declined", "withdrawn", "enquiry")
    },
    "own-danger-told": State("GET /refer/{reference}", OWN_PAGE, KEEPER, _own("referral", "?done=told&ring")),
    "own-of-a-colleague": State(
        "GET /refer/{reference}",
        "colleagues_referral.html",
        KEEPER,
        opens(KEEPER, lambda at: f"/refer/{at.cases.plain().reference}"),
    ),
    **{
        f"own-{step}": State(f"GET /refer/{{reference}}/{step}", STEP, KEEPER, _own(made, f"/{step}"))
        for step, (made, _) in STEPS.items()
    },
    **{
        f"own-{step}-mistaken": State(
            f"POST /refer/{{reference}}/{step}", STEP, KEEPER, presses(KEEPER, at_own(made, f"/{step}"), button), True
        )
        for step, (made, button) in STEPS.items()
    },
    **{
        f"own-{step}-too-late": State(
            f"GET /refer/{{reference}}/{step}", STEP, KEEPER, _own("withdrawn", f"/{step}"), True
        )
        for step in ("answer", "challenge")
    },
    "own-answer-overtaken": State("POST /refer/{reference}/answer", STEP, KEEPER, _answers_what_is_withdrawn, True),
    "own-tell-of-enquiry": State("GET /refer/{reference}/tell", STEP, KEEPER, _own("enquiry", "/tell")),
    "own-withdraw-check": State(
        "POST /refer/{reference}/withdraw",
        "withdraw_check.html",
        KEEPER,
        presses(KEEPER, at_own("referral", "/withdraw"), "Continue", reason=["family_declined"]),
    ),
    "own-signed-out": State("POST /refer/{reference}/tell", "typed_signed_out.html", NOBODY, _signed_out_at_a_step),
    "own-correct": State("GET /refer/{reference}/correct", "correct.html", KEEPER, _own("referral", "/correct")),
    "own-correct-too-late": State(
        "GET /refer/{reference}/correct", "correct.html", KEEPER, _own("withdrawn", "/correct")
    ),
    **{
        f"own-correct-{slug}": State(
            f"GET {CORRECT}", "correct_page.html", KEEPER, _own("referral", f"/correct/{slug}")
        )
        for slug in SLUGS
    },
    "own-correct-page-too-late": State(
        f"GET {CORRECT}", "correct_page.html", KEEPER, _own("withdrawn", "/correct/words"), True
    ),
    **{
        f"own-correct-{page.slug}-mistaken": State(
            f"POST {CORRECT}",
            "correct_page.html",
            KEEPER,
            presses(
                KEEPER,
                at_own("referral", f"/correct/{page.slug}"),
                "Save",
                **{name: typed for name, typed in MISTAKEN[page.slug].items() if name != "external_reference"},
            ),
            True,
        )
        for page in PAGES
        if page.slug in MISTAKEN
    },
    "own-correct-overtaken": State(f"POST {CORRECT}", "correct_page.html", KEEPER, _corrects_what_has_changed, True),
    "own-copy": State("GET /refer/{reference}/copy", "copy.html", KEEPER, _own("referral", "/copy")),
    "own-copy-of-enquiry": State("GET /refer/{reference}/copy", "copy.html", KEEPER, _own("enquiry", "/copy")),
    "enquiry": State("GET /refer/enquiry", "enquiry.html", KEEPER, opens(KEEPER, "/refer/enquiry")),
    "enquiry-mistaken": State(
        "POST /refer/enquiry",
        "enquiry.html",
        KEEPER,
        presses(KEEPER, "/refer/enquiry", "Send", people="many", notes=LONG, safety=["immediate_danger"]),
        True,
    ),
    "enquiry-sent": State("GET /refer/{reference}/sent", "enquiry_sent.html", KEEPER, _asks_for_advice),
    "enquiry-sent-danger": State("GET /refer/{reference}/sent", "enquiry_sent.html", KEEPER, _own("enquiry", "/sent")),
    "agency": State("GET /refer/agency", "agency.html", KEEPER, opens(KEEPER, "/refer/agency")),
    "agency-nothing": State("GET /refer/agency", "agency.html", KEEPER, opens(KEEPER, "/refer/agency?page=99")),
    "webhook-none": State("GET /refer/webhook", "webhook.html", KEEPER, opens(KEEPER, "/refer/webhook")),
    "webhook": State("GET /refer/webhook", "webhook.html", KEEPER, _is_called_in_vain),
    "colleagues": State("GET /refer/colleagues", "colleagues.html", KEEPER, opens(KEEPER, "/refer/colleagues")),
    "colleagues-mistaken": State(
        "POST /refer/colleagues", "colleagues.html", KEEPER, presses(KEEPER, "/refer/colleagues", "Add"), True
    ),
    "colleague-end": State("GET /refer/colleagues/{member_id}/end", "colleague_end.html", KEEPER, _ends_a_colleague),
    "colleague-end-own": State("GET /refer/colleagues/{member_id}/end", "colleague_end.html", KEEPER, _ends_themselves),
}
"""After sending."""


def _help(made: str, path: str) -> Way:
    """A page of /help in the browser of this parent."""

    def way(at: Looking) -> None:
        at.becomes(PARENT, at.parents[made].cookies).opens(path)

    return way


def _begins(tag: str, page: str = "") -> Way:
    def way(at: Looking) -> None:
        at.becomes(PARENT, {}).opens(f"/help/{tag}{page and f'/{page}'}")

    return way


def _loses(at: Looking) -> None:
    person = at.becomes(PARENT, {})
    person.opens("/help/en/1")
    person.page.context.clear_cookies()
    person.page.locator("main form button").first.click()


def _finds_it_closed(at: Looking) -> None:
    person = at.becomes(PARENT, {})
    person.opens("/help/en/1")
    at.cases.query("UPDATE referral.agency SET is_active = false WHERE slug = 'self-referral'")
    try:
        with person.page.expect_navigation():
            person.page.locator("main form button").first.click()
    finally:
        at.cases.query("UPDATE referral.agency SET is_active = true WHERE slug = 'self-referral'")


QUESTION: Final = "GET /help/{tag}/{slug}"
HELP_STATES: Final[dict[str, State]] = {
    "help": State("GET /help", "family/start.html", PARENT, opens(PARENT, "/help")),
    **{
        f"help-{tag}": State("GET /help/{tag}", "family/start.html", PARENT, _begins(tag)) for tag in ("en", "ur", "pl")
    },
    **{
        f"help-now-{tag}": State("GET /help/{tag}/now", "family/now.html", PARENT, _begins(tag, "now"))
        for tag in ("en", "ur")
    },
    **{
        f"help-{page.slug}-{made.replace(' ', '-')}": State(
            QUESTION, "family/question.html", PARENT, _help(made, f"/help/{tag}/{page.slug}")
        )
        for made, tag in (("fresh", "en"), ("whole", "en"))
        for page in asking.PAGES
    },
    **{
        f"help-{page.slug}-{made.replace(' ', '-')}": State(
            QUESTION, "family/question.html", PARENT, _help(made, f"/help/{tag}/{page.slug}?checked"), True
        )
        for made, tag in (("mistaken", "en"),)
        for page in asking.PAGES
        if {each.at(0) for each in page.fields} & set(HELP_MISTAKEN)
    },
    **{
        f"help-{page.slug}-in-Urdu": State(
            QUESTION, "family/question.html", PARENT, _help("mistaken in Urdu", f"/help/ur/{page.slug}?checked"), None
        )
        for page in asking.PAGES
    },
    **{
        f"help-check-{made.replace(' ', '-')}": State(
            "GET /help/{tag}/check", "family/check.html", PARENT, _help(made, f"/help/{tag}/check")
        )
        for made, tag in (
            ("fresh", "en"), ("whole", "en"), ("mistaken", "en"), ("in danger", "en"), ("whole in Urdu", "ur"),
        )
    },
    "help-sent": State("GET /help/{tag}/sent", "family/sent.html", PARENT, _help("sent", "/help/en/sent")),
    "help-sent-in-Urdu": State("GET /help/{tag}/sent", "family/sent.html", PARENT, _help("sent", "/help/ur/sent")),
    "help-lost": State("POST /help/{tag}/{slug}", "family/lost.html", PARENT, _loses),
    "help-closed": State("POST /help/{tag}/{slug}", "family/closed.html", PARENT, _finds_it_closed),
    "help-not-there": State(QUESTION, "problem.html", PARENT, _begins("en", "99")),
}  # fmt: skip
"""The pages of /help."""
