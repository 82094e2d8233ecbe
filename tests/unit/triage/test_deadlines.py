"""From a decision to its work items: from when deadlines count, waiting lists, unanswered referrers, marks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from services.triage.work_items.deadlines import ItemState, PlannedItem, Since, is_told_since, marks_of_item, plan
from shared.events import Consent, Decision, Facts, MentalHealth, Route, Safety, Severity
from shared.working_time import LONDON, due_at
from tests.builders import TODAY, a_family, a_policy, decided, noon, not_open_yet

NOON = noon(TODAY)
TIMES = a_policy().working_time


@dataclass(frozen=True)
class Made(Since):
    """The first decision, unless said otherwise."""

    decision: Decision
    received_at: datetime = NOON
    started_at: datetime = NOON
    at: datetime = NOON
    is_first: bool = True


def planned(facts: Facts, route: Route, **made: object) -> PlannedItem:
    found = plan(Made(decided(facts), **made), a_policy(), facts.full_routes)  # type: ignore[arg-type]
    return next(each for each in found if each.route is route)


def in_days(days: int, since: datetime = NOON) -> datetime:
    return due_at(since, days=days, hours=TIMES)


def test_only_the_route_that_is_full_has_a_waiting_list() -> None:
    facts = a_family(mental_health=MentalHealth.MODERATE, full_routes=[Route.TARGETED, Route.PIR_SHORT])
    decision = decided(facts)
    assert "M8" in decision.rules
    states = {each.route: each.state for each in plan(Made(decision), a_policy(), facts.full_routes)}
    assert states.pop(Route.PNMH) is ItemState.OPEN
    assert set(states.values()) == {ItemState.WAITING_LIST}


def test_a_referrer_who_does_not_answer_is_noticed() -> None:
    asked = planned(a_family(consent=Consent.NOT_SOUGHT), Route.INFO_REQUEST)
    assert asked.state is ItemState.WAITING_FOR_REFERRER
    assert asked.escalate_at == asked.due_at


def test_under_domestic_abuse_a_referrer_who_does_not_answer_is_noticed_sooner() -> None:
    asked = planned(a_family(consent=Consent.NOT_SOUGHT, safety=[Safety.DOMESTIC_ABUSE]), Route.INFO_REQUEST)
    assert asked.escalate_at is not None
    assert asked.escalate_at < asked.due_at


LATER = NOON + timedelta(days=14)
MODERATE = a_family(severity=Severity.MODERATE)


def test_a_first_contact_counts_from_the_start_of_the_referral_whatever_is_decided_later() -> None:
    late = {"at": LATER, "is_first": False, "was_decided": True}
    assert planned(MODERATE, Route.PIR_SHORT, **late).due_at == in_days(20)
    assert planned(MODERATE, Route.PIR_SHORT, **late, started_at=LATER).due_at == in_days(20, LATER)


def test_a_family_that_waits_for_its_ward_is_looked_at_again_months_later_at_the_close_of_a_working_day() -> None:
    held = planned(a_family(home=not_open_yet()), Route.PHASE_HOLD)
    assert held.due_at == datetime(2026, 9, 15, 17, tzinfo=LONDON)
    saturday = datetime(2026, 6, 6, 12, tzinfo=LONDON)
    at_weekend = planned(a_family(home=not_open_yet()), Route.PHASE_HOLD, received_at=saturday, started_at=saturday)
    assert at_weekend.due_at == datetime(2026, 9, 7, 17, tzinfo=LONDON), "6 September is a Sunday"


def test_priority_that_was_given_once_stays() -> None:
    assert planned(MODERATE, Route.PIR_SHORT, had_priority=True).due_at == in_days(10)


def test_a_decision_counts_from_the_receipt_until_the_referral_was_decided_once() -> None:
    facts, late = a_family(safety=[Safety.DOMESTIC_ABUSE], home=None, severity=Severity.UNKNOWN), {"at": LATER}
    assert planned(facts, Route.REVIEW, **late, is_first=False).due_at == in_days(5)
    assert planned(facts, Route.REVIEW, **late, is_first=False, was_decided=True).due_at == in_days(5, LATER)


def test_danger_counts_from_when_it_was_told() -> None:
    facts = a_family(safety=[Safety.SIGNIFICANT_HARM])
    assert planned(facts, Route.MASH).due_at == in_days(1)
    assert planned(facts, Route.MASH, at=LATER, is_first=False).due_at == in_days(1, LATER)
    now = a_family(safety=[Safety.IMMEDIATE_DANGER])
    assert planned(now, Route.EMERGENCY_CALL, at=LATER, is_first=False).due_at == LATER


def test_an_item_keeps_its_own_marks_beside_those_of_the_decision() -> None:
    decision = decided(a_family(babies=2, safety=[Safety.DOMESTIC_ABUSE]))
    assert marks_of_item(decision, ("undeliverable", "father")) == ["twins", "contact_hold_c2", "undeliverable"]


def test_an_agency_to_ring_is_no_safety_work() -> None:
    decision = decided(a_family(safety_words=True))
    assert marks_of_item(decision) == ["safety_words"]
    assert marks_of_item(decision, ("undeliverable",)) == ["undeliverable"]


@pytest.mark.parametrize(("born_in_days", "is_told"), [(0, False), (1, True), (5, True), (6, False)])
def test_a_birth_since_the_receipt_is_decided_as_of_when_it_was_told(*, born_in_days: int, is_told: bool) -> None:
    now, born_on = NOON + timedelta(days=5), TODAY + timedelta(days=born_in_days)

    def told(before: date | None) -> bool:
        return is_told_since(born_on, before, received_at=NOON, now=now)

    assert told(None) is is_told
    assert told(born_on) is False
