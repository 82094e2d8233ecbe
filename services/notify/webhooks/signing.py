"""Secrets and signatures as Standard Webhooks 1.0.0 has them (symmetric, `v1`)."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64."""
PREFIX: Final = "whsec_"


def new_secret() -> bytes:
    return os.urandom(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """As a receiver's library takes it."""
    return PREFIX + base64.b64encode(secret).decode()


def signed(secrets: Iterable[bytes], *, id_: UUID, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a try at `at` (aware): one signature by each secret, the newest first."""
    seconds = int(at.timestamp())
    content = f"{id_}.{seconds}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return {
        "webhook-id": str(id_),
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }
