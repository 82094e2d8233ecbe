"""What each event says of the rows: one function per event, with no statement and no clock."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any, Final

from services.metrics.handlers.writing import Readings, Said
from shared.events import (
    AboutMessage,
    AboutReferral,
    AboutWorkItem,
    Audience,
    DecidedBy,
    Envelope,
    Kind,
    Link,
    MessageKind,
    MessageSent,
    MessageUndeliverable,
    Mode,
    ReferralAmended,
    ReferralInformed,
    ReferralMonitored,
    ReferralReceived,
    ReferralRestricted,
    ReferralTriaged,
    ReferralWithdrawn,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
    opened_by,
)
from shared.working_time import day_in_london, months_later

PRIORITY: Final = "M1"
"""The mark of the rules for late pregnancy and young babies: the first contact is due sooner."""


def readings(support_ends_months: int) -> Readings:
    """How each event is read."""
    return {
        ReferralReceived: partial(received, support_ends_months=support_ends_months),
        ReferralAmended: partial(facts_changed, support_ends_months=support_ends_months),
        ReferralMonitored: monitored,
        ReferralRestricted: restricted,
        ReferralInformed: informed,
        ReferralWithdrawn: withdrawn,
        ReferralTriaged: triaged,
        WorkItemOpened: opened,
        WorkItemClaimed: claimed,
        WorkItemWaiting: waiting,
        WorkItemAccepted: accepted,
        WorkItemFirstContact: first_contact,
        WorkItemDeclined: declined,
        WorkItemClosed: closed,
        MessageSent: sent,
        MessageUndeliverable: undeliverable,
    }


def received(event: Envelope[ReferralReceived], said: Said, *, support_ends_months: int) -> None:
    """Whether the referral was whole is told by how it first came."""
    said.of_referral(event, received_at=event.data.received_at, is_incomplete=bool(event.data.gaps))
    facts_changed(event, said, support_ends_months=support_ends_months)


def facts_changed(event: Envelope[ReferralReceived], said: Said, *, support_ends_months: int) -> None:
    """The codes as they are now, for the counts to come."""
    data, facts = event.data, event.data.facts
    said.of_referral(event, kind=Kind.FAMILY, heard_at=event.heard_at)
    said.latest_of_referral(
        event,
        "facts_sequence",
        agency_id=data.agency_id,
        source=facts.source,
        ward=facts.place.ward,
        authority=facts.place.authority,
        carer=facts.carer,
        carer_age=facts.carer_age,
        support_ends_on=_support_ends_on(facts.infant.born_on, support_ends_months),
        family_id=data.family_id,
        is_re_referral=Link.RE_REFERRAL in facts.links,
    )
    if data.monitoring is not None:
        said.latest_of_referral(event, "monitoring_sequence", monitoring=data.monitoring)


def monitored(event: Envelope[ReferralMonitored], said: Said) -> None:
    """What equality counts need, on a topic of its own: it may come before the referral."""
    said.of_referral(event, kind=Kind.FAMILY)
    said.latest_of_referral(event, "monitoring_sequence", monitoring=event.data.monitoring)


def _support_ends_on(born_on: date | None, months: int) -> date | None:
    """The first day without support; None before birth."""
    return months_later(born_on, months) if born_on else None


def restricted(event: Envelope[ReferralRestricted], said: Said) -> None:
    """The family is counted, and left out of what is about one family."""
    said.of_referral(event, kind=event.data.about)
    said.latest_of_referral(event, "restriction_sequence", is_restricted=event.data.is_restricted)


def informed(event: Envelope[ReferralInformed], said: Said) -> None:
    """The referrer has answered: the clock runs again."""
    _change_clock(event, said, stops=False)


def withdrawn(event: Envelope[ReferralWithdrawn], said: Said) -> None:
    if _is_family(event):
        said.of_referral(event, withdrawn_at=event.occurred_at, withdrawal_reason=event.data.reason)


def triaged(event: Envelope[ReferralTriaged], said: Said) -> None:
    """The first decision counts as triaged; the latest in the stream gives tier, mode and urgency.

    Priority, once a decision gave it, stays: triage counts the first contact likewise.
    """
    if _is_family(event):
        decision, at = event.data.decision, event.occurred_at
        by_person = event.data.decided_by is DecidedBy.PERSON
        proposed = decision.mode is Mode.PROPOSE_DECLINE and event.data.decided_by is DecidedBy.MACHINE
        said.of_referral(
            event,
            triaged_at=at,
            decline_proposed_at=at if proposed else None,
            decided_at=at if by_person or decision.mode is Mode.AUTO_ROUTE else None,
            person_decided_at=at if by_person else None,
            released_at=at if event.data.is_release else None,
            is_priority=PRIORITY in decision.rules or None,
        )
        said.latest_of_referral(
            event,
            "decision_sequence",
            tier=decision.tier,
            mode=decision.mode,
            eligibility=decision.eligibility,
            urgency=decision.urgency,
        )
    for item in opened_by([event]):
        opened(item, said)


def opened(event: Envelope[WorkItemOpened], said: Said) -> None:
    """A referral is routed when the first item of it is on a team's list."""
    if _is_family(event):
        said.of_referral(event, routed_at=event.occurred_at)
    _step(event, said, opened_at=event.occurred_at)


