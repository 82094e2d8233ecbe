"""Adding and subtracting all that is published pins no count: exact attacks, over whole numbers, on everything at once."""

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.disclosure import Sum, beside, bounds, percent, publish, rounded, verdict, verdicts
from services.metrics.reports.model import WITHHELD, Shown, Verdict
from tests.attacker import Published, agrees, pinned, stands_for, work_out
from tests.counted import TARGETS, Counted, a_month, a_table, months_and_half_year, together

FEW = st.one_of(st.sampled_from((1, 7, 8, 12, 13)), st.integers(0, 14))
"""Counts at the ends of what a published number may stand for: there the sums tell most."""


def by_the_rule_alone(counted: Counted) -> Published:
    counts, sums = counted
    return Published({name: rounded(count) for name, count in counts.items()}, sums)


def published(counted: Counted) -> Published:
    counts, sums = counted
    return Published(publish(counts, sums), sums)


def withheld(found: Published) -> int:
    return sum(number == WITHHELD for number in found.shown.values())


@st.composite
def a_few_tables(draw: st.DrawFn) -> Counted:
    """One total by ward, and again by tier; every ward with a hidden part."""
    by_ward = draw(st.lists(FEW, min_size=2, max_size=5))
    cut = draw(st.integers(0, sum(by_ward)))
    inner = draw(st.integers(0, by_ward[0]))
    hidden = ({"all/ward/0/some": inner}, (Sum("all/ward/0", ("all/ward/0/some", "all/ward/0/missed")),))
    return together(a_table("all", by_ward, "ward"), a_table("all", [cut, sum(by_ward) - cut], "tier"), hidden)


# The attack has teeth.


def test_the_rule_alone_gives_four_sevens_away() -> None:
    """28 is shown as 30, so at least 28; four parts of 1 to 7 make 28 only when each is 7."""
    found = pinned(by_the_rule_alone(a_table("all", [7, 7, 7, 7])))
    assert found == {"all": 28, **{f"all/row/{place}": 7 for place in range(4)}}


def test_the_rule_alone_gives_twelve_single_families_away() -> None:
    """Twelve agencies with one referral each: 12 is shown as 10, so at most 12."""
    assert set(pinned(by_the_rule_alone(a_table("all", [1] * 12))).values()) == {1, 12}


@pytest.mark.parametrize("parts", [[7, 7, 7, 7], [1] * 12, [1, 8, 8], [8, 8, 8, 8], [1] * 7, [1, 13, 13], [7] * 9])
def test_what_the_rule_alone_gives_away_is_not_pinned_when_published(parts: list[int]) -> None:
    counted = a_table("all", parts)
    assert pinned(by_the_rule_alone(counted))
    assert pinned(published(counted)) == {}


def test_more_is_held_back_only_where_the_rule_alone_is_not_enough() -> None:
    found = published(a_table("all", [24, 13, 9, 4, 2, 0]))
    assert withheld(found) == 0


# Totals, and several breakdowns that share one.


@settings(deadline=None)
@given(a_few_tables())
def test_no_sum_pins_a_count(counted: Counted) -> None:
    for name, (low, high) in work_out(published(counted)).items():
        assert counted[0].get(name, 1) == 0 or high - low >= 2 or high == 0


@settings(deadline=None)
@given(a_few_tables())
def test_bounds_never_claim_more_than_the_exact_attack(counted: Counted) -> None:
    found = published(counted)
    exact = work_out(found)
    for name, (low, high) in bounds(found.shown, found.sums).items():
        assert low <= exact[name][0]
        assert high is None or exact[name][1] <= high


@pytest.mark.parametrize("seed", range(4))
def test_no_count_of_a_small_month_is_pinned(seed: int) -> None:
    assert pinned(published(a_month(Random(seed), 12))) == {}


def test_no_count_of_an_everyday_month_is_pinned() -> None:
    counted = a_month(Random(1), 45)
    named = [name for name, count in counted[0].items() if 0 < count < 8]
    assert pinned(published(counted), [*named, "received", "accepted"]) == {}


# Overlapping periods.


