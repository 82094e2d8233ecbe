"""The seven pages of /help: what each asks, in sentences of deploy/words/help, and how the answers are read. Pure.

Names, kinds and reading are those of the form for agencies (form.py, filling.py), so that both make one document.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from services.referral.document.checks import is_urgent
from services.referral.document.codes import MessageChannel
from services.referral.document.errors import Invalid
from services.referral.document.read import read_referral
from services.referral.front import boxes, filling, typed_dates
from services.referral.front.choices import LANGUAGES
from services.referral.front.doubts import ADDRESSES, can_be_reached
from services.referral.front.form import NONE, Choice, Field, FieldKind, FormPage
from shared.events import Carer, Circumstance, Safety
from shared.languages import Language

Answers = Mapping[str, Any]
"""What was typed so far, as the JSON of a referral."""

SAFETY: Final = "safety"
NAME, WHO = "caregivers.0.given_name", "caregivers.0.relationship"
PHONE, EMAIL = "caregivers.0.phone", "caregivers.0.email"
NOTES: Final = "notes"
SAFE: Final = "caregivers.*.safe_contact"
MESSAGES: Final = "caregivers.*.messages.channel"
"""Not by letter: of where they live only the postcode is asked."""
LANGUAGE: Final = "caregivers.*.preferred_language"
ETHNIC_CODES: Final = "ABCDEFGHJKLMNPRSZ"
"""ETHNIC CATEGORY CODE 2001; 99, not known, is nothing that people say of themselves."""


def _page(number: int, title: str, lead: str, *fields: Field) -> FormPage:
    return FormPage(str(number), title, (lead,) if lead else (), fields, each_of="", can_add=False, group="")


def _asked(name: str, label: str, kind: FieldKind = FieldKind.TEXT, **more: Any) -> Field:
    """`label`, `hint` and the labels of `choices` are ids of sentences."""
    return Field(name, label, kind, is_optional=False, **{"autocomplete": "off"} | more)


_DANGER: Final = _asked(
    SAFETY,
    "danger_label",
    FieldKind.RADIOS,
    choices=(Choice(Safety.IMMEDIATE_DANGER, "danger_yes"), Choice(NONE, "danger_no")),
)
_UNSAFE: Final = _asked(
    SAFETY,
    "at_home_label",
    FieldKind.CHECKS,
    choices=(Choice(Safety.DOMESTIC_ABUSE, "unsafe_label", "unsafe_hint"),),
)
_LOSS: Final = _asked(
    "circumstances",
    "loss_label",
    FieldKind.CHECKS,
    hint="loss_hint",
    choices=(Choice(Circumstance.INFANT_DIED, "loss_died"), Choice(Circumstance.PREGNANCY_ENDED, "loss_ended")),
)
PAGES: Final = (
    _page(1, "danger_title", "", _DANGER, _UNSAFE),
    _page(
        2,
        "name_title",
        "",
        _asked("caregivers.*.given_name", "name_label", hint="name_hint", autocomplete="given-name"),
        _asked(
            "caregivers.*.relationship",
            "who_label",
            FieldKind.RADIOS,
            choices=tuple(Choice(each, f"who_{each}") for each in Carer),
        ),
    ),
    _page(
        3,
        "reach_title",
        "reach_lead",
        _asked("caregivers.*.phone", "phone_label", autocomplete="tel", inputmode="tel"),
        _asked("caregivers.*.email", "email_label", autocomplete="email", inputmode="email"),
        _asked(
            MESSAGES,
            "messages_label",
            FieldKind.RADIOS,
            hint="messages_hint",
            choices=(
                Choice(MessageChannel.NONE, "messages_none"),
                Choice(MessageChannel.SMS, "messages_sms"),
                Choice(MessageChannel.EMAIL, "messages_email"),
            ),
        ),
        _asked("caregivers.*.messages.is_safe", "alone_label", FieldKind.FLAG, hint="alone_hint"),
        _asked(SAFE, "safe_label", FieldKind.LONG_TEXT, hint="safe_hint"),
    ),
    _page(
        4,
        "baby_title",
        "baby_lead",
        _asked("babies.*.date_of_birth", "born_label", FieldKind.DATE, hint="date_hint"),
        _asked("babies.*.due_on", "due_label", FieldKind.DATE, hint="date_hint"),
        _LOSS,
    ),
    _page(
        5,
        "home_title",
        "skippable",
        _asked("home.postcode", "postcode_label", hint="postcode_hint", autocomplete="postal-code", inputmode="text"),
    ),
    _page(
        6,
        "more_title",
        "skippable",
        _asked(NOTES, "words_label", FieldKind.LONG_TEXT, hint="words_hint"),
        _asked(LANGUAGE, "language_label", FieldKind.SELECT),
        _asked("caregivers.*.interpreter_needed", "interpreter_label", FieldKind.FLAG),
    ),
    _page(
        7,
        "equality_title",
        "equality_lead",
        _asked(
            "caregivers.*.ethnic_category",
            "ethnic_label",
            FieldKind.RADIOS,
            choices=tuple(Choice(code, f"ethnic_{code}") for code in ETHNIC_CODES),
        ),
    ),
)
BY_SLUG: Final = {page.slug: page for page in PAGES}
ENOUGH: Final = "4"
"""From this page on all that is needed has been asked."""
_MISTAKES: Final = {
    "phone": "wrong_phone",
    "email": "wrong_email",
    "date_of_birth": "wrong_date",
    "due_on": "wrong_date",
    "postcode": "wrong_postcode",
    "relationship": "wrong_choice",
    "preferred_language": "wrong_choice",
    "ethnic_category": "wrong_choice",
}
"""Member → the sentence for whatever is wrong with it; text has its own."""


def read(page: FormPage, answers: Answers, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The answers with those of this page as the form says. What can't be read stays as typed."""
    in_figures = {
        name: [_western_figures(value) for value in values] if name not in (NAME, NOTES) else values
        for name, values in form.items()
    }
    plain = replace(page, fields=tuple(field for field in page.fields if field.name != SAFETY))
    found = filling.read_page(plain, answers, in_figures)
    codes = {code for field in page.fields if field.name == SAFETY for code in field.codes}
    said = [code for code in form.get(SAFETY, ()) if code in codes]
    if codes and (said or SAFETY in answers):
        found[SAFETY] = list(dict.fromkeys(said))
    return found


