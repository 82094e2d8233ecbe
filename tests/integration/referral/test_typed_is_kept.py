"""Nothing typed is lost when a session ends or a form is refused; no page is one that can't be loaded again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from shared.pages.filling import fill_in
from shared.sign_in.cookies import KEPT, SESSION
from shared.sign_in.kept import MOST
from tests.integration.sign_in_site import Site, a_site
from tests.signing_in import Browser

LONG: Final = 'The mother rang.\n<b>She</b> & the baby are "well".\n' * 40
WORDS: Final[dict[str, Any]] = {"text": LONG, "day": "1 May", "how": "visit", "who": ["carer"], "to": "b", "seen": "7"}


@pytest.fixture
def site(database: str) -> Iterator[Site]:
    with a_site(database) as opened:
        yield opened


@pytest.fixture
def person(site: Site) -> Iterator[Browser]:
    with Browser(site.url) as at_work:
        at_work.sign_in(page="/staff/words")
        yield at_work


def sent(site: Site) -> list[tuple[str, str]]:
    return site.app.state.sent[-1]  # type: ignore[no-any-return]


def signs_in_again(person: Browser, role: str = "triage-worker") -> None:
    person.follow("Sign in with your work account")
    person.send("/authorize", role=role)


def test_what_was_typed_comes_back_after_the_sign_in_and_can_be_sent(site: Site, person: Browser) -> None:
    person.cookies.pop(SESSION)
    person.send("/staff/words", **WORDS)
    assert "What you typed is kept for 1 hour" in person.words
    assert site.app.state.sent == []

    signs_in_again(person)
    assert "Typed before" in person.words
    assert urlsplit(str(person.page.url)).path == "/staff/words"
    for shown in (
        "The mother rang.\n&lt;b&gt;She&lt;/b&gt; &amp; the baby are &quot;well&quot;.",
        'name="day" value="1 May"',
        'value="visit" checked',
        'value="carer" checked',
        '<option value="b" selected>',
        'name="seen" value="7"',
    ):
        assert shown in person.words, shown
    for other in ('value="phone" checked', 'value="baby" checked', '<option value="a" selected>'):
        assert other not in person.words, other
    person.send("/staff/words", **WORDS)
    assert ("text", LONG) in sent(site)


def test_it_comes_back_when_the_session_ran_out_and_its_row_is_gone(site: Site, person: Browser) -> None:
    site.clock.ahead = timedelta(minutes=31)
    site.query("DELETE FROM triage.session")
    person.send("/staff/words", text="kept all the same")
    site.clock.ahead = timedelta()
    signs_in_again(person)
    assert "kept all the same" in person.words


def test_it_comes_back_at_once_when_the_same_person_has_signed_in_in_another_window(person: Browser) -> None:
    old_page = person.page
    person.open("/staff/sign-in/start")
    person.send("/authorize", role="triage-worker")
    person.page = old_page
    person.send("/staff/words", text="of the other session")
    assert "Typed before" in person.words
    assert "of the other session" in person.words


def test_another_person_never_sees_it_and_it_is_dropped(site: Site, person: Browser) -> None:
    person.cookies.pop(SESSION)
    person.send("/staff/words", text="only for Tess")
    signs_in_again(person, role="triage-lead")
    assert "only for Tess" not in person.words
    assert "New" in person.words
    assert site.query("SELECT 1 FROM triage.kept") == []


def test_another_person_in_the_same_browser_is_refused_and_nothing_is_kept(site: Site, person: Browser) -> None:
    old_page = person.page
    person.open("/staff/sign-in/start")
    person.send("/authorize", role="triage-lead")
    person.page = old_page
    person.send("/staff/words", text="only for Tess")
    assert person.page.status_code == 403
    assert site.query("SELECT 1 FROM triage.kept") == []


def test_another_browser_never_sees_it(site: Site, person: Browser) -> None:
    person.cookies.pop(SESSION)
    person.send("/staff/words", text="only in this browser")
    page = str(person.page.url)
    person.cookies.pop(KEPT)
    person.open(page)
    signs_in_again(person)
    assert "only in this browser" not in person.words


def test_after_an_hour_it_is_gone(site: Site, person: Browser) -> None:
    person.cookies.pop(SESSION)
    person.send("/staff/words", text="an hour ago")
    site.query("UPDATE triage.kept SET kept_at = kept_at - interval '1 hour'")
    signs_in_again(person)
    assert "an hour ago" not in person.words
    assert "New" in person.words


def test_neither_the_table_nor_the_address_says_what_was_typed(site: Site, person: Browser) -> None:
    person.cookies.pop(SESSION)
    person.send("/staff/words", text="Aaliyah Featherstone")
    assert "Aaliyah" not in str(person.page.url)
    [row] = site.query("SELECT * FROM triage.kept")
    stored = str(dict(row))
    for secret in ("Aaliyah", person.cookies[KEPT], str(person.page.url).rpartition("%3D")[2]):
        assert secret not in stored


def test_a_form_that_no_page_of_ours_showed_is_not_kept(site: Site, person: Browser) -> None:
    for csrf in ("", "guessed", "WyJkZXYiXQ.guessed"):
        person.cookies.clear()
        answer = person.ask("POST", "/staff/words", {"csrf": csrf, "text": "planted"})
        assert "typed" not in answer.headers["location"]
        assert KEPT not in person.cookies
    assert site.query("SELECT 1 FROM triage.kept") == []


def test_a_button_alone_leaves_nothing(site: Site, person: Browser) -> None:
    person.cookies.pop(SESSION)
    person.send("/staff/words", seen="7")
    assert "What you typed" not in person.words
    person.send("/staff/words", item="01a0", to="maya")
    assert "What you typed" not in person.words
    assert site.query("SELECT 1 FROM triage.kept") == []


def test_what_no_form_takes_any_more_is_shown_to_be_copied(person: Browser) -> None:
    person.cookies.pop(SESSION)
    person.send("/staff/gone/send", text="what she told me")
    signs_in_again(person)
    assert '<p class="pir-written">what she told me</p>' in person.words
    assert "can’t be sent any more" in person.words


def test_a_refused_form_has_an_address_that_can_be_loaded_again(site: Site, person: Browser) -> None:
    person.send("/staff/words", text="refuse this")
    assert person.page.status_code == 422
    assert person.page.request.method == "GET"
    assert "Refused, try 1" in person.words
    person.open(str(person.page.url))
    assert "Refused, try 1" in person.words
    assert len(site.app.state.sent) == 1


def test_a_kept_page_is_of_its_session_alone(site: Site, person: Browser) -> None:
    person.send("/staff/words", text="refuse this")
    page = str(person.page.url)
    person.send("/staff/sign-out")
    assert site.query("SELECT 1 FROM triage.kept") == []
    person.sign_in(page="/staff/words")
    person.open(page)
    assert "New" in person.words


def test_only_so_much_is_kept_of_one_person(site: Site, person: Browser) -> None:
    for _ in range(MOST + 3):
        person.send("/staff/words", text="refuse this")
    [row] = site.query("SELECT count(*) AS n FROM triage.kept")
    assert row["n"] == MOST


def test_a_page_without_the_form_is_not_changed() -> None:
    assert fill_in("<p>Nothing</p>", action="/a", fields=[("x", "1")], keeps=frozenset()) is None
    goes_on = '<form method="get" action="/a"><input name="x"></form>'
    assert fill_in(goes_on, action="/a", fields=[("x", "1")], keeps=frozenset()) is None


def test_everything_but_the_boxes_of_the_form_stays_as_it_is() -> None:
    html = (
        '<!DOCTYPE html><p title="a &amp; b">5 &lt; 6 &#8217;</p><form method="post" action="/b"><input name="x" value="other">'
        '</form><form method="post" action="/a"><input type="hidden" name="csrf" value="c"><input name="x" value=""></form>'
    )
    filled = fill_in(html, action="/a", fields=[("x", '"1" <'), ("csrf", "old")], keeps=frozenset({"csrf"}))
    assert filled == html.replace('name="x" value=""', 'name="x" value="&quot;1&quot; &lt;"')
