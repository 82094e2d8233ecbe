"""The form in a browser: page by page, left and found again, sent once (tests/integration/referral/test_form_rows.py: as by a program)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
import sqlalchemy as sa

from services.referral.front import resending
from services.referral.identity import Sealed
from services.referral.settings import Settings
from services.referral.submitting.idempotency import Answer
from services.referral.submitting.prepare import identities_of
from tests.forms import FormReader
from tests.integration.front import KEEPER, MEMBER, Browser, FrontSite
from tests.integration.support import count, fetch

CANARY: Final = "Zebedee-Canary"
NO_DANGER: Final = {"safety": ["none"], "mental_health": "none"}
NEEDED: Final[dict[str, dict[str, Any]]] = {
    "safety": NO_DANGER,
    "agreement": {"consent__status": "given"},
    "babies": {"babies__0__given_name": "Robin", "babies__0__date_of_birth": "1 6 2026"},
    "carers": {"caregivers__0__relationship": "mother", "caregivers__0__given_name": "Sana"},
    "contact": {"caregivers__0__phone": "07700 900123"},
    "home": {"home__postcode": "ng6 8gb"},
    "relationship": {"concern__severity": "moderate"},
    "you": {"referrer__name": "Ada Okoro", "referrer__role": "Health visitor"},
}
"""Page → what a referral needs of it."""


async def begun(site: FrontSite, address: str = MEMBER) -> Browser:
    """A member on the first page of a new form."""
    browser = await site.signed_in(address)
    await browser.open("/refer/new")
    await browser.press("/refer/drafts")
    return browser


def address_of(browser: Browser) -> str:
    return browser.form().action.rpartition("/")[0]


async def fill_in(browser: Browser, **more: Any) -> str:
    """A typical referral; on the check page afterwards. Returns the address of the draft."""
    draft = address_of(browser)
    while browser.form().action.startswith(f"{draft}/") and not browser.form().action.endswith("/send"):
        slug = browser.form().action.rpartition("/")[2]
        await browser.press(**(NEEDED.get(slug, {}) | more.get(slug, {})))
    return draft


async def test_a_typical_referral_is_sent(site: FrontSite) -> None:
    browser = await begun(site)
    await fill_in(browser)
    assert browser.heading == "Check and send"
    await browser.press()
    assert browser.heading == "Referral sent"
    [row] = await fetch(site.referral.engine, "SELECT reference, facts, receipt FROM referral")
    assert row.reference in browser.html
    assert row.facts["place"]["authority"] == "nottingham" or row.facts["place"]["ward"]
    assert row.facts["carer"] == "mother"
    await browser.open("/refer")
    assert row.reference in browser.html
    assert "Robin" not in browser.html


@pytest.mark.parametrize("times", ["the first time", "the next time"])
async def test_from_the_start_page_to_sent_are_fourteen_pages_at_most(site: FrontSite, times: str) -> None:
    """Each page that is loaded counts: the start page and the one that says it is sent, too."""
    browser = await begun(site)
    if times == "the next time":
        await fill_in(browser)
        await browser.press()
    shown = ["/refer", "/refer/new"]
    for page in shown:
        assert (await browser.open(page)).status_code == 200
    answer = await browser.press("/refer/drafts")
    while browser.heading != "Referral sent":
        slug = answer.url.path.rpartition("/")[2]
        shown.append(slug)
        is_enough = slug == "relationship"
        answer = await browser.press(button="needed=1" if is_enough else "", **NEEDED.get(slug, {}))
    shown.append("sent")
    assert set(NEEDED) - {"you"} <= set(shown)
    assert len(shown) <= 14, shown


async def test_what_is_optional_can_be_passed_over_from_the_list_of_pages(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    for slug in ("safety", "agreement", "babies", "carers", "relationship"):
        await browser.open(draft)
        assert "All that we need is there" not in browser.page.words("main")
        await browser.open(f"{draft}/{slug}")
        await browser.press(f"{draft}/{slug}", button="later=1", **NEEDED[slug])
    await browser.open(f"{draft}/you")
    await browser.press(f"{draft}/you", button="later=1", **NEEDED["you"])
    words = browser.page.words("main")
    assert "All that we need is there" in words
    assert words.count("Not filled in, optional") == 7, "the first page answers nothing of the others"
    await browser.open(f"{draft}/check")
    assert "Not filled in, optional" in browser.page.words("main")
    await browser.press()
    assert browser.heading == "Referral sent"


@pytest.mark.parametrize(
    ("home", "words"),
    [
        ({"home__postcode": "ng6 8gb"}, "We are open here, in "),
        ({"home__postcode": "NG3 5GA"}, "You can go on: we keep it"),
        ({"home__postcode": "B1 1BB"}, "outside Nottingham"),
        ({"home__postcode": "NG99 9ZZ"}, "a person will ask"),
        ({"home__no_fixed_abode": "true"}, "A person will ask where they stay"),
        ({"home__withheld": "true"}, "The address stays secret"),
        ({}, "You told us no address"),
    ],
)
async def test_after_the_home_it_says_what_we_do_there(site: FrontSite, home: dict[str, str], words: str) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    for button, path in (("", "relationship"), ("later=1", ""), ("needed=1", "safety")):
        await browser.open(f"{draft}/home")
        answer = await browser.press(f"{draft}/home", button=button, **home)
        assert str(answer.url).removeprefix("https://refer.example.org") == f"{draft}/{path}".rstrip("/") + "?home"
        assert words in browser.page.words("main")
    await browser.open(f"{draft}/check")
    assert words not in browser.page.words("main")
    await browser.open(f"{draft}/home")
    await browser.press(f"{draft}/home", home__postcode="N", follow=False)
    await browser.open(f"{draft}/relationship?home")
    assert "Where they live:" not in browser.page.words("main"), "of what can't be read nothing is said"


async def test_passing_over_leads_to_what_is_needed_wherever_it_is(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/home")
    await browser.press(f"{draft}/home", button="needed=1")
    assert browser.form().action == f"{draft}/safety"
    await browser.press(f"{draft}/safety", **NO_DANGER)
    await browser.open(f"{draft}/home")
    await browser.press(f"{draft}/home", button="needed=1", home__postcode="not a postcode")
    assert browser.form().action == f"{draft}/home", "a mistake is said first"
    await browser.press(f"{draft}/home", button="needed=1", home__postcode="")
    assert browser.form().action == f"{draft}/agreement"
    await browser.open(f"{draft}/safety")
    await browser.press(f"{draft}/safety", safety=["immediate_danger"])
    await browser.open(f"{draft}/contact")
    await browser.press(f"{draft}/contact", button="needed=1")
    assert browser.heading == "Check and send", "in a danger nothing is needed"


async def test_a_danger_is_sent_with_all_else_missing_in_four_pages(site: FrontSite) -> None:
    browser = await begun(site)
    await browser.press(safety=["immediate_danger"])
    assert "999" in browser.page.words("main")
    draft = next(link for link in browser.links if link.endswith("/check")).removesuffix("/check")
    await browser.open(f"{draft}/check")
    assert "999" in browser.page.words("main")
    await browser.press()
    assert browser.heading == "Referral sent"
    assert "999" in browser.page.words("main")
    [row] = await fetch(site.referral.engine, "SELECT facts, gaps FROM referral")
    assert row.facts["safety"] == ["immediate_danger"]
    assert row.gaps


async def test_it_is_not_sent_before_somebody_has_said_if_there_is_a_danger(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.press(safety=["none"], mental_health="")
    assert "#mental_health" in browser.links, "the question that was passed over, and not the other one"
    await browser.open(f"{draft}/agreement")
    await fill_in(browser)
    assert f"{draft}/safety?checked#mental_health" in browser.links
    assert not any(each.action == f"{draft}/send" for each in FormReader(browser.html).forms)
    csrf = browser.form().sent["csrf"][0]
    answer = await browser.http.post(f"{draft}/send", data={"csrf": csrf})
    assert (answer.status_code, "Choose an answer" in answer.text) == (422, True)
    assert await count(site.referral.engine, "referral") == 0
    await browser.open(f"{draft}/safety")
    await browser.press(f"{draft}/safety", **NO_DANGER)
    await browser.open(f"{draft}/check")
    await browser.press(f"{draft}/send")
    assert browser.heading == "Referral sent"


async def test_it_is_left_and_found_again_after_the_next_sign_in(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/carers")
    await browser.press(caregivers__0__given_name=CANARY)
    later = await site.signed_in()
    await later.open("/refer")
    assert draft in later.links
    await later.open(f"{draft}/carers")
    assert later.form(f"{draft}/carers").sent["caregivers.0.given_name"] == [CANARY]


async def test_signing_out_of_a_page_keeps_what_is_typed_there(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/words")
    buttons = [each for each in browser.page.all("button") if each.get("form") == "page"]
    assert [each.get("name") for each in buttons] == [None, "sign-out"], "Enter in a box presses the first"
    await browser.press(f"{draft}/words", button="sign-out=1", notes=CANARY)
    assert browser.heading == "You are signed out"
    assert (await browser.open(f"{draft}/words")).url.path == "/refer/sign-in"
    again = await site.signed_in(MEMBER)
    await again.open(f"{draft}/words")
    assert CANARY in again.html


async def test_several_drafts_at_once_stay_apart(site: FrontSite) -> None:
    browser, drafts = await begun(site), []
    for name in ("Alma", "Bo", "Cleo"):
        await browser.open("/refer/new")
        await browser.press("/refer/drafts")
        drafts.append(address_of(browser))
        await browser.open(f"{drafts[-1]}/carers")
        await browser.press(f"{drafts[-1]}/carers", caregivers__0__given_name=name)
    await browser.open("/refer")
    assert set(drafts) <= set(browser.links)
    await browser.open(drafts[0])
    await browser.open(f"{drafts[1]}/safety")
    await browser.press(f"{drafts[1]}/safety", safety=["immediate_danger"])
    await browser.open(f"{drafts[1]}/check")
    await browser.press()
    assert browser.heading == "Referral sent"
    await browser.open(f"{drafts[0]}/drop")
    await browser.press(f"{drafts[0]}/drop")
    await browser.open("/refer")
    assert [each in browser.links for each in drafts] == [False, False, True]
    await browser.open(f"{drafts[2]}/carers")
    assert browser.form(f"{drafts[2]}/carers").sent["caregivers.0.given_name"] == ["Cleo"]
    assert (await browser.open(drafts[0])).status_code == 404


async def test_nobody_else_opens_it(site: FrontSite) -> None:
    browser, keeper = await begun(site), await site.signed_in(KEEPER)
    draft = address_of(browser)
    await keeper.open("/refer/new")
    token = keeper.form().sent["csrf"][0]
    for path in ("", "/carers", "/check", "/ring", "/sent", "/drop"):
        assert (await keeper.open(draft + path)).status_code == 404
    for path in ("/carers", "/send"):
        answer = await keeper.http.post(draft + path, data={"csrf": token, "caregivers.0.given_name": "Mallory"})
        assert answer.status_code == 404
    assert await count(site.referral.engine, "referral") == 0
    await browser.open(f"{draft}/carers")
    assert "Mallory" not in browser.html


async def test_what_is_typed_after_the_session_has_ended_is_kept(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/words")
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("DELETE FROM member_session"))
    answer = await browser.press(f"{draft}/words", notes="A long story.", follow=False)
    assert answer.headers["location"] == f"/refer/sign-in?next={draft}/words"
    later = await site.signed_in()
    await later.open(f"{draft}/words")
    assert later.form(f"{draft}/words").sent["notes"] == ["A long story."]


async def test_without_a_session_another_windows_answer_is_not_undone_and_this_one_is_shown(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/words")
    old = browser.form(f"{draft}/words")
    await browser.press(f"{draft}/words", notes="From the other window.")
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("DELETE FROM member_session"))
    answer = await browser.http.post(f"{draft}/words", data=old.sent | {"notes": "From this one."})
    assert answer.status_code == 401
    assert "From this one." in answer.text


async def test_such_a_form_reads_nothing_and_writes_no_other_draft(site: FrontSite) -> None:
    browser, keeper = await begun(site), await begun(site, KEEPER)
    await browser.open(f"{address_of(browser)}/words")
    token, other = browser.form().sent["csrf"][0], address_of(keeper)
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("DELETE FROM member_session"))
    stranger = await site.browser()
    answer = await stranger.http.post(f"{other}/words", data={"csrf": token, "notes": "Mallory"})
    assert (answer.status_code, "Mallory" in answer.text) == (404, False)
    answer = await stranger.http.post(f"{other}/words", data={"csrf": "made up", "notes": "Mallory"})
    assert answer.status_code == 303
    later = await site.signed_in(KEEPER)
    await later.open(f"{other}/words")
    assert "Mallory" not in later.html


async def test_two_windows_do_not_undo_each_other_unseen(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/words")
    old = browser.form(f"{draft}/words")
    await browser.press(f"{draft}/words", notes="From the other window.")
    answer = await browser.http.post(f"{draft}/words", data=old.sent | {"notes": "From this one."})
    assert answer.status_code == 409
    assert "From this one." in answer.text
    again = await browser.http.post(f"{draft}/carers", data={"csrf": old.sent["csrf"], "caregivers.0.given_name": "S"})
    assert again.status_code == 303
    await browser.open(f"{draft}/words")
    assert "From the other window." in browser.html


async def test_pressed_twice_at_once_and_again_it_is_one_referral(site: FrontSite) -> None:
    browser = await begun(site)
    draft = await fill_in(browser)
    token = browser.form().sent["csrf"]
    answers = await asyncio.gather(*(browser.http.post(f"{draft}/send", data={"csrf": token}) for _ in range(4)))
    assert {each.status_code for each in answers} == {303}
    await browser.http.post(f"{draft}/send", data={"csrf": token})
    assert await count(site.referral.engine, "referral") == 1
    assert await count(site.referral.engine, "event WHERE type = 'referral.received.v1'") == 1
    [row] = await fetch(site.referral.engine, "SELECT sealed, wrapped_key, sent_as FROM draft")
    assert (row.sealed, row.wrapped_key) == (None, None)
    await browser.open(draft)
    assert browser.heading == "Referral sent"


async def as_after_a_crash(site: FrontSite, before: Any) -> None:
    """As it was when the process died after the intake's commit."""
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("DELETE FROM author"))
        restored = sa.text("UPDATE draft SET sealed = :sealed, wrapped_key = :key, sent_as = NULL")
        await tx.execute(restored, {"sealed": before.sealed, "key": before.wrapped_key})


