"""`python -m tests.bench.postcodes`: directories of full size with the headers of several years, loaded for real.

Prints seconds, rows a second and the loader's peak memory for each, then what a running service pays: seconds and
memory to take a load up, and lookups a second. Every postcode, ward and area is invented but Nottingham's.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

import psutil

from deploy.local.credentials import load as credentials
from services.referral import tables
from services.referral.document.model import Home
from services.referral.postcodes.lookup import NOTTINGHAM, NOTTINGHAM_FILE, LoadedPlaces, Places, PostcodeFiles
from tests.directories import HEADERS, a_row, cells
from tests.integration.support import engine_of
from tests.servers import end_as_by_ctrl_c, running

AREAS: Final = {
    "E": "AL B BA BB BD BH BL BN BR BS CA CB CH CM CO CR CT CV CW DA DE DH DL DN DT DY E EC EN EX FY GL GU HA HD HG HP HR "
    "HU HX IG IP KT L LA LE LN LS LU M ME MK N NE NG NN NR NW OL OX PE PL PO PR RG RH RM S SE SG SK SL SM SN SO SP SR "
    "SS ST SW SY TA TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO",
    "W": "CF LD LL NP SA",
    "S": "AB DD DG EH FK G HS IV KA KW KY ML PA PH TD ZE",
    "N": "BT",
}
"""The letters that postcodes begin with, by country."""
RANKED: Final = {
    "ONSPD 2023": {"E": 32_844, "W": 1_909, "S": 6_976, "N": 890},
    "ONSPD 2025": {"E": 32_844, "W": 1_909, "S": 6_976, "N": 890},
    "ONSPD 2026": {"E": 33_755, "W": 1_917, "S": 6_976, "N": 890},
}
CODES: Final = {
    "E": ("E05", "E07", "E01"),
    "W": ("W05", "W06", "W01"),
    "S": ("S13", "S12", "S01"),
    "N": ("N08", "N09", "N20"),
}
LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"
INWARDS: Final = ["".join(parts) for parts in product("0123456789", LETTERS, LETTERS)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.postcodes")
    parser.add_argument("--rows", type=int, default=2_700_000)
    parser.add_argument("--headers", nargs="*", choices=list(RANKED), default=list(RANKED))
    given = parser.parse_args()
    end_as_by_ctrl_c()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "servers") as servers:
        servers.make_template()
        url = servers.url_of(servers.new_database())
        for name in given.headers:
            file = Path(folder) / f"{name.replace(' ', '_')}_UK.csv"
            began = time.perf_counter()
            write(file, name, given.rows)
            megabytes = file.stat().st_size / 1e6
            print(f"{name}: {given.rows:,} rows, {megabytes:,.0f} MB, written in {time.perf_counter() - began:.0f} s")
            _load(file, url, Path(folder) / "credentials.json", given.rows)
            file.unlink()
        asyncio.run(_look_up(url))


def write(path: Path, name: str, rows: int) -> None:
    """A directory under one of the headers, sorted as the ONS sorts."""
    header = HEADERS[name]
    blanks = {what: "{" + what + "}" for what in ("postcode", "ward", "authority", "lsoa", "rank", "terminated")}
    line = ",".join(f'"{cell}"' for cell in cells(header, blanks)) + "\r\n"
    with path.open("w", encoding="ascii", newline="") as file:
        file.write(",".join(header) + "\r\n")
        file.writelines(line.format_map(row) for row in _rows(rows, RANKED[name]))


def _rows(count: int, ranked: Mapping[str, int]) -> Iterator[dict[str, str]]:
    real = _nottingham()
    outwards = sorted(
        (f"{area}{number}", country)
        for country, areas in AREAS.items()
        for area in areas.split()
        for number in range(1, 25)
    )
    by_outward: dict[str, list[str]] = {}
    for postcode in real:
        by_outward.setdefault(postcode.partition(" ")[0], []).append(postcode)
    each = -(-(count - len(real)) // len(outwards))
    given = dict.fromkeys(ranked, 0)
    for number, (outward, country) in enumerate(outwards):
        names = [f"{outward} {inward}" for inward in random.Random(number).sample(INWARDS, each)]
        for postcode in sorted({*names, *by_outward.get(outward, ())}):
            given[country] += 1
            area = given[country] % ranked[country] + 1
            ward, authority, lsoa = CODES[country]
            is_real = postcode in real
            yield a_row(
                postcode,
                ward=real[postcode] if is_real else f"{ward}{number * 3 + given[country] % 3:06d}",
                authority=NOTTINGHAM if is_real else f"{authority}{number // 8:06d}",
                lsoa=f"{lsoa}{area:06d}",
                rank=area * 7_919 % ranked[country] + 1,
                terminated="" if is_real or given[country] % 3 else "201506",
            )


def _nottingham() -> dict[str, str]:
    with NOTTINGHAM_FILE.open(encoding="utf-8", newline="") as file:
        return {row["postcode"]: row["ward_code"] for row in csv.DictReader(file)}


def _load(file: Path, url: str, secrets: Path, rows: int) -> None:
    """As a person would: the command, in a process of its own."""
    own = {
        "DATABASE_URL": url,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PIR_PROFILE": "development",
        "PIR_CREDENTIALS_FILE": str(secrets),
    }
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "services.referral", "places", "load", str(file)],
        env=os.environ | own | credentials(secrets)["secrets"],
    )
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    print(
        f"  loaded with status {os.waitstatus_to_exitcode(status)}: {seconds:.1f} s, {rows / seconds:,.0f} rows/s, peak {used.ru_maxrss / 1024:.0f} MB"
    )


async def _look_up(url: str) -> None:
    files = PostcodeFiles()
    homes = [Home(postcode=postcode) for postcode in _nottingham()]
    files.warm("N")
    print(f"lookups from the files that ship: {_rate(files, homes)}")
    engine = engine_of(url, tables.SCHEMA)
    places, own = LoadedPlaces(engine, files), psutil.Process()
    print(f"with nothing taken up yet: {_rate(places, homes)}")
    before, began = own.memory_info().rss, time.perf_counter()
    await places.refresh()
    took, grown = time.perf_counter() - began, (own.memory_info().rss - before) / 1e6
    print(f"a service takes the load up in {took:.2f} s and {grown:.0f} MB")
    print(f"lookups from the load: {_rate(places, homes)}")
    began = time.perf_counter()
    for _ in range(100):
        await places.refresh()
    print(f"asking whether there is a new one: {(time.perf_counter() - began) * 10:.2f} ms, every 10 s")
    await engine.dispose()


def _rate(places: Places, homes: Sequence[Home]) -> str:
    for home in homes:
        places.find(home)
    began = time.perf_counter()
    for _ in range(10):
        for home in homes:
            places.find(home)
    each = (time.perf_counter() - began) / 10 / len(homes)
    return f"{each * 1e6:.1f} µs each"


if __name__ == "__main__":
    main()
