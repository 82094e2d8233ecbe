"""When a family's records may go: nothing goes early, nothing stays late, and what is not known is a person's."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.referral.records.due import FOR_A_PERSON, BabyDates, ClassCode, Due, RecordFacts, Waits, due_on
from shared.retention import load, years_after, years_before

SCHEDULE = load(Path(__file__).parents[3] / "deploy/retention.toml")
END = date(2026, 11, 29)
BORN = BabyDates(born_on=date(2026, 2, 3))


def accepted(*babies: BabyDates, last_on: date | None = END, **more: Any) -> RecordFacts:
    return RecordFacts(last_on=last_on, babies=babies, was_accepted=True, **more)


def day_of(*family: RecordFacts) -> date:
    verdict = due_on(family, SCHEDULE)
    assert isinstance(verdict, Due), verdict
    return verdict.on


def test_a_child_that_was_accepted_is_kept_until_the_25th_birthday() -> None:
    assert due_on([accepted(BORN)], SCHEDULE) == Due(date(2051, 2, 3), ClassCode.ACCEPTED)


def test_twenty_years_after_last_contact_count_where_they_are_longer() -> None:
    assert day_of(accepted(BabyDates(date(2015, 2, 3)))) == date(2046, 11, 29)


def test_who_was_17_at_the_end_is_kept_until_the_26th_birthday() -> None:
    """With the numbers of the Code the 20 years are longer: shorter ones show the birthday."""
    short = dict(SCHEDULE) | {"accepted": SCHEDULE["accepted"].model_copy(update={"years": 1})}
    for born, until in ((date(2009, 11, 30), date(2034, 11, 30)), (date(2009, 11, 29), date(2035, 11, 29))):
        verdict = due_on([accepted(BabyDates(born))], short)
        assert verdict == Due(until, ClassCode.ACCEPTED)


def test_who_was_born_on_29_february_has_a_25th_birthday_on_1_march() -> None:
    assert day_of(accepted(BabyDates(date(2024, 2, 29)))) == date(2049, 3, 1)


def test_the_youngest_of_twins_and_siblings_decides() -> None:
    older, younger = BabyDates(date(2026, 2, 3)), BabyDates(date(2026, 2, 4))
    assert day_of(accepted(older, younger)) == day_of(accepted(younger, older)) == date(2051, 2, 4)


def test_a_sibling_whose_birth_nobody_told_is_born_within_a_year_of_the_due_date() -> None:
    assert day_of(accepted(BORN, BabyDates(due_on=date(2026, 12, 24)))) == date(2052, 12, 24)


def test_a_pregnancy_of_which_no_birth_was_told_is_kept_as_the_mothers_and_the_childs() -> None:
    unborn = accepted(BabyDates(due_on=date(2026, 12, 24)))
    assert due_on([unborn], SCHEDULE) == Due(date(2052, 12, 24), ClassCode.UNBORN)
    late = accepted(BabyDates(due_on=date(2020, 12, 24)))
    assert due_on([late], SCHEDULE) == Due(date(2051, 11, 29), ClassCode.UNBORN)


def test_what_nobody_accepted_is_kept_for_two_years() -> None:
    for babies in ((BORN,), (BabyDates(),), (BabyDates(due_on=date(2026, 12, 24)),)):
        facts = RecordFacts(last_on=END, babies=babies)
        assert due_on([facts], SCHEDULE) == Due(date(2028, 11, 29), ClassCode.NOT_ACCEPTED)


def test_what_nobody_accepted_is_kept_like_a_childs_record_when_there_was_a_danger() -> None:
    facts = RecordFacts(last_on=END, babies=(BORN,), has_danger=True)
    assert due_on([facts], SCHEDULE) == Due(date(2051, 2, 3), ClassCode.SAFEGUARDING)


def test_a_loss_is_kept_for_25_years_after_the_end_whoever_accepted_it() -> None:
    for was_accepted in (True, False):
        facts = RecordFacts(last_on=END, babies=(BabyDates(),), was_accepted=was_accepted, is_loss=True)
        assert due_on([facts], SCHEDULE) == Due(date(2051, 11, 29), ClassCode.LOSS)


def test_a_twin_without_a_date_beside_one_who_died_is_a_persons() -> None:
    facts = RecordFacts(last_on=END, babies=(BabyDates(), BabyDates()), is_loss=True)
    assert due_on([facts], SCHEDULE) is Waits.NO_DATE


def test_a_family_that_came_again_counts_from_its_latest_end() -> None:
    again = RecordFacts(last_on=date(2030, 1, 1), babies=(BORN,))
    assert day_of(RecordFacts(last_on=END, babies=(BORN,)), again) == date(2032, 1, 1)
    assert day_of(accepted(BabyDates(date(2015, 2, 3))), again) == date(2050, 1, 1)


def test_an_enquiry_is_kept_for_two_years_and_is_a_persons_when_it_tells_of_danger() -> None:
    assert day_of(RecordFacts(last_on=END, is_enquiry=True)) == date(2028, 11, 29)
    danger = RecordFacts(last_on=END, is_enquiry=True, has_danger=True)
    assert due_on([danger], SCHEDULE) is Waits.DANGER_WITHOUT_CHILD


@pytest.mark.parametrize(
    ("babies", "waits"),
    [
        ((), Waits.NO_DATE),
        ((BabyDates(),), Waits.NO_DATE),
        ((BORN, BabyDates()), Waits.NO_DATE),
        ((BabyDates(date(2008, 11, 29)),), Waits.IMPLAUSIBLE),
        ((BabyDates(date(2027, 11, 29)),), Waits.IMPLAUSIBLE),
    ],
)
def test_a_date_that_is_not_known_or_can_not_be_is_for_a_person(babies: tuple[BabyDates, ...], waits: Waits) -> None:
    assert due_on([accepted(*babies)], SCHEDULE) is waits
    assert waits in FOR_A_PERSON


# For any family:

days = st.dates(date(2020, 1, 1), date(2032, 12, 31))
babies = st.builds(BabyDates, born_on=st.none() | days, due_on=st.none() | days)
records = st.builds(
    RecordFacts,
    last_on=days,
    babies=st.lists(babies, max_size=3).map(tuple),
    is_enquiry=st.sampled_from([False, False, False, True]),
    was_accepted=st.booleans(),
    has_danger=st.booleans(),
    is_loss=st.booleans(),
)
families = st.lists(records, min_size=1, max_size=4)


@given(families)
def test_nothing_goes_before_any_period_of_its_own_is_over(family: list[RecordFacts]) -> None:
    verdict = due_on(family, SCHEDULE)
    assume(isinstance(verdict, Due))
    assert isinstance(verdict, Due)
    last = max(each.last_on for each in family if each.last_on)
    for each in family:
        assert verdict.on >= years_after(last, 2)
        if each.is_enquiry or not (each.was_accepted or each.has_danger or each.is_loss):
            continue
        assert verdict.on >= years_after(last, 20)
        assert all(verdict.on >= years_after(baby.born_on, 25) for baby in each.babies if baby.born_on)
        assert all(
            verdict.on > years_after(baby.due_on, 25) for baby in each.babies if baby.due_on and not baby.born_on
        )


@given(families)
def test_nothing_stays_after_the_longest_of_its_periods(family: list[RecordFacts]) -> None:
    """No day is later than the last entry and every date of a baby, with the longest period of each."""
    verdict = due_on(family, SCHEDULE)
    assume(isinstance(verdict, Due))
    assert isinstance(verdict, Due)
    ends = [each.last_on for each in family if each.last_on]
    dates = [day for each in family for baby in each.babies for day in (baby.born_on, baby.due_on) if day]
    assert verdict.on <= max([years_after(max(ends), 25), *(years_after(day, 26) for day in dates)])
    if all(not (each.was_accepted or each.has_danger or each.is_loss) for each in family):
        assert verdict.on == years_after(max(ends), 2)


@given(families, st.sampled_from(["has_legal_hold", "last_on"]), st.integers(0, 3))
def test_a_hold_or_open_work_on_one_keeps_the_whole_family(family: list[RecordFacts], what: str, which: int) -> None:
    assume(which < len(family))
    fields = {name: getattr(family[which], name) for name in RecordFacts.__slots__}
    family[which] = RecordFacts(**fields | {what: True if what == "has_legal_hold" else None})
    assert due_on(family, SCHEDULE) is (Waits.HOLD if what == "has_legal_hold" else Waits.OPEN)


@given(families)
def test_the_order_does_not_matter_and_without_one_of_them_it_is_never_later(family: list[RecordFacts]) -> None:
    whole = due_on(family, SCHEDULE)
    assume(isinstance(whole, Due))
    assert isinstance(whole, Due)
    assert day_of(*reversed(family)) == whole.on
    for size in range(1, len(family)):
        for rest in combinations(family, size):
            verdict = due_on(rest, SCHEDULE)
            assert verdict is Waits.IMPLAUSIBLE or (isinstance(verdict, Due) and verdict.on <= whole.on)


@given(families)
def test_an_unknown_date_that_the_class_needs_is_never_decided_by_machine(family: list[RecordFacts]) -> None:
    for each in family:
        needs = not each.is_enquiry and not each.is_loss and (each.was_accepted or each.has_danger)
        if needs and any(baby.born_on is None and baby.due_on is None for baby in each.babies):
            assert isinstance(due_on(family, SCHEDULE), Waits)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from([1, 2, 20, 25]))
@example(date(2028, 2, 29), 1)
@example(date(2029, 2, 28), 1)
@example(date(2029, 3, 1), 1)
def test_rows_are_due_exactly_when_their_years_are_over(today: date, years: int) -> None:
    last = years_before(today, years)
    assert years_after(last, years) <= today < years_after(last + timedelta(days=1), years)
