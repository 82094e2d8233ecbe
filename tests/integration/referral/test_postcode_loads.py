"""The yearly directory of the ONS on a real PostgreSQL: put in force whole or not at all, noticed by what is running."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local import credentials
from services.referral import app as referral_app
from services.referral import tables
from services.referral.document.model import Home
from services.referral.postcodes import lookup
from services.referral.postcodes.load import How, load, only_loader, unload
from services.referral.postcodes.lookup import HomeLocation, LoadedPlaces, PostcodeFiles
from services.referral.postcodes.ons_file import BusyError, ColumnsError, DoubtsError, FileError, LoadError, RowsError
from services.referral.settings import Settings
from services.triage.rules import decide
from shared.audit import Actor
from shared.events import Facts, Monitoring, Place, PlaceQuality
from tests import programs
from tests.builders import a_policy
from tests.directories import HEADERS, ONSPD_2026, a_row, directory, zipped
from tests.families import a_referral
from tests.integration.conftest import Behind, behind
from tests.integration.support import count, engine_of, eventually, fetch
from tests.servers import Servers

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
BULWELL, ASPLEY, NOTTINGHAM = "E05012275", "E05012270", "E06000018"
ROWS = [
    a_row("NG6 8GB", rank=3_300),
    a_row("NG6 8GD", rank=30_000, terminated="201506"),
    a_row("NG8 1AA", ward=ASPLEY, rank=1, lsoa=""),
    a_row("CF1 1AA", ward="W05000001", authority="W06000015", lsoa="W01000001", rank=1_900),
]


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tables.SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return directory(tmp_path / "ONSPD_AUG_2026_UK.csv", ROWS)


def how(tell: Callable[[str], None] = lambda _: None, **changes: Any) -> How:
    clock = itertools.count()
    plain = How(Actor("operator", "olga"), a_policy(), lambda: AT, lambda: float(next(clock)), tell)
    return replace(plain, **changes)


async def looking(engine: AsyncEngine) -> LoadedPlaces:
    places = LoadedPlaces(engine, PostcodeFiles())
    await places.refresh()
    return places


async def find(engine: AsyncEngine, *postcodes: str) -> list[HomeLocation]:
    places = await looking(engine)
    return [places.find(Home(postcode=postcode)) for postcode in postcodes]


def known(ward: str | None, decile: int | None, quality: PlaceQuality = PlaceQuality.KNOWN) -> HomeLocation:
    return HomeLocation(Place(ward=ward, authority=NOTTINGHAM, quality=quality), decile)


UNKNOWN = HomeLocation(Place(quality=PlaceQuality.UNKNOWN))


# What a load says.


@pytest.mark.parametrize(("header", "decile"), [(name, 1 if "2026" in name else 2) for name in HEADERS])
async def test_a_directory_of_any_year_gives_wards_and_the_deciles_of_its_own_index(
    engine: AsyncEngine, tmp_path: Path, header: str, decile: int
) -> None:
    """Rank 3,300 is in the first tenth of 33,755 areas and in the second of 32,844."""
    await load(engine, directory(tmp_path / "any.csv", ROWS, HEADERS[header]), how())
    assert await find(engine, "NG6 8GB", "NG6 8GD", "NG8 1AA") == [
        known(BULWELL, decile),
        known(BULWELL, 9 if decile == 1 else 10, PlaceQuality.TERMINATED),
        known(ASPLEY, None),
    ]


async def test_a_postcode_that_is_not_in_the_load_is_unknown_although_the_files_that_ship_know_it(
    engine: AsyncEngine, file: Path
) -> None:
    assert await find(engine, "NG1 1AA") == [known("E05012287", None)]
    await load(engine, file, how())
    assert await find(engine, "NG1 1AA", "NG6 8GA", "EH1 1YZ") == [UNKNOWN] * 3


async def test_what_needs_no_looking_up_is_answered_as_before(engine: AsyncEngine, file: Path) -> None:
    await load(engine, file, how())
    places, files = await looking(engine), PostcodeFiles()
    homes = [{"postcode": "ZZ99 3VZ"}, {"postcode": "ZZ99 3WZ"}, {"withheld": True}, {"address_lines": ["1 Low Road"]}]
    for home in [None, *(Home.model_validate(each) for each in [*homes, {"no_fixed_abode": True}, {}])]:
        assert places.find(home) == files.find(home)


async def test_the_zip_that_the_ons_ships_is_loaded_as_it_is(engine: AsyncEngine, file: Path, tmp_path: Path) -> None:
    whole = zipped(
        tmp_path / "ONSPD_AUG_2026.zip",
        {f"Data/{file.name}": file, "Data/multi_csv/ONSPD_AUG_2026_UK_NG.csv": "x", "Documents/names.csv": "x"},
    )
    loaded = await load(engine, whole, how())
    assert (loaded.file, loaded.postcodes, loaded.terminated) == ("ONSPD_AUG_2026_UK.csv", 4, 1)
    assert await find(engine, "NG6 8GB") == [known(BULWELL, 1)]


async def test_rows_that_cannot_be_read_are_named_and_the_rest_is_loaded(engine: AsyncEngine, tmp_path: Path) -> None:
    good = [
        a_row(f"NG{district} {number}{letter}A")
        for district in range(1, 12)
        for number in range(10)
        for letter in "ABDEFGHJLN"
    ]
    told: list[str] = []
    loaded = await load(engine, directory(tmp_path / "a.csv", [*good, a_row("oops")]), how(told.append))
    assert (loaded.postcodes, loaded.unread) == (1_100, 1)
    assert "left out: line 1,102: 'oops' is no postcode" in told


async def test_a_load_is_audited(engine: AsyncEngine, file: Path) -> None:
    await load(engine, file, how())
    await unload(engine, by=Actor("operator", "olga"), at=AT)
    rows = await fetch(engine, "SELECT actor_id, action, detail FROM audit ORDER BY id")
    assert [tuple(row) for row in rows] == [("olga", "places.loaded", "1"), ("olga", "places.unloaded", None)]


# One in force, whole.


def cut_short(folder: Path) -> Path:
    file = folder / "cut.zip"
    content = zipped(file, {"Data/ONSPD_UK.csv": directory(folder / "whole.csv", ROWS * 200)}).read_bytes()
    broken = bytearray(content)
    broken[400:900] = bytes(500)
    file.write_bytes(broken)
    return file


def without_wards(folder: Path) -> Path:
    header = [name if name != "wd26cd" else "other" for name in ONSPD_2026]
    return directory(folder / "wardless.csv", [dict(row) for row in ROWS], header)


BROKEN: Sequence[tuple[Callable[[Path], Path], type[LoadError]]] = [
    (lambda folder: folder / "gone.csv", FileError),
    (cut_short, FileError),
    (without_wards, ColumnsError),
    (lambda folder: directory(folder / "a.csv", [*ROWS, a_row("oops")]), RowsError),
    (lambda folder: directory(folder / "b.csv", []), RowsError),
    (lambda folder: directory(folder / "c.csv", [*ROWS, ROWS[0]]), RowsError),
    (lambda folder: directory(folder / "d.csv", ROWS[:1]), DoubtsError),
    (lambda folder: directory(folder / "e.csv", [*ROWS[1:2], *ROWS[3:], a_row("B1 1AA", rank=33_756)]), DoubtsError),
    (lambda folder: directory(folder / "f.csv", [{**row, "ward": "E05000001"} for row in ROWS]), DoubtsError),
]


@pytest.mark.parametrize(("broken", "error"), BROKEN)
async def test_a_file_that_is_refused_leaves_the_load_in_force_as_it_was(
    engine: AsyncEngine, file: Path, tmp_path: Path, broken: Callable[[Path], Path], error: type[LoadError]
) -> None:
    await load(engine, file, how())
    with pytest.raises(error):
        await load(engine, broken(tmp_path), how())
    assert await find(engine, "NG6 8GB", "NG8 1AA") == [known(BULWELL, 1), known(ASPLEY, None)]
    assert await count(engine, "postcode_load") == 1


async def test_a_load_whose_connection_dies_while_it_is_stored_leaves_the_one_before(
    engine: AsyncEngine, database: str, stack: Servers, file: Path, tmp_path: Path
) -> None:
    def kill(line: str) -> None:
        if "storing" in line:
            name = database.rpartition("/")[2]
            stack.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    await load(engine, file, how())
    with pytest.raises(sa.exc.DBAPIError):
        await load(engine, directory(tmp_path / "next.csv", ROWS[::-1]), how(kill))
    assert await find(engine, "NG6 8GB") == [known(BULWELL, 1)]
    await load(engine, directory(tmp_path / "next.csv", ROWS[::-1]), how())
    assert [row.id for row in await fetch(engine, "SELECT id FROM postcode_load WHERE ended_at IS NULL")] != [1]


async def test_who_insists_loads_a_file_that_is_doubted(engine: AsyncEngine, file: Path, tmp_path: Path) -> None:
    await load(engine, file, how())
    told: list[str] = []
    await load(engine, directory(tmp_path / "small.csv", ROWS[:1]), how(told.append, insists=True))
    assert any("It has 1 postcodes; the load before had 4" in line for line in told)
    assert await find(engine, "NG6 8GB", "NG8 1AA") == [known(BULWELL, 1), UNKNOWN]


async def test_the_size_of_the_load_before_counts_after_it_was_unloaded_too(
    engine: AsyncEngine, file: Path, tmp_path: Path
) -> None:
    await load(engine, file, how())
    assert await unload(engine, by=Actor("operator", "olga"), at=AT)
    with pytest.raises(DoubtsError, match="the load before had 4"):
        await load(engine, directory(tmp_path / "small.csv", ROWS[:1]), how())


async def test_two_cannot_load_at_once(engine: AsyncEngine, file: Path) -> None:
    async with only_loader(engine):
        with pytest.raises(BusyError):
            await load(engine, file, how())
        with pytest.raises(BusyError):
            await unload(engine, by=Actor("operator", "olga"), at=AT)
    assert await count(engine, "postcode_load") == 0
    await load(engine, file, how())
    assert await find(engine, "NG6 8GB") == [known(BULWELL, 1)]


async def test_the_postcodes_of_a_load_that_was_replaced_are_gone(engine: AsyncEngine, file: Path) -> None:
    for _ in range(3):
        await load(engine, file, how())
    assert await count(engine, "postcode_load WHERE ended_at IS NULL") == 1
    assert await count(engine, "postcode_load") == 3
    assert {row.load_id for row in await fetch(engine, "SELECT DISTINCT load_id FROM postcode_run")} == {3}


async def test_whoever_reads_while_loads_follow_each_other_sees_a_whole_one(engine: AsyncEngine, file: Path) -> None:
    await load(engine, file, how())
    done = asyncio.Event()

    async def replaced() -> None:
        for _ in range(10):
            await load(engine, file, how())
        done.set()

    async def read() -> int:
        reads = 0
        while not done.is_set():
            assert await find(engine, "NG6 8GB", "NG8 1AA") == [known(BULWELL, 1), known(ASPLEY, None)]
            reads += 1
        return reads

    _, *reads = await asyncio.gather(replaced(), read(), read())
    assert min(reads) > 0


# A running service.


@pytest.fixture
async def served(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Behind]:
    """The intake with its own watch on loads, sped up."""
    monkeypatch.setattr(lookup, "LOOK_SECONDS", 0.05)
    async with behind(referral_app.build, Settings(**settings), ("batch-writer", "places")) as copy:
        yield copy


async def sent(served: Behind, postcode: str) -> tuple[Facts, Monitoring]:
    """Facts and monitoring of the event that a referral from there becomes."""
    answer = await served.send(a_referral(home={"postcode": postcode}))
    assert answer.status_code == 201
    received, monitored = await fetch(
        served.engine,
        "SELECT CAST(value AS jsonb) AS data FROM event WHERE key = :id ORDER BY sequence",
        id=answer.json()["id"],
    )
    return Facts.model_validate(received.data["facts"]), Monitoring.model_validate(monitored.data["monitoring"])


async def test_a_running_service_takes_up_a_load_and_its_end(served: Behind, file: Path) -> None:
    async def decile() -> list[int | None]:
        return [(await sent(served, "NG6 8GB"))[1].deprivation_decile]

    async def has_it() -> bool:
        return await decile() == [1]

    async def has_it_no_more() -> bool:
        return await decile() == [None]

    assert await decile() == [None]
    await load(served.engine, file, how())
    await eventually(has_it, what="the load")
    await unload(served.engine, by=Actor("operator", "olga"), at=AT)
    await eventually(has_it_no_more, what="the end of the load")
    assert (await sent(served, "NG1 1AA"))[0].place == known("E05012287", None).place


async def test_a_service_that_starts_knows_the_load_before_its_first_request(
    engine: AsyncEngine, file: Path, settings: dict[str, Any]
) -> None:
    await load(engine, file, how())
    service = await referral_app.build(Settings(**settings))
    assert service.prepare is not None
    await service.prepare()
    [api] = [loop.__self__ for name, loop in service.http_loops.items() if name == "places"]  # type: ignore[attr-defined]
    assert api.find(Home(postcode="NG6 8GB")) == known(BULWELL, 1)
    await service.close()


async def test_a_family_at_a_terminated_postcode_is_decided_by_its_last_ward_with_a_mark(
    served: Behind, file: Path
) -> None:
    await load(served.engine, file, how())

    async def is_terminated() -> Facts | None:
        facts, monitoring = await sent(served, "NG6 8GD")
        if facts.place.quality is not PlaceQuality.TERMINATED:
            return None
        assert monitoring.deprivation_decile == 9
        return facts

    facts = await eventually(is_terminated, what="the load")
    assert facts is not None
    assert facts.place == Place(ward=BULWELL, authority=NOTTINGHAM, quality=PlaceQuality.TERMINATED)
    decision = decide(facts, received_at=AT, policy=a_policy())
    assert {"Q2", "E8"} <= set(decision.rules)


async def test_a_changed_postcode_gives_the_amended_referral_another_decile(served: Behind, file: Path) -> None:
    await load(served.engine, file, how())

    async def has_it() -> bool:
        return (await sent(served, "NG6 8GB"))[1].deprivation_decile == 1

    await eventually(has_it, what="the load")
    body = a_referral(home={"postcode": "NG6 8GB"})
    first = await served.send(body)
    await served.send(body | {"home": {"postcode": "NG6 8GD"}})
    rows = await fetch(
        served.engine,
        "SELECT CAST(value AS jsonb) -> 'monitoring' ->> 'deprivation_decile' AS decile FROM event "
        "WHERE key = :id AND type = 'referral.monitored.v1' ORDER BY sequence",
        id=first.json()["id"],
    )
    assert [row.decile for row in rows] == ["1", "9"]


async def test_the_watch_outlives_a_database_that_is_away(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not a table that is missing, which no waiting mends."""
    monkeypatch.setattr(lookup, "LOOK_SECONDS", 0.01)
    away = engine_of("postgresql://nobody@127.0.0.1:1/nothing", tables.SCHEMA)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await LoadedPlaces(away, PostcodeFiles()).watch()
    elsewhere = engine_of(database, "nowhere")
    with pytest.raises(sa.exc.ProgrammingError):
        await LoadedPlaces(elsewhere, PostcodeFiles()).watch()
    await away.dispose()
    await elsewhere.dispose()


