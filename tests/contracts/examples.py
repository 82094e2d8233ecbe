"""One event of every class, each member filled, made from fixed values: what the stored samples were made from."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from shared import events
from shared.events import Event, Facts, Infant, Kind, Link, Place, PlaceQuality, Route, Tier, Urgency

AT: Final = datetime(2026, 6, 15, 9, 30, 15, 250_000, tzinfo=UTC)
DAY: Final = date(2026, 6, 22)


def an_id(number: int) -> UUID:
    return UUID(f"019a0000-0000-7000-8000-{number:012x}")


_ABOUT: Final[dict[str, Any]] = {"reference": "PIR-4K7-29M", "agency_id": an_id(2), "about": Kind.FAMILY}
_ITEM: Final[dict[str, Any]] = {**_ABOUT, "work_item_id": an_id(5), "route": Route.PIR_SHORT}
_MESSAGE: Final[dict[str, Any]] = {
    **_ABOUT,
    "message_id": an_id(6),
    "kind": events.MessageKind.RECEIPT,
    "audience": events.Audience.HOUSEHOLD,
}

FACTS: Final = Facts(
    kind=Kind.FAMILY,
    source="A2",
    infant=Infant(born_on=date(2026, 1, 15), due_on=date(2026, 1, 20), count=2),
    place=Place(ward="E05012275", authority="E06000018", quality=PlaceQuality.KNOWN),
    consent=events.Consent.GIVEN,
    concern=events.Concern(severity=events.Severity.MODERATE, domains=(events.Domain.MAIN_CARER,)),
    risk_factors=(events.RiskFactor.ISOLATION,),
    complex_history=(events.ComplexHistory.COMPLEX_TRAUMA,),
    safety=(events.Safety.DOMESTIC_ABUSE,),
    mental_health=events.MentalHealth.MILD,
    care_status=events.CareStatus.CP_PLAN,
    carer=events.Carer.MOTHER,
    carer_age=29,
    accessible_information=True,
    circumstances=(events.Circumstance.PLANNED_MOVE_OUT,),
    links=(Link.DUPLICATE,),
    safety_words=True,
    requested_tier=Tier.SPECIALIST_SHORT,
    nhs_number=events.NhsNumber.VALID,
    full_routes=(Route.PIR_LONG,),
)
_RECEIVED: Final[dict[str, Any]] = {
    **_ABOUT,
    "received_at": AT,
    "expected_by": DAY,
    "family_id": an_id(3),
    "facts": FACTS,
    "linked": (events.LinkedReferral(id=an_id(4), reference="PIR-7Q2-6XY", agency_id=an_id(7), link=Link.DUPLICATE),),
    "gaps": ("/consent/status",),
    "household": events.Household(channel=events.Channel.SMS, language="pl"),
}
DECISION: Final = events.Decision(
    eligibility=events.Eligibility.ELIGIBLE,
    mode=events.Mode.AUTO_ROUTE,
    tier=Tier.SPECIALIST_SHORT,
    routes=(Route.PIR_SHORT,),
    urgency=Urgency.URGENT,
    rules=("E4", "E8", "N3"),
    reasons=(
        events.Reason(rule="N3", text="Short-term support fits what was described.", facts={"severity": "moderate"}),
    ),
    holds=(events.Hold.C2,),
    policy=events.PolicyRef(id="nottingham", version=1),
)

EXAMPLES: Final[tuple[Event, ...]] = (
    events.ReferralReceived(version=1, **_RECEIVED),
    events.ReferralAmended(version=2, **_RECEIVED),
    events.ReferralMonitored(
        **_ABOUT,
        monitoring=events.Monitoring(
            baby_ethnicity="J",
            mother_ethnicity="J",
            father_ethnicity="Z",
            language="ur",
            parent_was_asked=True,
            deprivation_decile=2,
        ),
    ),
    events.ReferralInformed(**_ABOUT),
    events.ReferralChallenged(**_ABOUT),
    events.ReferralWithdrawn(reason=events.WithdrawalReason.MOVED_AWAY, **_ABOUT),
    events.ReferralRestricted(is_restricted=True, **_ABOUT),
    events.ReferralErased(**_ABOUT),
    events.FamilyReplied(**_ABOUT),
    events.FamilyJudged(**_ABOUT, others=(an_id(4),), is_same=True),
    events.EnquiryReceived(
        **_ABOUT | {"about": Kind.CONSULTATION},
        received_at=AT,
        expected_by=DAY,
        facts=Facts(kind=Kind.CONSULTATION, source="C2"),
        people=3,
    ),
    events.AgencyUpdated(
        slug="nursery", name="Sunflower nursery, invented", team_inbox="nursery@agency.example.org", source="C2"
    ),
    events.ReferralTriaged(
        decision_id=an_id(8),
        version=1,
        decided_by=events.DecidedBy.MACHINE,
        decision=DECISION,
        opened=(events.OpenedItem(work_item_id=an_id(5), route=Route.PIR_SHORT, due_at=AT, waiting_list=True),),
        **_ABOUT,
    ),
    events.WorkItemOpened(tier=Tier.SPECIALIST_SHORT, urgency=Urgency.URGENT, due_at=AT, waiting_list=True, **_ITEM),
    events.WorkItemDueMoved(due_at=AT, **_ITEM),
    events.WorkItemClaimed(**_ITEM),
    events.WorkItemWaiting(waiting_for=events.WaitingFor.REFERRER, **_ITEM),
    events.WorkItemAccepted(place=events.PlaceKind.GROUP, **_ITEM),
    events.WorkItemDeclined(reason=events.DeclineReason.OVER_AGE, **_ITEM),
    events.WorkItemFirstContact(on=DAY, **_ITEM),
    events.WorkItemClosed(reason=events.ClosureReason.COMPLETED, attendees=12, held_on=DAY, **_ITEM),
    events.WorkItemEscalated(reason=events.EscalationReason.UNOPENED_FIRST, **_ITEM),
    events.CapacityChanged(route=Route.PIR_SHORT, individual=40, group=16),
    events.MessageSent(**_MESSAGE),
    events.MessageDelivered(**_MESSAGE),
    events.MessageUndeliverable(**_MESSAGE),
)


def as_row(event: Event) -> dict[str, Any]:
    """As the outbox keeps it."""
    return {
        "id": an_id(1),
        "key": an_id(2) if isinstance(event, events.AgencyUpdated) else an_id(9),
        "sequence": 1,
        "type": event.type,
        "topic": event.topic,
        "occurred_at": AT,
        "correlation_id": an_id(10),
        "causation_id": an_id(11),
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
