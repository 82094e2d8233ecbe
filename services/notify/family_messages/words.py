"""What a family reads: short words that are safe beside somebody else, in their language where it was checked."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from services.notify.content import Content, Outcome
from services.notify.family_messages.gsm import MOST_PARTS, parts
from shared import languages
from shared.events import Channel, MessageKind
from shared.languages import ORIGINAL, Language
from shared.policy import FamilyMessages, InvalidPolicyError
from shared.settings import ROOT

FOLDER: Final = ROOT / "deploy" / "words" / "messages"
OUTCOMES: Final = {Outcome.ACCEPTED: "accepted", Outcome.WAITING: "waiting", Outcome.DECLINED: "answer"}
"""Of the steps of a team: those that a family hears of, and the sentence for each."""
LONGEST_DAYS: Final = tuple(date(2026, month, day) for month in range(1, 13) for day in range(22, 29))
"""Every weekday of every month, with two digits: one of them is the longest in each language."""


@dataclass(frozen=True, slots=True)
class Text:
    """`subject` is empty for a text message."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class FamilyWords:
    """The words of all languages that may be used, with who signs; `takes_replies`: our number can be answered."""

    known: Mapping[str, Language]
    signed: FamilyMessages
    takes_replies: bool = False

    def language(self, tag: str | None) -> Language:
        """The one of this tag, or of its language without the region; else the original."""
        wanted = (tag or ORIGINAL).lower()
        found = self.known.get(wanted) or self.known.get(wanted.partition("-")[0])
        return found or self.known[ORIGINAL]

    def write(self, kind: MessageKind, content: Content, channel: Channel, *, language: str | None, on: date) -> Text:
        """A day that has passed `on` this day is promised no more. Raises KeyError for what no family is told."""
        spoken = self.language(language)
        filled = {"signed": self.signed.signed, "phone": self.signed.phone}
        promised = content.by if content.by and content.by >= on else None
        if kind is MessageKind.RECEIPT:
            sentence = "receipt_by" if promised else "receipt"
        else:
            sentence = OUTCOMES[content.outcome]
        first = spoken.say(sentence, day=spoken.day(promised) if promised else "", **filled)
        if channel is Channel.SMS:
            return Text("", f"{first} {spoken.say('reply_stop' if self.takes_replies else 'no_reply')}")
        rest = (spoken.say("questions", **filled), spoken.say("wants_no_more"))
        return Text(spoken.say("subject", **filled), "\n\n".join((first, *rest)))

    def is_stop(self, text: str) -> bool:
        """Whether the first word of a reply says "no more", in any of the languages."""
        first = _plain(next(iter(text.split()), ""))
        return any(first in map(_plain, each.sentences["stop_words"].split()) for each in self.known.values())

    def check(self) -> None:
        """Raises InvalidPolicyError when a text would take more than two parts: who signs, or the number, is long."""
        said = [Content(), *(Content(outcome=each) for each in OUTCOMES), *(Content(by=day) for day in LONGEST_DAYS)]
        for tag in self.known:
            for content in said:
                kind = MessageKind.RECEIPT if content.outcome not in OUTCOMES else MessageKind.OUTCOME
                text = self.write(kind, content, Channel.SMS, language=tag, on=LONGEST_DAYS[0]).body
                if parts(text) > MOST_PARTS:
                    raise InvalidPolicyError(
                        f"family_messages: a text in {tag} would take {parts(text)} parts, {MOST_PARTS} are the most: "
                        "shorten signed or phone"
                    )


def load(folder: Path, signed: FamilyMessages, *, with_unchecked: bool, takes_replies: bool = False) -> FamilyWords:
    """Raises InvalidPolicyError as `check` does, ValidationError for a file that can't be read."""
    found = languages.load(folder, with_unchecked=with_unchecked)
    words = FamilyWords({tag.lower(): each for tag, each in found.items()}, signed, takes_replies)
    words.check()
    return words


def in_english(signed: FamilyMessages) -> FamilyWords:
    """For staff who look at what a family was told, in whatever language it was sent."""
    return FamilyWords({ORIGINAL: _original()}, signed)


@lru_cache(maxsize=1)
def _original() -> Language:
    """Read when somebody looks."""
    return languages.load(FOLDER, with_unchecked=False)[ORIGINAL]


def _plain(word: str) -> str:
    """Without what stands around it: `Stop!` is a stop."""
    return "".join(letter for letter in word.casefold() if unicodedata.category(letter)[0] in "LMN")