async def test_a_crash_between_the_referral_and_the_draft_makes_no_second_one(site: FrontSite) -> None:
    browser = await begun(site)
    draft = await fill_in(browser)
    [before] = await fetch(site.referral.engine, "SELECT * FROM draft")
    await browser.press()
    await as_after_a_crash(site, before)
    await browser.open(f"{draft}/check")
    await browser.press()
    assert browser.heading == "Referral sent"
    assert await count(site.referral.engine, "referral") == 1
    assert await count(site.referral.engine, "author") == 1
    assert await count(site.referral.engine, "event WHERE type = 'referral.amended.v1'") == 0


async def test_what_is_added_before_it_is_sent_again_counts(site: FrontSite) -> None:
    """A danger above all: nobody knew whether the first try had arrived."""
    browser = await begun(site)
    draft = await fill_in(browser)
    [before] = await fetch(site.referral.engine, "SELECT * FROM draft")
    await browser.press()
    await as_after_a_crash(site, before)
    await browser.open(f"{draft}/safety")
    await browser.press(f"{draft}/safety", safety=["immediate_danger"])
    await browser.open(f"{draft}/check")
    await browser.press()
    assert browser.heading == "Referral sent"
    assert "999" in browser.page.words("main")
    [row] = await fetch(site.referral.engine, "SELECT facts, version FROM referral")
    assert (row.facts["safety"], row.version) == (["immediate_danger"], 2)


