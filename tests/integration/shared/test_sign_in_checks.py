"""What the provider says of a person is checked, each part of it: nothing that fails a check opens a session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from deploy.local.identity_provider import Grant, IdentityProvider
from tests.integration.sign_in_site import Site, a_site
from tests.servers import Servers
from tests.signing_in import Browser

LONG_AGO: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
NOT_BELIEVED: Final = "We could not check who you are"


class Liar(IdentityProvider):
    """Signs claims that are not right (`wrong`), or right ones in a wrong way (`how`); answers as another (`named`)."""

    wrong: dict[str, Any]
    how: str
    named: dict[str, str] | None

    def own_name(self) -> dict[str, str]:
        return super().own_name() if self.named is None else self.named

    def claims(self, grant: Grant) -> dict[str, Any]:
        claims = super().claims(grant) | self.wrong
        return {name: value for name, value in claims.items() if value is not None}

    def tokens(self, grant: Grant) -> dict[str, Any]:
        keys: dict[str, Any] = {
            "none": OctKey.import_key("n" * 32),
            "HS256": OctKey.import_key(self.client_secret.ljust(32, "x")),
            "ES256": ECKey.generate_key("P-256"),
        }
        tokens = super().tokens(grant)
        if self.how:
            header = {"alg": self.how, "kid": self._key.kid}
            tokens["id_token"] = jwt.encode(header, self.claims(grant), keys[self.how], algorithms=[self.how])
        return tokens


@pytest.fixture(scope="module")
def site(stack: Servers) -> Iterator[Site]:
    name = stack.new_database()
    with a_site(stack.url_of(name), Liar) as opened:
        yield opened
    stack.drop_database(name)


@pytest.fixture
def provider(site: Site) -> Liar:
    """Honest until a test says otherwise."""
    assert isinstance(site.provider, Liar)
    site.provider.wrong, site.provider.how, site.provider.named = {}, "", None
    return site.provider


@pytest.fixture
def person(site: Site) -> Iterator[Browser]:
    with Browser(site.url) as at_work:
        yield at_work


def assert_refused(person: Browser, status: HTTPStatus, words: str) -> None:
    assert (person.page.status_code, words in person.words) == (status, True), person.words
    assert "__Host-pir-session" not in person.cookies


def test_an_honest_provider_is_believed(provider: Liar, person: Browser) -> None:
    person.sign_in()
    assert person.words.startswith("Hello Tess Whitlock")


def test_one_of_several_audiences_is_enough_when_the_token_is_made_for_us(provider: Liar, person: Browser) -> None:
    provider.wrong = {"aud": ["pages", "another service"], "azp": "pages"}
    person.sign_in()
    assert person.words.startswith("Hello Tess Whitlock")


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another service"},
        {"aud": ["another service"], "azp": "pages"},
        {"aud": ["pages", "another service"], "azp": "another service"},
        {"aud": None},
        {"exp": LONG_AGO},
        {"exp": None},
        {"iat": 2**40},
        {"nbf": 2**40},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"at_hash": "bm90IHRoaXMgb25l"},
    ],
    ids=str,
)
def test_an_id_token_that_fails_a_check_is_refused(provider: Liar, person: Browser, wrong: dict[str, Any]) -> None:
    provider.wrong = wrong
    person.sign_in()
    assert_refused(person, HTTPStatus.BAD_REQUEST, NOT_BELIEVED)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("how", ["none", "HS256", "ES256"])
def test_an_id_token_that_the_provider_did_not_sign_is_refused(provider: Liar, person: Browser, how: str) -> None:
    """By nobody, by a shared secret, by a key that it does not publish."""
    provider.how = how
    person.sign_in()
    assert_refused(person, HTTPStatus.BAD_REQUEST, NOT_BELIEVED)


@pytest.mark.parametrize("role", ["triage-worker", "nobody"], ids=["a code", "an error"])
@pytest.mark.parametrize(
    "named", [{}, {"iss": ""}, {"iss": "https://elsewhere.example"}], ids=["of nobody", "empty", "of another"]
)
def test_an_answer_of_another_provider_is_refused_as_one_with_a_wrong_state(
    provider: Liar, person: Browser, named: dict[str, str], role: str
) -> None:
    """RFC 9207. This provider's metadata says that it names itself in every answer."""
    provider.named = named
    person.go_to_provider()
    person.send("/authorize", role=role)
    assert_refused(person, HTTPStatus.BAD_REQUEST, "Please start to sign in again")


@pytest.mark.parametrize(
    ("roles", "words"), [([], "You have no role here yet"), (["manager", "auditor"], "more than one role here")]
)
def test_who_has_not_exactly_one_role_is_refused(provider: Liar, person: Browser, roles: list[str], words: str) -> None:
    provider.wrong = {"roles": roles}
    person.sign_in()
    assert_refused(person, HTTPStatus.FORBIDDEN, words)


def test_nobody_who_was_refused_left_a_trace(site: Site, provider: Liar, person: Browser) -> None:
    provider.wrong = {"nonce": "of another sign-in", "sub": "who-was-refused"}
    person.sign_in()
    tables = {"session": "staff_id", "colleague": "id", "audit": "actor_id"}
    for table, column in tables.items():
        assert site.query(f"SELECT FROM triage.{table} WHERE {column} = 'who-was-refused'") == []
