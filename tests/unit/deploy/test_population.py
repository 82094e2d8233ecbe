"""The population file: what it holds, what a wrong one is told, and those that are shipped."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.population import __main__ as command
from services.metrics.population import COLUMNS, InvalidPopulationError, Population, load, read
from tests.builders import BULWELL, NOTTINGHAM, OLD_ARBORETUM, SHERWOOD, policies

FOLDER = Path(command.__file__).parent
BIRMINGHAM = "E08000025"
WARDS = (BULWELL, SHERWOOD)
HEADER = ",".join(COLUMNS)


def a_line(dimension: str, code: str, under_twos: object, *, source: str = "census", is_invented: str = "no") -> str:
    return f"{NOTTINGHAM},{dimension},{code},{under_twos},{source},{is_invented},2022"


LINES = (
    a_line("total", "total", 100),
    a_line("ward", BULWELL, 70),
    a_line("ward", SHERWOOD, 30, source="estimate", is_invented="yes"),
)


def a_file(*more: str, lines: tuple[str, ...] = LINES, header: str = HEADER) -> str:
    return "\n".join([header, *lines, *more]) + "\n"


def read_it(text: str) -> Population:
    return read(text, authority=NOTTINGHAM, name="a.csv", wards=WARDS)


def mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidPopulationError) as refused:
        read_it(text)
    first, *sentences = str(refused.value).splitlines()
    assert first == "a.csv is not a usable population file:"
    return [sentence.strip() for sentence in sentences]


def test_under_twos_are_there_by_ward_and_in_total() -> None:
    population = read_it(a_file())
    assert population.total == 100
    assert population.under_twos == {BULWELL: 70, SHERWOOD: 30}


def test_a_dimension_names_each_of_its_sources_with_the_year() -> None:
    assert read_it(a_file()).dimensions["ward"].source == "census (2022); estimate (2022)"


def test_one_invented_number_makes_the_dimension_invented_but_not_the_total() -> None:
    population = read_it(a_file())
    assert population.dimensions["ward"].is_invented
    assert not population.whole.is_invented


def test_a_language_that_is_not_listed_is_counted_with_the_others() -> None:
    population = read_it(a_file(a_line("language", "en", 80), a_line("language", "other", 20)))
    assert population.category_of("language", "en") == "en"
    assert population.category_of("language", "ur") == "other"


def test_a_language_that_is_not_known_stays_not_known() -> None:
    population = read_it(a_file(a_line("language", "en", 80), a_line("language", "other", 20)))
    assert population.category_of("language", "not_known") == "not_known"


@pytest.mark.parametrize("code", ["not_known", "not_stated", "other", "asian"])
def test_only_languages_are_counted_with_the_others(code: str) -> None:
    population = read_it(a_file(a_line("mother_ethnicity", "white", 80), a_line("mother_ethnicity", "other", 20)))
    assert population.category_of("mother_ethnicity", code) == code


def test_without_a_category_for_others_a_language_stays_itself() -> None:
    assert read_it(a_file()).category_of("language", "ur") == "ur"
    assert read_it(a_file(a_line("language", "en", 100))).category_of("language", "ur") == "ur"


def test_a_file_saved_by_a_spreadsheet_can_be_read(tmp_path: Path) -> None:
    (tmp_path / f"{NOTTINGHAM}.csv").write_bytes(b"\xef\xbb\xbf" + a_file().replace("\n", "\r\n").encode())
    population = load(tmp_path, NOTTINGHAM)
    assert population
    assert population.total == 100


def test_an_authority_without_a_file_has_no_population(tmp_path: Path) -> None:
    assert load(tmp_path, NOTTINGHAM) is None


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{NOTTINGHAM}.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidPopulationError, match=NOTTINGHAM):
        load(tmp_path, NOTTINGHAM)


def test_a_child_counts_once_for_each_of_its_carers() -> None:
    text = a_file(a_line("carer", "mother", 98), a_line("carer", "father", 84))
    assert read_it(text).dimensions["carer"].under_twos == {"mother": 98, "father": 84}


WRONG_LINES = [
    (a_line("ward", OLD_ARBORETUM, 5), f"line 5 (ward {OLD_ARBORETUM}), code: {NOTTINGHAM} has no such ward today"),
    (a_line("ward", "Bulwell", 5), "line 5 (ward Bulwell), code: has to be an ONS ward code such as E05012275"),
    (
        a_line("carer", "aunt", 5),
        "line 5 (carer aunt), code: has to be one of mother, father, partner, kinship, foster",
    ),
    (a_line("language", "Urdu", 5), "line 5 (language Urdu), code: has to be a language code"),
    (a_line("deprivation", "11", 5), "line 5 (deprivation 11), code: has to be one of 1, 2"),
    (a_line("mother_ethnicity", "not_known", 5), "line 5 (mother_ethnicity not_known), code: has to be one of white"),
    (a_line("colour", "red", 5), "line 5 (colour red), dimension: has to be one of total, "),
    (a_line("carer", "mother", -5), "line 5 (carer mother), under_twos: can't be below zero"),
    (a_line("carer", "mother", "1 000"), "line 5 (carer mother), under_twos: has to be a whole number"),
    (a_line("carer", "mother", ""), "line 5 (carer mother), under_twos: has to be a whole number"),
    (a_line("carer", "mother", 100, source=""), "line 5 (carer mother), source: has to say where the number is from"),
    (a_line("carer", "mother", 100, is_invented="maybe"), "line 5 (carer mother), is_invented: has to be yes or no"),
    (a_line("carer", "mother", 100)[:-2], "line 5 (carer mother), as_of: has to be the year"),
    (a_line("carer", "mother", 100).replace(NOTTINGHAM, BIRMINGHAM), "line 5 (carer mother), authority: has to be E06"),
    (LINES[1], f"ward {BULWELL} is there 2 times"),
    (a_line("carer", "mother", 101), "carer mother: 101 children are more than the total of 100"),
    (
        a_line("carer", "mother", 99),
        "carer: its lines add up to 99, less than the total of 100: some child has no carer",
    ),
    (a_line("language", "en", 99), "language: its lines add up to 99, but the total is 100"),
    ("only,three,cells", "line 5 has 3 cells instead of 7"),
]


@pytest.mark.parametrize(("line", "words"), WRONG_LINES, ids=[words for _, words in WRONG_LINES])
def test_a_wrong_line_gets_one_sentence(line: str, words: str) -> None:
    (sentence,) = mistakes(a_file(line))
    assert sentence.startswith(words)


def test_every_mistake_is_told_at_once() -> None:
    text = a_file(a_line("carer", "mother", -5), a_line("colour", "red", 5), "too,few", LINES[2])
    assert len(mistakes(text)) == 4


def test_a_file_without_a_total_is_refused() -> None:
    assert mistakes(a_file(lines=LINES[1:])) == [
        "there has to be one line with dimension total and code total, and children in it"
    ]


def test_a_ward_of_the_authority_that_is_not_there_is_missed() -> None:
    lines = (LINES[0], a_line("ward", BULWELL, 100))
    assert mistakes(a_file(lines=lines)) == [f"ward: these wards are missing: {SHERWOOD}"]


def test_missing_and_unknown_columns_are_named() -> None:
    header = HEADER.replace("under_twos", "children").replace("source", "origin")
    assert mistakes(a_file(header=header)) == [
        "the first line lacks the columns under_twos, source",
        "the first line has columns that nobody knows: children, origin",
    ]


def test_a_column_twice_is_a_mistake() -> None:
    assert mistakes(a_file(header=f"{HEADER},as_of")) == ["the first line has a column twice"]


def test_an_empty_file_lacks_every_column() -> None:
    assert mistakes("") == [f"the first line lacks the columns {', '.join(COLUMNS)}"]


def test_a_cell_that_never_ends_is_refused() -> None:
    with pytest.raises(InvalidPopulationError, match=r"a\.csv, line 2: field larger"):
        read_it(f'{HEADER}\n"{"x" * 200_000}')


@given(st.text(max_size=200), st.lists(st.lists(st.text(max_size=12), max_size=9).map(",".join), max_size=6))
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(start: str, rows: list[str]) -> None:
    for text in (start, "\n".join([HEADER, *rows])):
        with pytest.raises(InvalidPopulationError, match="is not a usable population file"):
            read_it(text)


@pytest.mark.parametrize("authority", [NOTTINGHAM, BIRMINGHAM])
def test_the_shipped_files_fit_the_wards_of_the_policies(authority: str) -> None:
    wards = {ward for policy in policies().values() if policy.authority == authority for ward in policy.ward_by_code}
    population = load(FOLDER, authority, wards=wards)
    assert population
    assert set(population.under_twos) == wards
    assert set(population.dimensions) == set(command.WITH_UNDER_TWOS)


def test_birminghams_total_is_the_published_one_and_everything_else_is_marked_as_invented() -> None:
    birmingham, nottingham = load(FOLDER, BIRMINGHAM), load(FOLDER, NOTTINGHAM)
    assert birmingham
    assert nottingham
    assert birmingham.total == 30_672
    assert not birmingham.whole.is_invented
    assert nottingham.whole.is_invented
    assert all(each.is_invented for each in [*birmingham.dimensions.values(), *nottingham.dimensions.values()])


def test_the_command_accepts_the_shipped_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["check"]) == 0
    printed = capsys.readouterr().out
    assert "E08000025.csv can be used: 30672 children under two" in printed
    assert "warning: invented, to be replaced before live use: total, ward" in printed


def a_changed_file(folder: Path, name: str, change: Callable[[str], str]) -> str:
    path = folder / name
    path.write_text(change((FOLDER / f"{NOTTINGHAM}.csv").read_text(encoding="utf-8")), encoding="utf-8")
    return str(path)


def test_the_command_tells_every_mistake_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_changed_file(tmp_path, f"{NOTTINGHAM}.csv", lambda text: text.replace(SHERWOOD, OLD_ARBORETUM))
    assert command.main(["check", file]) == 1
    assert f"{NOTTINGHAM} has no such ward today" in capsys.readouterr().out


def test_the_command_wants_a_file_that_is_named_by_an_authority(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["check", a_changed_file(tmp_path, "draft.csv", str)]) == 1
    assert "no policy is for an authority 'draft'" in capsys.readouterr().out


def test_the_command_warns_of_dimensions_that_are_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def only_wards(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if line.split(",")[1] in ("dimension", "total", "ward"))

    assert command.main(["check", a_changed_file(tmp_path, f"{NOTTINGHAM}.csv", only_wards)]) == 0
    assert "warning: not there, so nothing is compared by: baby_ethnicity" in capsys.readouterr().out


def test_the_command_says_how_it_is_used() -> None:
    assert str(command.main([])).startswith("usage: python -m deploy.population check")
