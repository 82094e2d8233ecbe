"""Where homes are, by the load in force, from memory; by the files that ship while there is none.

A running service asks every few seconds which load is in force and reads a new one: some 3,000 rows, 16 MB.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.places import Found, Home, Places, place_of, without_looking
from services.referral.postcodes import loads
from services.referral.postcodes.packing import Area, record_of
from shared.database import one_moment
from shared.errors import is_transient
from shared.events import PlaceQuality

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 10.0
_UNKNOWN: Final = Found(place_of(None, None, PlaceQuality.UNKNOWN))


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

    def find(self, home: Home | None) -> Found:
        """Ward, authority and decile; a terminated postcode has its last ward, one without an authority is unknown."""
        loaded = self._loaded
        if loaded is None:
            return self._files.find(home)
        quality = without_looking(home)
        if quality is not None or home is None or home.postcode is None:
            return Found(place_of(None, None, quality or PlaceQuality.UNKNOWN))
        outward, _, inward = home.postcode.partition(" ")
        record = record_of(loaded.runs.get(outward, b""), inward)
        if record is None:
            return _UNKNOWN
        ward, authority = loaded.areas[record.area]
        known = PlaceQuality.KNOWN if authority else PlaceQuality.UNKNOWN
        return Found(
            place_of(ward, authority, PlaceQuality.TERMINATED if record.is_terminated else known),
            record.deprivation_decile,
        )

    async def refresh(self) -> None:
        """Read the load in force, if it is another than the one in memory."""
        async with self._engine.connect() as tx:  # one moment for all three reads: a load may replace another now
            load_id = await loads.current_id(tx)
            if load_id == self._load_id:
                return
            self._loaded = _Loaded(load_id, *await loads.read(tx, load_id)) if load_id is not None else None

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