def values_of(page: FormPage, answers: Answers, language: Language) -> dict[str, list[str]]:
    """Name in HTML → what its box shows. The language of the page is the one that is offered first."""
    values = _shown(page, answers)
    name = LANGUAGE.replace("*", "0")
    if values.get(name) == [] and not language.is_original:
        values[name] = [language.tag]
    return values


def in_language(page: FormPage, language: Language, *, year: int) -> FormPage:
    """The page with sentences in place of their ids; dates in examples are of this year."""

    def said(sentence: str) -> str:
        return language.say(sentence, year=year) if sentence else ""

    def field_in(field: Field) -> Field:
        choices = tuple(Choice(each.value, said(each.label), said(each.hint)) for each in field.choices)
        if field.name == LANGUAGE:
            choices = _languages(language)
        return replace(field, label=said(field.label), hint=said(field.hint), choices=choices)

    fields = tuple(map(field_in, page.fields))
    return replace(page, title=said(page.title), lead=tuple(map(said, page.lead)), fields=fields)


def mistakes_of(answers: Answers, document: Mapping[str, Any], *, now: datetime) -> dict[str, str]:
    """Name in HTML → the id of a sentence: what can't be read, and what is needed and missing, in the order of pages.

    `document` is what would be sent. In a danger nothing has to be there.
    """
    found = {} if is_urgent(answers) else _needed(answers)
    try:
        read_referral(dict(document), now=now)
    except Invalid as refused:
        for error in refused.errors:
            name = filling.field_of(error.pointer)
            if error.code != "required" and page_of(name):
                found[name] = _MISTAKES.get(name.rpartition(".")[2], "wrong_text")
    order = [field.at(0) for page in PAGES for field in page.fields]
    return {name: found[name] for name in sorted(found, key=order.index)}


