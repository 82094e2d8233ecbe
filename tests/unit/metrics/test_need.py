"""Need against seen: Birmingham's own table, unmet need where a number is held back, and the words."""

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.counting.book import Book
from services.metrics.counting.cases import Case, Item
from services.metrics.need import BIRMINGHAM_2022, TIERS, WARD_TIERS, expected, need_report
from services.metrics.need.report import make_need
from services.metrics.need.rows import wards as ward_rows
from services.metrics.population import Denominator, Population, load
from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.model import (
    NOTHING,
    SMALL,
    WITHHELD,
    ZERO,
    Heading,
    Need,
    NeedReport,
    ReportKind,
    ReportStatus,
    Shown,
)
from services.metrics.spans import year_of
from shared.policy import Policy
from tests.builders import BULWELL, NOTTINGHAM, POLICIES, SHERWOOD, a_policy

POPULATIONS = Path(POLICIES).parent / "population"
BIRMINGHAM = "E08000025"


def a_heading(policy: Policy) -> Heading:
    return Heading(
        kind=ReportKind.NEED,
        period="2025-09--2026-08",
        first_day=date(2025, 9, 1),
        last_day=date(2026, 8, 31),
        authority=policy.authority,
        authority_name=policy.authority_name,
        policy=policy.id,
        policy_version=policy.version,
        status=ReportStatus.PUBLISHED,
    )


