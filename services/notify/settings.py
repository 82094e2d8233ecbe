"""The notify service's own settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from email.utils import parseaddr
from enum import StrEnum
from typing import Final

from pydantic import Field, SecretStr

from services.notify.family_messages.settings import GovukSettings
from services.notify.mail import is_address
from services.notify.sending_rules import Caps
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
    """What notify is told beside. `from_...` is the token with which another service calls this one,
    `to_...` that with which this one calls.

    A large council gets some 11 referrals a working day from all agencies together (2,760 families a year), so that
    MOST_OWN mails of one kind to one of them are a flood; MOST_OTHERS are more than the duplicates that staff confirm
    for one agency in a day. In development, where programs send thousands, there is no cap unless one is set.
    """

    port: int = Field(default=8003, ge=1, le=65535, validation_alias="PIR_NOTIFY_PORT")
    """The port that is listened on."""
    from_triage: SecretStr = Field(validation_alias="PIR_TOKEN_TRIAGE_NOTIFY")
    """With which triage calls notify."""
    from_referral: SecretStr = Field(validation_alias="PIR_TOKEN_REFERRAL_NOTIFY")
    """With which the referral service calls notify."""
    to_referral: SecretStr = Field(validation_alias="PIR_TOKEN_NOTIFY_REFERRAL")
    """With which notify calls the referral service: what it needs when it sends."""
    referral_url: str = "http://127.0.0.1:8001"
    """Where internal calls to the referral service are answered."""
    notify_master_key: Key
    """Wraps the data keys of the secrets of webhooks: 32 bytes in base64url."""
    notify_master_key_before: OtherKey = None
    """Accepted beside `PIR_NOTIFY_MASTER_KEY` while it is changed."""
    webhook_local: bool = False
    """Webhooks may go to http://127.0.0.1 and localhost; refused outside development."""
    front_url: str = Field(default="http://127.0.0.1:8001", validation_alias="PIR_FRONT_URL")
    """Where browsers see the pages for people who refer."""
    mail_dir: NoPath = None
    """A folder in which mail is kept instead of sent; refused outside development."""
    mail_from: str = ""
    """The sender of all mail: `Referrals <referrals@example.org>`."""
    smtp_host: str = ""
    """The council's mail server."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    """The port of the mail server."""
    smtp_user: str | None = None
    """Who enters the mail server; none where nobody is asked."""
    smtp_password: SecretStr | None = None
    """The password of `PIR_SMTP_USER`."""
    smtp_tls: Tls = Tls.STARTTLS
    """`starttls`, `tls` or `none`."""
    smtp_seconds: float = Field(default=10.0, gt=0)
    """How long an answer of the mail server is waited for."""
    retry_first_seconds: float = Field(default=30.0, gt=0)
    """How long at most before a failed message is tried again; it doubles each time (the contract: 30 s)."""
    retry_longest_seconds: float = Field(default=3600.0, gt=0)
    """The longest pause before a failed message is tried again (the contract: 1 h)."""
    retry_hours: float = Field(default=72.0, gt=0)
    """For how long a failed message is tried (the contract: 72 h)."""
    mail_most_own: int | None = Field(default=None, ge=1)
    """Mails of one kind a day to an agency about what it sent itself; the rest in one. 100; none in development."""
    mail_most_others: int | None = Field(default=None, ge=1)
    """Mails of one kind a day to an agency about what others sent; the rest in one. 10; none in development."""
    mail_collected_hour: int = Field(default=7, ge=0, le=23)
    """The hour (London) at which mails over those limits of the day before go in one."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        if self.mail_dir and not self.is_development:
            yield "PIR_MAIL_DIR keeps mail in files, sent to nobody: it can't be used outside development"
        if not self.mail_dir and not self.smtp_host:
            yield "mail needs somewhere to go: set PIR_SMTP_HOST (in development PIR_MAIL_DIR will do)"
        if not self.sender.isascii() or not self.sender.isprintable() or not is_address(self.envelope_from):
            yield "PIR_MAIL_FROM has to be an address in ASCII, such as: Referrals <referrals@example.org>"
        if self.smtp_password and self.smtp_tls is Tls.NONE:
            yield "PIR_SMTP_PASSWORD would be sent readable: use PIR_SMTP_TLS=starttls or tls"
        if self.webhook_local and not self.is_development:
            yield "PIR_WEBHOOK_LOCAL opens this machine to webhooks: it can't be used outside development"

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
