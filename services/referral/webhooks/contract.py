"""What an agency sends and gets about its webhook, as schemas for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictStr

from services.referral import contract
from services.referral.contract import Answered


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
    state: Literal["checking", "active", "off"]
    why_off: Literal["gone", "dead"] | None = Field(description="gone: it answered 410; dead: five days of failures")
    set_at: AwareDatetime
    last_success_at: AwareDatetime | None
    last_error: str | None = Field(description="a code, of the last try that failed")
    failing_since: AwareDatetime | None = Field(description="null when the last try succeeded")
    waiting: int = Field(description="calls that are not delivered yet; more may wait in the feed")
    secret_before_until: AwareDatetime | None = Field(description="until when the secret before signs as well")


class WebhookWithSecret(ShownWebhook):
    """Your webhook, and its secret, which is shown this once."""

    secret: str


class WebhookSecret(Answered):
    """The new secret, which is shown this once."""

    secret: str
    secret_before_until: AwareDatetime


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """The body of a call; it needs no Idempotency-Key, because a repeat does no harm."""
    schema = model.model_json_schema()
    return contract.KEYED | {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


SHOWN: Final = frozenset(ShownWebhook.model_fields)
"""What notify says beside is for the pages alone."""
