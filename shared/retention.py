"""How long records are kept: deploy/retention.toml, read and checked, and dates some years away.

Every service reads it for the rows that it deletes itself; `services.referral retention` for whole families.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Years = Annotated[int, Field(ge=1, le=150)]


class InvalidScheduleError(Exception):
    """The file can't be used: the message lists every mistake with its place."""


class DisposedBy(StrEnum):
    """What ends a class of records; the words are in deploy/retention.toml."""

    ERASURE = "erasure"
    ROWS = "rows"
    ITSELF = "itself"
    WITH_REFERRAL = "with-referral"
    NOBODY = "nobody"


class RecordClass(BaseModel):
    """One class of records: what it holds, and for how long; `years` and `birthday` of what is disposed of here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holds: str = Field(min_length=1)
    tables: str
    trigger: str = Field(min_length=1, alias="from")
    years: Years | None = None
    birthday: Years | None = None
    birthday_if_17: Years | None = None
    period: str | None = None
    by: DisposedBy
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _says_how_long(self) -> Self:
        is_ours = self.by in (DisposedBy.ERASURE, DisposedBy.ROWS)
        if is_ours != (self.years is not None) or is_ours == (self.period is not None):
            raise ValueError("`years` is for what is erased or deleted as rows, `period` for all else")
        if (self.birthday is None) != (self.birthday_if_17 is None):
            raise ValueError("`birthday` and `birthday_if_17` belong together")
        return self

    @property
    def table_names(self) -> list[str]:
        """Each with its schema: `triage.decision`."""
        return [name.strip() for name in self.tables.split(",") if name.strip()]

    @property
    def how_long(self) -> str:
        """In words, for lists and certificates."""
        if self.period:
            return self.period
        after = f"{self.years} years after the last entry"
        return f"{after}, or until the {self.birthday}th birthday, whichever is later" if self.birthday else after


Schedule = Mapping[str, RecordClass]
"""The classes by their code: `not-accepted`."""


def load(file: Path) -> Schedule:
    """Raises InvalidScheduleError with every mistake, or for a file that is no readable TOML."""
    try:
        members = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidScheduleError(f"{file}: {error}") from error
    classes: dict[str, RecordClass] = {}
    mistakes: list[str] = []
    for name, each in members.items():
        try:
            classes[name] = RecordClass.model_validate(each)
        except ValidationError as error:
            places = (".".join([name, *map(str, part["loc"])]) + f": {part['msg']}" for part in error.errors())
            mistakes.extend(places)
    if mistakes:
        raise InvalidScheduleError("\n".join([f"{file} can't be used:", *mistakes]))
    return classes


def years_after(day: date, years: int) -> date:
    """The same day that many years later; 1 March where there is no 29 February, as for birthdays."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def years_before(day: date, years: int) -> date:
    """The last day whose `years_after` is not after `day`; so 29 February counts from 1 March on."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)
