"""Equality of access: the ratio and how sure it is, what a number that is held back still says, and the words."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.metrics.disclosure import Range, range_of
from services.metrics.equality import NOT_KNOWN_LIMIT, equality_report
from services.metrics.equality.interval import known_total, ratio, wilson
from services.metrics.equality.words import how_often, said
from services.metrics.population import Denominator, Population
from services.metrics.reports.model import (
    FEW,
    NOTHING,
    SMALL,
    WITHHELD,
    ZERO,
    Access,
    EqualityReport,
    Heading,
    ReportKind,
    ReportStatus,
    Shown,
)
from tests.builders import BULWELL, NOTTINGHAM, SHERWOOD

HEADING = Heading(
    kind=ReportKind.EQUALITY,
    period="2026-03--2026-08",
    first_day=date(2026, 3, 1),
    last_day=date(2026, 8, 31),
    authority=NOTTINGHAM,
    authority_name="Nottingham",
    policy="nottingham",
    policy_version=2,
    status=ReportStatus.PUBLISHED,
)
MOTHERS = {"white": 600, "asian": 200, "black": 100, "mixed": 60, "other": 40}


def a_number(value: int | Shown) -> Shown:
    return value if isinstance(value, Shown) else Shown(value=value)


def a_population(*, is_invented: bool = False, **dimensions: dict[str, int]) -> Population:
    made = {name: Denominator(under_twos, "census (2022)", is_invented) for name, under_twos in dimensions.items()}
    return Population(NOTTINGHAM, Denominator({"total": 1000}, "census (2022)", is_invented=False), made)


def a_report(
    dimension: str,
    received: Mapping[str, int | Shown],
    *,
    total: int | Shown,
    under_twos: dict[str, int] | None = None,
    accepted: Mapping[str, int | Shown] | None = None,
    accepted_total: int | Shown | None = None,
    open_wards: set[str] | None = None,
    is_invented: bool = False,
) -> EqualityReport:
    """One dimension; all that was received is accepted unless it is said."""
    given_accepted = received if accepted is None else accepted
    counts = {code: (a_number(shown), a_number(given_accepted.get(code, ZERO))) for code, shown in received.items()}
    counts["total"] = (a_number(total), a_number(total if accepted_total is None else accepted_total))
    population = a_population(is_invented=is_invented, **{dimension: MOTHERS if under_twos is None else under_twos})
    names = {"ward": {BULWELL: "Bulwell", SHERWOOD: "Sherwood"}, "language": {"ur": "Urdu"}}
    return equality_report(HEADING, {dimension: counts}, population=population, names=names, open_wards=open_wards)


def row_of(report: EqualityReport, code: str) -> Access:
    return next(row for dimension in report.dimensions for row in dimension.rows if row.code == code)


EVEN = {"white": 300, "asian": 100, "black": 50, "mixed": 30, "other": 20}
"""In the shares of MOTHERS: 500 referrals."""


def test_a_group_that_is_referred_as_its_share_suggests_has_a_ratio_of_one() -> None:
    row = row_of(a_report("mother_ethnicity", EVEN, total=500), "asian")
    assert (row.population, row.population_share, row.referred_share) == (200, 20.0, 20.0)
    assert row.ratio == 1
    assert row.low < 1 < row.high
    assert row.gap == "none"


def test_half_as_often_is_a_gap_in_words() -> None:
    report = a_report("mother_ethnicity", EVEN | {"white": 350, "asian": 50}, total=500)
    row = row_of(report, "asian")
    assert (row.gap, row.ratio) == ("fewer", 0.5)
    sentence = (
        "Babies whose mothers are in Asian groups are referred about half as often as their share of under-twos "
        "suggests (0.5; between 0.4 and 0.7)."
    )
    assert row.words == sentence
    assert sentence in report.gaps


def test_a_group_that_is_referred_more_often_is_said_so() -> None:
    row = row_of(a_report("mother_ethnicity", EVEN | {"white": 250, "asian": 150}, total=500), "asian")
    assert row.gap == "more"
    assert "about one and a half times as often as" in row.words


def test_a_difference_that_may_be_chance_is_no_gap() -> None:
    report = a_report("mother_ethnicity", {"white": 35, "asian": 10, "black": 10}, total=50)
    assert row_of(report, "asian").gap == "none"
    assert "as far as these numbers can tell" in row_of(report, "white").words


def test_an_interval_that_holds_half_and_twice_is_said_to_tell_nothing() -> None:
    row = row_of(a_report("mother_ethnicity", {"white": 20, "black": 10}, total=30), "black")
    assert row.gap == "more"
    row = row_of(a_report("mother_ethnicity", {"white": 20, "asian": 10}, total=30), "asian")
    assert row.gap == "none"
    assert row.words.startswith("Babies whose mothers are in Asian groups: too few referrals to tell (1.7; between")


def test_fewer_than_eight_where_many_more_would_be_expected_is_a_gap_without_a_ratio() -> None:
    row = row_of(a_report("mother_ethnicity", EVEN | {"white": 395, "asian": SMALL}, total=500), "asian")
    assert (row.ratio, row.low, row.high, row.referred_share) == (None, None, None, None)
    assert row.gap == "fewer"
    assert row.words == (
        "Babies whose mothers are in Asian groups: fewer than 8 referrals where about 100 would be expected."
    )


def test_fewer_than_eight_where_little_more_would_be_expected_says_nothing() -> None:
    row = row_of(a_report("mother_ethnicity", {"white": 60, "asian": 20, "black": SMALL}, total=90), "black")
    assert (row.gap, row.words) == ("unknown", "Fewer than 8 referrals: too few to say more.")


def test_a_small_number_is_never_said_to_be_too_many() -> None:
    row = row_of(
        a_report(
            "mother_ethnicity", {"white": 500, "asian": SMALL}, total=500, under_twos={"white": 99_999, "asian": 1}
        ),
        "asian",
    )
    assert row.gap == "unknown"


def test_a_number_that_is_withheld_says_nothing() -> None:
    row = row_of(a_report("mother_ethnicity", EVEN | {"asian": WITHHELD}, total=500), "asian")
    assert (row.gap, row.ratio) == ("unknown", None)
    assert "held back" in row.words


def test_no_referral_at_all_is_a_gap_where_some_would_be_expected() -> None:
    received = {code: count for code, count in EVEN.items() if code != "asian"}
    row = row_of(a_report("mother_ethnicity", received, total=400), "asian")
    assert (row.received, row.ratio, row.low, row.gap) == (ZERO, 0, 0, "fewer")
    assert row.words == "Babies whose mothers are in Asian groups: no referrals where about 80 would be expected."


def test_no_referral_where_hardly_any_would_be_expected_may_be_chance() -> None:
    row = row_of(a_report("mother_ethnicity", {"white": 40}, total=40, under_twos={"white": 980, "other": 20}), "other")
    assert row.gap == "none"
    assert row.words.endswith("no referrals where about 1 would be expected, which may be chance.")


def test_shares_are_among_those_who_are_known() -> None:
    report = a_report("mother_ethnicity", EVEN | {"not_known": 300, "not_stated": 200}, total=1000)
    assert row_of(report, "asian").ratio == 1
    assert row_of(report, "asian").referred_share == 20.0


def test_those_of_whom_nothing_is_known_have_no_ratio_and_come_last() -> None:
    report = a_report("mother_ethnicity", {"not_known": 50, "not_stated": 50} | EVEN, total=600)
    assert [row.code for row in report.dimensions[0].rows][-2:] == ["not_stated", "not_known"]
    row = row_of(report, "not_known")
    assert (row.received.value, row.ratio, row.population, row.gap) == (50, None, None, "unknown")


def test_over_a_tenth_not_known_is_a_matter_of_quality() -> None:
    few = a_report("mother_ethnicity", EVEN | {"not_known": 50}, total=550)
    many = a_report("mother_ethnicity", EVEN | {"not_known": 50, "not_stated": 25}, total=575)
    words = "Ethnic group of the mother: not stated or not known for about 13 % of the referrals."
    assert NOT_KNOWN_LIMIT == 0.1
    assert not [sentence for sentence in few.quality if "not known" in sentence]
    assert [sentence for sentence in many.quality if sentence.startswith(words)]


def test_families_from_elsewhere_are_in_no_share() -> None:
    report = a_report(
        "ward", {BULWELL: 100, SHERWOOD: 50, "elsewhere": 50}, total=200, under_twos={BULWELL: 2, SHERWOOD: 1}
    )
    assert [row.ratio for row in report.dimensions[0].rows] == [1, 1, None]


def test_a_ward_that_was_not_open_is_left_out_of_the_comparison() -> None:
    report = a_report(
        "ward", {BULWELL: 100, SHERWOOD: 20}, total=120, under_twos={BULWELL: 10, SHERWOOD: 90}, open_wards={BULWELL}
    )
    assert row_of(report, BULWELL).ratio == 1
    assert (row_of(report, SHERWOOD).gap, row_of(report, SHERWOOD).ratio) == ("unknown", None)
    assert "1 of 2 wards were not open for the whole period" in " ".join(report.quality)


def test_when_no_ward_was_open_nothing_is_compared() -> None:
    report = a_report("ward", {BULWELL: 20}, total=20, under_twos={BULWELL: 10, SHERWOOD: 5}, open_wards=set())
    assert {row.gap for row in report.dimensions[0].rows} == {"unknown"}
    assert report.gaps == ()


def test_fathers_are_compared_with_all_fathers_of_under_twos() -> None:
    under_twos = {"mother": 980, "father": 820}
    report = a_report("carer", {"mother": 180, "father": 20}, total=200, under_twos=under_twos)
    assert row_of(report, "father").population_share == 46.0
    assert row_of(report, "father").words == (
        "Fathers are referred about a quarter as often as their share of the carers of under-twos suggests "
        "(0.2; between 0.1 and 0.4)."
    )
    assert "A child counts once for each of its carers" in report.dimensions[0].note


def test_accepted_less_often_is_a_gap_of_its_own() -> None:
    report = a_report(
        "mother_ethnicity", EVEN, total=500, accepted=EVEN | {"white": 350, "asian": 50}, accepted_total=500
    )
    row = row_of(report, "asian")
    assert (row.ratio, row.gap, row.accepted_ratio) == (1, "none", 0.5)
    assert any("Asian groups are accepted about half as often as" in gap for gap in report.gaps)
    assert "are accepted about half as often" in row.words


def test_accepted_less_often_as_referred_less_often_is_said_once() -> None:
    report = a_report("mother_ethnicity", EVEN | {"white": 350, "asian": 50}, total=500)
    assert len([gap for gap in report.gaps if "Asian" in gap]) == 1


def test_the_widest_gap_comes_first() -> None:
    report = a_report("mother_ethnicity", EVEN | {"white": 400, "asian": 60, "black": SMALL, "other": 0}, total=500)
    assert [" ".join(gap.split()[:8]).rstrip(":") for gap in report.gaps] == [
        "Babies whose mothers are in Chinese or other",
        "Babies whose mothers are in Black groups: fewer",
        "Babies whose mothers are in Asian groups are",
        "Babies whose mothers are in White groups are",
    ]


def test_a_language_that_the_population_does_not_list_has_nothing_to_compare_with() -> None:
    row = row_of(a_report("language", {"en": 80, "ur": 20}, total=100, under_twos={"en": 100}), "ur")
    assert (row.name, row.population, row.gap) == ("Urdu", None, "unknown")
    assert row.words == "There is no number of under-twos to compare with."


def test_a_group_without_under_twos_has_nothing_to_compare_with() -> None:
    row = row_of(a_report("language", {"en": 80, "ur": 20}, total=100, under_twos={"en": 100, "ur": 0}), "ur")
    assert (row.population, row.ratio, row.gap) == (0, None, "unknown")


@pytest.mark.parametrize("total", [ZERO, SMALL, WITHHELD], ids=["none", "small", "withheld"])
def test_without_a_total_nothing_is_compared(total: Shown) -> None:
    report = a_report("mother_ethnicity", {}, total=total)
    assert {row.words for row in report.dimensions[0].rows} == {"There are too few referrals to compare anything."}


def test_without_a_population_the_counts_stand_alone() -> None:
    counts = {"carer": {"mother": (a_number(20), a_number(15)), "total": (a_number(20), a_number(15))}}
    report = equality_report(HEADING, counts, population=None, names={})
    (row,) = report.dimensions[0].rows
    assert (row.received.value, row.accepted.value, row.ratio) == (20, 15, None)
    assert report.quality == (
        "There is no population file for Nottingham: no group can be compared with the under-twos.",
    )


def test_invented_denominators_are_said_in_the_dimension_and_in_the_quality() -> None:
    report = a_report("mother_ethnicity", EVEN, total=500, is_invented=True)
    (dimension,) = report.dimensions
    assert dimension.is_invented
    assert "invented" in dimension.note
    assert report.quality[0].startswith("The numbers of under-twos are invented for ethnic group of the mother:")


def test_real_denominators_name_their_source_and_are_not_called_invented() -> None:
    report = a_report("mother_ethnicity", EVEN, total=500)
    assert report.dimensions[0].source == "census (2022)"
    assert "invented" not in report.model_dump_json().replace('"is_invented"', "")


def test_how_many_gaps_chance_alone_may_make_is_said() -> None:
    report = a_report("mother_ethnicity", EVEN, total=500)
    assert (
        "5 groups were compared. At 95 % certainty each, up to about 1 may show a difference by chance alone."
        in report.quality
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0.0"), (0.03, "0.03"), (0.5, "0.5"), (0.97, "0.97"), (1.0, "1.0"), (1.04, "1.04"), (2.36, "2.4")],
)
def test_a_number_is_said_with_one_decimal_unless_that_misleads(number: float, text: str) -> None:
    assert said(number) == text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.1, "far less often than"),
        (0.5, "about half as often as"),
        (0.66, "about two thirds as often as"),
        (1.0, "about as often as"),
        (2.0, "about twice as often as"),
        (5.2, "about 5 times as often as"),
    ],
)
def test_a_ratio_is_said_in_words(number: float, words: str) -> None:
    assert how_often(number) == words


def test_the_interval_is_wilsons() -> None:
    low, high = wilson(10, 100)
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)


def test_the_interval_goes_from_the_fewest_among_the_most_to_the_most_among_the_fewest() -> None:
    found = ratio(a_number(20), known=Range(90, 110), population_share=0.5)
    assert found
    assert found.low == wilson(18, 110)[0] / 0.5
    assert found.high == wilson(22, 90)[1] / 0.5
    assert found.value == 0.4


counts_shown = st.integers(2, 400).map(lambda fives: 5 * fives)
anything_shown = st.one_of(st.just(ZERO), st.sampled_from([SMALL, WITHHELD, NOTHING, FEW]), counts_shown.map(a_number))
CODES = [*MOTHERS, "not_known", "not_stated"]


@given(st.lists(counts_shown, min_size=2, max_size=9), st.integers(1, 50))
def test_where_shares_are_equal_every_ratio_is_one(counts: list[int], children: int) -> None:
    received = {f"l{number}": count for number, count in enumerate(counts)}
    under_twos = {code: count * children for code, count in received.items()}
    report = a_report("language", received, total=sum(counts), under_twos=under_twos)
    assert {row.ratio for row in report.dimensions[0].rows} == {1}
    assert {row.gap for row in report.dimensions[0].rows} == {"none"}
    assert report.gaps == ()


@given(
    st.dictionaries(st.sampled_from(CODES), st.tuples(anything_shown, anything_shown)),
    st.tuples(anything_shown, anything_shown),
    st.dictionaries(st.sampled_from([*MOTHERS]), st.integers(0, 30_000)),
)
def test_whatever_is_published_there_is_a_report_and_each_interval_holds_its_ratio(
    counts: dict[str, tuple[Shown, Shown]], total: tuple[Shown, Shown], under_twos: dict[str, int]
) -> None:
    population = a_population(mother_ethnicity=under_twos)
    report = equality_report(HEADING, {"mother_ethnicity": {**counts, "total": total}}, population=population, names={})
    for row in report.dimensions[0].rows:
        assert row.words
        assert (row.ratio is None) is (row.low is None) is (row.high is None)
        if row.ratio is not None and row.low is not None and row.high is not None:
            assert 0 <= row.low <= row.ratio <= row.high
            assert row.gap == ("fewer" if row.high < 1 else "more" if row.low > 1 else "none")
        else:
            assert row.gap in ("fewer", "unknown")


@given(counts_shown, st.integers(1, 60), st.integers(2, 20), st.floats(0.001, 1))
def test_the_interval_shrinks_as_the_counts_grow(count: int, rest: int, times: int, share: float) -> None:
    def width(shown: int, total: int) -> float:
        found = ratio(a_number(shown), known=range_of(a_number(total), at_most=0), population_share=share)
        assert found
        return found.high - found.low

    total = count + 5 * rest
    assert width(count * times, total * times) < width(count, total)


@given(st.integers(0, 2000), st.integers(0, 2000), st.floats(0.001, 1))
def test_rounding_never_puts_the_exact_ratio_outside(count: int, rest: int, share: float) -> None:
    total = count + rest
    assume(total >= 8)
    found = ratio(published(count), known=range_of(published(total), at_most=0), population_share=share)
    assert found
    assert found.low <= count / total / share * (1 + 1e-9)
    assert found.high >= count / total / share * (1 - 1e-9)


def published(count: int) -> Shown:
    """The HES rule, written here by itself."""
    if count == 0:
        return ZERO
    return SMALL if count < 8 else a_number((count + 2) // 5 * 5)


@given(st.dictionaries(st.sampled_from(CODES), st.integers(0, 900), min_size=1))
def test_the_known_total_holds_the_exact_one(exact: dict[str, int]) -> None:
    shown = {code: published(count) for code, count in exact.items()}
    known = [*MOTHERS]
    found = known_total(shown, published(sum(exact.values())), known=known)
    assert found.low <= sum(count for code, count in exact.items() if code in known) <= found.high


def test_the_narrower_of_the_two_ways_to_the_known_total_counts() -> None:
    shown = {"white": a_number(100), "not_known": SMALL}
    assert known_total(shown, a_number(105), known=["white"]) == Range(98, 102)


@given(st.integers(1, 500), st.integers(0, 500))
def test_a_share_is_always_within_its_interval(total: int, count: int) -> None:
    assume(count <= total)
    low, high = wilson(count, total)
    assert 0 <= low <= count / total <= high <= 1
