"""The referral service's own settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.crypto import Key
from shared.settings import ROOT
from shared.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """`internal_token` opens the call for identities; `requests_per_minute` is an agency's share (none in development).

    The `..._url` are asked whether they have carried out an erasure; `erasure_ledger` is where each is written down
    outside the database; `erase_alone` lets one person erase where there is nobody else to confirm it.
    `public_url` is where browsers see the pages for people who refer. `help_words_dir` has the words of /help, a file a
    language; `help_leave_url` is where "Leave this page" leads; `client_address_header` is the header in which the
    nearest proxy says where a request comes from, empty without a proxy.
    `master_key` wraps the data keys of identities, `index_key` makes the blind indexes: 32 bytes in base64url.
    """

    port: int = Field(default=8001, ge=1, le=65535, validation_alias="PIR_REFERRAL_PORT")
    master_key: Key
    index_key: Key
    internal_token: SecretStr
    requests_per_minute: int = Field(default=600, ge=1)
    triage_url: str = "http://127.0.0.1:8002"
    notify_url: str = "http://127.0.0.1:8003"
    metrics_url: str = "http://127.0.0.1:8004"
    public_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    help_words_dir: Path = ROOT / "deploy" / "words" / "help"
    help_leave_url: str = Field(default="https://www.bbc.co.uk/weather", pattern="^https://")
    client_address_header: str = ""
    erasure_ledger: Path = Path("var/erasures.jsonl")
    erase_alone: bool = False

    @property
    def others(self) -> dict[str, str]:
        """The services that forget a family with this one, by name, and where each answers internal calls."""
        return {"triage": self.triage_url, "notify": self.notify_url, "metrics": self.metrics_url}

    @property
    def needs_second_person(self) -> bool:
        return not (self.is_development or self.erase_alone)
