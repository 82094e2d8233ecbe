"""Signatures of webhooks, judged by the library of Standard Webhooks."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.notify.webhooks import signing

ID = UUID(int=7)
BODY = (
    b'{"type":"referral.changed","timestamp":"2026-11-03T20:26:10.344Z","data":{"reference":"PIR-4K7-29M","version":2}}'
)


def signed(*secrets: bytes, at: datetime | None = None, body: bytes = BODY) -> dict[str, str]:
    return signing.signed(secrets, id_=ID, at=at or datetime.now(UTC), body=body)


def verified(secret: bytes, headers: dict[str, str], body: bytes = BODY) -> Any:
    return Webhook(signing.shown(secret)).verify(body, headers)


def test_a_secret_is_shown_as_receivers_take_it() -> None:
    secret = signing.new_secret()
    assert len(secret) == 32
    assert len(set(secret)) > 16, "32 random bytes are nearly all different"
    assert signing.shown(secret) == "whsec_" + base64.b64encode(secret).decode()
    assert signing.new_secret() != secret


def test_one_signature_verifies_and_so_do_both_in_a_rotation() -> None:
    before, after, other = (signing.new_secret() for _ in range(3))
    assert verified(before, signed(before))["data"] == {"reference": "PIR-4K7-29M", "version": 2}
    both = signed(after, before)
    assert both["webhook-signature"].count("v1,") == 2
    assert verified(before, both) == verified(after, both)
    with pytest.raises(WebhookVerificationError):
        verified(other, both)


@pytest.mark.parametrize("place", range(0, len(BODY), 7))
def test_a_changed_byte_fails(place: int) -> None:
    secret = signing.new_secret()
    changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
    with pytest.raises(WebhookVerificationError):
        verified(secret, signed(secret), changed)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_changed_header_fails(header: str) -> None:
    secret = signing.new_secret()
    headers = signed(secret)
    value = headers[header]
    headers[header] = value.replace(value[5], "0" if value[5] != "0" else "1", 1)
    with pytest.raises(WebhookVerificationError):
        verified(secret, headers)


def test_a_call_of_long_ago_does_not_verify_and_another_zone_does() -> None:
    """The library's own signer takes an aware time of another zone for UTC; ours must not."""
    secret, now = signing.new_secret(), datetime.now(UTC)
    with pytest.raises(WebhookVerificationError):
        verified(secret, signed(secret, at=now - timedelta(minutes=6)))
    elsewhere = now.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert verified(secret, signed(secret, at=elsewhere))
