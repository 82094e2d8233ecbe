"""What of this package runs, by the policy: nothing where it is switched off, and then nothing of it is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.family_messages import release_api, rows
from services.notify.family_messages.settings import SHORTEST_TOKEN
from services.notify.sending_rules import Retries
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


def _is_uuid(text: str) -> bool:
    """Any other id is a fault of each message to Notify, as a wrong number is."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def hold_switched_off(engine: AsyncEngine, policy: Policy) -> None:
    """Nothing would read what was not sent before a policy switched it off."""
    async with engine.begin() as tx:
        await rows.hold_switched_off(
            tx, families=not policy.family_messages.on, texts_on_call=not policy.on_call.mobiles
        )


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
    token = settings.govuk_notify_callback_token
    if token and len(token.get_secret_value()) < SHORTEST_TOKEN:
        raise InvalidPolicyError(f"PIR_GOVUK_NOTIFY_CALLBACK_TOKEN has to have {SHORTEST_TOKEN} characters or more")
    ids = {f"TEMPLATE_{channel.name}": settings.templates.get(channel, "") for channel in channels}
    for name, id_ in (ids | {"TEXTS_FROM": settings.govuk_notify_texts_from}).items():
        if id_ and not _is_uuid(id_):
            raise InvalidPolicyError(f"PIR_GOVUK_NOTIFY_{name} has to be a UUID, as GOV.UK Notify shows it")
    if lacking:
        raise InvalidPolicyError(f"the policy {policy.id} sends messages by GOV.UK Notify: set {', '.join(lacking)}")
    from services.notify.family_messages import running  # noqa: PLC0415  0.3 s and 6 MB, where it is switched on

    parts = running.put_together(settings, policy, engine=engine, by_key=by_key, retries=retries, wake_relay=wake_relay)
    loops: dict[str, Loop] = {"receipts": parts.asking.run}
    if policy.on_call.mobiles:
        loops["texts-on-call"] = parts.on_call.run
    if policy.family_messages.on:
        loops["messages-to-families"] = parts.families.run
    return FamilyMessages(loops, [parts.callbacks, releases], (parts.notify.close, parts.contacts.close))
