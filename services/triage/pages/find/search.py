"""Finding a referral: by its reference, or by who the family is, for a reason that is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Self

from fastapi import APIRouter, Response
from nhs_number.validate import is_valid as has_valid_check_digit
from starlette.responses import RedirectResponse

from services.triage import identity_access
from services.triage.identity_access import LookReason
from services.triage.pages.context import Looker, Reader, Visit
from services.triage.pages.forms import (
    SEPARATORS,
    UNKNOWN_REFERENCE,
    UNREADABLE_REFERENCE,
    MistypedError,
    TypedDay,
    error_summary,
    read_reference,
    short_text_in,
)
from services.triage.pages.labels import LOOKS
from shared.access import Permission
from shared.problems import FieldError, Problem

routes = APIRouter(prefix="/staff", include_in_schema=False)

PAGE: Final = "/staff/find"
FIELDS: Final = ("reason", "nhs_number", "given_name", "family_name", "day", "month", "year", "postcode")
_IDS: Final = {
    "reason": "reason",
    "nhs_number": "nhs-number",
    "given_name": "given-name",
    "family_name": "family-name",
    "date_of_birth": "date-of-birth-day",
    "postcode": "postcode",
}
"""Field → what the error summary leads to, in the order of the form."""
_NAMES: Final = {
    "nhs_number": "NHS number",
    "given_name": "First name",
    "family_name": "Last name",
    "date_of_birth": "Date of birth",
    "postcode": "Postcode",
}
_FIRST_YEAR: Final = 1900
_TEN_DIGITS: Final = re.compile(r"[0-9]{10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FindForm:
    """`typed` is shown again when there are `errors` (field → words); `who` is what the referral service is asked."""

    typed: Mapping[str, str]
    reason: LookReason | None
    who: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def summary(self) -> list[dict[str, str]]:
        """For the error summary, in the order of the form."""
        return error_summary({place: self.errors[field] for field, place in _IDS.items() if field in self.errors})

    def refused(self, errors: Iterable[FieldError]) -> Self:
        """With what the referral service could not use."""
        found = {each.pointer.removeprefix("/"): each.detail for each in errors}
        told = {field: f"{_NAMES[field]}: {words}" for field, words in found.items() if field in _NAMES}
        return replace(self, errors=told or {"reason": "We could not use this. Check what you have entered."})


EMPTY: Final = FindForm(typed={}, reason=None, who={}, errors={})


@routes.get("/find")
async def find_page(visit: Reader) -> Response:
    return _form(visit, EMPTY)


@routes.post("/find")
async def find_reference(visit: Reader) -> Response:
    typed = short_text_in(await visit.form(), "reference")
    reference = read_reference(typed)
    if reference is None:
        return _form(visit, EMPTY, reference=typed, reference_error=UNREADABLE_REFERENCE)
    async with visit.engine.connect() as tx:
        if not await identity_access.is_known(tx, reference):
            return _form(visit, EMPTY, reference=typed, reference_error=UNKNOWN_REFERENCE)
    return RedirectResponse(f"/staff/referrals/{reference}", 303)


@routes.get("/find/family")
async def find_again(_: Looker) -> Response:
    """Whoever had to sign in again comes back here: what they had typed is nowhere."""
    return RedirectResponse(PAGE, 303)


@routes.post("/find/family")
async def find_family(visit: Looker) -> Response:
    form = read_form(await visit.form(), today=visit.today)
    if form.reason is None or form.errors:
        return _form(visit, form)
    async with visit.engine.begin() as tx:
        await identity_access.record_search(tx, visit.staff, reason=form.reason, at=visit.now)
    try:
        matches = await visit.context.families.find(form.who, reason=form.reason.value, actor=visit.staff.id)
    except Problem as problem:
        return _form(visit, form.refused(problem.errors))
    if matches is None:
        return visit.render("find/found.html", status=503)
    async with visit.engine.connect() as tx:
        found = await identity_access.standing_of(tx, matches.referrals)
    number = form.who.get("nhs_number")
    return visit.render(
        "find/found.html",
        found=found,
        is_more=matches.is_more,
        by_number=number is not None,
        is_odd_number=number is not None and not has_valid_check_digit(number),
        by_postcode="postcode" in form.who,
    )


def _form(visit: Visit, form: FindForm, *, reference: str = "", reference_error: str = "") -> Response:
    errors = error_summary({"reference": reference_error}) if reference_error else form.summary
    return visit.render(
        "find/find.html",
        status=422 if errors else 200,
        form=form,
        reasons=LOOKS,
        reference=reference,
        reference_error=reference_error,
        may_search=visit.may(Permission.SEE_IDENTITY),
        errors=errors,
    )


def read_form(fields: Mapping[str, object], *, today: date) -> FindForm:
    """A reason is always needed; then an NHS number, or both names and the date of birth. The number comes first."""
    typed = {name: short_text_in(fields, name) for name in FIELDS}
    reason = LookReason(typed["reason"]) if typed["reason"] in LOOKS else None
    errors = {} if reason else {"reason": "Choose why you are looking"}
    who, wrong = _by_number(typed["nhs_number"]) if typed["nhs_number"] else _by_name(typed, today)
    return FindForm(typed, reason, who, errors | wrong)


def _by_number(typed: str) -> tuple[dict[str, str], dict[str, str]]:
    number = typed.translate(SEPARATORS)
    if not _TEN_DIGITS.fullmatch(number) or len(set(number)) == 1:
        return {}, {"nhs_number": "Enter an NHS number of 10 digits, like 999 123 4567"}
    return {"nhs_number": number}, {}


def _by_name(typed: Mapping[str, str], today: date) -> tuple[dict[str, str], dict[str, str]]:
    day = TypedDay(typed["day"], typed["month"], typed["year"])
    if day.is_empty and not (typed["given_name"] or typed["family_name"]):
        return {}, {"nhs_number": "Enter an NHS number, or a name and date of birth"}
    who = {name: typed[name] for name in ("given_name", "family_name", "postcode") if typed[name]}
    errors = {name: f"Enter the {_NAMES[name].lower()}" for name in ("given_name", "family_name") if name not in who}
    try:
        born_on = day.read()
    except MistypedError:
        born_on = date.min
    if day.is_empty:
        errors["date_of_birth"] = "Enter the date of birth"
    elif born_on.year < _FIRST_YEAR:
        errors["date_of_birth"] = "Enter a real date, like 27 3 2026"
    elif born_on > today:
        errors["date_of_birth"] = "The date of birth must be today or in the past"
    else:
        who["date_of_birth"] = born_on.isoformat()
    return who, errors
