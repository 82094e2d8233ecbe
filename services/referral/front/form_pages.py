"""The pages of the referral form in their order: what each asks, in which words, and what is asked after a loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from services.referral.front import choices
from services.referral.front.after_loss import after_loss, tells_of_loss
from services.referral.front.before_birth import before_birth, is_before_birth
from services.referral.front.form import NONE, Field, FieldKind, FormPage, People
from services.referral.front.message_fields import MESSAGES
from shared.events import RED_FLAGS

TEXT, LONG_TEXT, LINES, DATE, TIME, RADIOS, CHECKS, FLAG, YES_NO, SELECT = FieldKind
MENTAL_HEALTH: Final = "mental_health"
"""The one member on two pages: its red flags on `safety`, the rest on `around-them`."""
_FIRST, _FAMILY, _TOUCH = "Before all else", "The family", "Getting in touch"
_SEEN, _LAST = "What you have seen", "To finish"
_DAY_HINT: Final = "For example 12 3 2026."
_NHS_HINT: Final = "10 digits. Leave it empty if you do not know it."


def _page(
    slug: str,
    title: str,
    group: str,
    lead: tuple[str, ...],
    *fields: Field,
    each_of: People = "",
    can_add: bool = False,
) -> FormPage:
    return FormPage(slug, title, lead, fields, each_of, can_add, group)


def _needed(name: str, label: str, kind: FieldKind, **more: Any) -> Field:
    return Field(name, label, kind, is_optional=False, **more)


def _private(name: str, label: str, kind: FieldKind = TEXT, **more: Any) -> Field:
    """About the family: the referrer's browser must not fill in the referrer's own."""
    return Field(name, label, kind, autocomplete="off", **more)


def _names_of(people: str) -> tuple[Field, Field]:
    return _private(f"{people}.*.given_name", "First name"), _private(f"{people}.*.family_name", "Last name")


def _nhs_number_of(people: str) -> Field:
    return _private(f"{people}.*.nhs_number", "NHS number", hint=_NHS_HINT, inputmode="numeric")


def _ethnic_group_of(people: str) -> Field:
    return Field(f"{people}.*.ethnic_category", "Ethnic group", SELECT, choices=choices.ETHNIC_GROUPS)


_BIRTH: Final = _private("babies.*.date_of_birth", "Date of birth", DATE, hint=_DAY_HINT)

PAGES: Final = (
    _page(
        "safety",
        "Is anybody in danger?",
        _FIRST,
        (
            "We ask this first, because danger cannot wait.",
            "Do not wait for this form. If somebody is in danger now, ring 999.",
            "If a child or a parent is in danger, you can send what you have. The rest can follow.",
        ),
        _needed("safety", "What do you know or fear?", CHECKS, hint="Tick all that apply.", choices=choices.SAFETY),
        _needed(
            MENTAL_HEALTH,
            "Is there a sign that a parent is in danger?",
            RADIOS,
            hint="Choose the one that worries you most. Such signs can come on fast after a birth, and help works.",
            choices=choices.RED_FLAG_CHOICES,
        ),
    ),
    _page(
        "agreement",
        "Does the family agree?",
        _FIRST,
        (
            "Help works best when the family wants it.",
            "If you have not asked them yet, say so. You can still send this form.",
        ),
        _needed("consent.status", "What did the family say?", RADIOS, choices=choices.CONSENT),
        _private("consent.given_by", "Who said so?", hint="For example the name of the mother."),
        Field(
            "consent.recorded_at",
            "When did they say so?",
            TIME,
            hint="The day is enough. You can add the time, for example 12 3 2026 14:30.",
            autocomplete="off",
        ),
        Field(
            "consent.override_reason",
            "If they do not agree and you go on to keep a child safe: why?",
            LONG_TEXT,
            hint="Leave this empty in all other cases.",
        ),
    ),
    _page(
        "loss",
        "Is there anything we must know before we get in touch?",
        _FIRST,
        ("We ask so that nobody says the wrong thing to a family after a loss.",),
        Field("circumstances", "Tick all that apply", CHECKS, choices=choices.CIRCUMSTANCES),
    ),
    _page(
        "babies",
        "The baby",
        _FAMILY,
        (
            "Tell us about each baby, born or on the way. Twins are two babies.",
            "Leave out what you do not know.",
        ),
        *_names_of("babies"),
        _BIRTH,
        _private("babies.*.due_on", "Due date", DATE, hint="If the baby is not born yet, or came early. " + _DAY_HINT),
        _nhs_number_of("babies"),
        each_of="babies",
        can_add=True,
    ),
    _page(
        "carers",
        "Who looks after the baby",
        _FAMILY,
        (
            "Begin with the person this is mostly about. That can be a mother, a father or anybody else.",
            "One name is enough.",
        ),
        _needed("caregivers.*.relationship", "Who are they to the baby?", RADIOS, choices=choices.CARERS),
        *_names_of("caregivers"),
        _private("caregivers.*.date_of_birth", "Date of birth", DATE, hint="For example 27 3 1998."),
        _nhs_number_of("caregivers"),
        each_of="caregivers",
        can_add=True,
    ),
    _page(
        "contact",
        "How to reach them safely",
        _TOUCH,
        ("Think about who else hears their phone or reads their messages.",),
        _private("caregivers.*.phone", "Phone number", hint="With the area code.", inputmode="tel"),
        _private("caregivers.*.email", "Email address", inputmode="email"),
        Field(
            "caregivers.*.safe_contact",
            "What do we need to know to be in touch safely?",
            LONG_TEXT,
            hint="For example: ring before noon, leave no message, or ring only the health visitor.",
        ),
        *MESSAGES,
        each_of="caregivers",
    ),
    _page(
        "language",
        "Language and how they like to be told things",
        _TOUCH,
        ("This helps us to book an interpreter and to write in a way that they can read.",),
        Field(
            "caregivers.*.preferred_language",
            "Which language do they like best?",
            SELECT,
            hint="If it is not in the list, tell us on the page “In your own words”.",
            choices=choices.LANGUAGES,
        ),
        Field("caregivers.*.interpreter_needed", "Do they need an interpreter?", YES_NO, choices=choices.YES_OR_NO),
        Field(
            "caregivers.*.communication_needs",
            "Do they need one of these?",
            CHECKS,
            hint="Tick all that apply.",
            choices=choices.COMMUNICATION_NEEDS,
        ),
        each_of="caregivers",
    ),
    _page(
        "home",
        "Where they live",
        _TOUCH,
        (
            "The postcode tells us which team is near them.",
            "If they have no fixed home, or the address must stay secret, tick that and leave the rest empty.",
        ),
        _private("home.postcode", "Postcode", hint="For example NG1 5DT."),
        _private(
            "home.address_lines", "Address", LINES, hint="One line each, 5 at most. The postcode alone is enough."
        ),
        Field("home.no_fixed_abode", "They have no fixed home", FLAG),
        Field("home.withheld", "The address must stay secret", FLAG, hint="For example to keep somebody safe."),
    ),
    _page(
        "relationship",
        "The baby and the people close to them",
        _SEEN,
        ("Write what you have seen. Nobody is marked, and no family is perfect.",),
        _needed("concern.severity", "How worried are you?", RADIOS, choices=choices.SEVERITIES),
        Field(
            "concern.domains",
            "Where do you see it?",
            CHECKS,
            hint="Tick all that apply. Leave it empty if you are not worried.",
            choices=choices.DOMAINS,
        ),
        Field(
            "concern.parent_was_asked",
            "Have you asked the parents how they see it?",
            YES_NO,
            choices=choices.YES_OR_NO,
        ),
    ),
    _page(
        "around-them",
        "What goes well, and what makes it hard",
        _SEEN,
        ("Tick what you know. You do not need to ask the family for more.",),
        Field("strengths", "What goes well?", CHECKS, choices=choices.STRENGTHS),
        Field("risk_factors", "What makes life hard just now?", CHECKS, choices=choices.RISK_FACTORS),
        Field("complex_history", "Has one of these happened?", CHECKS, choices=choices.COMPLEX_HISTORY),
        Field(
            "care_status",
            "Is a social worker involved?",
            RADIOS,
            hint="If you know who, write their name and number on the page “In your own words”.",
            choices=choices.CARE_STATUSES,
        ),
        Field(
            MENTAL_HEALTH,
            "How is the mental health of the first carer?",
            RADIOS,
            choices=choices.OTHER_MENTAL_HEALTH,
        ),
    ),
    _page(
        "words",
        "In your own words",
        _SEEN,
        ("What would help this family, and what do they hope for?",),
        Field(
            "notes",
            "Your notes",
            LONG_TEXT,
            hint="Write as if the family will read it. Of others name only helpers, such as a social worker.",
        ),
        Field(
            "requested_tier",
            "Which help do you have in mind?",
            RADIOS,
            hint="You do not need to know. We look at it with care in each case.",
            choices=choices.REQUESTED_TIERS,
        ),
        _private(
            "external_reference", "Your own reference", hint="If your team has one, to find this again. No names."
        ),
    ),
    _page(
        "equality",
        "A few facts for fairness",
        _LAST,
        (
            "We ask so that we can see if the help reaches all families alike.",
            "It changes nothing for this family. You can leave it all out.",
        ),
        Field("babies.*.sex", "Sex of the baby", RADIOS, choices=choices.SEXES),
        _ethnic_group_of("babies"),
        _ethnic_group_of("caregivers"),
    ),
    _page(
        "you",
        "About you",
        _LAST,
        ("We write to the inbox of your team. We ring you only if we need to know more.",),
        _needed("referrer.name", "Your name", TEXT, autocomplete="name"),
        _needed(
            "referrer.role", "Your role", TEXT, hint="For example health visitor.", autocomplete="organization-title"
        ),
        _needed("referrer.email", "Your work email address", TEXT, autocomplete="email", inputmode="email"),
        Field("referrer.phone", "Your work phone number", TEXT, autocomplete="tel", inputmode="tel"),
        Field(
            "source",
            "Who refers",
            SELECT,
            hint="Only if you write for another service than your own. Else leave it.",
            choices=choices.SOURCES,
        ),
    ),
)
SLUGS: Final = tuple(page.slug for page in PAGES)

MISSING: Final[Mapping[str, str]] = {
    "consent.status": "Choose what the family said",
    "babies.*.given_name": "Tell us about at least one baby. You can leave out what you do not know",
    "caregivers.*.relationship": "Choose who this person is to the baby",
    "caregivers.*.given_name": "Enter a first name or a last name",
    "concern.severity": "Choose how worried you are. You can say that you have not seen them together",
    "referrer.name": "Enter your name",
    "referrer.role": "Enter your role, for example health visitor",
    "referrer.email": "Enter your work email address",
}
"""Field → what to say when a referral needs it and it is not there."""


def pages_for(document: Mapping[str, Any]) -> tuple[FormPage, ...]:
    """All pages in order, as they are for this document.

    After a loss some are gentler and ask less; what the document says already stays on them. Before a birth some have
    other words. Mental health is asked once: a red flag on `safety` ends it, and "none of these" there is no answer of
    `around-them`, which offers "no worry" only to take another answer back.
    """
    pages: Iterable[FormPage] = PAGES
    told = str(document.get(MENTAL_HEALTH) or NONE)
    if told == NONE or told in RED_FLAGS:
        code = NONE if told == NONE else ""
        pages = (page if page.slug == "safety" else _without(page, MENTAL_HEALTH, code) for page in pages)
    if tells_of_loss(document):
        pages = (after_loss(page, document) for page in pages)
    elif is_before_birth(document):
        pages = map(before_birth, pages)
    return tuple(pages)


def _without(page: FormPage, name: str, code: str = "") -> FormPage:
    """The page without a field, or without this choice of it."""

    def left(field: Field) -> Field:
        kept = tuple(each for each in field.choices if each.value != code)
        return replace(field, choices=kept) if field.name == name else field

    return replace(page, fields=tuple(left(each) for each in page.fields if code or each.name != name))
