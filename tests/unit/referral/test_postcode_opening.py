from pathlib import Path

import pytest

from services.referral.postcodes.ons_file import FileError, opened
from tests.directories import a_row, directory, zipped


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return directory(tmp_path / "ONSPD_AUG_2026_UK.csv", [a_row("NG6 8GB")])


@pytest.mark.parametrize(
    "member", ["Data/ONSPD_AUG_2026_UK.csv", "data/NSPL_AUG_2026_UK.csv", "ONSPD_AUG_2026/Data/ONSPD_AUG_2026_UK.CSV"]
)
def test_a_zip_gives_the_one_directory_in_its_folder_data(tmp_path: Path, csv_file: Path, member: str) -> None:
    others = {"Data/multi_csv/ONSPD_AUG_2026_UK_NG.csv": "x", "Documents/Ward names.csv": "x", "User Guide/g.pdf": "x"}
    with opened(zipped(tmp_path / "any.zip", {member: csv_file, **others})) as file:
        assert file.name == member.rpartition("/")[2]
        assert file.size == csv_file.stat().st_size
        assert file.lines.read() == csv_file.read_text(encoding="utf-8").replace("\n", "\r\n")
        assert file.position() == file.size


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    file = tmp_path / "some.csv"
    file.write_bytes(b"\xef\xbb\xbfpcds,doterm\r\n")
    with opened(file) as found:
        assert next(found.lines) == "pcds,doterm\r\n"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Documents/names.csv": "x"}, "no file like Data/ONSPD_AUG_2026_UK.csv.*It holds: Documents/names.csv"),
        ({"Data/ONSPD_A.csv": "x", "Data/NSPL_A.csv": "x"}, "several files like.*Data/ONSPD_A.csv, Data/NSPL_A.csv"),
    ],
)
def test_a_zip_without_exactly_one_directory_is_refused_with_what_it_holds(
    tmp_path: Path, members: dict[str, Path | str], words: str
) -> None:
    with pytest.raises(FileError, match=words), opened(zipped(tmp_path / "any.zip", members)):
        pass


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.csv can't be read.*No such file"), opened(tmp_path / "gone.csv"):
        pass


def test_a_damaged_zip_is_refused_while_it_is_read(tmp_path: Path, csv_file: Path) -> None:
    whole = zipped(tmp_path / "any.zip", {"Data/ONSPD_AUG_2026_UK.csv": csv_file})
    content = bytearray(whole.read_bytes())
    content[200:260] = bytes(60)
    whole.write_bytes(content)
    with pytest.raises(FileError, match="Fetch it again"), opened(whole) as file:
        file.lines.read()
