"""The pages of the form after a loss: gentler words, fewer questions; what the document says already stays there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from services.referral.front.choices import SEVERITIES_AFTER_LOSS
from services.referral.front.form import Choice, Field, FormPage
from shared.events import LOSSES

_SEVERITY: Final = "concern.severity"
_AFTER_LOSS: Final[Mapping[str, tuple[str, tuple[str, ...], frozenset[str]]]] = {
    "babies": (
        "The baby",
        (
            "We are sorry for what this family has been through.",
            "Write the name of the baby if the parents use it. You can leave all of this out.",
        ),
        frozenset({"babies.*.given_name", "babies.*.family_name", "babies.*.date_of_birth"}),
    ),
    "carers": (
        "Who you write about",
        ("Begin with the person this is mostly about. One name is enough.",),
        frozenset({"caregivers.*.relationship", "caregivers.*.given_name", "caregivers.*.family_name"}),
    ),
    "words": (
        "In your own words",
        ("What would help this family now?",),
        frozenset({"notes", "external_reference"}),
    ),
    "relationship": (
        "How the family is",
        ("After a loss we do not need this. Choose the first answer, unless there is more that you want to say.",),
        frozenset({_SEVERITY}),
    ),
    "around-them": (
        "How the parents are",
        ("You can leave all of this out.",),
        frozenset({"mental_health"}),
    ),
    "equality": (
        "A few facts for fairness",
        ("You can leave this out.",),
        frozenset({"caregivers.*.ethnic_category"}),
    ),
}
"""Page → title, lead, and the fields that are still asked."""
MISSING_AFTER_LOSS: Final[Mapping[str, str]] = {
    "babies.*.given_name": "Open the page about the baby and choose Continue. You can leave it all empty",
    _SEVERITY: "Choose an answer. The first one is enough",
}
"""What to say instead where a referral needs something that is hard to tell now."""


def tells_of_loss(document: Mapping[str, Any]) -> bool:
    """Whether the document says that the baby died or the pregnancy ended."""
    told = document.get("circumstances")
    return isinstance(told, list) and any(loss in told for loss in LOSSES)


def after_loss(page: FormPage, document: Mapping[str, Any]) -> FormPage:
    """The page as it is asked after a loss, with every field that the document has a value for."""
    if page.slug not in _AFTER_LOSS:
        return page
    title, lead, asked = _AFTER_LOSS[page.slug]
    fields = [field for field in page.fields if field.name in asked or _is_said(field, document)]
    return replace(page, title=title, lead=lead, fields=tuple(map(_gently, fields)))


def _gently(field: Field) -> Field:
    """Without hints that tell of a baby who lives."""
    if field.name == _SEVERITY:
        return replace(field, label="Is there anything to say?", choices=SEVERITIES_AFTER_LOSS)
    if field.name in ("mental_health", "caregivers.*.relationship"):
        return replace(field, choices=tuple(Choice(each.value, each.label) for each in field.choices))
    return field


def _is_said(field: Field, document: Mapping[str, Any]) -> bool:
    """Whether the document has the member, for anybody."""
    head, _, rest = field.name.partition(".")
    part = document.get(head)
    if not rest:
        return part not in (None, [], "", "none")
    parts = part if field.people and isinstance(part, list) else [part]
    member = rest.rpartition(".")[2]
    return any(isinstance(each, dict) and each.get(member) not in (None, [], "") for each in parts)
