"""The words for what referrals are told apart by: each code of a referral, a population file and a report has them."""

import pytest

from services.metrics import codes
from services.metrics.counting.cases import Case
from services.metrics.counting.categories import AGE_LIMITS, ETHNIC_CATEGORIES, CountedDimension, dimensions
from services.metrics.equality.words import NOT_COMPARED, subject
from services.metrics.population.file import DIMENSIONS, TOTAL, mistake_in
from tests.builders import a_policy
from tests.unit.metrics.test_counting_cases import a_case


def the_dimension(code: str) -> CountedDimension:
    return dimensions(a_policy(), sources={}, tiers={})[code]


@pytest.mark.parametrize("code", codes.WITH_UNDER_TWOS)
def test_whatever_a_report_counts_by_a_population_file_may_hold(code: str) -> None:
    assert code in DIMENSIONS
    fitting = [category for category in the_dimension(code).words if not mistake_in(code, category)]
    rest = set(the_dimension(code).words) - set(fitting)
    assert fitting
    assert rest <= set(codes.WITHOUT_UNDER_TWOS)


def test_a_population_file_has_no_other_dimensions() -> None:
    assert set(DIMENSIONS) == {TOTAL, *codes.WITH_UNDER_TWOS}


def test_what_has_no_under_twos_is_not_compared() -> None:
    assert set(NOT_COMPARED) == set(codes.WITHOUT_UNDER_TWOS)


@pytest.mark.parametrize("code", codes.WITH_UNDER_TWOS)
def test_a_sentence_has_words_of_its_own_for_each_category(code: str) -> None:
    groups = [category for category in the_dimension(code).words if category not in codes.WITHOUT_UNDER_TWOS]
    told = [subject(code, category, the_dimension(code).words[category]) for category in groups]
    assert len(set(told)) == len(told)
    assert not any(each.startswith("Families in the group") for each in told)


def test_every_ethnic_category_is_in_a_group_that_has_words() -> None:
    assert set(ETHNIC_CATEGORIES.values()) == {*codes.ETHNIC_GROUPS, codes.NOT_STATED, codes.NOT_KNOWN}


@pytest.mark.parametrize(("age", "band"), [(13, "under_20"), (19, "under_20"), (20, "20_24"), (39, "35_39"), (40, "40_plus")])  # fmt: skip
def test_a_parent_is_in_the_band_that_begins_at_or_before_their_age(age: int, band: str) -> None:
    case: Case = a_case(carer_age=age)
    assert the_dimension(codes.CARER_AGE).category(case) == band
    assert len(codes.AGES) == len(AGE_LIMITS) + 1
