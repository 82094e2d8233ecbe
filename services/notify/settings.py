"""The notify service's own settings."""

from __future__ import annotations

from datetime import time
from email.utils import parseaddr
from enum import StrEnum
from typing import Final, Self

from pydantic import Field, SecretStr, model_validator

from services.notify.family_messages.settings import GovukSettings
from services.notify.mail import is_address
from services.notify.rules import Caps
from shared.crypto import Key, OtherKey
from shared.settings import NoPath

MOST_OWN: Final = 100
MOST_OTHERS: Final = 10
DEVELOPMENT_FROM: Final = "Parent-infant referrals <no-reply@pir.localhost>"


class Tls(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Settings(GovukSettings):
    """Where mail goes: files in `mail_dir` (development only), else the server `smtp_host`.

    A failed message is tried again after up to `retry_first_seconds`, doubling to `retry_longest_seconds`, for
    `retry_hours` (30 s, 1 h and 72 h are the contract's). `from_...` are the tokens with which others call,
    `to_referral` that with which this service calls the referral service, at `referral_url`. `notify_master_key` wraps
    the data keys of the secrets of webhooks, `..._before` is accepted beside it while the key is changed;
    `webhook_local` lets webhooks go to http://127.0.0.1 and localhost, in development only.

    Of one kind, `mail_most_own` mails a day go to an agency's inbox about what it sent itself, `mail_most_others` about
    what other agencies sent; the rest of the day goes in one mail, at `mail_collected_hour` (London) of the next. A
    large council gets some 11 referrals a working day from all agencies together (2,760 families a year), so that 100
    mails of one kind to one of them are a flood; 10 are more than the duplicates that staff confirm for one agency in
    a day. `front_url` is where browsers see the pages for people who refer. In development, where programs send
    thousands, there is no cap unless one is set.
    """

    port: int = Field(default=8003, ge=1, le=65535, validation_alias="PIR_NOTIFY_PORT")
    from_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_NOTIFY")
    from_referral: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_NOTIFY")
    to_referral: SecretStr = Field(validation_alias="PIR_TOKEN_NOTIFY_REFERRAL")
    referral_url: str = "http://127.0.0.1:8001"
    notify_master_key: Key
    notify_master_key_before: OtherKey = None
    webhook_local: bool = False
    front_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    mail_dir: NoPath = None
    mail_from: str = ""
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Tls = Tls.STARTTLS
    smtp_seconds: float = Field(default=10.0, gt=0)
    retry_first_seconds: float = Field(default=30.0, gt=0)
    retry_longest_seconds: float = Field(default=3600.0, gt=0)
    retry_hours: float = Field(default=72.0, gt=0)
    mail_most_own: int | None = Field(default=None, ge=1)
    mail_most_others: int | None = Field(default=None, ge=1)
    mail_collected_hour: int = Field(default=7, ge=0, le=23)

    @model_validator(mode="after")
    def _mail_has_somewhere_to_go(self) -> Self:
        if self.mail_dir and not self.is_development:
            raise ValueError("PIR_MAIL_DIR keeps mail in files, sent to nobody: it can't be used outside development")
        if not self.mail_dir and not self.smtp_host:
            raise ValueError("mail needs somewhere to go: set PIR_SMTP_HOST (in development PIR_MAIL_DIR will do)")
        if not self.sender.isascii() or not self.sender.isprintable() or not is_address(self.envelope_from):
            raise ValueError("PIR_MAIL_FROM has to be an address in ASCII, such as: Referrals <referrals@example.org>")
        if self.smtp_password and self.smtp_tls is Tls.NONE:
            raise ValueError("PIR_SMTP_PASSWORD would be sent readable: use PIR_SMTP_TLS=starttls or tls")
        return self

    @model_validator(mode="after")
    def _webhooks_stay_outside(self) -> Self:
        if self.webhook_local and not self.is_development:
            raise ValueError("PIR_WEBHOOK_LOCAL opens this machine to webhooks: it can't be used outside development")
        return self

    @property
    def caps(self) -> Caps:
        """As set, else those of a council; in development none."""
        own, others = (None, None) if self.is_development else (MOST_OWN, MOST_OTHERS)
        return Caps(self.mail_most_own or own, self.mail_most_others or others, time(self.mail_collected_hour))

    @property
    def refer_at(self) -> str:
        return f"{self.front_url.rstrip('/')}/refer"

    @property
    def sender(self) -> str:
        """For the header From."""
        return self.mail_from or (DEVELOPMENT_FROM if self.is_development else "")

    @property
    def envelope_from(self) -> str:
        """The bare address of `sender`: where an undeliverable mail comes back to."""
        return parseaddr(self.sender)[1]

    @property
    def mail_domain(self) -> str:
        """The right side of every Message-ID."""
        return self.envelope_from.rpartition("@")[2]
