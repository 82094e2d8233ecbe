"""The events, one class each."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, Field

from shared.events.codes import (
    Audience,
    Channel,
    ClosureReason,
    DecidedBy,
    DeclineReason,
    EscalationReason,
    Kind,
    Link,
    MessageKind,
    PlaceKind,
    Route,
    Tier,
    Urgency,
    WaitingFor,
    WithdrawalReason,
)
from shared.events.facts import Decision, Facts, Model, Monitoring
from shared.events.topics import EQUALITY_TOPIC, NOTIFY_TOPIC, REFERRAL_TOPIC, TRIAGE_TOPIC


class Event(Model):
    """The `data` of a CloudEvent; `type` and `topic` are the same for every event of a class."""

    type: ClassVar[str]
    topic: ClassVar[str]


class AboutReferral(Event):
    """Every event about a referral or enquiry says which, whose and what: the order across topics is not assumed."""

    reference: str
    agency_id: UUID
    about: Kind = Kind.FAMILY


class LinkedReferral(Model):
    """Another referral of the same family, and what it is to this one; `is_told` when the agency may hear of it."""

    id: UUID
    reference: str
    agency_id: UUID
    link: Link
    is_told: bool = False


class Household(Model):
    """The family may be sent messages: how they want them, and in which language (BCP 47); None: nobody said."""

    channel: Channel
    language: str | None = None


class ReferralReceived(AboutReferral):
    """A referral was accepted and stored. `linked` are other referrals of the family, `gaps` JSON pointers.

    `household` is there when the family may be sent messages as things stand now; it is asked again at sending.
    `monitoring` is read from events of before `referral.monitored.v1`, and never said any more.
    """

    type: ClassVar[str] = "referral.received.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    version: int = 1
    received_at: AwareDatetime
    expected_by: date
    family_id: UUID
    facts: Facts
    monitoring: Monitoring | None = Field(default=None, exclude_if=lambda value: value is None)
    linked: tuple[LinkedReferral, ...] = ()
    gaps: tuple[str, ...] = ()
    household: Household | None = Field(default=None, exclude_if=lambda value: value is None)


class ReferralAmended(ReferralReceived):
    """The whole of the facts after an amendment; the first received time is kept.

    New facts have a `version` of their own, counted from 2. With the version there is, only what is counted or listed
    beside the facts has changed: there is nothing to decide. `by_agency` False: the agency sent nothing; another
    referral of the family came, changed or went.
    """

    type: ClassVar[str] = "referral.amended.v1"
    by_agency: bool = True


class ReferralMonitored(AboutReferral):
    """What equality counts need of a referral, as it is now. Said when it comes, if anything is known, and anew."""

    type: ClassVar[str] = "referral.monitored.v1"
    topic: ClassVar[str] = EQUALITY_TOPIC
    monitoring: Monitoring


class ReferralInformed(AboutReferral):
    """The referrer answered a request for more information: the clock runs again."""

    type: ClassVar[str] = "referral.informed.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC


class ReferralChallenged(AboutReferral):
    """The referrer asks to look again at a decline, once; their words stay in the referral service."""

    type: ClassVar[str] = "referral.challenged.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC


class ReferralWithdrawn(AboutReferral):
    type: ClassVar[str] = "referral.withdrawn.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    reason: WithdrawalReason


class FamilyReplied(AboutReferral):
    """Somebody has answered a text message of ours; the words are not kept, so a person has to ring."""

    type: ClassVar[str] = "family.replied.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC


class FamilyJudged(AboutReferral):
    """A person said whether the other referrals are of the same family; `is_same` None takes back what was said."""

    type: ClassVar[str] = "family.judged.v1"
    topic: ClassVar[str] = TRIAGE_TOPIC
    others: tuple[UUID, ...]
    is_same: bool | None


class ReferralRestricted(AboutReferral):
    """The family's records are kept and not used (UK GDPR, article 18), but in a danger; or they are used again."""

    type: ClassVar[str] = "referral.restricted.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    is_restricted: bool


class ReferralErased(AboutReferral):
    """The family's keys were destroyed: drop what you hold about this referral."""

    type: ClassVar[str] = "referral.erased.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC


class EnquiryReceived(AboutReferral):
    """A consultation or training request: no child, counted apart from referrals."""

    type: ClassVar[str] = "enquiry.received.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    received_at: AwareDatetime
    expected_by: date
    facts: Facts
    people: int


class AgencyUpdated(Event):
    """An agency was added or changed; key = agency id. The inbox is a team's, never one person's.

    `revoked_keys` counts those of its keys that work no more: after a restore it tells that some are back.
    """

    type: ClassVar[str] = "agency.updated.v1"
    topic: ClassVar[str] = REFERRAL_TOPIC
    slug: str
    name: str
    team_inbox: str
    source: str
    active: bool = True
    revoked_keys: int = 0


