"""The referral service's own settings."""

from __future__ import annotations

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
    """`requests_per_minute` is an agency's share (none in development).

    `from_triage` is the token with which triage asks who a family is, `from_notify` that with which notify asks what
    it needs when it sends, `to_...` that with which this service calls.

    The `..._url` are asked whether they have carried out an erasure; `erasure_ledger` is where each is written down
    outside the database; `erase_alone` lets one person erase where there is nobody else to confirm it;
    `disposal_certificates` is the folder for the certificates of `retention run`.
    `public_url` is where browsers see the pages for people who refer, `staff_url` where they see those of the triage
    team, which take calls; `member_providers` (agency → provider, as JSON)
    are the agencies whose people sign in with their own work account.
    `help_words_dir` has the words of /help, a file a language; `help_leave_url` is where "Leave this page" leads;
    `client_address_header` is the header in which the nearest proxy says where a request comes from, empty without one.
    `master_key` wraps the data keys of identities, `index_key` makes the blind indexes: 32 bytes in base64url; the
    `..._before` are accepted beside them while a key is changed.
    """

    port: int = Field(default=8001, ge=1, le=65535, validation_alias="PIR_REFERRAL_PORT")
    master_key: Key
    master_key_before: OtherKey = None
    index_key: Key
    index_key_before: OtherKey = None
    from_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_REFERRAL")
    from_notify: SecretStr = Field(validation_alias="PIR_TOKEN_NOTIFY_REFERRAL")
    to_triage: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_TRIAGE")
    to_notify: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_NOTIFY")
    to_metrics: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_METRICS")
    requests_per_minute: int = Field(default=600, ge=1)
    triage_url: str = "http://127.0.0.1:8002"
    notify_url: str = "http://127.0.0.1:8003"
    metrics_url: str = "http://127.0.0.1:8004"
    public_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    staff_url: str = Field(default="http://127.0.0.1:8002", validation_alias="PIR_PUBLIC_URL")
    member_providers: Annotated[dict[str, MemberProvider], NoDecode, BeforeValidator(read_names)] = Field(
        default_factory=dict
    )
    help_words_dir: Path = ROOT / "deploy" / "words" / "help"
    help_leave_url: str = Field(default="https://www.bbc.co.uk/weather", pattern="^https://")
    client_address_header: str = ""
    erasure_ledger: Path = Path("var/erasures.jsonl")
    disposal_certificates: Path = Path("var/disposals")
    erase_alone: bool = False

    @model_validator(mode="after")
    def _providers_are_private(self) -> Settings:
        urls = [each.metadata_url for each in self.member_providers.values()]
        if not self.is_development and not all(url.startswith("https://") for url in urls):
            raise ValueError("outside development each metadata_url of PIR_MEMBER_PROVIDERS must start with https://")
        return self

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
