"""The identity provider of development is as strict as a real one, so that what works with it works elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from deploy.local import identity_provider
from deploy.local.console import LocalError
from deploy.local.identity_provider import IdentityProvider, port_from_environment
from tests.integration.sign_in_site import STAFF

BACK: Final = "http://127.0.0.1:8002/staff/signed-in"
VERIFIER: Final = "v" * 43
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED: Final = {
    "client_id": "pages",
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "openid profile",
    "state": "a state",
    "nonce": "a nonce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
REDEEMED: Final = {
    "grant_type": "authorization_code",
    "redirect_uri": BACK,
    "code_verifier": VERIFIER,
    "client_id": "pages",
    "client_secret": "secret",
}


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    one = IdentityProvider(STAFF, "pages", "secret", [BACK])
    one.start()
    yield one
    one.stop()


@pytest.fixture
def http(provider: IdentityProvider) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=provider.url, trust_env=False) as client:
        yield client


def a_code(http: httpx.Client, **changes: str) -> str:
    answer = http.post("/authorize", data=ASKED | {"role": "manager"} | changes)
    assert answer.status_code == 303, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]


def redeem(http: httpx.Client, code: str, **changes: Any) -> httpx.Response:
    return http.post("/token", data={**REDEEMED, "code": code, **changes})


def test_it_offers_every_person_and_says_that_they_are_invented(http: httpx.Client) -> None:
    page = http.get("/authorize", params=ASKED).text
    assert [person["name"] for person in STAFF.values() if person["name"] not in page] == []
    assert "Development only." in page


def test_a_code_works_once(http: httpx.Client) -> None:
    code = a_code(http)
    assert set(redeem(http, code).json()) == {"access_token", "token_type", "expires_in", "id_token"}
    assert redeem(http, code).json() == {"error": "invalid_grant"}


def test_a_guessed_code_does_not_work(http: httpx.Client) -> None:
    a_code(http)
    assert redeem(http, "guessed").json() == {"error": "invalid_grant"}


def test_a_code_works_for_a_minute(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_provider, "CODE_SECONDS", -1)
    assert redeem(http, a_code(http)).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:8002/elsewhere"},
        {"grant_type": "password"},
    ],
)
def test_a_code_works_only_for_who_asked_for_it(http: httpx.Client, changes: dict[str, str]) -> None:
    assert redeem(http, a_code(http), **changes).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize("changes", [{"client_secret": "guessed"}, {"client_id": "another"}, {"client_secret": ""}])
def test_a_code_works_only_for_a_client_that_it_knows(http: httpx.Client, changes: dict[str, str]) -> None:
    answer = redeem(http, a_code(http), **changes)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_a_client_may_say_who_it_is_in_a_header(http: httpx.Client) -> None:
    asked = {name: value for name, value in REDEEMED.items() if not name.startswith("client_")}
    code = {"code": a_code(http)}
    assert http.post("/token", data=asked | code, auth=("pages", "wrong")).status_code == 401
    assert http.post("/token", data=asked | code, auth=("pages", "secret")).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://elsewhere.example/staff/signed-in"},
        {"redirect_uri": BACK + "/more"},
        {"response_type": "token"},
        {"scope": "profile"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_is_sent_anywhere_by_a_wrong_request(http: httpx.Client, method: str, changes: dict[str, str]) -> None:
    asked = ASKED | {"role": "manager"} | changes
    answer = http.get("/authorize", params=asked) if method == "GET" else http.post("/authorize", data=asked)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_after_signing_out_people_go_back_to_a_known_place_only(http: httpx.Client) -> None:
    known, other = "http://127.0.0.1:8002/staff/signed-out", "https://elsewhere.example"
    assert http.get("/end-session", params={"post_logout_redirect_uri": known}).headers["location"] == known
    assert http.get("/end-session", params={"post_logout_redirect_uri": other}).status_code == 200


def test_what_is_sent_is_shown_as_words(http: httpx.Client) -> None:
    page = http.get("/authorize", params=ASKED | {"state": '"><script>alert(1)</script>'}).text
    assert "<script" not in page


def test_it_answers_to_its_own_name_only(http: httpx.Client) -> None:
    """A page of another site, its name pointed at this machine, would come with that name."""
    assert http.get("/authorize", params=ASKED, headers={"Host": "elsewhere.example"}).status_code == 404


def test_a_taken_port_is_named_with_the_variable_that_changes_it(provider: IdentityProvider) -> None:
    taken = int(provider.url.rpartition(":")[2])
    with pytest.raises(LocalError, match=f"port {taken} .*PIR_IDENTITY_PORT"):
        IdentityProvider(STAFF, "pages", "secret", [BACK], port=taken).start()


def test_the_port_is_a_matter_of_the_environment() -> None:
    assert port_from_environment({}) == 8005
    assert port_from_environment({"PIR_IDENTITY_PORT": "9005"}) == 9005
    with pytest.raises(LocalError, match="PIR_IDENTITY_PORT=near is not a port"):
        port_from_environment({"PIR_IDENTITY_PORT": "near"})
