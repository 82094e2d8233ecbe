"""Every combination of what decides about a message to a family, as a table: `python -m tests.messages_table`.

Each combination is asked of the function that decides; answers that are the same for whole groups are written as one
line. The docs hold the table between two marks, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.referral.contacts.may_message import Refusal, Wish, may_message
from services.referral.document.codes import MessageChannel, ToldBy
from shared.events import Circumstance, Consent, Hold, Safety
from tests.builders import a_family

PAGE: Final = Path(__file__).parents[1] / "docs" / "messages.md"
BEGINS, ENDS = "<!-- table: python -m tests.messages_table -->", "<!-- end of the table -->"
ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    "Contact hold": {"none": (), "C1": (Hold.C1,), "C2": (Hold.C2,)},
    "Loss": {"no": (), "yes": (Circumstance.INFANT_DIED,)},
    "Violence at home": {"no": (), "yes": (Safety.DOMESTIC_ABUSE,)},
    "Consent": {each.value: each for each in Consent},
    "Channel": {each.value: each for each in MessageChannel},
    "Said to be safe": {"yes": True, "no": False, "not said": None},
    "Said by": {"family": ToldBy.FAMILY, "referrer": ToldBy.REFERRER, "not said": None},
    "Stopped": {"no": False, "yes": True},
    "Words on safe contact": {"none": False, "some": True},
}
"""Heading → what may be said in words → the value for the function, in the order in which the table asks."""
WORDS: Final = {
    None: "**sent**",
    Refusal.UNCLEAR: "**held for a person**",
    Refusal.HOLD: "not sent: `hold`",
    Refusal.NO_CONSENT: "not sent: `no-consent`",
    Refusal.NOT_WANTED: "not sent: `not-wanted`",
    Refusal.NOT_SAFE: "not sent: `not-safe`",
    Refusal.NOT_TOLD: "not sent: `not-told`",
    Refusal.STOPPED: "not sent: `stopped`",
}
Chosen = tuple[str, ...]


class Line(NamedTuple):
    """`values`: of each heading those that the line stands for, in words."""

    values: tuple[tuple[str, ...], ...]
    answer: Refusal | None

    @property
    def combinations(self) -> int:
        return prod(map(len, self.values))


def combinations() -> Iterator[Chosen]:
    """Each of them, by the words of its values."""
    return product(*(tuple(values) for values in ASKED.values()))


def answer_to(chosen: Chosen) -> Refusal | None:
    """Of the function that decides, for a family with an address for that channel."""
    hold, loss, violence, consent, channel, safe, said_by, is_stopped, has_words = (
        values[word] for values, word in zip(ASKED.values(), chosen, strict=True)
    )
    facts = a_family(consent=consent, circumstances=loss, safety=violence)
    wish = Wish(channel, safe, said_by, has_address=True, has_words=has_words, is_stopped=is_stopped)
    return may_message(facts, hold, wish, is_on=True)


def lines(answers: Mapping[Chosen, Refusal | None], done: Chosen = ()) -> list[Line]:
    """The answers below what is chosen already, in as few lines as this order of the questions allows."""
    rest = list(ASKED.values())[len(done) :]
    below = {answers[done + more] for more in product(*map(tuple, rest))}
    if len(below) == 1:
        return [Line(tuple(tuple(values) for values in rest), below.pop())]
    groups: dict[tuple[Line, ...], list[str]] = {}
    for word in rest[0]:
        groups.setdefault(tuple(lines(answers, (*done, word))), []).append(word)
    return [
        Line((tuple(words), *line.values), line.answer) for found, words in groups.items() for line in found
    ]  # fmt: skip


def table() -> str:
    """As Markdown, with how many combinations each line stands for."""
    found = lines({chosen: answer_to(chosen) for chosen in combinations()})
    rows = [
        [*map(_in_words, ASKED.values(), line.values), WORDS[line.answer], f"{line.combinations:,}"] for line in found
    ]
    head = [*ASKED, "Then", "Combinations"]
    total = sum(line.combinations for line in found)
    return "\n".join(
        [
            _row(head),
            _row(["---"] * len(head)),
            *map(_row, rows),
            "",
            f"{total:,} combinations, each asked of the code.",
        ]
    )


def _in_words(values: Mapping[str, Any], chosen: Sequence[str]) -> str:
    return "any" if len(chosen) == len(values) else " or ".join(chosen)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written(page: str) -> str:
    """The page with the table of now between its marks."""
    before, _, rest = page.partition(BEGINS)
    return f"{before}{BEGINS}\n{table()}\n{ENDS}{rest.partition(ENDS)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
