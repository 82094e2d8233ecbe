"""What a page of the referral form is: its fields, the kinds of boxes, and where their names stand in a document."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

ANY: Final = "*"
"""Stands in a field's name for the position of an entry: `caregivers.*.phone`."""
NONE: Final = "none"
"""The value of "none of these"; in `mental_health` and `care_status` a code of the document too."""
ENTRY_NAMES: Final = {"babies": "Baby", "caregivers": "Carer"}

People = Literal["", "babies", "caregivers"]


class FieldKind(StrEnum):
    """How a field is asked. Each may be left empty; then its member is not in the document."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    LINES = "lines"
    """A text area; each line is an entry of the list."""
    DATE = "date"
    """One box: `12 3 2026`, day first."""
    TIME = "time"
    """One box: a date, with the time of day in London or without."""
    RADIOS = "radios"
    CHECKS = "checks"
    """A list of codes."""
    FLAG = "flag"
    """One checkbox with the value `true`."""
    YES_NO = "yes_no"
    """Radios with the values `true` and `false`."""
    SELECT = "select"


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """`name` is the member of the document, joined with dots, `*` for the position in a list.

    One that is not optional wants an answer; what a referral can't be sent without is the document's to say. A TEXT
    field with an `inputmode` is a number or an address: blanks around it are not kept.
    """

    name: str
    label: str
    kind: FieldKind
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    is_optional: bool = True
    autocomplete: str = ""
    inputmode: str = ""

    @property
    def people(self) -> str:
        """The list of people that it asks about, each in turn; empty when it asks once."""
        return self.name.partition(".")[0] if f".{ANY}." in self.name else ""

    @property
    def is_direct(self) -> bool:
        """A member of the document itself, not of a part or an entry."""
        return "." not in self.name

    @property
    def member(self) -> str:
        """`phone` of `caregivers.*.phone`."""
        return self.name.rpartition(".")[2]

    @property
    def part(self) -> str:
        """`messages` of `caregivers.*.messages.channel`: the part of an entry that has the member; mostly empty."""
        _, _, within = self.name.partition(f".{ANY}.")
        return within.rpartition(".")[0]

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(choice.value for choice in self.choices)

    def at(self, number: int) -> str:
        """The name in HTML: `caregivers.0.phone`."""
        return self.name.replace(ANY, str(number))


@dataclass(frozen=True, slots=True)
class FieldSet:
    """Fields that stand together on a page, with their names in HTML. `people` is empty where they are of nobody.

    `number` counts from 0, as names do; `title` from 1, as people do.
    """

    people: str
    number: int
    fields: tuple[tuple[Field, str], ...]

    @property
    def title(self) -> str:
        return f"{ENTRY_NAMES[self.people]} {self.number + 1}" if self.people else ""


@dataclass(frozen=True, slots=True)
class FormPage:
    """One topic. `each_of` is the list for whose entries it repeats its fields; empty where it asks once or about two.

    `can_add`: entries of `each_of` are added and removed here. `group` is the heading of the task list.
    """

    slug: str
    title: str
    lead: tuple[str, ...]
    fields: tuple[Field, ...]
    each_of: People
    can_add: bool
    group: str

    def field_sets(self, names: Container[str]) -> Iterator[FieldSet]:
        """Its fields as far as their names in HTML are among `names`, list by list and entry by entry."""
        for people in dict.fromkeys(field.people for field in self.fields):
            fields = [field for field in self.fields if field.people == people]
            number = 0
            while found := tuple((field, field.at(number)) for field in fields if field.at(number) in names):
                yield FieldSet(people, number, found)
                if not people:
                    break
                number += 1


def page_in(pages: Iterable[FormPage], slug: str) -> FormPage | None:
    """The page with this last part of its address."""
    return next((page for page in pages if page.slug == slug), None)