class OpenedItem(Model):
    """A work item that a decision opened: with the decision's tier and urgency."""

    work_item_id: UUID
    route: Route
    due_at: AwareDatetime
    waiting_list: bool = False


class ReferralTriaged(AboutReferral):
    """A decision, of the machine or a person, on one version of a referral (or on an enquiry).

    `is_release`: made again because the family's ward has opened; nothing the agency sent has changed. `opened`: the
    work items that it opened at once, which have no `work-item.opened` of their own (`opened_by`).
    """

    type: ClassVar[str] = "referral.triaged.v1"
    topic: ClassVar[str] = TRIAGE_TOPIC
    decision_id: UUID
    version: int
    decided_by: DecidedBy
    decision: Decision
    is_release: bool = False
    opened: tuple[OpenedItem, ...] = ()


class AboutWorkItem(AboutReferral):
    topic: ClassVar[str] = TRIAGE_TOPIC
    work_item_id: UUID
    route: Route


class WorkItemOpened(AboutWorkItem):
    """Work is on a team's list. `reopens`: it was closed or declined before, which no longer counts."""

    type: ClassVar[str] = "work-item.opened.v1"
    tier: Tier | None
    urgency: Urgency
    due_at: AwareDatetime
    waiting_list: bool = False
    reopens: bool = False


class WorkItemDueMoved(AboutWorkItem):
    """When a team is to have met the family is another day now: a clock stood still, or more is known of the family."""

    type: ClassVar[str] = "work-item.due-moved.v1"
    due_at: AwareDatetime


class WorkItemClaimed(AboutWorkItem):
    type: ClassVar[str] = "work-item.claimed.v1"


class WorkItemWaiting(AboutWorkItem):
    """It waits: on the referrer (information asked) or on a free place (waiting list).

    A question to the referrer stops the clock of the referral unless `stops_clock` is False: that of safety work runs.
    """

    type: ClassVar[str] = "work-item.waiting.v1"
    waiting_for: WaitingFor
    stops_clock: bool = True


class WorkItemAccepted(AboutWorkItem):
    """A team took it on; `place` is None for work that needs none, and in events of before it was told."""

    type: ClassVar[str] = "work-item.accepted.v1"
    place: PlaceKind | None = None


class WorkItemDeclined(AboutWorkItem):
    """A person confirmed a decline, with a coded reason."""

    type: ClassVar[str] = "work-item.declined.v1"
    reason: DeclineReason


class WorkItemFirstContact(AboutWorkItem):
    """The family was met or spoken to `on` that day in London; older events do not say it: it is their own day."""

    type: ClassVar[str] = "work-item.first-contact.v1"
    on: date | None = None


class WorkItemClosed(AboutWorkItem):
    """Ended. Of a consultation or training that took place: on which day, and how many came.

    `tells_referrer`: a lead ended what nobody had taken on, or a proposed decline, so the referrer hears of it.
    """

    type: ClassVar[str] = "work-item.closed.v1"
    reason: ClosureReason
    tells_referrer: bool = False
    attendees: int | None = None
    held_on: date | None = None


class WorkItemEscalated(AboutWorkItem):
    type: ClassVar[str] = "work-item.escalated.v1"
    reason: EscalationReason


class CapacityChanged(Event):
    """How many places a route has from now on. Key = `capacity_key(route)`: no referral is meant."""

    type: ClassVar[str] = "capacity.changed.v1"
    topic: ClassVar[str] = TRIAGE_TOPIC
    route: Route
    individual: int
    group: int


def capacity_key(route: Route) -> UUID:
    """The same key for the same route, so that its changes keep their order."""
    return uuid5(NAMESPACE_URL, f"urn:pir:capacity:{route.value}")


class AboutMessage(AboutReferral):
    topic: ClassVar[str] = NOTIFY_TOPIC
    message_id: UUID
    kind: MessageKind
    channel: Channel = Channel.EMAIL
    audience: Audience = Field(default=Audience.AGENCY, exclude_if=lambda value: value is Audience.AGENCY)


class MessageSent(AboutMessage):
    """Handed to the mail system, or to the sender of texts and letters."""

    type: ClassVar[str] = "message.sent.v1"


class MessageDelivered(AboutMessage):
    type: ClassVar[str] = "message.delivered.v1"


class MessageUndeliverable(AboutMessage):
    """Refused for good, or tried without success for as long as the settings say: a person has to act."""

    type: ClassVar[str] = "message.undeliverable.v1"
