import csv
import io
from typing import Any

import pytest

from services.referral.postcodes.ons_file import Row, Rows, RowsError
from tests.directories import ONSPD_2026, a_row, cells


def text(*rows: list[str]) -> io.StringIO:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([ONSPD_2026, *rows])
    file.seek(0)
    return file


def rows_of(*rows: list[str]) -> Rows:
    return Rows(text(*rows))


def good(postcode: str = "NG6 8GB", **changes: Any) -> list[str]:
    return cells(ONSPD_2026, a_row(postcode, **changes))


def test_a_row_says_where_a_postcode_is_and_how_deprived() -> None:
    assert list(rows_of(good(rank=417))) == [Row("NG6 8GB", "E05012275", "E06000018", "E", 417, is_terminated=False)]


def test_a_postcode_with_a_month_of_termination_is_terminated_and_keeps_its_ward() -> None:
    [row] = rows_of(good(terminated="199606"))
    assert (row.ward, row.is_terminated) == ("E05012275", True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ward": "E99999999"}, (None, "E06000018", 100)),
        ({"ward": ""}, (None, "E06000018", 100)),
        ({"ward": "", "authority": "", "lsoa": "", "rank": ""}, (None, None, 0)),
        ({"ward": "L99999999", "authority": "L99999999", "lsoa": "L99999999", "rank": "0"}, (None, "L99999999", 0)),
        ({"lsoa": "E99999999"}, ("E05012275", "E06000018", 0)),
        ({"rank": "0"}, ("E05012275", "E06000018", 0)),
    ],
)
def test_codes_that_say_that_there_is_no_such_area_are_left_out(changes: dict[str, Any], expected: object) -> None:
    [row] = rows_of(good(**changes))
    assert (row.ward, row.authority, row.rank) == expected


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (good("NG6 8G"), "line 3: 'NG6 8G' is no postcode"),
        (good("ng6 8gb"), "line 3: 'ng6 8gb' is no postcode"),
        (good("NG68GB"), "line 3: 'NG68GB' is no postcode"),
        (good(ward="Bulwell"), "line 3: 'Bulwell' is no ward"),
        (good(authority="E0600018"), "line 3: 'E0600018' is no authority"),
        (good(rank="12.5"), "line 3: '12.5' is no rank of deprivation"),
        (good(rank="-1"), "line 3: '-1' is no rank of deprivation"),
        (good(rank="70000"), "line 3: '70000' is no rank of deprivation"),
        (good(terminated="yes"), "line 3: 'yes' is no month of termination"),
        (good()[:-3], "line 3: 52 cells instead of 55"),
        ([*good(), "more"], "line 3: 56 cells instead of 55"),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_named_by_its_line(bad: list[str], words: str) -> None:
    rows = rows_of(good("NG6 8GA"), bad, good("NG6 8GD"))
    assert [row.postcode for row in rows] == ["NG6 8GA", "NG6 8GD"]
    assert (rows.unread.count, rows.unread.shown) == (1, [words])


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    broken = good("NG6 8GB")
    broken[-3] = "a cell over\ntwo lines"
    rows = rows_of(broken, good("nonsense"))
    list(rows)
    assert rows.unread.shown == ["line 4: 'nonsense' is no postcode"]


def test_empty_lines_are_no_rows() -> None:
    rows = rows_of(good(), [], [])
    assert len(list(rows)) == 1
    assert rows.unread.count == 0


def test_bytes_that_are_no_text_spoil_their_own_row_only() -> None:
    rows = rows_of(good("NG6 8GA"), good("NG6\N{REPLACEMENT CHARACTER}8GB"), good("NG6 8GD"))
    assert len(list(rows)) == 2
    assert rows.unread.count == 1


def test_a_bad_row_in_a_thousand_is_allowed_and_one_more_is_not() -> None:
    rows = rows_of(good("bad"))
    list(rows)
    rows.unread.refuse_if_too_many(999)
    with pytest.raises(RowsError, match=r"1 row\(s\) can't be read(.|\n)*line 2: 'bad' is no postcode"):
        rows.unread.refuse_if_too_many(998)


def test_at_most_twenty_bad_rows_are_shown_and_all_are_counted() -> None:
    rows = rows_of(*[good("bad")] * 31)
    list(rows)
    with pytest.raises(RowsError) as refused:
        rows.unread.refuse_if_too_many(0)
    assert str(refused.value).count("line ") == 20
    assert str(refused.value).endswith("and 11 more")


def test_a_file_without_a_readable_row_is_not_read_to_its_end() -> None:
    rows = rows_of(*[["one cell"]] * 20_000)
    with pytest.raises(RowsError, match="10,001 row"):
        list(rows)
