"""The triage service's own settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.crypto import Key
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """`triage_master_key` wraps the data keys of what staff write; `referral_url` is where identities are fetched,
    `notify_url` where messages are looked up; all of the `..._url` are asked what is parked there (`triage_url` is
    this service itself, and by default right here). `reports_url` is where browsers see the reports, `front_url`
    where they see the pages for people who refer, which have the form for a call.
    """

    port: int = Field(default=8002, ge=1, le=65535, validation_alias="PIR_TRIAGE_PORT")
    triage_master_key: Key
    internal_token: SecretStr
    referral_url: str = "http://127.0.0.1:8001"
    notify_url: str = "http://127.0.0.1:8003"
    metrics_url: str = "http://127.0.0.1:8004"
    triage_url: str = ""
    reports_url: str = Field(default="http://127.0.0.1:8004", validation_alias="PIR_METRICS_PUBLIC_URL")
    front_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    deadline_seconds: float = Field(default=15.0, gt=0)

    @property
    def service_urls(self) -> dict[str, str]:
        """Where internal calls of each service are answered."""
        here = f"http://127.0.0.1:{self.internal_port or self.port}"
        return {
            "referral": self.referral_url,
            "triage": self.triage_url or here,
            "notify": self.notify_url,
            "metrics": self.metrics_url,
        }
