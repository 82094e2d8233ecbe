"""The triage service's own settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.crypto import read_key
from shared.settings import Settings as CommonSettings


def _is_key(value: SecretStr) -> SecretStr:
    read_key(value.get_secret_value())
    return value


class Settings(CommonSettings):
    """`triage_master_key` wraps the data keys of what staff write; `referral_url` is where identities are fetched."""

    port: int = Field(default=8002, ge=1, le=65535, validation_alias="PIR_TRIAGE_PORT")
    triage_master_key: Annotated[SecretStr, AfterValidator(_is_key)]
    internal_token: SecretStr
    referral_url: str = "http://127.0.0.1:8001"
    deadline_seconds: float = Field(default=15.0, gt=0)
