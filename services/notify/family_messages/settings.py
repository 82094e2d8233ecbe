"""How to reach GOV.UK Notify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from shared.events import Channel
from shared.settings import ROOT
from shared.settings import Settings as CommonSettings

LIVE_URL: Final = "https://api.notifications.service.gov.uk"
SHORTEST_TOKEN: Final = 32
NoText = Annotated[SecretStr | None, BeforeValidator(lambda value: value or None)]
"""A setting that is empty is not set."""


class GovukSettings(CommonSettings):
    """`govuk_notify_key` is an API key, `govuk_notify_callback_token` what Notify shows us with each receipt.

    The templates have ((body)), those of e-mails and letters ((subject)) too. `govuk_notify_texts_from` is the id of
    the sender of texts where it is not the account's usual one; `govuk_notify_takes_replies`: it is a number that can
    be answered. `family_words_dir` has the words of messages to families, a file a language.
    """

    govuk_notify_url: str = LIVE_URL
    govuk_notify_key: NoText = None
    govuk_notify_callback_token: NoText = None
    govuk_notify_template_sms: str = ""
    govuk_notify_template_email: str = ""
    govuk_notify_template_letter: str = ""
    govuk_notify_texts_from: str = ""
    govuk_notify_takes_replies: bool = Field(default=False)
    family_words_dir: Path = ROOT / "deploy" / "words" / "messages"

    @model_validator(mode="after")
    def _notify_is_reached_privately(self) -> Self:
        if not self.is_development and not self.govuk_notify_url.startswith("https://"):
            raise ValueError("outside development PIR_GOVUK_NOTIFY_URL must start with https://")
        return self

    @property
    def templates(self) -> dict[Channel, str]:
        """Those that are set."""
        found = {
            Channel.SMS: self.govuk_notify_template_sms,
            Channel.EMAIL: self.govuk_notify_template_email,
            Channel.LETTER: self.govuk_notify_template_letter,
        }
        return {channel: template for channel, template in found.items() if template}
