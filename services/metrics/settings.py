"""The metrics service's own settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.settings import ROOT
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """`from_...` are the tokens with which others call. `public_url` is where browsers see the reports;
    `triage_public_url` where they see the pages of the triage team, to which those who may go there find a link.
    `population_dir` holds the numbers of children under two (docs/population.md).
    """

    port: int = Field(default=8004, ge=1, le=65535, validation_alias="PIR_METRICS_PORT")
    public_url: str = Field(default="http://127.0.0.1:8004", validation_alias="PIR_METRICS_PUBLIC_URL")
    triage_public_url: str = Field(default="http://127.0.0.1:8002", validation_alias="PIR_PUBLIC_URL")
    from_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_METRICS")
    from_referral: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_METRICS")
    population_dir: Path = ROOT / "deploy" / "population"
