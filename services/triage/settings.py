"""The triage service's own settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.crypto import Key
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """`triage_master_key` wraps the data keys of what staff write; `referral_url` is where identities are fetched."""

    port: int = Field(default=8002, ge=1, le=65535, validation_alias="PIR_TRIAGE_PORT")
    triage_master_key: Key
    internal_token: SecretStr
    referral_url: str = "http://127.0.0.1:8001"
    deadline_seconds: float = Field(default=15.0, gt=0)
