"""A referral as it is counted: its deadlines, what moves them, and who is asked about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.counting.book import SafeguardingItem
from services.metrics.counting.cases import Case, ClockChange, Item
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


MINE, OTHER = UUID(int=2), UUID(int=3)


def asked(moment: datetime, item: UUID | None = MINE) -> ClockChange:
    return ClockChange(moment, item, stops=True)


def answered(moment: datetime) -> ClockChange:
    return ClockChange(moment, None, stops=False)


def went_on(moment: datetime, item: UUID | None = MINE) -> ClockChange:
    return ClockChange(moment, item, stops=False)


def decision_due(*clock: ClockChange, **said: Any) -> date | None:
    return a_case(clock=clock, **said).decision_due_on


def test_working_time_for_which_the_referrer_was_waited_for_moves_what_is_due() -> None:
    case = a_case(clock=(asked(at(16)), answered(at(18))))
    assert case.decision_due_on == date(2026, 6, 24), "16 working hours are two days"
    assert case.contact_due_on == date(2026, 7, 15)
    assert case.seen_due_on == date(2026, 6, 16), "a person has seen it before anything is asked"


def test_a_question_over_a_weekend_gives_back_working_hours_only() -> None:
    assert decision_due(asked(at(19, 15)), answered(at(22, 8))) == date(2026, 6, 23), "one hour, so one day"


def test_nothing_is_due_while_a_question_stands() -> None:
    assert decision_due(asked(at(16))) is None


def test_a_question_after_the_deadline_moves_nothing() -> None:
    assert decision_due(asked(at(25)), answered(at(29))) == date(2026, 6, 22)
    assert decision_due(asked(at(25))) == date(2026, 6, 22), "what was missed stays missed"


def test_a_question_by_the_deadline_as_moved_so_far_moves_it_on() -> None:
    assert decision_due(asked(at(16)), answered(at(18)), asked(at(24)), answered(at(25))) == date(2026, 6, 25)


def test_a_question_on_a_day_after_the_decision_moves_nothing() -> None:
    assert decision_due(asked(at(18)), decided_at=at(16)) == date(2026, 6, 22)
    assert decision_due(asked(at(16, 10)), answered(at(17, 10)), decided_at=at(16)) == date(2026, 6, 23)


def test_asking_twice_before_an_answer_is_one_wait() -> None:
    twice = decision_due(asked(at(16)), asked(at(17)), answered(at(18)), answered(at(18, 10)))
    assert twice == decision_due(asked(at(16)), answered(at(18)))


def test_an_answer_ends_every_question_and_a_step_only_that_about_its_own_item() -> None:
    one, other = asked(at(16), MINE), asked(at(17), OTHER)
    assert decision_due(one, other, answered(at(18))) == date(2026, 6, 24)
    assert decision_due(one, went_on(at(17), OTHER)) is None
    assert decision_due(one, went_on(at(17), MINE)) == date(2026, 6, 23)
    assert decision_due(one, other, went_on(at(17), MINE), went_on(at(18), OTHER)) == date(2026, 6, 24)


def test_an_answer_or_a_step_that_is_no_later_than_the_question_ends_nothing() -> None:
    assert decision_due(answered(at(16)), asked(at(16))) is None
    assert decision_due(went_on(at(15)), went_on(at(16)), asked(at(16))) is None


def test_where_old_rows_do_not_tell_the_item_any_step_ends_the_question() -> None:
    assert decision_due(asked(at(16), None), went_on(at(18), OTHER)) == date(2026, 6, 24)
    assert decision_due(asked(at(16), MINE), went_on(at(18), None)) == date(2026, 6, 24)


@given(st.permutations([asked(at(16)), went_on(at(17), OTHER), asked(at(17), OTHER), answered(at(18)), asked(at(19))]))
def test_the_order_in_which_the_clock_was_told_does_not_matter(clock: list[ClockChange]) -> None:
    case = a_case(clock=tuple(clock), decided_at=at(19))
    assert case.decision_due_on == date(2026, 6, 24)


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
    assert a_case(support_ends_on=ends, items=(an_item(first_contact_on=date(2026, 6, 19)),)).aged_out_on is None
    assert a_case(support_ends_on=ends, items=(an_item(first_contact_on=date(2026, 6, 20)),)).aged_out_on == ends
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


def test_a_referral_that_was_declined_again_ended_with_the_last_decline() -> None:
    first = an_item(opened_at=MONDAY, declined_at=at(17))
    again = an_item(opened_at=at(19), declined_at=at(25))
    unread = an_item("mash", opened_at=MONDAY)
    assert a_case(declined_at=at(17), items=(first, again, unread)).ended_at == at(25)


def test_a_first_contact_counts_on_the_day_on_which_it_was_made() -> None:
    case = a_case(items=(an_item(accepted_at=at(18), first_contact_on=date(2026, 6, 17)),))
    assert (case.first_contact_on, case.seen_on, case.waited_days) == (date(2026, 6, 17), date(2026, 6, 17), 2)


def over_on(*items: Item, **said: Any) -> list[int]:
    """The days of June from the 15th to the 26th at whose end the referral was over."""
    case = a_case(items=items, **said)
    return [day for day in range(15, 27) if case.is_over(date(2026, 6, day))]


FROM_THE_18TH = list(range(18, 27))


def test_a_referral_is_over_when_all_that_was_opened_has_ended_or_it_was_declined_or_withdrawn() -> None:
    ended = an_item(opened_at=MONDAY, ended_at=at(18), end_reason="moved_away")
    declined = an_item(opened_at=MONDAY, declined_at=at(18))
    still_open = an_item("mash", opened_at=MONDAY)
    assert over_on(ended) == FROM_THE_18TH
    assert over_on(ended, still_open) == []
    assert over_on(declined, still_open) == FROM_THE_18TH
    assert over_on(still_open, withdrawn_at=at(18)) == FROM_THE_18TH
    assert over_on() == [], "nobody has decided yet"


def test_what_is_opened_again_later_changes_nothing_about_a_day_before() -> None:
    ended = an_item(opened_at=MONDAY, ended_at=at(18), end_reason="family_asked")
    declined = an_item(opened_at=MONDAY, declined_at=at(18))
    again = an_item(opened_at=at(23))
    assert over_on(ended, again) == over_on(declined, again) == [18, 19, 20, 21, 22]


def safeguarding(**said: Any) -> SafeguardingItem:
    return SafeguardingItem(
        **{"opened_at": MONDAY, "acknowledged_at": None, "fell_away_at": None, **said}, working_time=WORKING_TIME
    )


def test_work_for_social_care_that_falls_away_after_it_was_due_stays_missed() -> None:
    assert safeguarding().due_on == date(2026, 6, 16)
    assert not safeguarding(fell_away_at=at(16)).is_asked_about
    late = safeguarding(fell_away_at=at(17))
    assert (late.is_asked_about, late.is_in_time) == (True, False)
