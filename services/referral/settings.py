"""The referral service's own settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.crypto import read_key
from shared.settings import Settings as CommonSettings


def _is_key(value: SecretStr) -> SecretStr:
    read_key(value.get_secret_value())
    return value


Key = Annotated[SecretStr, AfterValidator(_is_key)]


class Settings(CommonSettings):
    """`internal_token` opens the call for identities; `requests_per_minute` is an agency's share (none in development).

    `master_key` wraps the data keys of identities, `index_key` makes the blind indexes: 32 bytes in base64url.
    """

    port: int = Field(default=8001, ge=1, le=65535, validation_alias="PIR_REFERRAL_PORT")
    master_key: Key
    index_key: Key
    internal_token: SecretStr
    requests_per_minute: int = Field(default=600, ge=1)
