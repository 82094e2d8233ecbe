"""What a logout token must say: OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from shared.sign_in.logout import EVENT, checked

AT: Final = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
NOW: Final = int(AT.timestamp())
ISSUER: Final = "https://identity.example.org"
CLAIMS: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "aud": "pages",
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "one",
    "events": {EVENT: {}},
    "sub": "tess",
    "sid": "there",
}


def said(claims: dict[str, Any], typ: str | None = "logout+jwt") -> dict[str, Any]:
    return checked({"typ": typ} if typ else {}, claims, issuer=ISSUER, client_id="pages", at=AT)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name not in names}


def test_a_token_says_who_or_which_session() -> None:
    assert said(CLAIMS) == {"sub": "tess", "sid": "there", "jti": "one"}
    assert said(without("sid")) == {"sub": "tess", "jti": "one"}
    assert said(without("sub")) == {"sid": "there", "jti": "one"}


@pytest.mark.parametrize(
    "fine",
    [
        CLAIMS | {"aud": ["pages", "another"]},
        without("exp"),
        CLAIMS | {"iat": NOW - 600},
        CLAIMS | {"iat": NOW + 60},
        CLAIMS | {"events": {EVENT: {}, "https://example.org/other": {}}},
    ],
    ids=range(5),
)
def test_a_token_may_be_otherwise(fine: dict[str, Any]) -> None:
    assert said(fine, typ=None)["sub"] == said(fine, typ="JWT")["sub"] == "tess"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"iat": NOW - 700},
        {"iat": NOW + 90},
        {"iat": "now"},
        {"exp": NOW - 90},
        {"exp": "soon"},
        {"events": {}},
        {"events": [EVENT]},
        {"events": {EVENT: True}},
        {"nonce": None},
        {"nonce": "of a sign-in"},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 256},
        {"sub": ""},
        {"sid": 7},
    ],
    ids=str,
)
def test_a_token_that_fails_a_check_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        said(CLAIMS | wrong)


@pytest.mark.parametrize("missing", [("iss",), ("aud",), ("iat",), ("events",), ("jti",), ("sub", "sid")], ids=str)
def test_a_token_that_lacks_something_is_refused(missing: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=missing[0]):
        said(without(*missing))


def test_an_id_token_is_no_logout_token() -> None:
    with pytest.raises(ValueError, match="typ"):
        said(CLAIMS, typ="at+jwt")
