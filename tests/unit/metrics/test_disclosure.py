"""What may be published of counts: the HES rule, shares and answers; the attack on it all is a file of its own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics import __file__ as metrics
from services.metrics.disclosure import (
    FEWEST,
    SMALLEST_SHOWN,
    STEP,
    Share,
    Sum,
    beside,
    bounds,
    percent,
    publish,
    range_of,
    rounded,
    verdict,
    verdicts,
)
from services.metrics.reports.model import ABSENT, MARKS, NOTHING, SMALL, WITHHELD, ZERO, Mark, Shown, Verdict
from tests.counted import Counted, a_table, together

COUNTS = st.integers(0, 500)
SMALL_COUNTS = st.one_of(st.integers(0, 9), st.integers(0, 30))
TARGETS = st.sampled_from((0.5, 0.8, 0.9, 0.95, 1.0))


@st.composite
def tables(draw: st.DrawFn) -> Counted:
    """Two or three breakdowns of one total, as by ward, by tier and by carer."""
    first = draw(st.lists(SMALL_COUNTS, min_size=1, max_size=6))
    others = [_split(draw, sum(first)) for _ in range(draw(st.integers(0, 2)))]
    return together(*(a_table("all", parts, f"by{number}") for number, parts in enumerate([first, *others])))


def _split(draw: st.DrawFn, total: int) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(0, total), max_size=4)))
    return [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]


def shown(value: int) -> Shown:
    return Shown(value=value)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, ZERO), (1, SMALL), (7, SMALL), (8, shown(10)), (12, shown(10)), (13, shown(15)), (17, shown(15))],
)
def test_counts_follow_the_hes_rule(count: int, expected: Shown) -> None:
    assert rounded(count) == expected


def test_there_is_no_count_below_nothing() -> None:
    with pytest.raises(ValueError, match="no count"):
        rounded(-1)


@given(COUNTS)
def test_a_number_is_a_multiple_of_five_and_at_most_two_away(count: int) -> None:
    number = rounded(count)
    assert (number.value is None) == (1 <= count <= 7)
    if number.value:
        assert number.value % 5 == 0
        assert number.value >= 10
        assert abs(number.value - count) <= 2


@given(COUNTS)
def test_every_count_is_within_the_range_of_what_is_published_of_it(count: int) -> None:
    possible = range_of(rounded(count))
    assert possible.low <= count <= possible.high


def test_words_that_can_not_ask_the_rule_say_what_it_is() -> None:
    about = (Path(metrics).parent / "pages" / "templates" / "about.html").read_text(encoding="utf-8")
    assert MARKS[Mark.SMALL].startswith(f"1 to {SMALLEST_SHOWN - 1}:")
    assert f"a count of 1 to {SMALLEST_SHOWN - 1} is held back" in about
    assert f"rounded to the nearest {STEP}." in about


@given(tables())
def test_nothing_from_1_to_7_is_ever_shown(counted: Counted) -> None:
    counts, sums = counted
    for name, number in publish(counts, sums).items():
        assert number.value is None or number.value == 0 or number.value >= 10
        assert number.value != 0 or counts[name] == 0


@given(tables())
def test_a_total_is_rounded_from_what_was_counted_and_not_from_its_parts(counted: Counted) -> None:
    counts, sums = counted
    assert publish(counts, sums)["all"] in (rounded(counts["all"]), WITHHELD)


@given(tables())
def test_what_is_published_is_what_the_rule_gives_or_withheld(counted: Counted) -> None:
    counts, sums = counted
    published = publish(counts, sums)
    assert published.keys() == counts.keys()
    assert all(number in (rounded(counts[name]), WITHHELD) for name, number in published.items())


@given(tables())
def test_publishing_again_changes_nothing(counted: Counted) -> None:
    counts, sums = counted
    once = publish(counts, sums)
    assert publish(counts, sums) == once
    assert publish(counts, sums, before=once) == once


@given(tables(), st.data())
def test_what_was_published_before_is_never_contradicted(counted: Counted, data: st.DataObject) -> None:
    counts, sums = counted
    names = data.draw(st.sets(st.sampled_from(sorted(counts))))
    before = {name: data.draw(st.sampled_from((rounded(counts[name]), WITHHELD))) for name in sorted(names)}
    published = publish(counts, sums, before=before)
    assert {name: published[name] for name in before} == before


def test_counts_in_no_sum_follow_the_rule_alone() -> None:
    assert publish({"alone": 3, "other": 11}, []) == {"alone": SMALL, "other": shown(10)}


def test_parts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        publish({"all": 20, "one": 9, "two": 9}, [Sum("all", ("one", "two"))])


def test_a_sum_names_each_cell_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Sum("all", ("one", "one"))


def test_an_everyday_table_loses_nothing() -> None:
    counts, sums = a_table("received", [24, 13, 9, 4, 2, 0])
    assert WITHHELD not in publish(counts, sums).values()


def test_what_shows_no_number_is_withheld_before_a_number_is() -> None:
    """Eleven rows of one family and a total of 11, shown as 10, would say that each is one or two."""
    counts, sums = a_table("received", [1] * 11 + [0])
    published = publish(counts, sums)
    assert published["received"] == shown(10)
    assert {published[part] for part in sums[0].parts} == {WITHHELD}


def test_a_correction_since_the_last_report_does_not_stop_the_next_one() -> None:
    """Published as 5 parts of 10; since then one of them has become 30, so that nothing adds up any more."""
    names = tuple(f"part{number}" for number in range(5))
    before = dict.fromkeys(names, shown(10))
    assert publish({"all": 70}, [Sum("all", names)], before=before) == {"all": shown(70)}
    counts = {"all": 70, **dict.fromkeys(names[:4], 10), names[4]: 30}
    assert publish(counts, [Sum("all", names)], before=before) == {"all": shown(70), **before}


# Bounds.


def test_bounds_use_the_sums_both_ways() -> None:
    table = [Sum("all", ("one", "two", "three"))]
    limits = bounds({"all": shown(15), "one": shown(10), "two": SMALL, "three": ZERO}, table)
    assert limits == {"all": (13, 17), "one": (8, 12), "two": (1, 7), "three": (0, 0)}
    assert bounds({"all": shown(20), "one": shown(10), "two": SMALL, "three": ZERO}, table)["two"] == (6, 7)


def test_bounds_of_a_hidden_quantity_may_have_no_end() -> None:
    limits = bounds({"reached": shown(10)}, [Sum("of", ("reached", "missed"))])
    assert limits == {"reached": (8, 12), "of": (8, None), "missed": (0, None)}


def test_bounds_follow_a_chain_of_sums() -> None:
    sums = [Sum("year", ("half", "other")), Sum("half", ("month", "rest"))]
    limits = bounds({"year": shown(10), "other": ZERO, "month": SMALL, "rest": SMALL}, sums)
    assert limits["half"] == (8, 12)
    assert limits["month"] == (1, 7)


def test_a_sum_that_contradicts_those_before_it_tells_nothing() -> None:
    sums = [Sum("all", ("one", "two")), Sum("again", ("one", "two"))]
    limits = bounds({"one": shown(10), "two": ZERO, "all": shown(10), "again": shown(100)}, sums)
    assert limits["one"] == (8, 12)
    assert limits["again"] == (98, 102)


@given(tables())
def test_the_true_count_is_always_within_its_bounds(counted: Counted) -> None:
    counts, sums = counted
    for name, (low, high) in bounds(publish(counts, sums), sums).items():
        assert low <= counts[name]
        assert high is None or counts[name] <= high


# Shares.


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (shown(10), shown(15), shown(67)),
        (shown(10), shown(80), shown(13)),
        (shown(15), shown(15), shown(100)),
        (ZERO, shown(15), ZERO),
        (ZERO, ZERO, NOTHING),
        (ZERO, SMALL, SMALL),
        (SMALL, shown(15), SMALL),
        (SMALL, WITHHELD, WITHHELD),
        (WITHHELD, shown(15), WITHHELD),
        (ABSENT, shown(15), ABSENT),
    ],
)
def test_a_share_is_whole_per_cent_of_what_is_published(numerator: Shown, denominator: Shown, expected: Shown) -> None:
    assert percent(numerator, denominator) == expected


@given(COUNTS, COUNTS)
def test_a_share_is_never_above_a_hundred(one: int, other: int) -> None:
    value = percent(rounded(min(one, other)), rounded(max(one, other))).value
    assert value is None or 0 <= value <= 100


# Answers.


def answer(numerator: int, denominator: int, target: float = 0.9) -> Verdict:
    return verdict(numerator, denominator, shown=(rounded(numerator), rounded(denominator)), target=target)


def test_an_answer_is_told_from_exact_counts() -> None:
    assert answer(45, 50) is Verdict.MET
    assert answer(44, 50) is Verdict.MISSED
    assert percent(rounded(44), rounded(50)).value == 90


def test_a_target_is_met_exactly_whatever_its_binary_fraction() -> None:
    assert answer(19 * 3, 20 * 3, 0.95) is Verdict.MET
    assert answer(29, 50, 0.58) is Verdict.MET


def test_of_nothing_nothing_is_said() -> None:
    assert answer(0, 0) is Verdict.UNSAID


def test_nothing_is_said_about_a_number_that_is_withheld() -> None:
    assert verdict(40, 50, shown=(WITHHELD, shown(50)), target=0.9) is Verdict.UNSAID
    assert verdict(40, 50, shown=(shown(40), WITHHELD), target=0.9) is Verdict.UNSAID


def test_all_of_a_few_may_be_said_but_not_how_few() -> None:
    assert answer(3, 3) is Verdict.MET
    assert answer(2, 3) is Verdict.MISSED


def test_an_answer_that_leaves_one_count_is_not_given_nor_is_its_opposite() -> None:
    """1 to 7 of 8 to 12: only 1 of 10 or more misses 11 per cent, so `missed` would say 1."""
    of_ten = {(n, d): answer(n, d, 0.11) for d in range(8, 13) for n in range(1, 8)}
    assert set(of_ten.values()) == {Verdict.UNSAID}


@given(SMALL_COUNTS, SMALL_COUNTS, TARGETS)
def test_no_answer_leaves_one_count_only(one: int, other: int, target: float) -> None:
    numerator, denominator = min(one, other), max(one, other)
    published = (rounded(numerator), rounded(denominator))
    said = verdict(numerator, denominator, shown=published, target=target)
    if said is not Verdict.UNSAID:
        alike = [
            (n, d)
            for d in range(1, 36)
            for n in range(d + 1)
            if (rounded(n), rounded(d)) == published
            and verdict(n, d, shown=(rounded(n), rounded(d)), target=target) is said
        ]
        assert len({d for _, d in alike}) > 1
        assert numerator == 0 or len({n for n, _ in alike}) > 1
        assert numerator == denominator or len({d - n for n, d in alike}) > 1


@given(SMALL_COUNTS, SMALL_COUNTS, TARGETS)
def test_leaving_it_unsaid_depends_on_what_is_published_alone(one: int, other: int, target: float) -> None:
    numerator, denominator = min(one, other), max(one, other)
    published = (rounded(numerator), rounded(denominator))
    alike = [(n, d) for d in range(1, 36) for n in range(d + 1) if (rounded(n), rounded(d)) == published]
    said = [verdict(n, d, shown=published, target=target) for n, d in alike]
    assert Verdict.UNSAID not in said or set(said) == {Verdict.UNSAID}


def test_answers_together_are_those_of_each_where_nothing_follows_from_them() -> None:
    counts = {"received": 50, "seen": 45, "decided": 30}
    sums = [Sum("received", (code, f"{code}/missed")) for code in ("seen", "decided")]
    shares = {code: Share(code, "received", 0.9) for code in ("seen", "decided")}
    found = verdicts(counts, sums, shares, shown=publish(counts, sums))
    assert found == {"seen": Verdict.MET, "decided": Verdict.MISSED}


# Versions.


def test_a_later_version_keeps_what_has_not_changed() -> None:
    counts, sums = a_table("received", [24, 13, 9, 4])
    first = publish(counts, sums)
    later, _ = a_table("received", [24, 13, 19, 4])
    before, more = beside(first, later, sums)
    second = publish(later, more, before=before)
    changed = {name for name in later if second[name] != first[name]}
    assert changed == {"received/row/2", "received"}


def test_what_was_withheld_stays_withheld_in_a_later_version() -> None:
    counts, sums = a_table("received", [7, 7, 7, 7])
    first = publish(counts, sums)
    later, _ = a_table("received", [7, 7, 7, 6])
    before, more = beside(first, later, sums)
    second = publish(later, more, before=before)
    assert all(second[name] == WITHHELD for name, number in first.items() if number.mark is Mark.WITHHELD)


def test_a_category_that_is_new_in_a_later_version_was_none_before() -> None:
    counts, sums = a_table("received", [24, 13])
    later, more_sums = a_table("received", [24, 13, 9])
    before, sums = beside(publish(counts, sums), later, more_sums)
    assert before["received/row/2/earlier"] == ZERO
    assert len(sums) == len(more_sums) + 1


def test_three_counts_at_least_stay_possible() -> None:
    """Two would say `one or two families`."""
    assert FEWEST == 3
