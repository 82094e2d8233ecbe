"""What is read of a bundle, member by member: the document so far, where each part of it stands, mistakes, words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.referral.fhir.issues import Issue


@dataclass(slots=True)
class Said:
    """A value, and the FHIRPaths of the element that says it."""

    value: Any
    at: tuple[str, ...]


Members = dict[str, Said]


@dataclass(slots=True)
class Collected:
    """`lines` become the notes, after the referrer's own; `names_loss` when a baby's record says that it died.

    `unread` are the entries of a kind that we read, which yet tell us nothing.
    """

    document: dict[str, Any] = field(default_factory=dict)
    places: dict[str, tuple[str, ...]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    names_loss: bool = False

    def put(self, pointer: str, value: Any, at: tuple[str, ...], *, is_answer: bool = False) -> None:
        """Set the member; `pointer` has one or two steps, as all of the document outside its lists.

        An answer to one question says nothing of where another member of the same part would stand.
        """
        *way, last = pointer.split("/")[1:]
        part = self.document
        for step in way:
            part = part.setdefault(step, {})
            if not is_answer:
                self.places.setdefault(f"/{step}", at)
        part[last] = value
        self.places[pointer] = at

    def put_people(self, name: str, people: Iterable[tuple[Mapping[str, Said], tuple[str, ...]]]) -> None:
        """Set a list of people: of each the members, and where the resource stands."""
        listed = list(people)
        if not listed:
            return
        self.document[name] = [{member: each.value for member, each in members.items()} for members, _ in listed]
        self.places[f"/{name}"] = listed[0][1]
        for number, (members, at) in enumerate(listed):
            self.places[f"/{name}/{number}"] = at
            self.places |= {f"/{name}/{number}/{member}": each.at for member, each in members.items()}

    def say(self, words: str | None, about: str = "") -> None:
        """Add a line to the notes."""
        if words and words.strip():
            self.lines.append(f"{about}: {words}" if about else words)