def claimed(event: Envelope[WorkItemClaimed], said: Said) -> None:
    _step(event, said, claimed_at=event.occurred_at)


def waiting(event: Envelope[WorkItemWaiting], said: Said) -> None:
    """A question stops the clock of the referral, unless it is about safety work; a place on a list does not."""
    if event.data.waiting_for is WaitingFor.PLACE:
        _step(event, said, listed_at=event.occurred_at)
    elif event.data.waiting_for is WaitingFor.REFERRER:
        said.of_item(event, asked_at=event.occurred_at)
        if event.data.stops_clock:
            _change_clock(event, said, stops=True)


def accepted(event: Envelope[WorkItemAccepted], said: Said) -> None:
    _step(event, said, accepted_at=event.occurred_at, place=event.data.place)


def first_contact(event: Envelope[WorkItemFirstContact], said: Said) -> None:
    """On the day on which it was made, which may be before that of the event."""
    said.of_item(event, first_contact_on=event.data.on or day_in_london(event.occurred_at))


def declined(event: Envelope[WorkItemDeclined], said: Said) -> None:
    if _is_family(event):
        said.of_referral(event, declined_at=event.occurred_at)
    _step(event, said, declined_at=event.occurred_at, decline_reason=event.data.reason)


def closed(event: Envelope[WorkItemClosed], said: Said) -> None:
    data = event.data
    _step(
        event,
        said,
        ended_at=event.occurred_at,
        end_reason=data.reason,
        held_on=data.held_on,
        attendees=data.attendees,
    )


def sent(event: Envelope[MessageSent], said: Said) -> None:
    """A referral is acknowledged when its agency's first receipt was handed to the mail system."""
    is_to_agency = event.data.audience is Audience.AGENCY
    if _is_family(event) and is_to_agency and event.data.kind is MessageKind.RECEIPT:
        said.of_referral(event, acknowledged_at=event.occurred_at)
    said.of_message(event, sent_at=event.occurred_at)


def undeliverable(event: Envelope[MessageUndeliverable], said: Said) -> None:
    if _is_family(event):
        said.of_referral(event, undeliverable_at=event.occurred_at)
    said.of_message(event, undeliverable_at=event.occurred_at)


def _step(event: Envelope[AboutWorkItem], said: Said, **columns: Any) -> None:
    """Whatever a team does with an item ends a question about it."""
    said.of_item(event, **columns)
    _change_clock(event, said, stops=False)


def _change_clock(event: Envelope[AboutReferral], said: Said, *, stops: bool) -> None:
    if _is_family(event):
        said.clock_of(event, stops=stops)


def _is_family(event: Envelope[AboutReferral | AboutMessage]) -> bool:
    """Enquiries are counted apart."""
    return event.data.about is Kind.FAMILY
