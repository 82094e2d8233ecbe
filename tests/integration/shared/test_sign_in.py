"""Signing in with a real provider over HTTP and sessions in a real PostgreSQL, at a service that is one page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from deploy.local.answers import as_json
from deploy.local.identity_provider import Grant, IdentityProvider
from services.triage import tables
from shared.access import Role, Staff
from shared.sign_in import sessions
from tests.integration.sign_in_site import Site, a_site
from tests.integration.support import engine_of
from tests.signing_in import Browser

SESSION: Final = "__Host-pir-session"
HANDSHAKE: Final = "__Host-pir-sign-in"


@pytest.fixture
def new_site(database: str) -> Iterator[Callable[..., Site]]:
    """Open a site with a provider of this class; closed after the test."""
    with ExitStack() as opened:
        yield lambda *kind, **changes: opened.enter_context(a_site(database, *kind, **changes))


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture
def person(site: Site) -> Iterator[Browser]:
    with Browser(site.url) as at_work:
        yield at_work


def assert_refused(browser: Browser, status: HTTPStatus, words: str) -> None:
    assert browser.page.status_code == status, browser.words
    assert words in browser.words
    assert SESSION not in browser.cookies


# In.


def test_a_worker_signs_in_and_comes_to_the_page_they_wanted(person: Browser) -> None:
    person.open("/staff/queues/pir_short?view=mine")
    person.follow("Sign in with your work account")
    person.send("/authorize", role="triage-worker")
    assert person.words.startswith("Hello Tess Whitlock")
    assert str(person.page.url).endswith("/staff/queues/pir_short?view=mine")


def test_nothing_is_shown_before(person: Browser) -> None:
    person.open("/staff")
    assert urlsplit(str(person.page.url)).path == "/staff/sign-in"
    assert "Hello" not in person.words


def test_only_the_digest_of_the_token_is_kept(site: Site, person: Browser) -> None:
    person.sign_in()
    [row] = site.query("SELECT * FROM triage.session")
    assert person.cookies[SESSION] not in str(dict(row))
    assert (row["staff_id"], row["role"], len(row["digest"])) == ("dev-triage-worker", "triage-worker", 32)


def test_the_colleague_and_the_audit_trail_know_of_it(site: Site, person: Browser) -> None:
    person.sign_in()
    assert [row["name"] for row in site.query("SELECT name FROM triage.colleague")] == ["Tess Whitlock"]
    [entry] = site.query("SELECT actor_kind, actor_id, action, detail FROM triage.audit")
    assert tuple(entry) == ("staff", "dev-triage-worker", "staff.signed-in", "triage-worker")


def test_who_is_signed_in_needs_no_sign_in_page(person: Browser) -> None:
    person.sign_in()
    person.open("/staff/sign-in?next=/staff/queues/pnmh")
    assert str(person.page.url).endswith("/staff/queues/pnmh")


def test_another_site_is_nowhere_to_go_afterwards(site: Site, person: Browser) -> None:
    person.sign_in(page="//elsewhere.example/staff")
    assert str(person.page.url) == f"{site.url}/staff"


def test_a_role_that_may_not_see_a_page_is_told_so_and_stays_signed_in(person: Browser) -> None:
    person.sign_in("commissioner")
    assert person.page.status_code == HTTPStatus.FORBIDDEN
    assert "Connie Bramley" in person.words


def test_every_sign_in_is_a_session_of_its_own_and_ends_the_one_before(site: Site, person: Browser) -> None:
    person.sign_in()
    first = person.cookies[SESSION]
    person.open("/staff/sign-in/start")
    person.send("/authorize", role="triage-lead")
    assert person.cookies[SESSION] != first
    assert [row["staff_id"] for row in site.query("SELECT staff_id FROM triage.session")] == ["dev-triage-lead"]


def test_a_planted_session_cookie_never_becomes_a_session(site: Site, person: Browser) -> None:
    planted = "p" * 43
    person.cookies[SESSION] = planted
    person.open("/staff")
    assert "30 minutes" in person.words
    person.sign_in()
    assert person.cookies[SESSION] != planted


# Not in.


def back_from(browser: Browser) -> str:
    """The address with which the provider sends this browser back, not opened yet."""
    browser.go_to_provider()
    address = urlsplit(str(browser.page.url))
    fields = dict(parse_qsl(address.query)) | {"role": "triage-worker"}
    return str(browser.ask("POST", address._replace(query="").geturl(), fields).headers["location"])


def test_a_forged_state_is_refused(person: Browser) -> None:
    address = back_from(person)
    [(_, state)] = [each for each in parse_qsl(urlsplit(address).query) if each[0] == "state"]
    person.open(address.replace(state, "f" * len(state)))
    assert_refused(person, HTTPStatus.BAD_REQUEST, "Please start to sign in again")


def test_a_forged_way_back_does_not_disturb_the_real_one(person: Browser) -> None:
    address = back_from(person)
    person.open("/staff/signed-in?code=forged&state=forged")
    assert person.open(address).text.startswith("Hello")


def test_a_code_in_another_browser_is_refused(site: Site, person: Browser) -> None:
    """Or somebody could make another person work in their account."""
    with Browser(site.url) as another:
        another.open(back_from(person))
        assert_refused(another, HTTPStatus.BAD_REQUEST, "Please start to sign in again")


def test_the_same_way_back_works_once(site: Site, person: Browser) -> None:
    address = back_from(person)
    handshake = person.cookies[HANDSHAKE]
    person.open(address)
    assert person.words.startswith("Hello")
    with Browser(site.url) as thief:
        thief.cookies[HANDSHAKE] = handshake
        thief.open(address)
        assert_refused(thief, HTTPStatus.BAD_REQUEST, "We could not check who you are")


def test_who_takes_more_than_ten_minutes_starts_again(site: Site, person: Browser) -> None:
    address = back_from(person)
    site.clock.ahead = timedelta(minutes=10)
    person.open(address)
    assert_refused(person, HTTPStatus.BAD_REQUEST, "more than 10 minutes")


def test_who_stops_at_the_provider_is_not_signed_in(person: Browser) -> None:
    person.sign_in(role="")
    assert_refused(person, HTTPStatus.FORBIDDEN, "stopped before its end")


def test_while_the_provider_is_away_nobody_signs_in(site: Site, person: Browser) -> None:
    site.provider.stop()
    person.open("/staff/sign-in/start")
    assert_refused(person, HTTPStatus.SERVICE_UNAVAILABLE, "does not answer")


def test_without_a_provider_the_page_says_so(new_site: Callable[..., Site]) -> None:
    with Browser(new_site(oidc_metadata_url="").url) as browser:
        for path in ("/staff/sign-in", "/staff/sign-in/start", "/staff/signed-in?code=a&state=b"):
            browser.open(path)
            assert_refused(browser, HTTPStatus.SERVICE_UNAVAILABLE, "Nobody can sign in yet")


# Other providers.


class LikeCis2(IdentityProvider):
    """Tells roles, with their organisation, at the user info endpoint only."""

    subject = "dev-triage-lead"

    def __init__(self, *known: Any) -> None:
        super().__init__(*known)
        role = {"org_code": "RX1", "role_code": "S0080:G0450:R5080"}
        told = {"sub": self.subject, "name": "Leonie Marsh", "nhsid_nrbac_roles": [role]}
        self.routes[("GET", "/userinfo")] = lambda _, token: as_json(told, 200 if token.startswith("Bearer ") else 401)

    def metadata(self) -> dict[str, Any]:
        proof = {"token_endpoint_auth_signing_alg_values_supported": ["RS256", "RS512"]}
        return super().metadata() | proof | {"userinfo_endpoint": f"{self.url}/userinfo"}

    def claims(self, grant: Grant) -> dict[str, Any]:
        return {name: value for name, value in super().claims(grant).items() if name not in ("roles", "name")}

    def is_client(self, asked: dict[str, str], authorization: str) -> bool:
        """By the note that the client signs, checked with the key that it publishes."""
        assert "client_secret" not in asked
        assert authorization == ""
        url = self.redirect_uris[0].replace("/signed-in", "/sign-in/keys")
        keys = KeySet.import_key_set(httpx.get(url, trust_env=False).json())
        note = jwt.decode(asked["client_assertion"], keys, algorithms=["RS512"])
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": "pages"},
            sub={"essential": True, "value": "pages"},
            aud={"essential": True, "value": f"{self.url}/token"},
        ).validate(note.claims)
        return bool(note.claims["exp"] - note.claims["iat"] <= 300 and note.claims["jti"])


AS_CIS2: Final = {
    "oidc_scopes": "openid profile nationalrbacaccess",
    "oidc_client_secret": "",
    "oidc_roles_claim": "nhsid_nrbac_roles",
    "oidc_role_fields": "org_code role_code",
    "oidc_roles": {"RX1 S0080:G0450:R5080": "triage-lead"},
}


@pytest.fixture
def like_cis2(new_site: Callable[..., Site], tmp_path: Path) -> Site:
    file = tmp_path / "key.pem"
    file.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    return new_site(LikeCis2, oidc_client_key_file=file, **AS_CIS2)


def test_cis2_is_a_matter_of_settings(like_cis2: Site) -> None:
    with Browser(like_cis2.url) as browser:
        browser.sign_in("triage-lead")
        assert browser.words.startswith("Hello Leonie Marsh")


def test_roles_of_somebody_else_are_refused(like_cis2: Site) -> None:
    with Browser(like_cis2.url) as browser:
        browser.sign_in("triage-worker")
        assert_refused(browser, HTTPStatus.BAD_REQUEST, "We could not check who you are")


def test_the_provider_may_change_its_keys(site: Site, person: Browser) -> None:
    person.sign_in()
    site.provider._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    with Browser(site.url) as another:
        another.sign_in("triage-lead")
        assert another.words.startswith("Hello Leonie Marsh")


# While signed in.


def test_a_session_ends_after_thirty_minutes_without_a_page(site: Site, person: Browser) -> None:
    person.sign_in()
    site.clock.ahead = timedelta(minutes=29)
    assert person.open("/staff").text.startswith("Hello")
    site.clock.ahead = timedelta(minutes=58)
    assert person.open("/staff").text.startswith("Hello")
    site.clock.ahead = timedelta(minutes=89)
    assert "nothing happened for 30 minutes" in person.open("/staff").text


def test_a_session_ends_after_twelve_hours_however_busy(site: Site, person: Browser) -> None:
    person.sign_in()
    for minutes in range(0, 12 * 60 - 1, 25):
        site.clock.ahead = timedelta(minutes=minutes)
        assert person.open("/staff").text.startswith("Hello")
    site.clock.ahead = timedelta(hours=12, seconds=1)
    assert "Hello" not in person.open("/staff").text


def test_that_somebody_is_there_is_written_once_a_minute_at_most(site: Site, person: Browser) -> None:
    person.sign_in()
    [signed_in] = site.query("SELECT seen_at FROM triage.session")
    site.clock.ahead = timedelta(seconds=30)
    person.open("/staff")
    assert site.query("SELECT seen_at FROM triage.session") == [signed_in]
    site.clock.ahead = timedelta(seconds=90)
    person.open("/staff")
    assert site.query("SELECT seen_at FROM triage.session")[0]["seen_at"] > signed_in["seen_at"]


def test_sessions_that_ran_out_are_deleted_when_somebody_signs_in(site: Site, person: Browser) -> None:
    person.sign_in()
    site.clock.ahead = timedelta(minutes=4)  # within the life of an ID token
    with Browser(site.url) as another:
        another.sign_in("triage-lead")
    assert len(site.query("SELECT FROM triage.session")) == 2
    site.query("UPDATE triage.session SET seen_at = seen_at - interval '31 minutes'")
    with Browser(site.url) as another:
        another.sign_in("triage-lead")
    assert len(site.query("SELECT FROM triage.session")) == 1


async def test_a_look_at_a_session_is_one_statement(database: str) -> None:
    engine, now, statements = engine_of(database, tables.SCHEMA), datetime.now(UTC), list[str]()
    async with engine.begin() as tx:
        tess = Staff("tess", "Tess Whitlock", Role.WORKER)
        await sessions.start(tx, tess, token="t" * 43, csrf="c", id_token="i", at=now)
    sa.event.listen(engine.sync_engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    found = await sessions.look(engine, "t" * 43, at=now)
    assert found is not None
    assert found.staff == tess
    assert len(statements) == 1
    assert await sessions.look(engine, "u" * 43, at=now) is None
    await engine.dispose()


def test_a_form_with_the_token_of_another_session_does_nothing(site: Site, person: Browser) -> None:
    person.sign_in()
    assert person.send("/staff/note").text.startswith("Hello")
    with Browser(site.url) as another:
        another.sign_in("triage-lead")
        another.page = person.page
        assert another.send("/staff/note").status_code == HTTPStatus.FORBIDDEN


def test_a_form_without_a_session_leads_to_the_sign_in(site: Site, person: Browser) -> None:
    person.sign_in()
    site.query("DELETE FROM triage.session")
    person.send("/staff/note")
    assert str(person.page.url) == f"{site.url}/staff/sign-in?next=/staff"


# Out.


def test_signing_out_ends_the_session_on_the_server(site: Site, person: Browser) -> None:
    person.sign_in()
    token = person.cookies[SESSION]
    person.send("/staff/sign-out")
    assert site.query("SELECT FROM triage.session") == []
    assert SESSION not in person.cookies
    person.cookies[SESSION] = token
    assert "Hello" not in person.open("/staff").text
    actions = [row["action"] for row in site.query("SELECT action FROM triage.audit ORDER BY id")]
    assert actions == ["staff.signed-in", "staff.signed-out"]


def test_signing_out_goes_on_to_the_provider_and_comes_back(site: Site, person: Browser) -> None:
    person.sign_in()
    answer = person.send("/staff/sign-out")
    onward = answer.headers["refresh"].removeprefix("0; url=")
    assert onward.startswith(f"{site.provider.url}/end-session?id_token_hint=ey")
    assert "Tess Whitlock" not in answer.text
    person.follow("Sign out of your work account")
    assert str(person.page.url) == f"{site.url}/staff/signed-out"
    assert "You are signed out" in person.words


def test_signing_out_works_while_the_provider_is_away(new_site: Callable[..., Site]) -> None:
    class Silent(IdentityProvider):
        def metadata(self) -> dict[str, Any]:
            return {name: url for name, url in super().metadata().items() if name != "end_session_endpoint"}

    site = new_site(Silent)
    with Browser(site.url) as browser:
        browser.sign_in()
        browser.send("/staff/sign-out")
        assert str(browser.page.url) == f"{site.url}/staff/signed-out"


def test_nobody_is_signed_out_by_another_site(person: Browser) -> None:
    person.sign_in()
    answer = person.ask("POST", "/staff/sign-out", {"csrf": "guessed"})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert person.open("/staff").text.startswith("Hello")
