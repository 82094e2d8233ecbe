"""What a family is told when something happens, beside what the agency is. No commit, no clock.

Only a policy that switches it on adds anything here: the handlers of mail stay as they are without.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.family_messages import composing, rows
from shared.events import (
    ClosureReason,
    Envelope,
    Event,
    ReferralAmended,
    ReferralReceived,
    ReferralRestricted,
    WorkItemAccepted,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemEscalated,
    WorkItemWaiting,
)
from shared.messaging.dispatch import AtOnce, Handler, Handlers
from shared.policy import Policy


async def arrive(
    events: Sequence[Envelope[ReferralReceived]], tx: AsyncConnection, *, policy: Policy, mail_domain: str
) -> None:
    await rows.keep_households(tx, composing.latest(events))
    messages = [message for event in events for message in composing.receipt(event, policy)]
    await rows.make(tx, messages, mail_domain=mail_domain)


async def amend(
    events: Sequence[Envelope[ReferralAmended]], tx: AsyncConnection, *, policy: Policy, mail_domain: str
) -> None:
    await rows.change_households(tx, composing.latest(events))
    messages = [message for event in events for message in composing.receipt(event, policy)]
    await rows.make(tx, messages, mail_domain=mail_domain)


async def tell_outcome(events: Sequence[Envelope[Any]], tx: AsyncConnection, *, mail_domain: str) -> None:
    messages = [message for event in events for message in composing.outcome(event)]
    await rows.make(tx, messages, mail_domain=mail_domain, only_known=True)


async def end_after_a_loss(events: Sequence[Envelope[WorkItemClosed]], tx: AsyncConnection) -> None:
    for event in events:
        if event.data.reason is ClosureReason.DIED:
            await rows.hold_all(tx, event.key, event.data.reference)


async def text_on_call(
    events: Sequence[Envelope[WorkItemEscalated]], tx: AsyncConnection, *, policy: Policy, mail_domain: str
) -> None:
    messages = [message for event in events for message in composing.texts_on_call(event, policy)]
    await rows.make(tx, messages, mail_domain=mail_domain)


async def use_again(events: Sequence[Envelope[ReferralRestricted]], tx: AsyncConnection) -> None:
    for event in events:
        if not event.data.is_restricted:
            await rows.use_again(tx, event.data.reference)


def with_families(heard: Handlers, policy: Policy, *, mail_domain: str) -> Handlers:
    """The handlers of mail, and after each what families are told."""
    more: dict[type[Event], Handler] = {}
    if policy.family_messages.on:
        told = partial(tell_outcome, mail_domain=mail_domain)
        more |= {
            ReferralReceived: AtOnce(partial(arrive, policy=policy, mail_domain=mail_domain)),
            ReferralAmended: partial(amend, policy=policy, mail_domain=mail_domain),
            WorkItemAccepted: told,
            WorkItemWaiting: told,
            WorkItemDeclined: told,
            WorkItemClosed: end_after_a_loss,
            ReferralRestricted: use_again,
        }
    if policy.on_call.mobiles:
        more[WorkItemEscalated] = AtOnce(partial(text_on_call, policy=policy, mail_domain=mail_domain))
    return {**heard, **{event: _both(heard[event], handler) for event, handler in more.items()}}


def _both(first: Handler, second: Handler) -> Handler:
    """One statement for a batch where both of them can be a part of it."""

    async def handle(events: Sequence[Any], tx: AsyncConnection) -> None:
        await first(events, tx)
        await second(events, tx)

    return AtOnce(handle) if isinstance(first, AtOnce) and isinstance(second, AtOnce) else handle
