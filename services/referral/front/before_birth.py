"""The pages of the form while the baby is not born: the same questions, in words that fit a baby to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from services.referral.document.codes import Strength
from services.referral.front.form import Choice, Field, FormPage
from shared.events import Domain, Severity

_PAGE: Final = "relationship"
_TITLE: Final = "The parents and the baby to come"
_WORDS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "concern.severity": {
        Severity.NONE: ("", "They look forward to the baby. They would like ideas or company."),
        Severity.MILD: ("", "At times it is hard for them to look forward to the baby."),
        Severity.MODERATE: ("", "Often they do not want to think of the baby, or are upset when they do."),
        Severity.SEVERE: ("", "Nearly always they speak of the baby with fear or anger, or as if there was none."),
        Severity.UNKNOWN: ("I cannot tell", "For example because you have not talked about it. That is fine."),
    },
    "concern.domains": {
        Domain.MAIN_CARER: ("", "How they think and speak of the baby, and get ready for them."),
        Domain.EMOTIONAL: ("", "What they feel when they think of the baby."),
        Domain.COGNITIVE: ("", ""),
        Domain.SENSE_OF_SELF: ("", "Whether they see the baby as a small person."),
        Domain.SOCIAL: ("", ""),
    },
    "strengths": {Strength.WARM_MOMENTS_SEEN: ("They speak warmly of the baby", "")},
}
"""Field → code → another label, empty for the same, and another hint."""


def is_before_birth(document: Mapping[str, Any]) -> bool:
    """Whether every baby that the document tells of is still to be born."""
    told = document.get("babies")
    babies = [each for each in told if each and isinstance(each, dict)] if isinstance(told, list) else []
    return bool(babies) and all(each.get("due_on") and not each.get("date_of_birth") for each in babies)


def before_birth(page: FormPage) -> FormPage:
    """The page as it is asked before the birth: the same fields and codes."""
    fields = tuple(map(_fitting, page.fields))
    return replace(page, fields=fields, title=_TITLE if page.slug == _PAGE else page.title)


def _fitting(field: Field) -> Field:
    words = _WORDS.get(field.name, {})

    def said(choice: Choice) -> Choice:
        label, hint = words.get(choice.value, ("", choice.hint))
        return Choice(choice.value, label or choice.label, hint)

    return replace(field, choices=tuple(map(said, field.choices)))
