import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.postcodes.checks import INDEXES, index_of
from services.referral.postcodes.ons_file import country_of
from services.referral.postcodes.packing import decile

SIZES = st.sampled_from([index.areas for indexes in INDEXES.values() for index in indexes])


@pytest.mark.parametrize(
    ("rank", "areas", "expected"),
    [
        (1, 32_844, 1),
        (3_284, 32_844, 1),
        (3_285, 32_844, 2),
        (16_422, 32_844, 5),
        (16_423, 32_844, 6),
        (32_844, 32_844, 10),
        (3_375, 33_755, 1),
        (3_376, 33_755, 2),
        (33_755, 33_755, 10),
        (89, 890, 1),
        (90, 890, 2),
    ],
)
def test_the_most_deprived_tenth_of_a_countrys_areas_is_decile_1(rank: int, areas: int, expected: int) -> None:
    assert decile(rank, areas) == expected


@given(SIZES)
def test_the_deciles_of_an_index_are_ten_equal_parts_in_the_order_of_ranks(areas: int) -> None:
    deciles = [decile(rank, areas) for rank in range(1, areas + 1)]
    assert deciles == sorted(deciles)
    sizes = [deciles.count(each) for each in range(1, 11)]
    assert sum(sizes) == areas
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("country", "highest", "column", "name"),
    [
        ("E", 32_844, "imd", "IMD 2019"),
        ("E", 33_755, "imd", "IMD 2025"),
        ("E", 33_755, "imd20ind", "IMD 2025"),
        ("E", 32_844, "imd25ind", "IMD 2019"),
        ("E", 500, "imd", "IMD 2019"),
        ("E", 500, "imd20ind", "IMD 2019"),
        ("E", 500, "imd25ind", "IMD 2025"),
        ("E", 500, "imd27ind", "IMD 2025"),
        ("E", 33_000, "imd20ind", "IMD 2025"),
        ("W", 1_909, "imd25ind", "WIMD 2019"),
        ("W", 1_917, "imd25ind", "WIMD 2025"),
        ("S", 6_976, "imd25ind", "SIMD 2020"),
        ("N", 890, "imd20ind", "NIMDM 2017"),
        ("N", 5, "imd15ind", "NIMDM 2017"),
    ],
)
def test_the_edition_is_told_by_the_number_of_areas_and_in_part_of_a_country_by_the_columns_year(
    country: str, highest: int, column: str, name: str
) -> None:
    index = index_of(country, highest_rank=highest, column=column)
    assert index is not None
    assert index.name == name


def test_a_rank_above_every_known_edition_is_of_none() -> None:
    assert index_of("E", highest_rank=33_756, column="imd31ind") is None
    assert index_of("S", highest_rank=7_392, column="imd26ind") is None


@pytest.mark.parametrize(
    ("small_area", "country"),
    [
        ("E01013814", "E"),
        ("W01000003", "W"),
        ("S01006514", "S"),
        ("N20000001", "N"),
        ("95GG01S1", "N"),
        ("E99999999", None),
        ("L99999999", None),
        ("M99999999", None),
        ("", None),
    ],
)
def test_an_area_belongs_to_the_country_that_ranks_it(small_area: str, country: str | None) -> None:
    assert country_of(small_area) == country
