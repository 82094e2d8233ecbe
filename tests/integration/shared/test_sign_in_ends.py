"""How strongly somebody has signed in, and sessions that end from outside: by the provider, and by a command."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import ECKey

from deploy.local.identity_provider import Grant, IdentityProvider
from shared import audit
from tests import programs
from tests.integration.sign_in_site import Site, a_site
from tests.logout_tokens import a_logout_token
from tests.servers import Servers, own_url
from tests.signing_in import Browser

ACR: Final = "https://refeds.org/profile/mfa"
WORKER: Final = "dev-triage-worker"


class Strong(IdentityProvider):
    """Says how and when somebody signed in, and names its sessions."""

    said: dict[str, Any]

    def claims(self, grant: Grant) -> dict[str, Any]:
        return super().claims(grant) | self.said


@pytest.fixture(scope="module")
def site(stack: Servers) -> Iterator[Site]:
    name = stack.new_database()
    with a_site(stack.url_of(name), Strong, oidc_acr=f"{ACR} phr", oidc_max_age=3600) as opened:
        yield opened
    stack.drop_database(name)


@pytest.fixture
def provider(site: Site) -> Strong:
    assert isinstance(site.provider, Strong)
    site.provider.said = {"acr": ACR, "auth_time": int(time.time()) - 60, "sid": uuid4().hex}
    return site.provider


@pytest.fixture
def person(site: Site) -> Iterator[Browser]:
    with Browser(site.url) as at_work:
        yield at_work


def end(site: Site, token: str) -> int:
    """The status of the provider's request."""
    return httpx.post(f"{site.url}/staff/back-channel-logout", data={"logout_token": token}).status_code


def is_signed_in(person: Browser) -> bool:
    person.open("/staff")
    return person.words.startswith("Hello")


def test_the_provider_is_asked_for_a_strong_and_recent_sign_in(site: Site, provider: Strong) -> None:
    answer = httpx.get(f"{site.url}/staff/sign-in/start", follow_redirects=False)
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (asked["acr_values"], asked["max_age"]) == ([f"{ACR} phr"], ["3600"])


def test_a_strong_and_recent_sign_in_is_believed(provider: Strong, person: Browser) -> None:
    person.sign_in()
    assert person.words.startswith("Hello Tess Whitlock")


@pytest.mark.parametrize(
    "weak",
    [{"acr": "password"}, {"acr": None}, {"acr": [ACR]}, {"auth_time": 1}, {"auth_time": None}, {"auth_time": "now"}],
    ids=str,
)
def test_a_weak_or_old_sign_in_is_refused(provider: Strong, person: Browser, weak: dict[str, Any]) -> None:
    provider.said |= weak
    person.sign_in()
    assert person.page.status_code == HTTPStatus.BAD_REQUEST
    assert "We could not check who you are" in person.words


def test_the_provider_ends_one_of_its_sessions_and_no_other(site: Site, provider: Strong, person: Browser) -> None:
    person.sign_in()
    first = provider.said["sid"]
    provider.said["sid"] = uuid4().hex
    with Browser(site.url) as elsewhere:
        elsewhere.sign_in()
        assert end(site, a_logout_token(provider, sid=first, sub=WORKER)) == HTTPStatus.OK
        assert not is_signed_in(person)
        assert is_signed_in(elsewhere)


def test_the_provider_ends_all_sessions_of_somebody_and_it_is_audited(
    site: Site, provider: Strong, person: Browser
) -> None:
    person.sign_in()
    with Browser(site.url) as lead:
        lead.sign_in("triage-lead")
        assert end(site, a_logout_token(provider, sub=WORKER)) == HTTPStatus.OK
        assert not is_signed_in(person)
        assert is_signed_in(lead)
    [entry, *_] = site.query("SELECT * FROM triage.audit WHERE action = 'staff.sessions-ended' ORDER BY id DESC")
    assert (entry["actor_kind"], entry["actor_id"], entry["detail"]) == ("system", "identity-provider", WORKER)


def test_a_logout_token_is_taken_once(site: Site, provider: Strong, person: Browser) -> None:
    token = a_logout_token(provider, sub=WORKER)
    assert end(site, token) == HTTPStatus.OK
    person.sign_in()
    assert end(site, token) == HTTPStatus.BAD_REQUEST
    assert is_signed_in(person)


def test_nothing_ends_by_a_token_that_the_provider_did_not_make_for_it(
    site: Site, provider: Strong, person: Browser
) -> None:
    person.sign_in()
    cookies = len(site.query("SELECT FROM triage.session"))
    for token in (
        "no token",
        a_logout_token(provider, sub=WORKER, key=ECKey.generate_key("P-256")),
        a_logout_token(provider, sub=WORKER, aud="another service"),
        a_logout_token(provider, sub=WORKER, nonce="n"),
        a_logout_token(provider),
        provider.tokens(Grant("triage-worker", {}, 0))["id_token"],
    ):
        assert end(site, token) == HTTPStatus.BAD_REQUEST
    assert len(site.query("SELECT FROM triage.session")) == cookies
    assert is_signed_in(person)


def test_an_operator_ends_the_sessions_of_somebody(site: Site, provider: Strong, person: Browser) -> None:
    person.sign_in()
    secrets = {f"PIR_TOKEN_TRIAGE_{name}": "t" for name in ("REFERRAL", "TRIAGE", "NOTIFY", "METRICS")}
    told = {
        "DATABASE_URL": own_url(site.database, "triage"),
        "KAFKA_BOOTSTRAP_SERVERS": "nowhere",
        "PIR_PROFILE": "development",
        "PIR_TRIAGE_MASTER_KEY": "A" * 43,
        "PIR_TOKEN_REFERRAL_TRIAGE": "t",
    }
    known = {**os.environ, **secrets, **told}
    done = programs.run("services.triage", "sessions", "end", WORKER, environment=known)
    assert (done.returncode, "0 session(s)" in done.stdout) == (0, False), done.stdout + done.stderr
    assert not is_signed_in(person)
    [entry, *_] = site.query("SELECT * FROM triage.audit WHERE action = 'staff.sessions-ended' ORDER BY id DESC")
    assert (entry["actor_kind"], entry["actor_id"], entry["detail"]) == ("operator", audit.operator().id, WORKER)
