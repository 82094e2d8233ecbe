"""The agencies' own providers: with a secret, or with a key by which we prove ourselves as CIS2 asks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from services.referral.front.providers import _provider
from services.referral.settings import MemberProvider
from shared.sign_in.client import ASSERTION

TOLD: Final = {
    "name": "Trust account",
    "metadata_url": "https://id.example.org/.well-known/openid-configuration",
    "client_id": "pages",
    "domains": ["Trust.NHS.uk"],
}
URL: Final = "https://id.example.org/token"
AT: Final = datetime(2026, 6, 15, 10, tzinfo=UTC)


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, RSAKey]:
    made = RSAKey.generate_key(2048)
    file = tmp_path / "key.pem"
    file.write_bytes(made.as_pem(private=True))
    return file, made


def test_with_a_key_file_we_prove_ourselves_by_a_signed_assertion(key: tuple[Path, RSAKey]) -> None:
    file, made = key
    found = _provider("health-visiting", MemberProvider.model_validate(TOLD | {"client_key_file": str(file)}))
    metadata = {"token_endpoint_auth_signing_alg_values_supported": ["RS512"]}
    headers, body = found.provider.client.prove({"code": "c"}, url=URL, metadata=metadata, at=AT)
    sent = {name: value for name, [value] in parse_qs(body).items()}
    assert "Authorization" not in headers
    assert (sent["client_id"], sent["client_assertion_type"], sent["code"]) == ("pages", ASSERTION, "c")
    assert "client_secret" not in sent
    told = jwt.decode(sent["client_assertion"], made, algorithms=["RS512"]).claims
    assert (told["iss"], told["sub"], told["aud"]) == ("pages", "pages", URL)
    assert found.vouches_for("ada@trust.nhs.uk")
    assert not found.vouches_for("ada@nottrust.nhs.uk")


def test_a_key_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("no key", encoding="utf-8")
    with pytest.raises(ValueError, match=r"."):
        _provider("health-visiting", MemberProvider.model_validate(TOLD | {"client_key_file": str(file)}))


@pytest.mark.parametrize("proof", [{}, {"client_secret": "s", "client_key_file": "key.pem"}])
def test_one_proof_is_needed_and_not_both(proof: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="and not both"):
        MemberProvider.model_validate(TOLD | proof)