def page_of(name: str) -> str:
    """The slug of the page that asks for this name in HTML; empty when none does."""
    return next((page.slug for page in PAGES for field in page.fields if field.at(0) == name), "")


def summary_of(page: FormPage, answers: Answers, language: Language) -> list[tuple[str, str]]:
    """Label and answer in words, of what the page was answered. `page` is in the language."""
    values = _shown(page, answers)
    said = [(field, values[field.at(0)]) for field in page.fields]
    return [(field.label, words) for field, shown in said if (words := _in_words(field, shown, language))]


def written_in(page: FormPage, answers: Answers, language: Language) -> dict[str, str]:
    """The language of the page, where the words on it are its own; they stay so, whichever page sends them."""
    says = {NOTES: answers.get(NOTES), SAFE: first_caregiver(answers).get("safe_contact")}
    has_words = any(says.get(field.name) for field in page.fields)
    return {"written_in": language.tag} if has_words and not language.is_original else {}


def messages_stay_away(answers: Answers) -> bool:
    """Whether they want messages and none is sent: nowhere to send them, or somebody else may read them."""
    first = first_caregiver(answers)
    wanted = first.get("messages") or {}
    needs = ADDRESSES.get(wanted.get("channel") or "", "")
    return bool(needs) and not (first.get(needs) and wanted.get("is_safe"))


def first_caregiver(answers: Answers) -> dict[str, Any]:
    """The one who writes; empty before they have said anything of themselves."""
    return dict(next(iter(_caregivers(answers)), {}))


def tells_of_home(answers: Answers) -> bool:
    """Whether they said that they do not feel safe at home."""
    return Safety.DOMESTIC_ABUSE in (answers.get(SAFETY) or ())


def _shown(page: FormPage, answers: Answers) -> dict[str, list[str]]:
    """Name in HTML → what its box shows. Two questions ask about one member, dangers: "none" answers the first."""
    values = filling.values_of(page, answers)
    asked = next((field for field in page.fields if field.name == SAFETY), None)
    return values | {SAFETY: boxes.shown(asked, answers.get(SAFETY))} if asked else values


def _caregivers(answers: Answers) -> list[dict[str, Any]]:
    return [each for each in answers.get("caregivers") or () if isinstance(each, dict)]


def _needed(answers: Answers) -> dict[str, str]:
    said = first_caregiver(answers)
    missing = {NAME: "need_name"} if not said.get("given_name") else {}
    missing |= {WHO: "need_who"} if not said.get("relationship") else {}
    return missing if can_be_reached(answers) else missing | {PHONE: "need_reach"}


def _in_words(field: Field, values: Sequence[str], language: Language) -> str:
    labels = {choice.value: choice.label for choice in field.choices}
    if field.kind is FieldKind.FLAG:
        labels = {"true": language.say("check_yes")}
    if field.kind is FieldKind.DATE:
        labels = {value: _written_out(value, language) for value in values}
    if field.name == SAFETY:
        return "; ".join(labels[value] for value in values if value in labels)
    return "; ".join(labels.get(value, value) for value in values)


def _written_out(value: str, language: Language) -> str:
    on: date | None = typed_dates.day(typed_dates.day_from(value))
    return language.day(on, is_alone=True) if on else value


def _languages(language: Language) -> tuple[Choice, ...]:
    """That of the page first, under its own name; the others under their English ones."""
    own = Choice(language.tag, language.name)
    return (own, *(each for each in LANGUAGES if each.value != language.tag))


def _western_figures(text: str) -> str:
    """`۲۷ ۳` → `27 3`: the same digits as other scripts write them."""
    return "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in text)
