"""The triage service's own settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.crypto import Key, OtherKey
from shared.internal_client import Called
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """What triage is told beside. `from_...` is the token with which another service calls this one,
    `to_...` that with which this one calls: docs/operations.md.
    """

    port: int = Field(default=8002, ge=1, le=65535, validation_alias="PIR_TRIAGE_PORT")
    """The port that is listened on."""
    triage_master_key: Key
    """Wraps the data keys of what staff write: 32 bytes in base64url."""
    triage_master_key_before: OtherKey = None
    """Accepted beside `PIR_TRIAGE_MASTER_KEY` while it is changed."""
    from_referral: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_TRIAGE")
    """With which the referral service calls triage."""
    to_referral: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_REFERRAL")
    """With which triage calls the referral service: who a family is."""
    to_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_TRIAGE")
    """With which triage calls itself: what is parked in it."""
    to_notify: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_NOTIFY")
    """With which triage calls notify."""
    to_metrics: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_METRICS")
    """With which triage calls metrics."""
    referral_url: str = "http://127.0.0.1:8001"
    """Where internal calls to the referral service are answered."""
    notify_url: str = "http://127.0.0.1:8003"
    """Where internal calls to notify are answered."""
    metrics_url: str = "http://127.0.0.1:8004"
    """Where internal calls to metrics are answered."""
    triage_url: str = ""
    """Where internal calls to triage itself are answered; by default right here."""
    reports_url: str = Field(default="http://127.0.0.1:8004", validation_alias="PIR_METRICS_PUBLIC_URL")
    """Where browsers see the reports."""
    front_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    """Where browsers see the pages for people who refer."""
    deadline_seconds: float = Field(default=15.0, gt=0)
    """Between two looks for what is overdue."""

    @property
    def all_services(self) -> dict[str, Called]:
        """Where internal calls of each service are answered, and the token for it."""
        here = f"http://127.0.0.1:{self.internal_port or self.port}"
        return {
            "referral": Called(self.referral_url, self.to_referral.get_secret_value()),
            "triage": Called(self.triage_url or here, self.to_triage.get_secret_value()),
            "notify": Called(self.notify_url, self.to_notify.get_secret_value()),
            "metrics": Called(self.metrics_url, self.to_metrics.get_secret_value()),
        }
