"""What the identity provider's metadata may say: of its own issuer, and by TLS alone where they come by TLS."""

from __future__ import annotations

import pytest

from shared.sign_in.refusals import Refusal, RefusedError
from shared.sign_in.wire import Wire, is_issuer_of
from tests.unit.shared.test_sign_in import settings
from tests.unit.shared.test_staff_tokens import Address, address

__all__ = ["address"]


@pytest.mark.parametrize(
    ("issuer", "is_own"),
    [
        ("https://identity.example.org/tenant/v2.0", True),
        ("https://identity.example.org/tenant/v2.0/", True),
        ("https://identity.example.org:443/tenant/v2.0", True),
        ("https://identity.example.org", False),
        ("https://elsewhere.example/tenant/v2.0", False),
        ("http://identity.example.org/tenant/v2.0", False),
        ("https://identity.example.org:8443/tenant/v2.0", False),
        ("https://identity.example.org:port/tenant/v2.0", False),
        (None, False),
        (7, False),
    ],
)
def test_metadata_are_of_the_issuer_whose_address_they_have(issuer: object, is_own: bool) -> None:
    url = "https://identity.example.org/tenant/v2.0/.well-known/openid-configuration?appid=1"
    assert is_issuer_of(url, issuer) is is_own


async def test_an_address_without_tls_is_not_asked_when_the_metadata_came_by_tls(address: Address) -> None:
    address.body = "{}"
    wire = Wire("https://identity.example.org/.well-known/openid-configuration")
    with pytest.raises(RefusedError) as refused:
        await wire.get(address.url)
    assert (refused.value.refusal, address.asked) == (Refusal.AWAY, 0)
    assert await Wire("http://identity.example.org/.well-known/openid-configuration").get(address.url) == {}


def test_keys_of_staff_tokens_come_by_tls_outside_development() -> None:
    with pytest.raises(ValueError, match="PIR_STAFF_JWKS_URL must start with https"):
        settings(staff_jwks_url="http://identity.example.org/jwks")
    assert settings(staff_jwks_url="https://identity.example.org/jwks").staff_jwks_url
