"""What a question found: well or wrong, with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """`WARNING`: it starts and works; somebody should look all the same."""

    WELL = "well"
    WARNING = "look"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `what` never holds a password, a key or a whole address with one in it."""

    grade: Grade
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.grade:<5}  {self.about}: {self.what}"


def well(about: str, what: str) -> Finding:
    return Finding(Grade.WELL, about, what)


def look(about: str, what: str) -> Finding:
    return Finding(Grade.WARNING, about, what)


def wrong(about: str, what: str) -> Finding:
    return Finding(Grade.WRONG, about, what)
