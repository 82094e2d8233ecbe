"""The triage service's own settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from shared.crypto import Key, OtherKey
from shared.internal_client import Called
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """`triage_master_key` wraps the data keys of what staff write, `triage_master_key_before` is accepted beside it
    while the key is changed; `referral_url` is where identities are fetched,
    `notify_url` where messages are looked up; all of the `..._url` are asked what is parked there (`triage_url` is
    this service itself, and by default right here). `reports_url` is where browsers see the reports, `front_url`
    where they see the pages for people who refer, which have the form for a call. `from_...` is the token with which
    another service calls this one, `to_...` that with which this one calls: docs/operations.md.
    """

    port: int = Field(default=8002, ge=1, le=65535, validation_alias="PIR_TRIAGE_PORT")
    triage_master_key: Key
    triage_master_key_before: OtherKey = None
    from_referral: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_TRIAGE")
    to_referral: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_REFERRAL")
    to_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_TRIAGE")
    to_notify: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_NOTIFY")
    to_metrics: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_METRICS")
    referral_url: str = "http://127.0.0.1:8001"
    notify_url: str = "http://127.0.0.1:8003"
    metrics_url: str = "http://127.0.0.1:8004"
    triage_url: str = ""
    reports_url: str = Field(default="http://127.0.0.1:8004", validation_alias="PIR_METRICS_PUBLIC_URL")
    front_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    deadline_seconds: float = Field(default=15.0, gt=0)

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
