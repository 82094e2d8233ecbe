"""The schedule has a class for every table, and only for tables that exist; the code finds the classes it names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from services.referral.records.disposal import MEMBERS
from services.referral.records.due import ClassCode
from shared.messaging.repair import RESOLVED
from shared.retention import DisposedBy, InvalidScheduleError, load
from tests.architecture.test_erasure_map import TABLES

FILE = Path(__file__).parents[2] / "deploy/retention.toml"
SCHEDULE = load(FILE)


def test_every_table_is_in_one_class() -> None:
    named = Counter(name for each in SCHEDULE.values() for name in each.table_names)
    assert {name for name, times in named.items() if times > 1} == set()
    assert set(named) == {f"{schema}.{table.name}" for schema, table in TABLES}


def test_what_is_erased_is_what_the_rules_know() -> None:
    erased = {name for name, each in SCHEDULE.items() if each.by is DisposedBy.ERASURE}
    assert erased == {code.value for code in ClassCode}
    assert {name for name, each in SCHEDULE.items() if each.by is DisposedBy.ROWS} == {MEMBERS, RESOLVED}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("years = 2", "period"),
        ("", "years"),
        ("years = 0", "years"),
        ("birthday = 25\nyears = 20", "birthday_if_17"),
        ("year = 2", "year"),
        ("years = ", "Invalid value"),
    ],
)
def test_a_class_that_can_not_be_used_is_refused(tmp_path: Path, line: str, said: str) -> None:
    by = "nobody" if line == "years = 2" else "erasure"
    file = tmp_path / "retention.toml"
    file.write_text(f'[a]\nholds = "x"\ntables = ""\nfrom = "y"\nby = "{by}"\nsource = "z"\n{line}\n')
    with pytest.raises(InvalidScheduleError, match=said):
        load(file)
