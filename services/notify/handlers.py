"""What is said when something happens: messages are made, to be sent by delivery.py. No commit, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import composing, rows
from services.notify.family_messages.handlers import with_families
from services.notify.messages import Message
from services.notify.sending_rules import Caps
from shared.events import (
    AgencyUpdated,
    EnquiryReceived,
    Envelope,
    ReferralAmended,
    ReferralChallenged,
    ReferralErased,
    ReferralReceived,
    ReferralRestricted,
    ReferralTriaged,
    ReferralWithdrawn,
    WorkItemAccepted,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemEscalated,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.messaging.dispatch import AtOnce, Handler, Handlers
from shared.policy import Policy

Compose = Callable[[Envelope[Any], Policy], list[Message]]
NO_CAPS: Final = Caps()


async def make_messages(
    events: Sequence[Envelope[Any]],
    tx: AsyncConnection,
    *,
    compose: Compose,
    policy: Policy,
    mail_domain: str,
    caps: Caps,
) -> None:
    """Whatever `compose` says about each event, stored in one statement; a message that is there already stays."""
    messages = [message for event in events for message in compose(event, policy)]
    await rows.make(tx, messages, mail_domain=mail_domain, caps=caps, now=events[0].heard_at)


async def keep_agencies(events: Sequence[Envelope[AgencyUpdated]], tx: AsyncConnection) -> None:
    """The latest of each agency; its key is the agency's id."""
    await rows.keep_agencies(tx, list({event.key: event for event in events}.values()))


async def restrict(events: Sequence[Envelope[ReferralRestricted]], tx: AsyncConnection, *, caps: Caps) -> None:
    """What is routine waits while a family's records may not be used; what is urgent goes."""
    for event in events:
        await rows.restrict(tx, event, caps=caps)


async def erase(events: Sequence[Envelope[ReferralErased]], tx: AsyncConnection) -> None:
    """Erased: messages about the referral go, sent or not."""
    await rows.forget(tx, {event.key: event.data.reference for event in events})


def handlers(policy: Policy, *, mail_domain: str, caps: Caps = NO_CAPS) -> Handlers:
    """What notify does with each event it hears."""

    def tell(compose: Compose) -> Handler:
        return AtOnce(partial(make_messages, compose=compose, policy=policy, mail_domain=mail_domain, caps=caps))

    heard: Handlers = {
        ReferralReceived: tell(composing.on_arrival),
        ReferralAmended: tell(composing.on_arrival),
        EnquiryReceived: tell(composing.on_arrival),
        ReferralWithdrawn: tell(composing.on_withdrawal),
        ReferralChallenged: tell(composing.on_challenge),
        ReferralTriaged: tell(composing.on_decision),
        WorkItemOpened: tell(composing.on_opened),
        WorkItemWaiting: tell(composing.on_waiting),
        WorkItemAccepted: tell(composing.on_accepted),
        WorkItemDeclined: tell(composing.on_declined),
        WorkItemClosed: tell(composing.on_closed),
        WorkItemEscalated: tell(composing.on_escalation),
        AgencyUpdated: keep_agencies,
        ReferralRestricted: partial(restrict, caps=caps),
        ReferralErased: erase,
    }
    return with_families(heard, policy, mail_domain=mail_domain)
