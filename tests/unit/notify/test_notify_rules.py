"""Who may be written to, and how long a message is tried."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.sending_rules import may_send
from shared.contact_holds import contact_holds
from shared.events import Audience, Circumstance, Hold, MessageKind, Safety, Urgency
from tests.builders import RETRIES, TODAY, a_family, a_policy, noon

HOLDS = st.frozensets(st.sampled_from(Hold))


@given(kind=st.sampled_from(MessageKind), holds=st.frozensets(st.sampled_from(Hold), min_size=1))
def test_a_contact_hold_stops_whatever_could_reach_the_household(kind: MessageKind, holds: frozenset[Hold]) -> None:
    assert not may_send(kind, Audience.HOUSEHOLD, holds)


@given(kind=st.sampled_from([kind for kind in MessageKind if kind is not MessageKind.ON_CALL]), holds=HOLDS)
def test_no_hold_stops_what_goes_to_the_agency(kind: MessageKind, holds: frozenset[Hold]) -> None:
    assert may_send(kind, Audience.AGENCY, holds)


@given(audience=st.sampled_from(Audience), holds=HOLDS)
def test_escalations_reach_the_on_call_contact_and_nobody_else(audience: Audience, holds: frozenset[Hold]) -> None:
    assert may_send(MessageKind.ON_CALL, audience, holds) is (audience is Audience.ON_CALL)


def test_a_household_without_a_hold_may_have_its_receipt() -> None:
    assert may_send(MessageKind.RECEIPT, Audience.HOUSEHOLD, ())
    assert not may_send(MessageKind.DUPLICATE, Audience.HOUSEHOLD, ())


def test_holds_come_from_the_facts_alone() -> None:
    facts = a_family(circumstances=[Circumstance.INFANT_DIED], safety=[Safety.DOMESTIC_ABUSE])
    assert contact_holds(facts, at=noon(TODAY), policy=a_policy()) == {Hold.C1, Hold.C2}
    assert not contact_holds(a_family(), at=noon(TODAY), policy=a_policy())


@pytest.mark.parametrize(("days", "held"), [(14, False), (15, True)])
def test_a_birth_that_is_long_overdue_is_spoken_of_gently(days: int, held: bool) -> None:
    facts = a_family(due_on=TODAY - timedelta(days=days))
    assert (Hold.C1 in contact_holds(facts, at=noon(TODAY), policy=a_policy())) is held


@pytest.mark.parametrize(
    ("urgency", "day"),
    [
        (Urgency.NOW, date(2026, 6, 12)),
        (Urgency.FOUR_HOURS, date(2026, 6, 13)),
        (Urgency.WORKING_DAY, date(2026, 6, 16)),
        (Urgency.URGENT, date(2026, 6, 22)),
        (Urgency.ROUTINE, date(2026, 6, 22)),
    ],
)
def test_a_person_decides_by_the_clock_or_by_working_days(urgency: Urgency, day: date) -> None:
    friday_evening = datetime(2026, 6, 12, 20, 30, tzinfo=UTC)
    assert a_policy().decided_by_person_on(urgency, at=friday_evening) == day


@given(attempts=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_longer_than_an_hour(attempts: int, chance: float) -> None:
    assert timedelta() <= RETRIES.pause(attempts, chance=chance) <= timedelta(hours=1)


def test_pauses_double_from_half_a_minute() -> None:
    pauses = [RETRIES.pause(attempts, chance=1.0).total_seconds() for attempts in range(1, 10)]
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_jitter_is_full() -> None:
    assert RETRIES.pause(8, chance=0.0) == timedelta()
    assert RETRIES.pause(8, chance=0.5) == timedelta(minutes=30)


def test_after_72_hours_it_is_a_persons_turn() -> None:
    first = noon(TODAY)
    assert not RETRIES.is_over(since=first, now=first + timedelta(hours=71, minutes=59))
    assert RETRIES.is_over(since=first, now=first + timedelta(hours=72))
