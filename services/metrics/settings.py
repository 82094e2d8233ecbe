"""The metrics service's own settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """`internal_token` opens the calls of the page for operations."""

    port: int = Field(default=8004, ge=1, le=65535, validation_alias="PIR_METRICS_PORT")
    internal_token: SecretStr
