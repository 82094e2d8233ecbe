"""The metrics service's own settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import ROOT
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """What metrics is told beside. `from_...` is the token with which another service calls this one."""

    port: int = Field(default=8004, ge=1, le=65535, validation_alias="PIR_METRICS_PORT")
    """The port that is listened on."""
    public_url: str = Field(default="http://127.0.0.1:8004", validation_alias="PIR_METRICS_PUBLIC_URL")
    """Where browsers see the reports."""
    triage_public_url: str = Field(default="http://127.0.0.1:8002", validation_alias="PIR_PUBLIC_URL")
    """Where browsers see the pages of the triage team."""
    from_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_METRICS")
    """With which triage calls metrics."""
    from_referral: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_METRICS")
    """With which the referral service calls metrics."""
    population_dir: Path = ROOT / "deploy" / "population"
    """The numbers of children under two: docs/population.md."""
