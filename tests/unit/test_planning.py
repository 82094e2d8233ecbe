"""From a decision to its work items: waiting lists, unanswered referrers, marks, and as of when to decide."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.triage.planning import ItemState, counted_from, marks_of_item, plan
from shared.events import Consent, Infant, MentalHealth, Route, Safety
from tests.builders import TODAY, a_family, a_policy, decided, noon

NOON = noon(TODAY)


def test_only_the_route_that_is_full_has_a_waiting_list() -> None:
    facts = a_family(mental_health=MentalHealth.MODERATE, full_routes=[Route.TARGETED, Route.PIR_SHORT])
    decision = decided(facts)
    assert "M8" in decision.rules
    plans = plan(decision, received_at=NOON, policy=a_policy(), full_routes=facts.full_routes)
    states = {planned.route: planned.state for planned in plans}
    assert states.pop(Route.PNMH) is ItemState.OPEN
    assert set(states.values()) == {ItemState.WAITING_LIST}


def test_a_referrer_who_does_not_answer_is_noticed() -> None:
    [asked] = plan(decided(a_family(consent=Consent.NOT_SOUGHT)), received_at=NOON, policy=a_policy())
    assert asked.state is ItemState.WAITING_FOR_REFERRER
    assert asked.escalate_at == asked.due_at


def test_under_domestic_abuse_a_referrer_who_does_not_answer_is_noticed_sooner() -> None:
    facts = a_family(consent=Consent.NOT_SOUGHT, safety=[Safety.DOMESTIC_ABUSE])
    asked = next(
        planned
        for planned in plan(decided(facts), received_at=NOON, policy=a_policy())
        if planned.route is Route.INFO_REQUEST
    )
    assert asked.escalate_at is not None
    assert asked.escalate_at < asked.due_at


def test_an_item_keeps_its_own_marks_beside_those_of_the_decision() -> None:
    decision = decided(a_family(babies=2, safety=[Safety.DOMESTIC_ABUSE]))
    assert marks_of_item(decision, ("undeliverable", "father")) == ["twins", "contact_hold_c2", "undeliverable"]


@pytest.mark.parametrize(("born_in_days", "counts_now"), [(0, False), (1, True), (5, True), (6, False)])
def test_a_birth_since_the_receipt_is_decided_as_of_now(*, born_in_days: int, counts_now: bool) -> None:
    now = NOON + timedelta(days=5)
    infant = Infant(born_on=TODAY + timedelta(days=born_in_days), due_on=None, count=1)
    assert (counted_from(infant, received_at=NOON, now=now) == now) is counts_now
