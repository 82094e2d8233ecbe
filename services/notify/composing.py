"""From what happened to the messages that say so: one pure function per event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final
from uuid import uuid5

from services.notify import sending_rules
from services.notify.content import Content, Next, Outcome, State
from services.notify.messages import Message
from shared.contact_holds import contact_holds
from shared.events import (
    AFTER_A_LOSS,
    Audience,
    ClosureReason,
    DecidedBy,
    Decision,
    EnquiryReceived,
    Envelope,
    EscalationReason,
    Hold,
    Link,
    MessageKind,
    Mode,
    ReferralAmended,
    ReferralChallenged,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    Route,
    Urgency,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemEscalated,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.messaging.outbox import because_of
from shared.policy import Policy
from shared.working_time import day_in_london

Arrived = ReferralReceived | EnquiryReceived

CALLS_OUT: Final = frozenset(
    {EscalationReason.UNOPENED_FIRST, EscalationReason.UNOPENED_SECOND, EscalationReason.STILL_OPEN}
)
"""What runs on the wall clock; any other escalation stays in the queues."""


def on_arrival(event: Envelope[Arrived], policy: Policy) -> list[Message]:
    """A receipt per version that the agency sent; once a person confirmed that another agency referred too, a word.

    It names no day in a danger, which a person reads at once, nor for a change: the decision on it names its own.
    """
    data = event.data
    if isinstance(data, ReferralAmended) and not data.by_agency:
        return _of_confirmed_links(event)
    version = data.version if isinstance(data, ReferralReceived) else 1
    must_ring = data.facts.tells_of_danger
    holds = contact_holds(data.facts, at=data.received_at, policy=policy)
    content = Content(
        about=data.facts.kind,
        version=version,
        by=None if version > 1 or must_ring else _still_to_come(data.expected_by, event),
        must_ring=must_ring,
        is_loss=Hold.C1 in holds,
    )
    receipt = _message(
        event, MessageKind.RECEIPT, str(version), content, holds=holds, version=version, is_urgent=content.must_ring
    )
    return [receipt, *_of_confirmed_links(event)]


def _of_confirmed_links(event: Envelope[Arrived]) -> list[Message]:
    """Once for each referral that a person has confirmed to be of the same family, about the agency's own."""
    linked = event.data.linked if isinstance(event.data, ReferralReceived) else ()
    return [
        _message(event, MessageKind.DUPLICATE, str(uuid5(event.key, each.id.hex)), Content())
        for each in linked
        if each.link is Link.DUPLICATE and each.is_told
    ]


def on_decision(event: Envelope[ReferralTriaged], policy: Policy) -> list[Message]:
    """The machine's: one decision message per version. A person's, or a ward's opening: an outcome of its own."""
    data, decision = event.data, event.data.decision
    is_routed, is_asked = decision.mode is Mode.AUTO_ROUTE, Route.INFO_REQUEST in decision.routes
    waits = (Route.PHASE_HOLD,) if decision.waits_for_ward else ()
    content = Content(
        about=data.about,
        version=data.version,
        by=None if is_routed or is_asked or waits else _still_to_come(_decided_on(event, policy), event),
        must_ring=not sending_rules.RING_RULES.isdisjoint(decision.rules),
        is_loss=Hold.C1 in decision.holds,
        is_asked=is_asked,
        next=Next.ROUTED if is_routed else Next.PERSON,
        outcome=Outcome.RELEASED if data.is_release else Outcome.DECIDED,
        routes=decision.routes if is_routed else waits,
        is_waiting_list=is_routed and "M8" in decision.rules,
        ward=_ward_of(decision) if waits else None,
    )
    kind, occasion = (
        (MessageKind.DECISION, str(data.version))
        if data.decided_by is DecidedBy.MACHINE and not data.is_release
        else (MessageKind.OUTCOME, str(data.decision_id))
    )
    is_urgent = decision.urgency is not Urgency.ROUTINE
    return [_message(event, kind, occasion, content, holds=decision.holds, version=data.version, is_urgent=is_urgent)]


def _ward_of(decision: Decision) -> str | None:
    """The ward that a place rule used: in the machine's decisions, for a person's name none."""
    wards = (reason.facts.get("ward") for reason in decision.reasons)
    return next((ward for ward in wards if isinstance(ward, str)), None)


def _decided_on(event: Envelope[ReferralTriaged], policy: Policy) -> date:
    return policy.decided_by_person_on(event.data.decision.urgency, at=event.occurred_at)


