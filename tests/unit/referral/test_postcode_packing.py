import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.postcodes.lookup import place_of
from services.referral.postcodes.ons_file import Row, RowsError
from services.referral.postcodes.packing import Packing, Record, record_of
from shared.events import PlaceQuality

RANKED = {"E": 100, "S": 50}
LETTERS = st.sampled_from("ABDEFGHJLNPQRSTUWXYZ")
INWARDS = st.tuples(st.sampled_from("0123456789"), LETTERS, LETTERS).map("".join)
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["NG6", "NG68", "B1", "EC1A"]), INWARDS),
    st.tuples(
        st.sampled_from(["E05000001", "S13000002", None]),
        st.sampled_from(["E", "S", "W", None]),
        st.integers(0, 50),
        st.booleans(),
    ),
    min_size=1,
)


def row(
    postcode: str, *, ward: str | None = "E05000001", country: str | None = "E", rank: int = 1, ended: bool = False
) -> Row:
    return Row(postcode, ward, "E06000018", country, rank if country else 0, ended)


def packed(*rows: Row) -> tuple[Packing, dict[str, bytes]]:
    packing = Packing()
    for each in rows:
        packing.add(each)
    return packing, dict(packing.runs(RANKED))


@given(ROWS)
def test_what_was_packed_in_any_order_is_found_again(
    rows: dict[tuple[str, str], tuple[str | None, str | None, int, bool]],
) -> None:
    packing, runs = packed(
        *(
            row(f"{outward} {inward}", ward=ward, country=country, rank=rank, ended=ended)
            for (outward, inward), (ward, country, rank, ended) in rows.items()
        )
    )
    assert packing.postcodes == len(rows) == sum(len(run) for run in runs.values()) / 6
    for (outward, inward), (ward, country, rank, ended) in rows.items():
        record = record_of(runs[outward], inward)
        assert record is not None
        assert packing.areas[record.area] == (ward, "E06000018")
        decile = -(-rank * 10 // RANKED[country]) if rank and country in RANKED else None
        assert (record.deprivation_decile, record.is_terminated) == (decile, ended)


@given(ROWS, INWARDS)
def test_what_was_not_packed_is_not_found(
    rows: dict[tuple[str, str], tuple[str | None, str | None, int, bool]], inward: str
) -> None:
    _, runs = packed(*(row(f"{outward} {each}") for outward, each in rows))
    for outward, run in runs.items():
        assert (record_of(run, inward) is not None) == ((outward, inward) in rows)


def test_nothing_is_found_in_an_outward_code_without_postcodes() -> None:
    assert record_of(b"", "8GB") is None


def test_a_country_whose_index_is_not_known_has_no_deciles() -> None:
    _, runs = packed(row("CF1 1AA", country="W", rank=3))
    assert record_of(runs["CF1"], "1AA") == Record(0, None, is_terminated=False)


def test_a_postcode_that_is_there_twice_is_named() -> None:
    packing = Packing()
    for postcode in ("NG6 8GB", "NG6 8GA", "NG6 8GB"):
        packing.add(row(postcode))
    with pytest.raises(RowsError, match=r"1 postcode\(s\) are there twice: NG6 8GB"):
        list(packing.runs(RANKED))


def test_one_ward_is_kept_once_however_many_postcodes_it_has() -> None:
    packing, _ = packed(*(row(f"NG6 {number}AA", ended=bool(number % 2)) for number in range(10)))
    assert packing.areas == [("E05000001", "E06000018")]
    assert (packing.postcodes, packing.terminated) == (10, 5)


def test_the_highest_rank_of_each_country_is_known() -> None:
    packing, _ = packed(row("NG1 1AA", rank=7), row("NG1 1AB", rank=3), row("EH1 1AA", country="S", rank=44))
    assert packing.highest_ranks == {"E": 7, "S": 44}


def test_two_looks_give_the_one_place() -> None:
    assert place_of("E05012275", "E06000018", PlaceQuality.KNOWN) is place_of(
        "E05012275", "E06000018", PlaceQuality.KNOWN
    )
