"""What an agency sends and gets about its webhook, as schemas for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictStr

from services.referral import contract
from services.referral.answers import Answered


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class WebhookUrl(_Sent):
    url: Annotated[
        StrictStr,
        Field(min_length=1, max_length=2_000, description="https, port 443, a host name that is public"),
    ]


class WebhookCursor(_Sent):
    since: Annotated[StrictStr, Field(min_length=1, max_length=200, description="a `next` of your feed")]


class ShownWebhook(Answered):
    """Your webhook."""

    url: str
    """Where we call you."""
    state: Literal["checking", "active", "off"]
    """`checking` until the first call was answered with 2xx."""
    why_off: Literal["gone", "dead"] | None
    """`gone`: it answered 410; `dead`: five days of failures."""
    set_at: AwareDatetime
    """When this address was set."""
    last_success_at: AwareDatetime | None
    """When a call was last answered with 2xx."""
    last_error: str | None
    """A code, of the last try that failed."""
    failing_since: AwareDatetime | None
    """Null when the last try succeeded."""
    waiting: int
    """Calls that are not delivered yet; more may wait in the feed."""
    secret_before_until: AwareDatetime | None
    """Until when the secret before signs as well."""


class WebhookWithSecret(ShownWebhook):
    """Your webhook, and its secret, which is shown this once."""

    secret: str
    """`whsec_` and 32 bytes in base64."""


class WebhookSecret(Answered):
    """The new secret, which is shown this once."""

    secret: str
    """`whsec_` and 32 bytes in base64."""
    secret_before_until: AwareDatetime
    """Until when the secret before signs as well."""


_SECRET: Final = "whsec_ZXhhbXBsZS1vbmx5LWV4YW1wbGUtb25seS1leGFtcGw="  # noqa: S105  an example
URL: Final = {"url": "https://records.example.org/hooks/pir"}
CURSOR: Final = {"since": "AAAAAAAAB9cBl28unEBwAIAAXRtsDyoR"}
SHOWN_WEBHOOK: Final[dict[str, Any]] = URL | {
    "state": "active",
    "why_off": None,
    "set_at": "2026-06-15T09:00:00.000+00:00",
    "last_success_at": "2026-06-15T09:00:01.000+00:00",
    "last_error": None,
    "failing_since": None,
    "waiting": 0,
    "secret_before_until": None,
}
WITH_SECRET: Final = SHOWN_WEBHOOK | {"state": "checking", "last_success_at": None, "secret": _SECRET}
NEW_SECRET: Final = {"secret": _SECRET, "secret_before_until": "2026-06-16T09:00:00.000+00:00"}


def takes(model: type[BaseModel], example: Any) -> dict[str, Any]:
    """The body of a call; it needs no Idempotency-Key, because a repeat does no harm."""
    content = {"schema": model.model_json_schema(), "example": example}
    return contract.KEYED | {"requestBody": {"required": True, "content": {"application/json": content}}}


SHOWN: Final = frozenset(ShownWebhook.model_fields)
"""What notify says beside is for the pages alone."""
