"""The parts of this package put together, for app.py: loops that send, and what others may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.delivery import Delivery
from services.notify.family_messages import callbacks, release_api, words
from services.notify.family_messages.callbacks import Callbacks
from services.notify.family_messages.contacts import ContactsClient
from services.notify.family_messages.sending import FamilySender, Items
from services.notify.messages import FAMILIES_FIRST, TEXTS_OUT_FIRST
from services.notify.rules import Retries
from services.notify.senders.govuk_notify import GovukNotify
from services.notify.settings import Settings
from services.notify.tables import SCHEMA
from services.notify.writing import utc_now
from shared.events import Channel
from shared.internal_client import Called
from shared.policy import InvalidPolicyError, Policy
from shared.runtime import Loop

LETTERS_TOO: Final = (Channel.SMS, Channel.EMAIL, Channel.LETTER)


@dataclass(frozen=True, slots=True)
class FamilyMessages:
    loops: dict[str, Loop]
    routers: Sequence[APIRouter]
    closes: Sequence[Callable[[], Awaitable[None]]]


def needed(policy: Policy) -> Sequence[Channel]:
    """The channels that a policy may use; none where nothing of this is switched on."""
    if policy.family_messages.on:
        return LETTERS_TOO
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
    token = settings.from_triage.get_secret_value()
    if not (channels := needed(policy)):
        return FamilyMessages({}, [release_api.router(engine, token)], ())
    key, callback_token = settings.govuk_notify_key, settings.govuk_notify_callback_token
    lacking = [f"PIR_GOVUK_NOTIFY_TEMPLATE_{each.name}" for each in channels if each not in settings.templates]
    lacking += ["PIR_GOVUK_NOTIFY_KEY"] if key is None else []
    lacking += ["PIR_GOVUK_NOTIFY_CALLBACK_TOKEN"] if callback_token is None else []
    if key is None or callback_token is None or lacking:
        raise InvalidPolicyError(f"the policy {policy.id} sends messages by GOV.UK Notify: set {', '.join(lacking)}")
    notify = GovukNotify(
        settings.govuk_notify_url,
        key.get_secret_value(),
        settings.templates,
        now=utc_now,
        texts_from=settings.govuk_notify_texts_from,
    )
    contacts = ContactsClient(Called(settings.referral_url, settings.to_referral.get_secret_value()))
    said = words.load(
        settings.family_words_dir,
        policy.family_messages,
        with_unchecked=settings.is_development,
        takes_replies=settings.govuk_notify_takes_replies,
    )
    delivery = partial(
        Delivery,
        dsn=settings.dsn,
        schema=SCHEMA,
        engine=by_key,
        writer=Items(len(policy.on_call.mobiles)),
        retries=retries,
        wake_relay=wake_relay,
    )
    sender = partial(FamilySender, engine, notify, contacts, said, policy.on_call.mobiles, utc_now)
    on_call = delivery(sender=sender(), name="texts_out", first_part=TEXTS_OUT_FIRST)
    families = delivery(sender=sender(), name="families", first_part=FAMILIES_FIRST, before_a_backlog=on_call.wake.set)
    received = Callbacks(
        engine, contacts, said, retries, callback_token.get_secret_value(), now=utc_now, wake_relay=wake_relay
    )
    loops: dict[str, Loop] = {}
    if policy.on_call.mobiles:
        loops["texts-on-call"] = on_call.run
    if policy.family_messages.on:
        loops["messages-to-families"] = families.run
    return FamilyMessages(
        loops,
        [callbacks.router(received), release_api.router(engine, token)],
        (notify.close, contacts.close),
    )
