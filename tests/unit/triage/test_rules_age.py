"""Age, to the day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.triage.rules import decide
from services.triage.rules.model import day_of_receipt, months_old
from shared.events import Eligibility, Hold, Mode, Route, Urgency
from shared.working_time import months_later
from tests.builders import TODAY, a_family, a_policy, decided


def age_rule(*, born_on: date | None = None, due_on: date | None = None, on: date = TODAY) -> str:
    rules = decided(a_family(born_on=born_on, due_on=due_on, has_dates=False), on=on).rules
    (fired,) = {"E1", "E2", "E3", "E4", "E5", "E6", "E6p", "E7"} & set(rules)
    return fired


def days(count: int) -> timedelta:
    return timedelta(days=count)


def test_support_ends_on_the_second_birthday() -> None:
    assert age_rule(born_on=date(2024, 6, 16)) == "E4"
    assert age_rule(born_on=date(2024, 6, 15)) == "E5"


def test_nobody_is_declined_until_28_days_after_the_second_birthday() -> None:
    birthday = date(2026, 6, 15)
    assert age_rule(born_on=date(2024, 6, 15), on=birthday + days(28)) == "E5"
    assert age_rule(born_on=date(2024, 6, 15), on=birthday + days(29)) == "E6"


def test_a_leap_day_baby_turns_two_on_the_first_of_march() -> None:
    assert age_rule(born_on=date(2024, 2, 29), on=date(2026, 2, 28)) == "E4"
    assert age_rule(born_on=date(2024, 2, 29), on=date(2026, 3, 1)) == "E5"


def test_the_day_counts_in_london_not_in_utc() -> None:
    facts = a_family(born_on=date(2024, 6, 15))
    before = decide(facts, received_at=datetime(2026, 6, 14, 22, 59, tzinfo=UTC), policy=a_policy())
    after = decide(facts, received_at=datetime(2026, 6, 14, 23, 0, tzinfo=UTC), policy=a_policy())
    assert "E4" in before.rules
    assert "E5" in after.rules


def test_a_winter_evening_is_the_same_day_in_london() -> None:
    assert day_of_receipt(datetime(2026, 1, 14, 23, 59, tzinfo=UTC)) == date(2026, 1, 14)


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        decide(a_family(), received_at=datetime(2026, 6, 15, 12), policy=a_policy())  # noqa: DTZ001


def test_the_ends_of_the_calendar_are_days_too() -> None:
    assert day_of_receipt(datetime.min.replace(tzinfo=UTC)) == date.min
    assert day_of_receipt(datetime.max.replace(tzinfo=UTC)) == date.max
    assert months_later(date.max, 24) == date.max


def test_a_baby_born_early_is_looked_at_by_a_person_until_two_years_after_the_due_date() -> None:
    born_on, due_on = date(2024, 3, 1), date(2024, 6, 16)
    assert age_rule(born_on=born_on, due_on=due_on, on=date(2026, 6, 15)) == "E6p"
    assert age_rule(born_on=born_on, due_on=due_on, on=date(2026, 6, 16)) == "E6"
    decision = decided(a_family(born_on=born_on, due_on=due_on))
    assert (decision.eligibility, decision.mode) == (Eligibility.NOT_ELIGIBLE, Mode.HUMAN_REVIEW)
    assert decision.routes == (Route.REVIEW,)


def test_the_days_after_the_birthday_come_before_an_early_birth() -> None:
    assert age_rule(born_on=date(2024, 6, 1), due_on=date(2024, 8, 1)) == "E5"


def test_a_birth_today_is_not_in_the_future() -> None:
    assert age_rule(born_on=TODAY) == "E4"
    assert age_rule(born_on=TODAY + days(1)) == "E3"


@pytest.mark.parametrize(("early", "expected"), [(-22, "E3"), (-21, "E4"), (0, "E4"), (126, "E4"), (127, "E3")])
def test_birth_and_due_date_fit_from_three_weeks_late_to_eighteen_weeks_early(early: int, expected: str) -> None:
    born_on = date(2025, 9, 1)
    assert age_rule(born_on=born_on, due_on=born_on + days(early)) == expected


def test_a_due_date_is_at_most_280_days_ahead() -> None:
    assert age_rule(due_on=TODAY + days(280)) == "E1"
    assert age_rule(due_on=TODAY + days(281)) == "E3"


def test_a_birth_is_asked_about_from_the_fifteenth_day_after_the_due_date() -> None:
    assert age_rule(due_on=TODAY - days(14)) == "E1"
    assert age_rule(due_on=TODAY - days(15)) == "E2"


def test_a_long_passed_due_date_is_asked_about_gently_first() -> None:
    decision = decided(a_family(due_on=TODAY - days(15)))
    assert decision.routes == (Route.REVIEW_BIRTH_OUTCOME,)
    assert decision.holds == (Hold.C1,)
    assert decision.urgency is Urgency.URGENT


def test_without_any_date_a_person_asks() -> None:
    assert age_rule() == "E7"


def test_a_birth_date_leads_when_a_due_date_is_given_too() -> None:
    assert age_rule(born_on=date(2026, 4, 20), due_on=date(2026, 7, 1)) == "E4"


def test_age_in_doubt_comes_before_every_other_step() -> None:
    decision = decided(
        a_family(born_on=date(2024, 6, 15), home=a_family().place.model_copy(update={"authority": "E07000173"}))
    )
    assert decision.rules == ("E5", "E10")
    assert (decision.mode, decision.routes) == (Mode.HUMAN_REVIEW, (Route.REVIEW,))
    assert decision.eligibility is Eligibility.NOT_ELIGIBLE


@pytest.mark.parametrize(
    ("born_on", "on", "months"),
    [
        (date(2025, 8, 31), date(2026, 2, 28), 5),
        (date(2025, 8, 31), date(2026, 3, 1), 6),
        (date(2025, 12, 15), date(2026, 6, 14), 5),
        (date(2025, 12, 15), date(2026, 6, 15), 6),
        (date(2024, 2, 29), date(2026, 2, 28), 23),
        (date(2024, 2, 29), date(2026, 3, 1), 24),
    ],
)
def test_months_are_full_on_the_same_day_or_the_first_of_the_next(born_on: date, on: date, months: int) -> None:
    assert months_old(born_on, on) == months
    assert (months_later(born_on, months) <= on) is True
    assert (months_later(born_on, months + 1) <= on) is False