async def test_sending_again_undoes_no_change_that_others_made_meanwhile(site: FrontSite) -> None:
    browser = await begun(site)
    draft = await fill_in(browser)
    [before] = await fetch(site.referral.engine, "SELECT * FROM draft")
    await browser.press()
    [row] = await fetch(site.referral.engine, "SELECT reference FROM referral")
    key = {"Authorization": f"Bearer {site.referral.key()}", "Idempotency-Key": "a-patch"}
    patched = {"caregivers": [{"relationship": "father", "given_name": "Imran"}]}
    answer = await site.referral.http.patch(f"/referrals/{row.reference}", json=patched, headers=key)
    assert answer.status_code == 200, answer.text
    await as_after_a_crash(site, before)
    await browser.open(f"{draft}/words")
    await browser.press(f"{draft}/words", notes="More, typed since.")
    await browser.open(f"{draft}/check")
    answer = await browser.press()
    assert answer.status_code == 409
    assert row.reference in browser.page.words("main")
    [now] = await fetch(site.referral.engine, "SELECT facts, version FROM referral")
    assert (now.facts["carer"], now.version) == ("father", 2)
    await browser.open(f"{draft}/words")
    assert browser.form(f"{draft}/words").sent["notes"] == ["More, typed since."]


async def test_a_page_that_is_saved_while_it_is_sent_is_not_lost(
    site: FrontSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await begun(site)
    draft = await fill_in(browser)
    other = browser.form().sent["csrf"][0]
    really = resending.send

    async def slowly(*given: Any, **more: Any) -> Answer:
        answer = await really(*given, **more)
        data = {"csrf": other, "notes": "Typed in another window."}
        assert (await browser.http.post(f"{draft}/words", data=data)).status_code == 303
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(resending, "send", slowly)
        await browser.press()
    assert browser.heading == "Check and send"
    assert "send it again" in browser.page.words("main")
    await browser.press()
    assert browser.heading == "Referral sent"
    assert await count(site.referral.engine, "referral") == 1
    assert await count(site.referral.engine, "draft WHERE sent_as IS NULL") == 0


async def test_two_forms_with_one_reference_of_theirs_are_never_one_family(site: FrontSite) -> None:
    browsers, tokens = [], []
    for name in ("Robin", "Alma"):
        browser = await begun(site)
        names = {"babies__0__given_name": name, "babies__0__date_of_birth": "1 6 2026"}
        await fill_in(browser, words={"external_reference": "HV-7"}, babies=names)
        browsers.append(browser)
        tokens.append(browser.form())
    answers = await asyncio.gather(
        *(each.http.post(form.action, data=form.sent) for each, form in zip(browsers, tokens, strict=True))
    )
    assert sorted(each.status_code for each in answers) == [303, 409]
    assert await count(site.referral.engine, "referral") == 1
    assert await count(site.referral.engine, "draft WHERE sent_as IS NULL") == 1


async def test_what_can_not_be_read_is_said_with_a_link_to_its_box(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/babies")
    await browser.press(f"{draft}/babies", babies__0__date_of_birth="the 45th", babies__0__given_name="Robin")
    assert browser.page.words("title").startswith("Error:")
    assert "#babies-0-date_of_birth" in browser.links
    assert browser.form(f"{draft}/babies").sent["babies.0.date_of_birth"] == ["the 45th"]
    await browser.open(f"{draft}/check")
    assert browser.form().action != f"{draft}/send"


async def test_nothing_typed_stands_in_any_column_address_or_log(
    site: FrontSite, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = await begun(site)
    await fill_in(browser, words={"notes": CANARY}, carers={"caregivers__0__family_name": CANARY})
    await browser.press()
    rows = await fetch(
        site.referral.engine, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'referral'"
    )
    async with site.referral.engine.connect() as tx:
        for table in rows:
            found = await tx.execute(sa.text(f'SELECT to_jsonb(t)::text FROM "{table.table_name}" t'))
            assert not [row for row in found if CANARY in row[0]], table.table_name
    said = caplog.text + "".join(capsys.readouterr())
    assert CANARY not in said


async def test_a_reference_of_theirs_that_is_taken_changes_no_other_family(site: FrontSite) -> None:
    for name in ("Robin", "Alma"):
        browser = await begun(site)
        names = {"babies__0__given_name": name, "babies__0__date_of_birth": "1 6 2026"}
        await fill_in(browser, words={"external_reference": "HV-7"}, babies=names)
        answer = await browser.press()
    assert answer.status_code == 409
    assert "another referral under this reference" in browser.page.words("main")
    assert await count(site.referral.engine, "referral") == 1
    assert await count(site.referral.engine, "event WHERE type = 'referral.amended.v1'") == 0
    [link] = [each for each in browser.links if each.endswith("#external_reference")]
    await browser.open(link)
    await browser.press(external_reference="HV-8")
    await browser.open(link.replace("words#external_reference", "check"))
    await browser.press()
    assert browser.heading == "Referral sent"


async def test_what_an_ended_member_still_types_is_not_kept(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.open(f"{draft}/words")
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE member SET ended_at = now()"))
    before = await fetch(site.referral.engine, "SELECT sealed FROM draft")
    answer = await browser.press(f"{draft}/words", notes="Too late.", follow=False)
    assert answer.status_code == 303
    assert await fetch(site.referral.engine, "SELECT sealed FROM draft") == before


async def test_after_fourteen_days_it_is_gone(site: FrontSite) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE draft SET until = until - interval '14 days'"))
    assert (await browser.open(draft)).status_code == 404
    await browser.open("/refer")
    assert draft not in browser.links


async def test_in_a_danger_what_cannot_be_read_goes_as_it_was_typed(site: FrontSite, settings: dict[str, Any]) -> None:
    browser = await begun(site)
    draft = address_of(browser)
    await browser.press(safety=["immediate_danger"])
    await browser.open(f"{draft}/babies")
    await browser.press(f"{draft}/babies", babies__0__given_name="Robin", babies__0__date_of_birth="about Easter")
    assert browser.page.words("h1") == "The baby"
    assert f"{draft}/check" in browser.links, "the way on stands beside the mistake"
    await browser.open(f"{draft}/check")
    assert f"{draft}/babies?checked" in browser.links
    await browser.press(f"{draft}/send")
    assert browser.heading == "Referral sent"
    [row] = await fetch(site.referral.engine, "SELECT id, reference, wrapped_key, identity FROM referral")
    sealed = Sealed(row.wrapped_key, row.identity)
    stored = identities_of(Settings(**settings)).unseal(row.id, sealed)["document"]
    assert (stored["babies"], stored["notes"].splitlines()[-1]) == (
        [{"given_name": "Robin"}],
        "Baby 1: Date of birth: about Easter",
    )
    assert row.reference in browser.html


async def test_in_a_danger_a_reference_that_another_has_stops_nothing(
    site: FrontSite, settings: dict[str, Any]
) -> None:
    for name in ("Robin", "Alex"):
        browser = await begun(site)
        draft = address_of(browser)
        await browser.press(safety=["immediate_danger"])
        await browser.open(f"{draft}/babies")
        await browser.press(f"{draft}/babies", babies__0__given_name=name)
        await browser.open(f"{draft}/words")
        await browser.press(f"{draft}/words", external_reference="HV 17", notes="Both are hurt.")
        await browser.open(f"{draft}/check")
        await browser.press(f"{draft}/send")
        assert browser.heading == "Referral sent"
    rows = await fetch(site.referral.engine, "SELECT id, wrapped_key, identity FROM referral ORDER BY received_at")
    assert len(rows) == 2
    sealed = Sealed(rows[1].wrapped_key, rows[1].identity)
    stored = identities_of(Settings(**settings)).unseal(rows[1].id, sealed)["document"]
    assert "external_reference" not in stored
    assert stored["notes"].endswith("Your own reference: HV 17")


async def test_what_can_not_be_sent_is_not_promised(site: FrontSite) -> None:
    """The notes are full: what can't be read has no other place."""
    browser = await begun(site)
    draft = address_of(browser)
    await browser.press(safety=["immediate_danger"])
    await browser.open(f"{draft}/words")
    await browser.press(f"{draft}/words", notes="x" * 9_990)
    await browser.open(f"{draft}/babies")
    await browser.press(f"{draft}/babies", babies__0__date_of_birth="about Easter")
    assert f"{draft}/check" not in browser.page.words("main")
    assert "you can send it as it is" not in browser.html
