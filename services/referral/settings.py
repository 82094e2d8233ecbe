"""The referral service's own settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from shared.crypto import Key, OtherKey
from shared.internal_client import Called
from shared.settings import ROOT, read_names
from shared.settings import Settings as CommonSettings


class MemberProvider(BaseModel):
    """An agency's own identity provider, by OpenID Connect; `client_key_file` (a PEM) in place of the secret for CIS2.

    `domains` are those of the e-mail addresses that it is believed for: `trust.nhs.uk`. `acr` (one or several, with
    spaces between) and `max_age` (seconds) say how they must have signed in there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(min_length=1)
    metadata_url: str = Field(pattern=r"^https?://")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = SecretStr("")
    client_key_file: Path | None = None
    scopes: str = "openid profile email"
    acr: str = ""
    max_age: int | None = Field(default=None, ge=0)
    domains: frozenset[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_proof(self) -> MemberProvider:
        if bool(self.client_secret.get_secret_value()) == (self.client_key_file is not None):
            raise ValueError("client_secret or client_key_file is needed, and not both")
        return self


class Settings(CommonSettings):
    """What the referral service is told beside. `from_...` is the token with which another service calls this one,
    `to_...` that with which this one calls.
    """

    port: int = Field(default=8001, ge=1, le=65535, validation_alias="PIR_REFERRAL_PORT")
    """The port that is listened on."""
    master_key: Key
    """Wraps the data keys of identities: 32 bytes in base64url."""
    master_key_before: OtherKey = None
    """Accepted beside `PIR_MASTER_KEY` while it is changed."""
    index_key: Key
    """Makes the blind indexes: 32 bytes in base64url."""
    index_key_before: OtherKey = None
    """Accepted beside `PIR_INDEX_KEY` while it is changed."""
    from_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_REFERRAL")
    """With which triage calls the referral service: who a family is."""
    from_notify: SecretStr = Field(validation_alias="PIR_TOKEN_NOTIFY_REFERRAL")
    """With which notify calls the referral service: what it needs when it sends."""
    to_triage: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_TRIAGE")
    """With which the referral service calls triage."""
    to_notify: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_NOTIFY")
    """With which the referral service calls notify."""
    to_metrics: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_METRICS")
    """With which the referral service calls metrics."""
    requests_per_minute: int = Field(default=600, ge=1)
    """An agency's share at each copy; without limit in development."""
    triage_url: str = "http://127.0.0.1:8002"
    """Where internal calls to triage are answered."""
    notify_url: str = "http://127.0.0.1:8003"
    """Where internal calls to notify are answered."""
    metrics_url: str = "http://127.0.0.1:8004"
    """Where internal calls to metrics are answered."""
    public_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    """Where browsers see the pages for people who refer."""
    staff_url: str = Field(default="http://127.0.0.1:8002", validation_alias="PIR_PUBLIC_URL")
    """Where browsers see the pages of the triage team."""
    member_providers: Annotated[dict[str, MemberProvider], NoDecode, BeforeValidator(read_names)] = Field(
        default_factory=dict
    )
    """Agency → identity provider with which its people sign in, as JSON."""
    help_words_dir: Path = ROOT / "deploy" / "words" / "help"
    """The words of /help, a file a language."""
    help_leave_url: str = Field(default="https://www.bbc.co.uk/weather", pattern="^https://")
    """Where "Leave this page" leads."""
    client_address_header: str = ""
    """The header in which the nearest proxy says where a request comes from; empty without one."""
    erasure_ledger: Path = Path("var/erasures.jsonl")
    """The file, outside the database, in which each erasure is written down."""
    disposal_certificates: Path = Path("var/disposals")
    """The folder for the certificates of `retention run`."""
    erase_alone: bool = False
    """One person may erase, where there is nobody else to confirm it."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        urls = [each.metadata_url for each in self.member_providers.values()]
        if not self.is_development and not all(url.startswith("https://") for url in urls):
            yield "outside development each metadata_url of PIR_MEMBER_PROVIDERS must start with https://"

    @property
    def others(self) -> dict[str, Called]:
        """The services that forget a family with this one, by name."""
        return {
            "triage": Called(self.triage_url, self.to_triage.get_secret_value()),
            "notify": Called(self.notify_url, self.to_notify.get_secret_value()),
            "metrics": Called(self.metrics_url, self.to_metrics.get_secret_value()),
        }

    @property
    def needs_second_person(self) -> bool:
        return not (self.is_development or self.erase_alone)
