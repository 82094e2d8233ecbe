"""A referral as it is counted: its deadlines, what moves them, and who is asked about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.metrics.counting.book import SafeguardingItem
from services.metrics.counting.cases import Case, Item
from tests.builders import a_policy

WORKING_TIME = a_policy().working_time
MONDAY = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)


def at(day: int, hour: int = 9, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def a_case(**said: Any) -> Case:
    return Case(**{"id": UUID(int=1), "received_at": MONDAY, "working_time": WORKING_TIME, **said})


def an_item(route: str = "pir_short", **said: Any) -> Item:
    return Item(route=route, **said)


def test_the_three_deadlines_are_those_of_the_policy() -> None:
    case = a_case()
    assert case.seen_due_on == date(2026, 6, 16)
    assert case.decision_due_on == date(2026, 6, 22)
    assert case.contact_due_on == date(2026, 7, 13)
    assert a_case(is_priority=True).contact_due_on == date(2026, 6, 29)


def test_what_comes_after_the_cut_off_counts_from_the_next_working_day() -> None:
    assert a_case(received_at=at(19, 14)).seen_due_on == date(2026, 6, 23)


def test_days_on_which_the_referrer_was_waited_for_move_what_is_due() -> None:
    case = a_case(clock=((at(16), True), (at(18), False)))
    assert case.decision_due_on == date(2026, 6, 24)
    assert case.seen_due_on == date(2026, 6, 16)


def test_nothing_is_due_while_the_clock_stands_still() -> None:
    assert a_case(clock=((at(16), True),)).decision_due_on is None


def test_a_clock_that_stops_after_the_deadline_moves_nothing() -> None:
    assert a_case(clock=((at(25), True), (at(29), False))).decision_due_on == date(2026, 6, 22)


def test_a_clock_that_stops_after_the_decision_moves_nothing() -> None:
    case = a_case(decided_at=at(16), clock=((at(18), True),))
    assert case.decision_due_on == date(2026, 6, 22)


def test_asking_twice_before_an_answer_is_one_wait() -> None:
    once = a_case(clock=((at(16), True), (at(18), False)))
    twice = a_case(clock=((at(16), True), (at(17), True), (at(18), False), (at(18, 10), False)))
    assert once.decision_due_on == twice.decision_due_on


def test_the_order_in_which_the_clock_was_told_does_not_matter() -> None:
    assert a_case(clock=((at(18), False), (at(16), True))).decision_due_on == date(2026, 6, 24)


def test_only_a_team_that_helps_accepts() -> None:
    looked = a_case(items=(an_item("review", accepted_at=at(16)),))
    helped = a_case(items=(an_item("review", accepted_at=at(16)), an_item("targeted", accepted_at=at(17))))
    assert looked.accepted_on is None
    assert helped.accepted_on == date(2026, 6, 17)


@pytest.mark.parametrize("reason", ["withdrawn", "decided_again"])
def test_an_end_that_follows_from_something_else_is_no_persons_step(reason: str) -> None:
    assert a_case(items=(an_item(ended_at=at(16), end_reason=reason),)).seen_on is None
    assert a_case(items=(an_item(ended_at=at(16), end_reason="passed_on"),)).seen_on == date(2026, 6, 16)


def test_the_question_that_the_rules_ask_is_no_persons_step() -> None:
    assert a_case(items=(an_item("info_request", asked_at=at(16)),)).seen_on is None
    assert a_case(items=(an_item("review", asked_at=at(16)),)).seen_on == date(2026, 6, 16)


def test_a_referral_ends_with_the_last_of_its_items() -> None:
    first, last = (
        an_item(ended_at=at(16), end_reason="completed"),
        an_item("pnmh", ended_at=at(20), end_reason="completed"),
    )
    assert a_case(items=(first, last)).ended_at == at(20)
    assert a_case(items=(first, an_item("pnmh"))).ended_at is None
    assert a_case(items=()).ended_at is None


def test_a_child_that_becomes_too_old_before_the_first_contact_aged_out() -> None:
    ends = date(2026, 6, 20)
    assert a_case(support_ends_on=ends).aged_out_on == ends
    assert a_case(support_ends_on=ends, items=(an_item(first_contact_at=at(19)),)).aged_out_on is None
    assert a_case(support_ends_on=ends, items=(an_item(first_contact_at=at(20)),)).aged_out_on == ends
    assert a_case(support_ends_on=ends, withdrawn_at=at(19)).aged_out_on is None
    assert a_case(support_ends_on=ends, items=(an_item(ended_at=at(20), end_reason="aged_out"),)).aged_out_on == ends


def test_a_child_that_was_too_old_when_it_came_did_not_age_out_here() -> None:
    assert a_case(support_ends_on=date(2026, 6, 15)).aged_out_on is None


def test_a_referrer_who_is_asked_long_after_the_decision_had_sent_a_whole_referral() -> None:
    assert a_case(items=(an_item(asked_at=at(16)),)).is_incomplete
    assert not a_case(items=(an_item(asked_at=at(25)),)).is_incomplete
    assert a_case(has_gaps=True).is_incomplete


RELEASED = datetime(2026, 9, 1, 0, 5, tzinfo=UTC)


def test_nothing_is_due_while_a_family_is_held_until_its_ward_opens() -> None:
    case = a_case(eligibility="not_yet")
    assert (case.decision_due_on, case.contact_due_on) == (None, None)
    assert case.seen_due_on == date(2026, 6, 16), "a person looks at it all the same"


def test_a_family_that_was_held_is_asked_from_the_day_its_ward_opened() -> None:
    case = a_case(eligibility="eligible", released_at=RELEASED)
    assert case.decision_due_on == date(2026, 9, 8)
    assert case.contact_due_on == date(2026, 9, 29)


@pytest.mark.parametrize(
    "said",
    [
        {"person_decided_at": at(17)},
        {"items": (an_item(accepted_at=at(17)),)},
        {"person_decided_at": at(17), "released_at": RELEASED, "eligibility": "eligible"},
    ],
    ids=["decided by a person", "taken on by a team", "and released later"],
)
def test_whoever_takes_on_a_held_family_is_asked_from_its_receipt(said: dict[str, Any]) -> None:
    assert a_case(**{"eligibility": "not_yet", **said}).decision_due_on == date(2026, 6, 22)


def test_a_place_on_the_waiting_list_is_a_persons_step() -> None:
    assert a_case(items=(an_item(listed_at=at(16)),)).seen_on == date(2026, 6, 16)


def test_a_person_who_ends_it_all_has_decided() -> None:
    ended = an_item("review", ended_at=at(16), end_reason="no_further_need")
    assert a_case(items=(ended,)).decided_on == date(2026, 6, 16)
    assert a_case(items=(ended, an_item())).decided_on is None, "something is open still"


def test_what_ended_by_being_decided_again_was_decided_by_nobody() -> None:
    assert a_case(items=(an_item("review", ended_at=at(16), end_reason="decided_again"),)).decided_on is None


def test_a_referral_that_was_declined_and_opened_again_has_not_ended() -> None:
    declined = an_item(opened_at=MONDAY, declined_at=at(17), decline_reason="out_of_area")
    again = an_item(opened_at=at(19))
    case = a_case(declined_at=at(17), items=(declined, again), support_ends_on=date(2026, 7, 1))
    assert (case.refused_at, case.ended_at) == (None, None)
    assert case.declined_on == date(2026, 6, 17), "it was declined on that day, and is counted so"
    assert case.aged_out_on == date(2026, 7, 1)
    assert a_case(declined_at=at(17), items=(declined,)).ended_at == at(17)


@pytest.mark.parametrize("reason", ["moved_away", "family_asked", "died"])
def test_a_family_is_gone_when_all_ended_because_it_was(reason: str) -> None:
    gone = an_item(accepted_at=at(16), ended_at=at(18), end_reason=reason)
    assert a_case(items=(gone,)).gone_on == date(2026, 6, 18)
    assert a_case(items=(gone, an_item())).gone_on is None


def test_a_family_that_did_not_come_is_not_gone() -> None:
    assert a_case(items=(an_item(ended_at=at(18), end_reason="did_not_attend"),)).gone_on is None


def safeguarding(**said: Any) -> SafeguardingItem:
    return SafeguardingItem(
        **{"opened_at": MONDAY, "acknowledged_at": None, "fell_away_at": None, **said}, working_time=WORKING_TIME
    )


def test_work_for_social_care_that_falls_away_after_it_was_due_stays_missed() -> None:
    assert safeguarding().due_on == date(2026, 6, 16)
    assert not safeguarding(fell_away_at=at(16)).is_asked_about
    late = safeguarding(fell_away_at=at(17))
    assert (late.is_asked_about, late.is_in_time) == (True, False)