def test_the_rule_alone_gives_months_away_through_their_half_year() -> None:
    """Four months of 7 and two of none: 28 is shown as 30, and four of 1 to 7 make no more than 28."""
    counts, sums = a_table("half", [7, 7, 7, 7, 0, 0], "month")
    assert pinned(by_the_rule_alone((counts, sums)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("families", [3, 12])
def test_months_and_their_half_year_pin_nothing_together(seed: int, families: int) -> None:
    """The months are out when the half-year is made of them, so that only its own numbers can still be held back."""
    months, (half, over) = months_and_half_year(Random(seed), families, wards=5)
    before: dict[str, Shown] = {}
    sums = list(over)
    for counts, within in months:
        before |= publish(counts, within)
        sums += within
    both = before | publish(half, sums, before=before)
    assert pinned(Published(both, sums)) == {}
    assert {name: both[name] for name in before} == before


def test_a_half_year_is_withheld_where_its_months_are_out_and_it_would_pin_them() -> None:
    months = {f"month{number}": 7 for number in range(4)}
    over = [Sum("half", tuple(months))]
    before = publish(months, [])
    assert pinned(Published(before | {"half": rounded(28)}, over))
    found = publish({"half": 28}, over, before=before)
    assert found == {"half": WITHHELD}


@settings(deadline=None, max_examples=40)
@given(st.lists(FEW, min_size=6, max_size=6), st.lists(FEW, min_size=6, max_size=6))
def test_a_single_referral_of_a_small_ward_is_not_told_by_two_months(one: list[int], two: list[int]) -> None:
    """The ward has one referral in the first month and none in the second; both are out, and what they make."""
    first, second = a_table("one", [*one, 1]), a_table("two", [*two, 0])
    before = publish(*first) | publish(*second)
    over = [Sum("both", ("one", "two")), Sum("both/ward", ("one/row/6", "two/row/6"))]
    sums = [*first[1], *second[1], *over]
    both = before | publish({"both": sum(one) + sum(two) + 1, "both/ward": 1}, sums, before=before)
    assert "one/row/6" not in pinned(Published(both, sums))


# Versions.


@settings(deadline=None)
@given(st.lists(FEW, min_size=2, max_size=5), st.data())
def test_a_later_version_beside_an_earlier_one_pins_nothing(parts: list[int], data: st.DataObject) -> None:
    """Somebody takes whatever looks the same in both for the same, as long as that is no contradiction."""
    earlier, sums = a_table("all", parts)
    first = publish(earlier, sums)
    place = data.draw(st.integers(0, len(parts) - 1))
    changed = [*parts]
    changed[place] = max(0, changed[place] + data.draw(st.sampled_from((-2, -1, 1, 2))))
    later, _ = a_table("all", changed)
    before, both_sums = beside(first, later, sums)
    second = publish(later, both_sums, before=before)
    everything = Published(before | second, both_sums)
    assert not agrees(everything) or pinned(everything) == {}
    assert pinned(Published(second, sums)) == {}


# Shares and answers.


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_share_tells_nothing_that_its_two_numbers_do_not(one: int, other: int) -> None:
    """Turned round: every pair that looks the same gives the same per cent."""
    shown = (rounded(min(one, other)), rounded(max(one, other)))
    (n_low, n_high), (d_low, d_high) = map(stands_for, shown)
    alike = {percent(rounded(n), rounded(d)) for d in range(d_low, d_high + 1) for n in range(n_low, n_high + 1)}
    assert alike == {percent(*shown)}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("families", [9, 12, 20])
def test_answers_pin_nothing_with_all_the_sums(seed: int, families: int) -> None:
    counts, sums = a_month(Random(seed), families)
    shown = publish(counts, sums)
    said = verdicts(counts, sums, TARGETS, shown=shown)
    answers = [(TARGETS[code], answer) for code, answer in said.items() if answer is not Verdict.UNSAID]
    named = [name for share in TARGETS.values() for name in (share.numerator, f"{share.numerator}/missed")]
    small = [name for name, count in counts.items() if 0 < count < 4]
    assert pinned(Published(shown, sums, answers), ["received", *named, *small[:25]]) == {}


def test_an_answer_stays_unsaid_where_the_sums_make_it_tell() -> None:
    """23 of 26, shown as 25 of 25: by itself "below 90 per cent" leaves 23 to 24, but only 7, 7 and 12 make 26."""
    counts, sums = a_table("received", [7, 7, 12])
    counts |= {"seen": 23, "decided": 23}
    sums = (*sums, *(Sum("received", (code, f"{code}/missed")) for code in ("seen", "decided")))
    shown = publish(counts, sums)
    shares = {code: TARGETS[code] for code in ("seen", "decided")}
    alone = [
        (share, verdict(23, 26, shown=(shown[code], shown["received"]), target=share.target))
        for code, share in shares.items()
    ]
    assert pinned(Published(shown, sums, alone))["received"] == 26
    said = verdicts(counts, sums, shares, shown=shown)
    assert said == {"seen": Verdict.MISSED, "decided": Verdict.UNSAID}
    assert pinned(Published(shown, sums, [(shares["seen"], said["seen"])])) == {}


# Whoever knows this program.


def test_knowing_this_program_does_not_tell_why_a_number_was_withheld() -> None:
    """All tables of three rows up to 17 families: whatever was published, another table gives exactly the same."""
    alike: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
    for parts in product(range(18), repeat=3):
        counts, sums = a_table("all", list(parts))
        shown = publish(counts, sums)
        alike.setdefault(tuple(number.text for number in shown.values()), []).append((sum(parts), *parts))
    assert any("[w]" in texts for texts in alike)
    for tables in alike.values():
        for counts_of_one in zip(*tables, strict=True):
            assert len(set(counts_of_one)) > 1 or counts_of_one[0] == 0