def a_population(total: int = 1000, *, is_invented: bool = False, **wards: int) -> Population:
    by_ward = wards or {BULWELL: total // 2, SHERWOOD: total - total // 2}
    whole = Denominator({"total": total}, "census (2022)", is_invented=False)
    return Population(NOTTINGHAM, whole, {"ward": Denominator(by_ward, "estimate (2022)", is_invented)})


def a_report(
    policy: Policy | None = None,
    *,
    population: Population | None,
    by_tier: dict[str, Shown] | None = None,
    by_ward: dict[str, Shown] | None = None,
) -> NeedReport:
    used = policy or a_policy()
    return need_report(
        a_heading(used), policy=used, population=population, seen_by_tier=by_tier or {}, seen_by_ward=by_ward or {}
    )


def birminghams(**by_tier: Shown) -> NeedReport:
    return a_report(a_policy("birmingham"), population=load(POPULATIONS, BIRMINGHAM), by_tier=by_tier)


def row_of(report: NeedReport, code: str) -> Need:
    return next(row for row in [*report.tiers, *report.wards, *report.outreach] if row.code == code)


def number(value: int) -> Shown:
    return Shown(value=value)


def test_birminghams_own_table_comes_out_to_the_family() -> None:
    report = birminghams()
    assert {row.code: row.expected for row in [*report.tiers, *report.outreach]} == {
        "universal": 15_336,
        "outreach_insecure": 6_134,
        "outreach_disorganised": 3_987,
        "targeted": 2_454,
        "specialist_short": 613,
        "specialist_long": 2_147,
        "specialist": 2_760,
        "specialist_left": 2_420,
    }
    assert {row.under_twos for row in report.tiers} == {30_672}
    assert report.seen_elsewhere == 340


def test_the_shipped_policy_has_the_shares_of_the_paper() -> None:
    assert a_policy("birmingham").need_shares == BIRMINGHAM_2022
    assert row_of(birminghams(), "specialist").share == 0.09


def test_unmet_is_expected_without_those_seen() -> None:
    row = row_of(birminghams(specialist_short=number(100)), "specialist_short")
    assert (row.expected, row.seen.value, row.unmet) == (613, 100, 513)


def test_rounding_of_those_seen_is_in_the_bounds_of_unmet() -> None:
    row = row_of(birminghams(specialist_short=number(100)), "specialist_short")
    assert (row.unmet_low, row.unmet_high) == (511, 515)


def test_those_seen_elsewhere_are_taken_off_the_specialist_need_once() -> None:
    report = birminghams(specialist_short=number(100), specialist_long=number(300))
    assert row_of(report, "specialist").unmet == 2_360
    assert row_of(report, "specialist_left").unmet == 2_020
    assert any(sentence.startswith("About 340 families a year") for sentence in report.quality)


def test_specialist_work_published_together_is_taken_as_it_is() -> None:
    report = birminghams(specialist_short=SMALL, specialist_long=number(300), specialist=number(305))
    assert row_of(report, "specialist").seen.value == 305
    assert row_of(report, "specialist").unmet == 2_455


def test_specialist_work_is_not_added_up_from_a_number_that_is_held_back() -> None:
    row = row_of(birminghams(specialist_short=SMALL, specialist_long=number(300)), "specialist")
    assert (row.seen, row.unmet) == (WITHHELD, None)
    assert (row.unmet_low, row.unmet_high) == (2_760 - 309, 2_760 - 299)


def test_with_nobody_in_one_specialist_tier_the_other_speaks_for_both() -> None:
    assert row_of(birminghams(specialist_long=SMALL), "specialist").seen == SMALL


def test_where_the_number_seen_is_held_back_unmet_lies_between_two_numbers() -> None:
    report = birminghams(specialist_short=SMALL)
    row = row_of(report, "specialist_short")
    assert (row.unmet, row.unmet_low, row.unmet_high) == (None, 606, 612)
    assert "Shorter-term specialist work: between 606 and 612 unmet; the number seen is held back." in report.quality


def test_where_a_number_is_withheld_unmet_may_be_anything_up_to_all() -> None:
    row = row_of(birminghams(specialist_short=WITHHELD), "specialist_short")
    assert (row.unmet, row.unmet_low, row.unmet_high) == (None, 0, 613)


def test_more_seen_than_expected_leaves_nobody_unmet() -> None:
    row = row_of(a_report(population=a_population(100), by_tier={"targeted": number(50)}), "targeted")
    assert (row.expected, row.unmet, row.unmet_low, row.unmet_high) == (8, 0, 0, 0)


def test_outreach_is_apart_and_nobody_is_counted_as_seen_in_it() -> None:
    report = birminghams()
    assert [row.code for row in report.outreach] == ["outreach_insecure", "outreach_disorganised"]
    assert {(row.seen, row.unmet) for row in report.outreach} == {(NOTHING, None)}


def test_a_ward_is_about_those_who_need_more_than_the_universal_offer_and_may_come() -> None:
    report = a_report(population=a_population(1000), by_ward={BULWELL: number(30)})
    row = row_of(report, BULWELL)
    assert report.expected[BULWELL] == {
        "universal": 250,
        "targeted": 40,
        "specialist_short": 10,
        "specialist_long": 35,
    }
    assert (row.name, row.under_twos, row.share) == ("Bulwell", 500, 0.17)
    assert (row.expected, row.unmet) == (85, 55)
    assert row.expected == sum(report.expected[BULWELL][tier] for tier in WARD_TIERS)


def test_a_ward_that_nobody_was_seen_from_has_all_its_need_unmet() -> None:
    row = row_of(a_report(population=a_population(1000)), SHERWOOD)
    assert (row.seen, row.unmet) == (ZERO, row.expected)


def test_wards_that_were_not_open_and_numbers_held_back_are_said() -> None:
    report = a_report(population=a_population(1000), by_ward={BULWELL: SMALL})
    assert "1 of 2 wards were not open at the end of the period: their families wait." in report.quality
    assert any(sentence.startswith("In 1 of 2 wards the number seen is held back") for sentence in report.quality)


def test_families_without_a_ward_are_said_to_be_in_no_row() -> None:
    report = a_report(population=a_population(), by_ward={"not_known": number(15), "elsewhere": SMALL})
    said = [sentence for sentence in report.quality if "in no ward's row" in sentence]
    assert said[0].startswith("Some of the families seen live in another council's area")
    assert said[1].startswith("About 15 of the families seen have no known ward")


def test_a_council_with_birminghams_shares_says_whose_they_are() -> None:
    report = a_report(population=a_population())
    assert report.quality[0] == (
        "Nottingham has no shares of its own: they are those of Birmingham's needs assessment of 2022."
    )
    assert "policy birmingham, version" in birminghams().quality[0]


def test_a_policy_without_shares_uses_birminghams() -> None:
    bare = a_policy().model_copy(update={"need_shares": {}})
    assert a_report(bare, population=a_population()).tiers == a_report(population=a_population()).tiers


def test_a_councils_own_shares_replace_birminghams() -> None:
    own = a_policy().model_copy(update={"need_shares": {"targeted": 0.2, "toddlers": 0.1}})
    report = a_report(own, population=a_population(1000))
    assert [(row.code, row.expected) for row in report.tiers] == [("targeted", 200)]
    assert report.outreach == ()
    said = " ".join(report.quality)
    assert f"The shares are those of the policy nottingham, version {own.version}." in said
    assert "no share for universal, specialist_short, specialist_long, outreach_insecure" in said
    assert "shares that no row is for: toddlers" in said


def test_where_nobody_told_how_many_are_seen_elsewhere_none_are_taken_off() -> None:
    bare = a_policy().model_copy(update={"contract": None})
    report = a_report(bare, population=a_population(1000))
    assert row_of(report, "specialist_left").expected == row_of(report, "specialist").expected == 90
    assert any(sentence.startswith("Nobody has told how many") for sentence in report.quality)


def test_birminghams_total_is_real_and_only_its_wards_are_called_invented() -> None:
    report = birminghams()
    assert report.is_invented
    assert "by ward are invented" in " ".join(report.quality)
    assert "30,672 children under two are invented" not in " ".join(report.quality)
    assert report.source.startswith("Birmingham 2022 needs assessment (2022); by ward: invented")


def test_nottinghams_total_is_said_to_be_invented() -> None:
    report = a_report(population=load(POPULATIONS, NOTTINGHAM))
    assert report.is_invented
    assert "The 7,900 children under two are invented, to be replaced before anyone acts on them." in report.quality


def test_a_population_without_wards_still_gives_the_tiers() -> None:
    whole = Denominator({"total": 1000}, "census (2022)", is_invented=False)
    report = a_report(population=Population(NOTTINGHAM, whole, {}))
    assert row_of(report, "targeted").expected == 80
    assert (report.wards, report.expected, report.source) == ((), {}, "census (2022)")


def test_without_a_population_the_report_has_no_rows_and_says_so() -> None:
    report = a_report(population=None)
    assert (report.tiers, report.wards, report.outreach, report.expected) == ((), (), (), {})
    assert report.quality[-1] == "There is no population file for Nottingham: no family can be expected."


@pytest.mark.parametrize(("under_twos", "share", "families"), [(30_672, 0.08, 2_454), (50, 0.01, 1), (49, 0.01, 0)])
def test_families_are_rounded_half_up(under_twos: int, share: float, families: int) -> None:
    assert expected(under_twos, share) == families


children = st.lists(st.integers(0, 2_000), min_size=1, max_size=70)
shares = st.fixed_dictionaries({code: st.integers(0, 160).map(lambda thousands: thousands / 1000) for code in TIERS})
shown = st.one_of(st.sampled_from([ZERO, SMALL, WITHHELD]), st.integers(2, 500).map(lambda fives: number(5 * fives)))


@given(children, st.floats(0, 1))
def test_wards_add_up_to_the_total_within_what_each_is_rounded_by(counts: list[int], share: float) -> None:
    together = sum(expected(count, share) for count in counts)
    assert abs(together - expected(sum(counts), share)) <= (len(counts) + 1) / 2


@given(children, shares)
def test_a_wards_row_is_its_cells_added_up(counts: list[int], by_tier: dict[str, float]) -> None:
    under_twos = {f"ward-{at}": count for at, count in enumerate(counts)}
    for row in ward_rows(under_twos, by_tier, {}, {}):
        cells = [expected(under_twos[row.code], by_tier[tier]) for tier in WARD_TIERS]
        assert row.expected == sum(cells)
        assert abs(row.expected - under_twos[row.code] * (row.share or 0)) <= len(cells) / 2 + 1e-6


@given(
    st.integers(1, 50_000),
    st.dictionaries(st.sampled_from([*TIERS, "specialist", "pnmh"]), shown),
    st.dictionaries(st.sampled_from([BULWELL, SHERWOOD, "elsewhere", "not_known"]), shown),
)
def test_unmet_is_never_below_zero_and_always_within_its_bounds(
    total: int, by_tier: dict[str, Shown], by_ward: dict[str, Shown]
) -> None:
    report = a_report(a_policy("birmingham"), population=a_population(total), by_tier=by_tier, by_ward=by_ward)
    for row in [*report.tiers, *report.wards]:
        assert row.unmet_low is not None
        assert row.unmet_high is not None
        assert 0 <= row.unmet_low <= row.unmet_high <= row.expected
        assert row.unmet is None or row.unmet_low <= row.unmet <= row.unmet_high
        assert (row.unmet is None) is (row.seen.value is None)


def test_a_family_that_was_referred_and_met_twice_in_the_year_was_seen_once() -> None:
    policy = a_policy()
    year = year_of(date(2025, 9, 1), date(2022, 9, 1))
    cases = [
        Case(
            id=UUID(int=number),
            received_at=datetime(2025, 10, 1 + number // 20, 9, tzinfo=UTC),
            working_time=policy.working_time,
            ward=BULWELL,
            tier="specialist_short",
            family_id=UUID(int=1000 + number % 20),
            items=(Item("pir_short", first_contact_on=date(2025, 11, 3)),),
        )
        for number in range(40)
    ]
    book = Book(year, cases, safeguarding=[], sessions=[], messages=[], places=[], agencies={})
    terms = terms_under(policy, a_population())
    assert terms is not None
    [seen] = [need.seen for need in make_need(a_heading(policy), book, terms).tiers if need.code == "specialist_short"]
    assert seen.value == 20
