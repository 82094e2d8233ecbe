"""Which families a deadline is counted for, and in which month: a figure of a month that is over stays as it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.counting.cases import Case, Item
from services.metrics.counting.kpis import kpis
from tests.builders import a_policy

POLICY = a_policy()
KPIS = {kpi.code: kpi for kpi in kpis(POLICY)}
RECEIVED = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
DUE = date(2026, 6, 29)
"""20 working days later."""
BEFORE, ON_THE_DAY, AFTER = (datetime(2026, 6, day, 15, 0, tzinfo=UTC) for day in (26, 29, 30))


def a_case(*items: Item, **said: Any) -> Case:
    return Case(
        **{"id": UUID(int=1), "received_at": RECEIVED, "working_time": POLICY.working_time, **said}, items=items
    )


def an_item(route: str = "pir_short", **said: Any) -> Item:
    return Item(**{"route": route, "opened_at": RECEIVED, **said})


def contact(case: Case) -> tuple[date | None, int]:
    """The day on which the contact is counted, and 1 if it was in time."""
    kpi = KPIS["contacted_in_time_priority" if case.is_priority else "contacted_in_time"]
    return kpi.day(case), kpi.numerator(case)


MISSED, NOT_ASKED_ABOUT = (DUE, 0), None


def test_a_family_counts_when_its_day_has_come_whether_or_not_a_team_took_it_on() -> None:
    assert contact(a_case()) == MISSED, "nobody has decided yet"
    assert contact(a_case(an_item(listed_at=BEFORE))) == MISSED, "on the waiting list"
    assert contact(a_case(an_item(accepted_at=BEFORE))) == MISSED
    assert contact(a_case(an_item(accepted_at=BEFORE, first_contact_on=DUE))) == (DUE, 1)
    assert contact(a_case(an_item(accepted_at=BEFORE, first_contact_on=date(2026, 6, 30)))) == MISSED


def not_taken_on(case: Case) -> int:
    """1 for a family that is counted so in the month in which its contact fell due."""
    kpi = KPIS["not_taken_on"]
    return kpi.numerator(case) if kpi.day(case) == DUE else 0


def test_a_family_is_not_taken_on_yet_when_no_team_accepted_it_by_the_day_of_its_contact() -> None:
    assert not_taken_on(a_case()) == 1
    assert not_taken_on(a_case(an_item(listed_at=BEFORE))) == 1
    assert not_taken_on(a_case(an_item(accepted_at=AFTER))) == 1, "later changes nothing of that month"
    assert not_taken_on(a_case(an_item(accepted_at=ON_THE_DAY))) == 0
    assert not_taken_on(a_case(an_item(first_contact_on=DUE))) == 0, "it was met"
    assert not_taken_on(a_case(an_item(ended_at=BEFORE, end_reason="moved_away"))) == 0
    assert not_taken_on(a_case(an_item("review", accepted_at=BEFORE))) == 1, "a look is no acceptance"


def test_a_family_counts_in_one_of_the_two_figures_of_its_priority() -> None:
    case = a_case(is_priority=True)
    assert KPIS["contacted_in_time"].day(case) is None
    assert KPIS["contacted_in_time_priority"].day(case) == date(2026, 6, 15)


@pytest.mark.parametrize(
    "over",
    [
        {"said": {"withdrawn_at": ON_THE_DAY}},
        {"item": {"declined_at": ON_THE_DAY}},
        *({"item": {"ended_at": ON_THE_DAY, "end_reason": why}} for why in ("moved_away", "family_asked", "died")),
        {"item": {"ended_at": BEFORE, "end_reason": "no_further_need"}},
    ],
)
def test_what_was_over_by_its_day_without_a_contact_is_not_asked_about(over: dict[str, dict[str, Any]]) -> None:
    said = over.get("said", {})
    assert contact(a_case(an_item(**over.get("item", {})), **said))[0] is NOT_ASKED_ABOUT
    met = an_item(**over.get("item", {}), first_contact_on=date(2026, 6, 10))
    assert contact(a_case(met, **said)) == (DUE, 1), "it was met before"


def test_what_was_over_only_after_its_day_stays_missed() -> None:
    assert contact(a_case(an_item(ended_at=AFTER, end_reason="moved_away"))) == MISSED
    assert contact(a_case(an_item(declined_at=AFTER))) == MISSED
    assert contact(a_case(an_item(), withdrawn_at=AFTER)) == MISSED


def test_a_family_that_is_held_for_its_ward_is_not_asked_about() -> None:
    assert contact(a_case(an_item("phase_hold"), eligibility="not_yet"))[0] is NOT_ASKED_ABOUT
    released = datetime(2026, 9, 1, 0, 5, tzinfo=UTC)
    assert contact(a_case(an_item("phase_hold"), released_at=released)) == (date(2026, 9, 29), 0)


LATER = st.integers(1, 300).map(lambda days: AFTER + timedelta(days=days))
OPENED_LATER = st.builds(
    lambda at, then: an_item(opened_at=at, **{then: at} if then else {}),
    LATER,
    st.sampled_from(("", "accepted_at", "declined_at")),
)
STATES = st.sampled_from(
    [
        ((), {}),
        ((an_item(),), {}),
        ((an_item(listed_at=BEFORE),), {}),
        ((an_item(ended_at=BEFORE, end_reason="family_asked"),), {}),
        ((an_item(declined_at=BEFORE),), {}),
        ((an_item("phase_hold"),), {"eligibility": "not_yet"}),
    ]
)


@given(STATES, st.lists(OPENED_LATER, max_size=2), st.none() | LATER, st.none() | LATER)
@pytest.mark.parametrize("code", ["contacted_in_time", "not_taken_on", "decided_in_time"])
def test_nothing_that_is_done_later_changes_the_figure_of_a_month_that_is_over(
    code: str,
    state: tuple[tuple[Item, ...], dict[str, Any]],
    later: list[Item],
    withdrawn_at: datetime | None,
    decided_at: datetime | None,
) -> None:
    """Accepting late, deciding late, declining, withdrawing or opening again."""
    items, said = state
    then = a_case(*items, **said)
    now = a_case(*items, *later, **said, withdrawn_at=withdrawn_at, person_decided_at=decided_at)
    kpi = KPIS[code]
    in_june = [[kpi.numerator(case) for day in [kpi.day(case)] if day and day <= DUE] for case in (then, now)]
    assert in_june[0] == in_june[1]