# The commands.


def test_the_commands_load_show_find_and_unload(database: str, settings: dict[str, Any], file: Path) -> None:
    """One after the other: each sees what the one before did."""
    secrets = credentials.load(settings["credentials_file"])["secrets"]
    own = {"DATABASE_URL": database, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "PIR_PROFILE": "development"}
    own |= {"PIR_CREDENTIALS_FILE": str(settings["credentials_file"])}

    def run(*words: str) -> tuple[int, str]:
        ended = programs.run("services.referral", "places", *words, environment=os.environ | secrets | own)
        return ended.returncode, ended.stdout

    from_files = "Nottingham is known by ward and the rest of England by authority, from the files that ship.\n"
    assert run("show") == (0, f"Nothing is loaded: {from_files}")
    status, said = run("load", str(file))
    assert (status, "4 postcodes read" in said, "In force." in said) == (0, True, True), said
    status, said = run("show")
    assert "ONSPD_AUG_2026_UK.csv, loaded" in said
    assert "ward from wd26cd" in said
    assert "IMD 2025, WIMD 2025" in said
    assert run("find", "ng68gd") == (0, f"NG6 8GD: terminated, ward {BULWELL}, authority {NOTTINGHAM}, decile 9\n")
    assert run("find", "Bulwell")[0] == 1
    file.write_text("name\nBulwell\n", encoding="utf-8")
    status, said = run("load", str(file))
    assert (status, "There is no column for the ward" in said, "Nothing was changed." in said) == (1, True, True)
    assert run("unload") == (0, f"Unloaded. {from_files}")
    assert run("unload") == (0, f"Nothing was loaded. {from_files}")
