"""The referral service's own settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.crypto import Key
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """`internal_token` opens the call for identities; `requests_per_minute` is an agency's share (none in development).

    `master_key` wraps the data keys of identities, `index_key` makes the blind indexes: 32 bytes in base64url.
    """

    port: int = Field(default=8001, ge=1, le=65535, validation_alias="PIR_REFERRAL_PORT")
    master_key: Key
    index_key: Key
    internal_token: SecretStr
    requests_per_minute: int = Field(default=600, ge=1)