def _still_to_come(day: date, event: Envelope[Any]) -> date | None:
    """A day that has passed when the event is heard (a late amendment, an outage) is no promise any more."""
    return day if day >= day_in_london(event.heard_at) else None


def on_waiting(event: Envelope[WorkItemWaiting], _: Policy) -> list[Message]:
    """Information asked from the referrer, or a person put the family on a waiting list; each time is a message."""
    data = event.data
    if data.waiting_for is not WaitingFor.REFERRER:
        content = Content(about=data.about, outcome=Outcome.WAITING, routes=(data.route,), is_waiting_list=True)
        return [_message(event, MessageKind.OUTCOME, str(event.id), content)]
    content = Content(about=data.about, routes=(data.route,))
    return [_message(event, MessageKind.INFORMATION_REQUEST, str(event.id), content, is_urgent=True)]


def on_accepted(event: Envelope[WorkItemAccepted], _: Policy) -> list[Message]:
    content = Content(about=event.data.about, outcome=Outcome.ACCEPTED, routes=(event.data.route,))
    return [_message(event, MessageKind.OUTCOME, f"{event.data.work_item_id}/accepted", content)]


def on_declined(event: Envelope[WorkItemDeclined], _: Policy) -> list[Message]:
    data = event.data
    content = Content(
        about=data.about,
        outcome=Outcome.DECLINED,
        routes=(data.route,),
        reason=data.reason,
        is_loss=data.route in AFTER_A_LOSS,
    )
    return [_message(event, MessageKind.OUTCOME, f"{event.data.work_item_id}/declined", content)]


def on_challenge(event: Envelope[ReferralChallenged], _: Policy) -> list[Message]:
    content = Content(about=event.data.about, outcome=Outcome.CHALLENGED)
    return [_message(event, MessageKind.OUTCOME, "challenged", content)]


def on_opened(event: Envelope[WorkItemOpened], _: Policy) -> list[Message]:
    """Work that was opened again; items that one step opens together (at one moment) are one message."""
    data = event.data
    if not data.reopens:
        return []
    content = Content(about=data.about, outcome=Outcome.REOPENED)
    return [_message(event, MessageKind.OUTCOME, f"reopened/{event.occurred_at.isoformat()}", content)]


def on_closed(event: Envelope[WorkItemClosed], _: Policy) -> list[Message]:
    """A lead ended what nobody had taken on; any other end is told by those who worked with the family."""
    data = event.data
    if not data.tells_referrer:
        return []
    content = Content(
        about=data.about,
        outcome=Outcome.CLOSED,
        closed=data.reason,
        is_loss=data.route in AFTER_A_LOSS or data.reason is ClosureReason.DIED,
    )
    return [_message(event, MessageKind.OUTCOME, str(event.id), content)]


def on_withdrawal(event: Envelope[ReferralWithdrawn], _: Policy) -> list[Message]:
    return [_message(event, MessageKind.WITHDRAWAL, "withdrawn", Content(about=event.data.about))]


def on_escalation(event: Envelope[WorkItemEscalated], _: Policy) -> list[Message]:
    """Only what runs on the wall clock goes to the on-call contact, again with each reminder of triage's."""
    reason = event.data.reason
    if reason not in CALLS_OUT:
        return []
    content = Content(
        about=event.data.about,
        routes=(event.data.route,),
        is_again=reason is EscalationReason.UNOPENED_SECOND,
        is_opened=reason is EscalationReason.STILL_OPEN,
    )
    return [_message(event, MessageKind.ON_CALL, str(event.id), content, audience=Audience.ON_CALL)]


def _message(
    event: Envelope[Any],
    kind: MessageKind,
    occasion: str,
    content: Content,
    *,
    audience: Audience = Audience.AGENCY,
    holds: Iterable[Hold] = (),
    version: int | None = None,
    is_urgent: bool = False,
) -> Message:
    """Stored in any case; what may not go by itself is held."""
    return Message(
        referral_id=event.key,
        reference=event.data.reference,
        agency_id=event.data.agency_id,
        kind=kind,
        occasion=occasion,
        state=State.DUE if sending_rules.may_send(kind, audience, frozenset(holds)) else State.HELD,
        content=content,
        at=event.occurred_at,
        cause=because_of(event),
        audience=audience,
        version=version,
        is_urgent=is_urgent,
    )
