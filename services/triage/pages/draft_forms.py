"""The forms of a draft: the text of a policy, as a file or pasted, with a note; and the days to compare."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Self

from starlette.datastructures import UploadFile

from services.triage.pages.typed import MistypedError, TypedDay, in_london, text_in
from services.triage.policy_words import UnusableDraftError, read_draft
from shared.policy import Policy

LONGEST_NOTE: Final = 1_000
MOST_SHOWN: Final = 200
"""So many mistakes are listed; what is left is counted."""


@dataclass(frozen=True)
class NewDraft:
    """What was sent: `content` has the lines of a file, whatever it came as. Mistakes by the box they belong to."""

    content: str = ""
    note: str = ""
    mistakes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def summary(self) -> list[dict[str, str]]:
        shown = [{"text": words, "href": f"#{box}"} for box, words in self.mistakes[:MOST_SHOWN]]
        left = len(self.mistakes) - len(shown)
        return [*shown, *([{"text": f"And {left:,} more mistakes", "href": "#content"}] if left else [])]

    def of(self, box: str) -> str:
        """What is wrong with one box, in a line above it."""
        found = [words for where, words in self.mistakes if where == box]
        return found[0] if len(found) == 1 else f"{len(found):,} mistakes: see the list at the top" if found else ""

    @classmethod
    async def read(cls, form: Mapping[str, Any]) -> tuple[Self, Policy | None]:
        """The draft, and its policy when there is no mistake. Parsed in a thread: nobody waits for an odd file."""
        note = "\n".join(text_in(form, "note").splitlines())
        content, mistakes = await _content(form)
        if len(note) > LONGEST_NOTE:
            mistakes.append(("note", f"Shorten the note to {LONGEST_NOTE:,} characters"))
        if not all(char.isprintable() or char == "\n" for char in note):
            mistakes.append(("note", "Take the hidden characters out of the note"))
        policy = None
        if content:
            try:
                policy = await asyncio.to_thread(read_draft, content)
            except UnusableDraftError as error:
                mistakes += [("content", words.removesuffix(".")) for words in error.mistakes]
        return cls(content, note, mistakes), None if mistakes else policy


async def _content(form: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The text of the file or the box, and what is wrong with having both or neither."""
    file = form.get("file")
    sent = await file.read() if isinstance(file, UploadFile) else b""
    pasted = text_in(form, "content")
    try:
        text = sent.decode("utf-8-sig")
    except UnicodeDecodeError:
        return pasted, [("file", "The file is not plain text in UTF-8. Choose another one")]
    if text.strip() and pasted:
        return pasted, [("file", "Choose a file or paste the text, not both")]
    content = (text if text.strip() else pasted).replace("\r\n", "\n").strip("\n")
    return (f"{content}\n", []) if content.strip() else ("", [("file", "Choose a file, or paste the text of a policy")])


@dataclass(frozen=True)
class Span:
    """From a day to a day (both in, London), either of them open; None and None: every stored referral."""

    first: TypedDay = field(default_factory=TypedDay)
    last: TypedDay = field(default_factory=TypedDay)
    since: datetime | None = None
    until: datetime | None = None
    mistakes: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> list[dict[str, str]]:
        return [{"text": words, "href": f"#{box}-day"} for box, words in self.mistakes.items()]

    @classmethod
    def read(cls, form: Mapping[str, Any]) -> Self:
        typed = cls(first=TypedDay.of(form, "first"), last=TypedDay.of(form, "last"))
        mistakes: dict[str, str] = {}
        days: dict[str, date | None] = {}
        for box, boxes in (("first", typed.first), ("last", typed.last)):
            try:
                days[box] = None if boxes.is_empty else boxes.read()
            except MistypedError as error:
                mistakes[box] = error.words
        if mistakes:
            return replace(typed, mistakes=mistakes)
        first, last = days["first"], days["last"]
        if first and last and first > last:
            return replace(typed, mistakes={"last": "The last day must not be before the first"})
        return replace(typed, since=in_london(first) if first else None, until=_day_after(last) if last else None)


def _day_after(day: date) -> datetime | None:
    """None after the last day there is."""
    return in_london(day + timedelta(days=1)) if day < date.max else None
