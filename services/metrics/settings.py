"""The metrics service's own settings."""

from __future__ import annotations

from pydantic import Field

from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """Nothing of its own yet but the port."""

    port: int = Field(default=8004, ge=1, le=65535, validation_alias="PIR_METRICS_PORT")
