"""Which messages an event gives rise to, to whom, and that the same event never gives another one."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notify import composing
from services.notify.content import Next, Outcome, State
from services.notify.messages import Message, message_id_header
from shared.events import (
    AboutWorkItem,
    Audience,
    Circumstance,
    ClosureReason,
    Consent,
    DecidedBy,
    DeclineReason,
    EnquiryReceived,
    Envelope,
    EscalationReason,
    Event,
    Facts,
    Kind,
    Link,
    LinkedReferral,
    MentalHealth,
    MessageKind,
    Mode,
    ReferralAmended,
    ReferralChallenged,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    Route,
    Safety,
    Urgency,
    WaitingFor,
    WithdrawalReason,
    WorkItemAccepted,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemEscalated,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.messaging.outbox import PARTS, part_of
from tests.builders import SHERWOOD, TODAY, a_family, a_policy, an_enquiry, decided, elsewhere, noon, not_open_yet

REFERRAL, OTHER = UUID(int=1), UUID(int=2)
AGENCY, OTHER_AGENCY = UUID(int=11), UUID(int=12)
NOON = noon(TODAY)
ITEM, DECISION = UUID(int=21), UUID(int=31)
REFERENCE, OTHER_REFERENCE = "PIR-4K7-29M", "PIR-6H3-PQR"
ABOUT: dict[str, Any] = {"reference": REFERENCE, "agency_id": AGENCY}


def an_envelope(data: Event, *, id_: int = 99, at: datetime = NOON) -> Envelope[Any]:
    return Envelope(
        id=UUID(int=id_), key=REFERRAL, type=data.type, source="/pir/test", sequence=1, occurred_at=at,
        correlation_id=UUID(int=7), causation_id=None, traceparent=None, heard_at=at, data=data,
    )  # fmt: skip


def received(
    facts: Facts | None = None, *, version: int = 1, links: tuple[Link, ...] = (), is_told: bool = False
) -> Envelope[Any]:
    linked = tuple(
        LinkedReferral(id=OTHER, reference=OTHER_REFERENCE, agency_id=OTHER_AGENCY, link=link, is_told=is_told)
        for link in links
    )
    event = ReferralReceived if version == 1 else ReferralAmended
    return an_envelope(
        event(
            **ABOUT, version=version, received_at=noon(TODAY), expected_by=date(2026, 6, 22), family_id=UUID(int=5),
            facts=facts or a_family(), linked=linked,
        )
    )  # fmt: skip


def triaged(
    facts: Facts, *, version: int = 1, by: DecidedBy = DecidedBy.MACHINE, is_release: bool = False, id_: int = 99
) -> Envelope[Any]:
    event = ReferralTriaged(
        **ABOUT, about=facts.kind, decision_id=DECISION, version=version, decided_by=by, decision=decided(facts),
        is_release=is_release,
    )  # fmt: skip
    return an_envelope(event, id_=id_)


def an_item(event: type[AboutWorkItem], *, route: Route = Route.PIR_SHORT, id_: int = 99, **more: Any) -> Envelope[Any]:
    return an_envelope(event(**ABOUT, work_item_id=ITEM, route=route, **more), id_=id_)


def only(messages: list[Message]) -> Message:
    assert len(messages) == 1
    return messages[0]


def the(compose: Callable[..., list[Message]], event: Envelope[Any]) -> Message:
    return only(compose(event, a_policy()))


def test_a_referral_is_acknowledged_to_its_agency() -> None:
    message = the(composing.on_arrival, received())
    assert (message.kind, message.audience, message.agency_id) == (MessageKind.RECEIPT, Audience.AGENCY, AGENCY)
    assert (message.state, message.version, message.content.by) == (State.DUE, 1, date(2026, 6, 22))


@pytest.mark.parametrize(
    ("facts", "is_urgent"),
    [(a_family(), False), (a_family(safety=[Safety.IMMEDIATE_DANGER]), True),
     (a_family(mental_health=MentalHealth.PSYCHOSIS_SUSPECTED), True)],
)  # fmt: skip
def test_what_tells_of_a_danger_waits_for_no_collected_mail(facts: Facts, is_urgent: bool) -> None:
    assert the(composing.on_arrival, received(facts)).is_urgent is is_urgent
    assert the(composing.on_decision, triaged(facts)).is_urgent is is_urgent


def test_a_message_follows_from_its_event() -> None:
    cause = the(composing.on_arrival, received()).cause
    assert (cause.correlation_id, cause.causation_id) == (UUID(int=7), UUID(int=99))


def test_an_enquiry_is_acknowledged_as_what_it_is() -> None:
    event = an_envelope(
        EnquiryReceived(
            **ABOUT, about=Kind.TRAINING, received_at=noon(TODAY), expected_by=TODAY, facts=an_enquiry(Kind.TRAINING),
            people=8,
        )
    )  # fmt: skip
    message = the(composing.on_arrival, event)
    assert (message.kind, message.content.about) == (MessageKind.RECEIPT, Kind.TRAINING)


def test_the_same_event_gives_the_same_message() -> None:
    assert the(composing.on_arrival, received()).id == the(composing.on_arrival, received()).id


def test_each_version_has_a_receipt_and_a_decision_of_its_own() -> None:
    messages = [
        the(compose, event)
        for version in (1, 2)
        for compose, event in (
            (composing.on_arrival, received(version=version)),
            (composing.on_decision, triaged(a_family(), version=version)),
        )
    ]
    assert len({message.id for message in messages}) == 4


def test_the_same_version_told_again_is_the_receipt_there_is() -> None:
    told = received()
    again = an_envelope(ReferralAmended(**told.data.model_dump()), id_=1)
    assert the(composing.on_arrival, again).id == the(composing.on_arrival, told).id


def test_a_decision_that_is_published_twice_is_one_message() -> None:
    once, again = (the(composing.on_decision, triaged(a_family(), id_=number)) for number in (1, 2))
    assert once.id == again.id


def test_a_late_amendment_promises_no_day_that_has_passed() -> None:
    event = received(version=2)
    late = an_envelope(event.data, at=noon(TODAY) + timedelta(days=30))
    assert the(composing.on_arrival, late).content.by is None


def test_an_agency_hears_of_another_referral_once_a_person_has_confirmed_it() -> None:
    assert len(composing.on_arrival(received(links=(Link.DUPLICATE,)), a_policy())) == 1
    receipt, word = composing.on_arrival(received(links=(Link.DUPLICATE, Link.SIBLING_OPEN), is_told=True), a_policy())
    assert receipt.kind is MessageKind.RECEIPT
    assert word.kind is MessageKind.DUPLICATE
    assert (word.referral_id, word.reference, word.agency_id) == (REFERRAL, REFERENCE, AGENCY)
    assert OTHER.hex not in word.occasion.replace("-", "")


def test_it_hears_of_it_once_whatever_is_amended_later() -> None:
    told = [received(version=v, links=(Link.DUPLICATE,), is_told=True) for v in (1, 2, 3)]
    assert len({composing.on_arrival(each, a_policy())[1].id for each in told}) == 1


def test_what_the_agency_did_not_send_has_no_receipt() -> None:
    event = received(version=2, links=(Link.DUPLICATE,))
    by_others = event.data.model_copy(update={"by_agency": False})
    assert composing.on_arrival(an_envelope(by_others), a_policy()) == []


@pytest.mark.parametrize("link", [Link.REPEAT, Link.SIBLING_OPEN, Link.RE_REFERRAL])
def test_other_links_are_nobody_elses_news(link: Link) -> None:
    assert len(composing.on_arrival(received(links=(link,)), a_policy())) == 1


@pytest.mark.parametrize(
    "facts",
    [
        a_family(safety=[Safety.IMMEDIATE_DANGER]),
        a_family(safety=[Safety.INJURY_NONMOBILE]),
        a_family(safety=[Safety.SIGNIFICANT_HARM]),
        a_family(mental_health=MentalHealth.ESTRANGEMENT),
        a_family(mental_health=MentalHealth.HARM_BABY_PLAN),
        an_enquiry(safety=[Safety.IMMEDIATE_DANGER]),
    ],
)
def test_a_tick_of_danger_says_whom_to_ring(facts: Facts) -> None:
    assert the(composing.on_arrival, received(facts)).content.must_ring


@pytest.mark.parametrize(
    "facts", [a_family(), a_family(safety=[Safety.DOMESTIC_ABUSE]), a_family(mental_health=MentalHealth.SEVERE)]
)
def test_nothing_else_does(facts: Facts) -> None:
    assert not the(composing.on_arrival, received(facts)).content.must_ring


@pytest.mark.parametrize(
    "facts",
    [
        a_family(circumstances=[Circumstance.INFANT_DIED]),
        a_family(circumstances=[Circumstance.PREGNANCY_ENDED]),
        a_family(due_on=TODAY - timedelta(days=15)),
    ],
)
def test_after_a_loss_receipt_and_decision_go_in_neutral_words(facts: Facts) -> None:
    for message in (the(composing.on_arrival, received(facts)), the(composing.on_decision, triaged(facts))):
        assert message.content.is_loss
        assert message.state is State.DUE


def test_the_machine_routes_and_says_where() -> None:
    message = the(composing.on_decision, triaged(a_family()))
    assert (message.content.next, message.content.routes) == (Next.ROUTED, (Route.TARGETED,))


def test_a_proposed_decline_looks_like_any_look_by_a_person() -> None:
    declined = triaged(a_family(consent=Consent.REFUSED))
    looked_at = triaged(a_family(consent=Consent.DISPUTED))
    assert declined.data.decision.mode is Mode.PROPOSE_DECLINE
    assert looked_at.data.decision.mode is Mode.HUMAN_REVIEW
    assert the(composing.on_decision, declined).content == the(composing.on_decision, looked_at).content


def test_a_decline_for_the_area_names_no_route() -> None:
    assert the(composing.on_decision, triaged(a_family(home=elsewhere()))).content.routes == ()


def test_in_a_ward_that_is_not_open_yet_the_message_can_name_its_services() -> None:
    content = the(composing.on_decision, triaged(a_family(home=not_open_yet()))).content
    assert (content.next, content.routes, content.ward) == (Next.PERSON, (Route.PHASE_HOLD,), SHERWOOD)


@pytest.mark.parametrize(
    "facts",
    [
        a_family(),
        a_family(home=not_open_yet(), safety=[Safety.SIGNIFICANT_HARM]),
        a_family(home=not_open_yet(), consent=Consent.REFUSED),
        a_family(home=not_open_yet(), circumstances=[Circumstance.INFANT_DIED]),
    ],
)
def test_no_other_message_holds_a_ward(facts: Facts) -> None:
    content = the(composing.on_decision, triaged(facts)).content
    assert content.ward is None
    assert Route.PHASE_HOLD not in content.routes


@pytest.mark.parametrize("route", [Route.BEREAVEMENT_REVIEW, Route.REVIEW_BIRTH_OUTCOME])
def test_whatever_is_declined_in_the_queues_after_a_loss_is_said_in_neutral_words(route: Route) -> None:
    event = an_item(WorkItemDeclined, route=route, reason=DeclineReason.CONSENT_REFUSED)
    assert the(composing.on_declined, event).content.is_loss


def test_what_a_person_decides_is_an_outcome() -> None:
    message = the(composing.on_decision, triaged(a_family(), by=DecidedBy.PERSON))
    assert message.kind is MessageKind.OUTCOME
    assert message.id != the(composing.on_decision, triaged(a_family())).id


def test_the_opening_of_a_ward_is_an_outcome_beside_the_decision_on_the_same_version() -> None:
    released = the(composing.on_decision, triaged(a_family(), is_release=True))
    assert (released.kind, released.content.outcome) == (MessageKind.OUTCOME, Outcome.RELEASED)
    assert released.id != the(composing.on_decision, triaged(a_family())).id


def test_information_asked_twice_is_asked_twice() -> None:
    ids = {
        the(composing.on_waiting, an_item(WorkItemWaiting, waiting_for=WaitingFor.REFERRER, id_=number)).id
        for number in (1, 2, 2)
    }
    assert len(ids) == 2


def test_a_person_s_choice_to_put_a_family_on_a_waiting_list_is_told() -> None:
    message = the(composing.on_waiting, an_item(WorkItemWaiting, waiting_for=WaitingFor.PLACE))
    assert (message.kind, message.content.outcome) == (MessageKind.OUTCOME, Outcome.WAITING)
    assert message.content.is_waiting_list


def test_accepted_and_declined_are_outcomes_of_their_own() -> None:
    accepted = the(composing.on_accepted, an_item(WorkItemAccepted))
    declined = the(composing.on_declined, an_item(WorkItemDeclined, reason=DeclineReason.OVER_AGE))
    assert {accepted.kind, declined.kind} == {MessageKind.OUTCOME}
    assert accepted.id != declined.id


def test_a_withdrawal_is_confirmed_once() -> None:
    event = ReferralWithdrawn(**ABOUT, reason=WithdrawalReason.MOVED_AWAY)
    ids = {the(composing.on_withdrawal, an_envelope(event, id_=number)).id for number in (1, 2)}
    assert len(ids) == 1


def test_a_challenge_is_acknowledged_once() -> None:
    first, again = (the(composing.on_challenge, an_envelope(ReferralChallenged(**ABOUT), id_=id_)) for id_ in (1, 2))
    assert (first.kind, first.content.outcome) == (MessageKind.OUTCOME, Outcome.CHALLENGED)
    assert first.id == again.id


def opened(*, reopens: bool, id_: int = 99, at: datetime = NOON, route: Route = Route.PIR_SHORT) -> Envelope[Any]:
    event = WorkItemOpened(
        **ABOUT, work_item_id=UUID(int=id_), route=route, tier=None, urgency=Urgency.ROUTINE, due_at=NOON,
        reopens=reopens,
    )  # fmt: skip
    return an_envelope(event, id_=id_, at=at)


def test_work_that_is_opened_is_no_message_of_its_own() -> None:
    assert composing.on_opened(opened(reopens=False), a_policy()) == []


def test_work_that_was_opened_again_is_told_once_each_time() -> None:
    later = NOON + timedelta(hours=1)
    messages = [
        the(composing.on_opened, event)
        for event in (
            opened(reopens=True),
            opened(reopens=True, id_=2, route=Route.REVIEW),
            opened(reopens=True, id_=3, at=later),
        )
    ]
    assert {(each.kind, each.content.outcome) for each in messages} == {(MessageKind.OUTCOME, Outcome.REOPENED)}
    assert messages[0].id == messages[1].id != messages[2].id


def test_an_end_is_told_to_the_referrer_when_a_lead_ended_it() -> None:
    ended = an_item(WorkItemClosed, reason=ClosureReason.PASSED_ON, tells_referrer=True)
    message = the(composing.on_closed, ended)
    assert (message.kind, message.content.outcome) == (MessageKind.OUTCOME, Outcome.CLOSED)
    assert message.id == the(composing.on_closed, ended).id
    assert composing.on_closed(an_item(WorkItemClosed, reason=ClosureReason.PASSED_ON), a_policy()) == []


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (Route.BEREAVEMENT_REVIEW, ClosureReason.COMPLETED),
        (Route.REVIEW_BIRTH_OUTCOME, ClosureReason.FAMILY_ASKED),
        (Route.PIR_SHORT, ClosureReason.DIED),
    ],
)
def test_an_end_after_a_loss_is_told_in_neutral_words(route: Route, reason: ClosureReason) -> None:
    event = an_item(WorkItemClosed, route=route, reason=reason, tells_referrer=True)
    assert the(composing.on_closed, event).content.is_loss


URGENT = [EscalationReason.UNOPENED_FIRST, EscalationReason.UNOPENED_SECOND, EscalationReason.STILL_OPEN]


@pytest.mark.parametrize("reason", URGENT)
def test_urgent_work_that_nobody_does_goes_to_the_on_call_contact(reason: EscalationReason) -> None:
    message = the(composing.on_escalation, an_item(WorkItemEscalated, reason=reason))
    assert (message.kind, message.audience, message.state) == (MessageKind.ON_CALL, Audience.ON_CALL, State.DUE)
    assert (message.content.is_again, message.content.is_opened) == (reason is URGENT[1], reason is URGENT[2])


def test_each_hour_is_a_call_of_its_own() -> None:
    still = [an_item(WorkItemEscalated, reason=EscalationReason.STILL_OPEN, id_=number) for number in (1, 2, 2)]
    assert len({the(composing.on_escalation, event).id for event in still}) == 2


def test_what_calls_a_person_out_has_parts_of_its_own() -> None:
    call = the(composing.on_escalation, an_item(WorkItemEscalated, reason=EscalationReason.STILL_OPEN))
    receipt = the(composing.on_arrival, received())
    assert (call.part, receipt.part) == (part_of(REFERRAL) + PARTS, part_of(REFERRAL))


@pytest.mark.parametrize("reason", [reason for reason in EscalationReason if reason not in URGENT])
def test_slow_escalations_stay_in_the_queue(reason: EscalationReason) -> None:
    assert composing.on_escalation(an_item(WorkItemEscalated, reason=reason), a_policy()) == []


def test_the_message_id_header_is_made_from_the_id() -> None:
    message = the(composing.on_arrival, received())
    assert message_id_header(message.id, "pir.localhost") == f"<{message.id}@pir.localhost>"


def test_message_ids_never_change() -> None:
    """Stored messages were made with these: another value would send everything again."""
    assert str(the(composing.on_arrival, received()).id) == "9b8a41ea-fc19-55cb-8019-99c2a5f43251"


def test_the_clock_of_an_event_is_the_messages() -> None:
    assert the(composing.on_arrival, received()).at == datetime(2026, 6, 15, 12, tzinfo=UTC)
