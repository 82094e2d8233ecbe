"""What of this package runs, by the policy: nothing where it is switched off, and then nothing of it is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.family_messages import release_api
from services.notify.rules import Retries
from services.notify.settings import Settings
from shared.events import Channel
from shared.policy import InvalidPolicyError, Policy
from shared.runtime import Loop

ALL: Final = tuple(Channel)
SHORTEST_KEY: Final = 73
"""Letters of its two last parts, a UUID each, and the hyphen between."""


@dataclass(frozen=True, slots=True)
class FamilyMessages:
    """Loops that send, what others may call, and what is closed at the end."""

    loops: dict[str, Loop]
    routers: Sequence[APIRouter]
    closes: Sequence[Callable[[], Awaitable[None]]]


def needed(policy: Policy) -> Sequence[Channel]:
    """The channels that a policy may use; none where nothing of this is switched on."""
    if policy.family_messages.on:
        return ALL
    return (Channel.SMS,) if policy.on_call.mobiles else ()


def build(
    settings: Settings,
    policy: Policy,
    *,
    engine: AsyncEngine,
    by_key: AsyncEngine,
    retries: Retries,
    wake_relay: Callable[[], None],
) -> FamilyMessages:
    """Raises InvalidPolicyError when a policy switches on what the settings can't send."""
    releases = release_api.router(engine, settings.from_triage.get_secret_value())
    if not (channels := needed(policy)):
        return FamilyMessages({}, [releases], ())
    lacking = [f"PIR_GOVUK_NOTIFY_TEMPLATE_{each.name}" for each in channels if each not in settings.templates]
    lacking += ["PIR_GOVUK_NOTIFY_KEY"] if settings.govuk_notify_key is None else []
    lacking += ["PIR_GOVUK_NOTIFY_CALLBACK_TOKEN"] if settings.govuk_notify_callback_token is None else []
    if settings.govuk_notify_key and len(settings.govuk_notify_key.get_secret_value()) < SHORTEST_KEY:
        raise InvalidPolicyError("PIR_GOVUK_NOTIFY_KEY has to be a whole API key: name, service and secret")
    if lacking:
        raise InvalidPolicyError(f"the policy {policy.id} sends messages by GOV.UK Notify: set {', '.join(lacking)}")
    from services.notify.family_messages import running  # noqa: PLC0415  0.3 s and 6 MB, where it is switched on

    parts = running.put_together(settings, policy, engine=engine, by_key=by_key, retries=retries, wake_relay=wake_relay)
    loops: dict[str, Loop] = {}
    if policy.on_call.mobiles:
        loops["texts-on-call"] = parts.on_call.run
    if policy.family_messages.on:
        loops["messages-to-families"] = parts.families.run
    return FamilyMessages(loops, [parts.callbacks, releases], (parts.notify.close, parts.contacts.close))
