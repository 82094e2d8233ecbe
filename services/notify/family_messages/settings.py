"""How to reach GOV.UK Notify."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, SecretStr

from shared.events import Channel
from shared.settings import ROOT
from shared.settings import Settings as CommonSettings

LIVE_URL: Final = "https://api.notifications.service.gov.uk"
SHORTEST_TOKEN: Final = 32
NoText = Annotated[SecretStr | None, BeforeValidator(lambda value: value or None)]
"""A setting that is empty is not set."""


class GovukSettings(CommonSettings):
    """How families are written to, where the policy lets them be."""

    govuk_notify_url: str = LIVE_URL
    """Where GOV.UK Notify is. https outside development."""
    govuk_notify_key: NoText = None
    """An API key of GOV.UK Notify; without one no family is written to."""
    govuk_notify_callback_token: NoText = None
    """What GOV.UK Notify shows with each receipt: 32 characters or more."""
    govuk_notify_template_sms: str = ""
    """The id of the template of texts, which has ((body))."""
    govuk_notify_template_email: str = ""
    """The id of the template of e-mails, which has ((subject)) and ((body))."""
    govuk_notify_template_letter: str = ""
    """The id of the template of letters, which has ((subject)) and ((body))."""
    govuk_notify_texts_from: str = ""
    """The id of the sender of texts, where it is not the account's usual one."""
    govuk_notify_takes_replies: bool = Field(default=False)
    """The sender of texts is a number that can be answered."""
    family_words_dir: Path = ROOT / "deploy" / "words" / "messages"
    """The words of messages to families, a file a language."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        if not self.is_development and not self.govuk_notify_url.startswith("https://"):
            yield "outside development PIR_GOVUK_NOTIFY_URL must start with https://"

    @property
    def templates(self) -> dict[Channel, str]:
        """Those that are set."""
        found = {
            Channel.SMS: self.govuk_notify_template_sms,
            Channel.EMAIL: self.govuk_notify_template_email,
            Channel.LETTER: self.govuk_notify_template_letter,
        }
        return {channel: template for channel, template in found.items() if template}
