"""From what happened to the messages that a family gets, and the texts to the people on call: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from services.notify import composing, sending_rules
from services.notify.content import Content, Outcome, State
from services.notify.family_messages.words import OUTCOMES
from services.notify.messages import Message
from shared.contact_holds import contact_holds
from shared.events import (
    Audience,
    Channel,
    Envelope,
    MessageKind,
    ReferralAmended,
    ReferralReceived,
    Route,
    WaitingFor,
    WorkItemAccepted,
    WorkItemDeclined,
    WorkItemEscalated,
    WorkItemWaiting,
)
from shared.messaging.outbox import because_of
from shared.policy import Policy
from shared.working_time import day_in_london, due_on

OWN_ACCORD: Final = frozenset({"B1", "B2"})
"""Sources of families who asked themselves: /help promises them word by the day of a decision."""
OF_FAMILIES: Final = frozenset({Route.UNIVERSAL, Route.TARGETED, Route.PIR_SHORT, Route.PIR_LONG})
"""Work that families know of. Of work on a danger, a loss or a doubt nothing is said by itself."""
_RECEIPT: Final = "family"


def receipt(event: Envelope[ReferralReceived], policy: Policy) -> list[Message]:
    """One for each referral, when it is first known that the family may be written to, while the day is to come."""
    data = event.data
    if data.household is None:
        return []
    by = _promised(event, policy)
    if by < day_in_london(event.heard_at) and isinstance(data, ReferralAmended):
        return []
    holds = contact_holds(data.facts, at=data.received_at, policy=policy)
    may_go = sending_rules.may_send(MessageKind.RECEIPT, Audience.HOUSEHOLD, holds)
    state = State.DUE if may_go else State.HELD
    content = Content(by=by)
    return [_to_family(event, MessageKind.RECEIPT, _RECEIPT, content, channel=data.household.channel, state=state)]


def _promised(event: Envelope[ReferralReceived], policy: Policy) -> date:
    data, times = event.data, policy.working_time
    if data.facts.source in OWN_ACCORD:
        return data.expected_by
    return due_on(data.received_at, days=times.first_contact_days, hours=times)


Step = WorkItemAccepted | WorkItemWaiting | WorkItemDeclined


def outcome(event: Envelope[Step]) -> list[Message]:
    """What a team did, of the work that families know of; the channel is that of the family (rows.py)."""
    data = event.data
    if data.route not in OF_FAMILIES or (
        isinstance(data, WorkItemWaiting) and data.waiting_for is not WaitingFor.PLACE
    ):
        return []
    found = {
        WorkItemAccepted: Outcome.ACCEPTED,
        WorkItemWaiting: Outcome.WAITING,
        WorkItemDeclined: Outcome.DECLINED,
    }[type(data)]
    assert found in OUTCOMES  # noqa: S101  a sentence for each
    occasion = f"{_RECEIPT}/{event.id}"
    return [_to_family(event, MessageKind.OUTCOME, occasion, Content(outcome=found), channel=Channel.SMS)]


def texts_on_call(event: Envelope[WorkItemEscalated], policy: Policy) -> list[Message]:
    """Beside the mail to the person on call, one to each of their numbers, which the policy has."""
    return [
        replace(
            mail,
            occasion=f"{mail.occasion}/text/{number}",
            content=mail.content.model_copy(update={"mobile": number}),
            channel=Channel.SMS,
        )
        for mail in composing.on_escalation(event, policy)
        for number in range(len(policy.on_call.mobiles))
    ]


def _to_family(
    event: Envelope[Any],
    kind: MessageKind,
    occasion: str,
    content: Content,
    *,
    channel: Channel,
    state: State = State.DUE,
) -> Message:
    return Message(
        referral_id=event.key,
        reference=event.data.reference,
        agency_id=event.data.agency_id,
        kind=kind,
        occasion=occasion,
        state=state,
        content=content,
        at=event.occurred_at,
        cause=because_of(event),
        audience=Audience.HOUSEHOLD,
        channel=channel,
    )


def latest(events: Sequence[Envelope[ReferralReceived]]) -> list[Envelope[ReferralReceived]]:
    """The last of each referral."""
    return list({event.key: event for event in events}.values())
