from services.referral.postcodes.checks import INDEXES, Doubts, Index, look_at
from services.referral.postcodes.load import LoadProgress
from services.referral.postcodes.ons_file import Row
from services.referral.postcodes.packing import Packing
from tests.builders import a_policy

POLICY = a_policy()
KNOWN: dict[str, Index | None] = {"E": INDEXES["E"][1]}


def packing(*wards: str, authority: str = POLICY.authority) -> Packing:
    made = Packing()
    for number, ward in enumerate(wards):
        made.add(Row(f"NG{number // 10 + 1} {number % 10}AA", ward, authority, "E", 40_000, is_terminated=False))
    return made


def look(of: Packing, before: int | None = None, indexes: dict[str, Index | None] = KNOWN) -> Doubts:
    return look_at(of, indexes, before=before, policy=POLICY)


def test_a_file_with_every_ward_of_the_policy_is_not_doubted() -> None:
    assert look(packing(*POLICY.ward_by_code)) == Doubts((), ())


def test_less_than_half_of_the_postcodes_of_the_load_before_is_doubted() -> None:
    wards = tuple(POLICY.ward_by_code) * 5
    assert look(packing(*wards), before=2 * len(wards)).reasons == ()
    [reason] = look(packing(*wards), before=2 * len(wards) + 1).reasons
    assert f"It has {len(wards)} postcodes; the load before had {2 * len(wards) + 1}" in reason


def test_a_file_without_the_councils_own_wards_is_doubted() -> None:
    [reason] = look(packing("E05000001")).reasons
    assert "No postcode is in a ward of the policy nottingham" in reason


def test_own_wards_under_another_authority_do_not_count() -> None:
    assert look(packing(*POLICY.ward_by_code, authority="E07000173")).reasons


def test_wards_of_the_policy_that_are_missing_are_named_without_refusing_the_file() -> None:
    first, *rest = POLICY.ward_by_code
    found = look(packing(*rest))
    assert found.reasons == ()
    assert first in found.remarks[0]


def test_an_unknown_index_of_the_councils_own_country_is_doubted_and_anothers_is_only_said() -> None:
    made = packing(*POLICY.ward_by_code)
    made.highest_ranks["S"] = 7_392
    found = look(made, indexes={"E": None, "S": None})
    assert "England is 40,000" in found.reasons[0]
    assert "Scotland is 7,392" in found.remarks[0]


def test_progress_says_rows_per_cent_and_seconds_left_every_few_seconds() -> None:
    told: list[str] = []
    clock = iter([0.0, 1.0, 4.0, 5.0, 8.0])
    read = iter([25, 50])
    progress = LoadProgress(100, lambda: next(read), clock=lambda: next(clock), tell=told.append)
    for rows in (10_000, 40_000, 50_000, 80_000):
        progress.at(rows)
    assert [line.split() for line in told] == [
        ["40,000", "rows", "25%", "about", "12", "s", "left"],
        ["80,000", "rows", "50%", "about", "8", "s", "left"],
    ]
