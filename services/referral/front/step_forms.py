"""What the pages after sending ask: an answer, news, a birth, a challenge, a withdrawal, and an enquiry.

They are pages as those of the referral form are, so that the same boxes are drawn and the same reading is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from services.referral.front.clients import Question
from services.referral.front.form import Choice, Field, FieldKind, FormPage
from services.referral.front.form_pages import PAGES
from shared.events import Kind
from shared.pages.facts import KINDS
from shared.pages.times import clock
from shared.pages.wording import WITHDRAWALS
from shared.problems import FieldError

QUESTION: Final = "question"
"""Which question an answer is to: the time at which it was asked."""


def _field(name: str) -> Field:
    """A field of the referral form, by the member that it is about."""
    return next(field for page in PAGES for field in page.fields if field.name == name)


def _words(label: str, hint: str = "", *, is_optional: bool = False) -> Field:
    return Field("notes", label, FieldKind.LONG_TEXT, hint=hint, is_optional=is_optional)


def _page(slug: str, title: str, lead: tuple[str, ...], *fields: Field) -> FormPage:
    return FormPage(slug, title, lead, fields, "", False, "")


_NO_OTHERS: Final = "Write as if the family will read it. Leave out the names of other people."

ANSWER: Final = _page(
    "answer",
    "Answer our question",
    ("Our clock waits until you answer. Then it runs again.",),
    _words("Your answer", _NO_OTHERS),
)
TELL: Final = _page(
    "tell",
    "Tell us something new",
    (
        "If somebody is in danger now, ring 999 first.",
        "Tick or write what is new. What you told us before still stands.",
    ),
    _field("safety"),
    _field("mental_health"),
    _words("What is new?", _NO_OTHERS, is_optional=True),
)
TELL_AFTER_LOSS: Final = replace(
    TELL,
    lead=(
        *TELL.lead,
        "We are sorry for what this family has been through.",
        "Some questions speak of a baby who lives, because there may be another child. Leave out what does not fit.",
    ),
)
TELL_OF_ENQUIRY: Final = replace(
    TELL, lead=("Write what has changed, or what you want to add. Name no child.",), fields=(_words("What is new?"),)
)
_BIRTH: Final = _field("babies.*.date_of_birth")
BORN: Final = replace(
    _page("born", "The baby is born", ("Thank you for telling us. The day is enough.",), _BIRTH), each_of="babies"
)
CHALLENGE: Final = _page(
    "challenge",
    "Ask us to look again",
    (
        "You know the family. If you see it another way than we do, tell us why.",
        "Another lead than the one who decided will look at it. You can ask this once.",
    ),
    _words("Why should we look again?", _NO_OTHERS),
)
WITHDRAW: Final = _page(
    "withdraw",
    "Withdraw it",
    ("When it is withdrawn, nothing more happens. To go on later you send a new one.",),
    Field(
        "reason",
        "Why do you withdraw it?",
        FieldKind.RADIOS,
        choices=tuple(Choice(code, words) for code, words in WITHDRAWALS.items()),
        is_optional=False,
    ),
)
ENQUIRY: Final = _page(
    "enquiry",
    "Ask for advice or training",
    (
        "You can talk to us before you refer, or ask us to train your team.",
        "Do not name a child or a parent here. We do not need it for this.",
    ),
    Field(
        "kind",
        "What do you need?",
        FieldKind.RADIOS,
        choices=(
            Choice(Kind.CONSULTATION.value, KINDS[Kind.CONSULTATION], "Talk with us about what you see."),
            Choice(Kind.TRAINING.value, KINDS[Kind.TRAINING], "We come and teach your team."),
        ),
        is_optional=False,
    ),
    Field("topic", "What is it about?", FieldKind.TEXT, hint="In a few words. No names.", is_optional=False),
    Field("people", "How many of you will take part?", FieldKind.TEXT, hint="A number.", inputmode="numeric"),
    replace(_field("safety"), label="Does any of this play a part?"),
    _words("What else do we need to know?", "No names.", is_optional=True),
    *(_field(f"referrer.{member}") for member in ("name", "role", "email", "phone")),
)

_MISSING: Final[Mapping[str, str]] = {
    "notes": "Write at least a few words",
    "reason": "Choose why you withdraw it",
    "kind": "Choose what you need",
    "topic": "Write what it is about, in a few words",
    "people": "Write a whole number from 1 to 500, or leave it empty",
    "referrer.name": "Enter your name",
    "referrer.role": "Enter your role, for example health visitor",
    "referrer.email": "Enter your work email address",
    "babies.0.date_of_birth": "Enter the day of the birth, for example 12 3 2026",
}
"""Box → what to do when it is empty, and what is needed."""
_ALSO_WRONG: Final = {"people"}
"""Whatever is wrong here, the same words help."""


def asking(questions: Sequence[Question]) -> FormPage:
    """The page for an answer: with several open questions it asks which one is meant."""
    if len(questions) < 2:  # noqa: PLR2004  with one there is no choice
        return ANSWER
    each_one = (Choice(each.at.isoformat(), f"The one of {clock(each.at)}") for each in questions)
    choices = (Choice("", "All of them"), *each_one)
    which = Field(QUESTION, "Which question do you answer?", FieldKind.RADIOS, choices=choices)
    return replace(ANSWER, fields=(which, *ANSWER.fields))


def mistakes_of(page: FormPage, errors: Iterable[FieldError]) -> list[FieldError]:
    """The model's errors by the names in HTML, one a box, in words that say what to do."""
    labels = {field.name: field.label for field in page.fields}
    found: dict[str, FieldError] = {}
    for error in errors:
        name = error.pointer.removeprefix("/").replace("/", ".")
        words = _MISSING.get(name) if error.code == "required" or name in _ALSO_WRONG else None
        said = words or (f"{labels[name]}. {error.detail}" if name in labels else error.detail)
        found.setdefault(name, FieldError(name, error.code, said))
    return list(found.values())


def enquiry_from(said: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of an enquiry, from what the form said: a number that is one is one."""
    people = str(said.get("people", ""))
    return dict(said) | ({"people": int(people)} if people.isdecimal() and people.isascii() else {})
