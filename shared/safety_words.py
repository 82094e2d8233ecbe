"""Words in free text that a person has to read within a working day (rule A1). The list stands in the policy.

An entry is words apart by spaces; `|` parts alternatives of one word: `hit|hits me|her`. It is found where its words
follow one another, the last one at the start of a word: `bruis` finds `bruising`. A denial is found too: it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from shared.folding import fold, joined

OTHER_LANGUAGE: Final = "words in another language"
"""Stands for a text that the list can't judge."""
FLAGGED: Final = "flagged in the record of the sender"
"""Found whatever the policy's list holds: a safeguarding flag of another system has no tick here, and a person reads
it. The words of the flag itself may hold none of the list."""
_WORDS_TO_JUDGE: Final = 4
"""Fewer words than that are a name or a note such as `Rang mum`: nobody can say of which language they are."""
_LETTERS_TO_JUDGE: Final = 8
"""Some scripts put no space between words."""
_ENGLISH: Final = frozenset(
    """
    a about after again all also am an and anxiety anxious any appointment are as asked at attachment aware away
    baby be because been before being birth bond bonding both boy breastfeeding but by call called can care
    carer child children clinic concern concerned concerns contact could current currently dad daughter day days
    depressed depression did discussed do does doing down due during each early english expecting family father
    feeding feels felt few find finds first for from further gave get girl give go goes good gp grandmother had
    has have he health help her hers herself high him himself his history hold home hospital hours house housing
    how i if in infant interpreter is isolated isolation it its just know lives living lost low low-mood manage
    mental midwife month months mood mother mum mums my need needs never new night no not nothing now nursery of
    off offered old on one only or other our out over own parent parents partner past pregnancy pregnant
    premature previous referral referred reports said says see seems seen she since sleep sleeping social some
    son still struggle struggling support supported tearful than that the their them then there they this time
    tired to today told too trauma traumatic two unable under unplanned until up very visit visited want wants
    ward was we week weeks weight well were what when which while who will with without work worker worried
    worries would year years yesterday you your
    """.split()  # noqa: SIM905  a list of words is read as a text
)
"""Everyday words of English and of its referrals: a text without any is of another language, or a list of codes."""


class SafetyWords:
    """The list, made ready. Raises ValueError for an entry without a word."""

    def __init__(self, entries: Iterable[str]) -> None:
        patterns = [_pattern(entry) for entry in (*entries, FLAGGED)]
        self._pattern = re.compile(rf"(?<!\S)(?:{'|'.join(patterns)})\S*")

    def found_in(self, text: str) -> tuple[str, ...]:
        """What stands in `text`, once each, in lower case without accents and whole to the end of the last word."""
        if not text:
            return ()
        lines = [fold(line) for line in text.splitlines()]
        whole = " ".join(filter(None, lines))
        forms = (whole, fold(joined(text))) if "\n" in text else (whole,)
        found = dict.fromkeys(match[0] for form in forms for match in self._pattern.finditer(form))
        if any(map(_is_of_another_language, lines)):
            found[OTHER_LANGUAGE] = None
        return tuple(found)


def is_english(tag: str | None) -> bool:
    """Whether the list can judge text that was written in this language (BCP 47); None: nobody named another one."""
    return tag is None or tag.partition("-")[0].lower() == "en"


def _pattern(entry: str) -> str:
    slots = [[fold(each).replace(" ", r"\s") for each in slot.split("|")] for slot in entry.split()]
    if not slots or not all(each for slot in slots for each in slot):
        raise ValueError(f"the safety word {entry!r} holds no word")
    return r"\s".join(f"(?:{'|'.join(slot)})" for slot in slots)


def _is_of_another_language(folded: str) -> bool:
    """True for a line that holds words, but none that English text is full of, or words in another script."""
    if folded.isascii() and not _ENGLISH.isdisjoint(folded.split()):
        return False  # most lines: no need to look at each letter
    words = [word for word in folded.split() if not any(each.isdigit() for each in word)]
    foreign = [word for word in words if not _is_latin(word)]
    if len(foreign) > 1 or any(len(word) >= _LETTERS_TO_JUDGE for word in foreign):
        return True
    return len(words) >= _WORDS_TO_JUDGE and _ENGLISH.isdisjoint(words)


def _is_latin(word: str) -> bool:
    return word.isascii() or all(each < "\u0250" for each in word)
