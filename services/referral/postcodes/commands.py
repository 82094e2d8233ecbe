"""`python -m services.referral places load FILE | show | find POSTCODE | unload`: the yearly directory of the ONS."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.document.model import Home
from services.referral.postcodes.load import How, Load, load, load_in_force, unload
from services.referral.postcodes.lookup import LoadedPlaces, PostcodeFiles
from services.referral.postcodes.ons_file import PATTERNS, DoubtsError, LoadError
from services.referral.settings import Settings
from shared.audit import operator
from shared.errors import is_transient

FROM_FILES: Final = "Nottingham is known by ward and the rest of England by authority, from the files that ship."
NOTHING_LOADED: Final = f"Nothing is loaded: {FROM_FILES}"


def add_places_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verbs; each gets `run`, an async function of the engine and the arguments."""
    parser = commands.add_parser("places", help="where postcodes are: the yearly directory of the ONS")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    loader = verbs.add_parser("load", help="load ONSPD or NSPL; on any error the one before stays")
    loader.add_argument("file", type=Path, help="the CSV, or the zip it came in")
    loader.add_argument("--force", action="store_true", help="load it although something speaks against it")
    loader.set_defaults(run=_load)
    verbs.add_parser("show", help="what is loaded, since when").set_defaults(run=_show)
    finder = verbs.add_parser("find", help="where a postcode is, as the intake would say")
    finder.add_argument("postcode")
    finder.set_defaults(run=_find)
    verbs.add_parser("unload", help="go back to the files that ship").set_defaults(run=_unload)


async def _load(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    settings = Settings()
    how = How(
        by=operator(),
        policy=settings.policy_in_force(),
        now=_now,
        clock=time.monotonic,
        tell=lambda line: print(line, flush=True),
        insists=arguments.force,
    )
    try:
        loaded = await load(engine, arguments.file, how)
    except LoadError as error:
        print(f"{error}\nNothing was changed.")
        if isinstance(error, DoubtsError):
            print("If the file is right all the same, load it with --force.")
        return 1
    except Exception as error:
        if not is_transient(error):
            raise
        print(f"The database was away ({type(error).__name__}). Nothing was changed.")
        return 1
    print("\n".join(described(loaded)))
    print("In force. Running services take it up within seconds.")
    return 0


async def _show(engine: AsyncEngine, _: argparse.Namespace) -> int:
    async with engine.connect() as tx:
        loaded = await load_in_force(tx)
    print("\n".join(described(loaded)) if loaded else NOTHING_LOADED)
    return 0


async def _find(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    try:
        home = Home.model_validate({"postcode": arguments.postcode})
    except ValidationError:
        print("This is not the shape of a UK postcode.")
        return 1
    places = LoadedPlaces(engine, PostcodeFiles())
    await places.refresh()
    place, decile = places.find(home)
    print(f"{home.postcode}: {place.quality}, ward {place.ward}, authority {place.authority}, decile {decile}")
    return 0


async def _unload(engine: AsyncEngine, _: argparse.Namespace) -> int:
    try:
        was_loaded = await unload(engine, by=operator(), at=_now())
    except LoadError as error:
        print(error)
        return 1
    print("Unloaded." if was_loaded else "Nothing was loaded.", FROM_FILES)
    return 0


def described(loaded: Load) -> list[str]:
    """A load in a few lines."""
    columns = ", ".join(f"{what} from {loaded.columns[what]}" for what in PATTERNS)
    indexes = ", ".join(loaded.indexes.values()) or "none"
    return [
        f"{loaded.file}, loaded {loaded.loaded_at:%Y-%m-%d %H:%M} UTC by {loaded.loaded_by}",
        f"  postcodes    {loaded.postcodes:,}, of which {loaded.terminated:,} terminated; {loaded.unread:,} left out",
        f"  columns      {columns}",
        f"  deprivation  {indexes}",
    ]


def _now() -> datetime:
    return datetime.now(UTC)
