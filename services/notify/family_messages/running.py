"""The parts of this package put together, where a policy switches it on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.delivery import Delivery
from services.notify.family_messages import callbacks, words
from services.notify.family_messages.asking import Asking
from services.notify.family_messages.callbacks import Callbacks
from services.notify.family_messages.contacts import ContactsClient
from services.notify.family_messages.sending import FamilySender, Items
from services.notify.messages import FAMILIES_FIRST, TEXTS_OUT_FIRST
from services.notify.senders.govuk_notify import GovukNotify
from services.notify.sending_rules import Retries
from services.notify.settings import Settings
from services.notify.tables import SCHEMA
from services.notify.writing import utc_now
from shared.internal_client import Called
from shared.policy import Policy


class Parts(NamedTuple):
    on_call: Delivery
    families: Delivery
    callbacks: APIRouter
    asking: Asking
    notify: GovukNotify
    contacts: ContactsClient


def put_together(
    settings: Settings,
    policy: Policy,
    *,
    engine: AsyncEngine,
    by_key: AsyncEngine,
    retries: Retries,
    wake_relay: Callable[[], None],
) -> Parts:
    """Key, token and templates are there. Raises InvalidPolicyError for a text that would take more than two parts."""
    key, token = settings.govuk_notify_key, settings.govuk_notify_callback_token
    assert key  # noqa: S101  wiring.py looks
    assert token  # noqa: S101  likewise
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
    received = Callbacks(engine, contacts, said, retries, token.get_secret_value(), now=utc_now, wake_relay=wake_relay)
    asking = Asking(engine, notify, received, utc_now)
    return Parts(on_call, families, callbacks.router(received), asking, notify, contacts)
