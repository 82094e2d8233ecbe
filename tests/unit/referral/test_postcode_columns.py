import pytest

from services.referral.postcodes.ons_file import PATTERNS, ColumnsError, find_columns
from tests.directories import HEADERS, ONSPD_2026


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("ONSPD 2023", ["pcds", "doterm", "osward", "oslaua", "lsoa21", "imd"]),
        ("ONSPD 2025", ["pcds", "doterm", "wd25cd", "lad25cd", "lsoa21cd", "imd20ind"]),
        ("ONSPD 2026", ["pcds", "doterm", "wd26cd", "lad26cd", "lsoa21cd", "imd25ind"]),
        ("NSPL 2025", ["pcds", "doterm", "ward", "laua", "lsoa21", "imd"]),
        ("NSPL 2026", ["pcds", "doterm", "wd26cd", "lad26cd", "lsoa21cd", "imd25ind"]),
    ],
)
def test_the_columns_of_every_real_header_are_found_and_the_newest_of_several_is_taken(
    file: str, found: list[str]
) -> None:
    columns = find_columns(HEADERS[file])
    assert columns.names == dict(zip(PATTERNS, found, strict=True))
    assert [HEADERS[file][at] for at in (columns.postcode, columns.ward, columns.deprivation)] == [
        found[0],
        found[2],
        found[5],
    ]
    assert columns.width == len(HEADERS[file])


def test_capitals_and_spaces_around_a_name_do_not_matter() -> None:
    names = find_columns([" PCDS", "DOTERM", "WD27CD ", "LAD27CD", "LSOA21CD", "IMD25IND"]).names
    assert list(names.values()) == ["pcds", "doterm", "wd27cd", "lad27cd", "lsoa21cd", "imd25ind"]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("pcds", "postcode (pcds)"),
        ("doterm", "terminated (doterm)"),
        ("wd26cd", "ward (osward, ward or wd26cd)"),
        ("lad26cd", "authority (oslaua, laua or lad26cd)"),
    ],
)
def test_a_missing_column_is_named_with_those_that_were_found(missing: str, words: str) -> None:
    with pytest.raises(ColumnsError) as refused:
        find_columns([name for name in ONSPD_2026 if name != missing])
    first, last = str(refused.value).splitlines()
    assert words in first
    assert last.startswith("Columns of the file: pcd7, pcd8")


def test_all_missing_columns_are_named_at_once() -> None:
    with pytest.raises(ColumnsError) as refused:
        find_columns(["name", "address"])
    assert str(refused.value).count("There is no column for") == len(PATTERNS)
    assert str(refused.value).endswith("Columns of the file: name, address")


@pytest.mark.parametrize("header", [[], [""]])
def test_an_empty_file_has_no_columns(header: list[str]) -> None:
    with pytest.raises(ColumnsError, match="Columns of the file: none"):
        find_columns(header)


@pytest.mark.parametrize("twins", [("ward", "wd26cd"), ("osward", "ward"), ("wd26cd", "wd26cd")])
def test_columns_that_no_year_tells_apart_are_not_guessed_between(twins: tuple[str, str]) -> None:
    rest = [name for name in ONSPD_2026 if name != "wd26cd"]
    with pytest.raises(ColumnsError, match=f"Several columns could be the ward: {twins[0]}, {twins[1]}"):
        find_columns([*rest, *twins])
