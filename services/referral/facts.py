"""From a referral to its facts: codes and dates only, all that the rules and other services may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from services.referral.document.codes import is_signed
from services.referral.document.fields import is_valid_nhs_number
from services.referral.document.model import Baby, Caregiver, ReferralDocument, years_old
from services.referral.document.read import Enquiry
from shared.events import (
    DANGERS,
    RED_FLAGS,
    Carer,
    Concern,
    Consent,
    Facts,
    Infant,
    Kind,
    Link,
    Monitoring,
    NhsNumber,
    Place,
    Severity,
    tells_of_danger,
)
from shared.policy import Policy
from shared.safety_words import is_english

PARENTS: Final = frozenset({Carer.MOTHER, Carer.FATHER})
"""Whose age X2 looks at: a partner, grandparent or foster carer is not a parent of this baby."""
_OLDEST: Final = 130

RING_YOURSELF: Final = (
    "A form is not the emergency route, and nobody may read it in the next minutes. Ring now, yourself:"
)


def facts_of(
    document: ReferralDocument,
    *,
    source_of_agency: str,
    place: Place,
    links: Iterable[Link] = (),
    today: date,
    policy: Policy,
    answers: Iterable[str] = (),
) -> Facts:
    """Return the facts on the day `today` (Europe/London).

    `answers` are what the referrer wrote since (information): they are searched for safety words too. The list of them
    is English, so text that was written in another language counts as such words: a person has to read it.
    What nobody said is not_sought, unknown, carer other; the first caregiver gives `carer`, the first baby
    `nhs_number`, the youngest baby `infant`.
    """
    caregivers, concern = document.caregivers, document.concern
    return Facts(
        source=document.source or source_of_agency,
        infant=_infant(document.babies),
        place=place,
        consent=(document.consent and document.consent.status) or Consent.NOT_SOUGHT,
        concern=Concern(
            severity=(concern and concern.severity) or Severity.UNKNOWN, domains=concern.domains if concern else ()
        ),
        risk_factors=document.risk_factors,
        complex_history=document.complex_history,
        safety=document.safety,
        mental_health=document.mental_health,
        care_status=document.care_status,
        carer=(caregivers and caregivers[0].relationship) or Carer.OTHER,
        carer_age=_youngest_parents_age(caregivers, today),
        accessible_information=any(_needs_another_form(one) for one in caregivers),
        circumstances=document.circumstances,
        links=tuple(dict.fromkeys(links)),
        safety_words=_has_safety_words([*_free_texts(document), *answers], policy) or _is_in_other_words(document),
        requested_tier=document.requested_tier,
        nhs_number=_nhs_number(document.babies),
    )


def enquiry_facts(enquiry: Enquiry, *, source_of_agency: str, policy: Policy) -> Facts:
    """Return the facts of an enquiry: kind, source, safety ticks and words (rule I5)."""
    texts = [text for text in (enquiry.topic, enquiry.notes) if text]
    return Facts(
        kind=enquiry.kind or Kind.CONSULTATION,
        source=source_of_agency,
        safety=enquiry.safety,
        safety_words=_has_safety_words(texts, policy),
    )


def monitoring_of(document: ReferralDocument, *, deprivation_decile: int | None = None) -> Monitoring:
    """Return codes for equality counts, of the first baby, mother and father; the first caregiver's language.

    `deprivation_decile` is that of where the family lives, which the place knows.
    """
    babies, caregivers = document.babies, document.caregivers
    return Monitoring(
        baby_ethnicity=babies[0].ethnic_category if babies else None,
        mother_ethnicity=_ethnicity_of(Carer.MOTHER, caregivers),
        father_ethnicity=_ethnicity_of(Carer.FATHER, caregivers),
        language=caregivers[0].preferred_language if caregivers else None,
        parent_was_asked=document.concern.parent_was_asked if document.concern else None,
        deprivation_decile=deprivation_decile,
    )


def act_now(ticks: Facts | ReferralDocument | Enquiry, policy: Policy) -> list[str]:
    """Say what to ring at once after a tick of S1, S2, S5 or S6, with the policy's numbers; otherwise nothing.

    From the ticks alone: words in the notes go to a person instead.
    """
    return ring_now(policy) if tells_of_danger(ticks.safety, ticks.mental_health) else []


def dangers_in(facts: Mapping[str, Any]) -> list[str]:
    """The codes of stored `facts` that say to ring at once: what `taken_back` of a PATCH would have to name."""
    found = {*DANGERS, *RED_FLAGS} & {*facts["safety"], facts["mental_health"]}
    return sorted(found)


def ring_now(policy: Policy) -> list[str]:
    return [RING_YOURSELF, *(f"{ring.who}: {ring.phone} ({ring.when})" for ring in policy.ring)]


def _infant(babies: tuple[Baby, ...]) -> Infant:
    if not babies:
        return Infant()
    youngest = max(babies, key=_lateness)
    return Infant(born_on=youngest.date_of_birth, due_on=youngest.due_on, count=len(babies))


def _lateness(baby: Baby) -> tuple[int, date, date]:
    """Unborn is younger than born, born than undated; then by date, and with both dates before one."""
    born, due = baby.date_of_birth, baby.due_on
    if born:
        return 1, born, due or date.min
    return (2, due, date.min) if due else (0, date.min, date.min)


def _nhs_number(babies: tuple[Baby, ...]) -> NhsNumber:
    number = babies[0].nhs_number if babies else None
    if number is None:
        return NhsNumber.ABSENT
    return NhsNumber.VALID if is_valid_nhs_number(number) else NhsNumber.INVALID


def _needs_another_form(one: Caregiver) -> bool:
    """An interpreter, another format, or a sign language, whether or not the box beside it was ticked."""
    signs = one.preferred_language is not None and is_signed(one.preferred_language)
    return bool(one.interpreter_needed or one.communication_needs or signs)


def _youngest_parents_age(caregivers: tuple[Caregiver, ...], today: date) -> int | None:
    ages = [
        years_old(one.date_of_birth, today) for one in caregivers if one.date_of_birth and one.relationship in PARENTS
    ]
    return min(max(min(ages), 0), _OLDEST) if ages else None


def _free_texts(document: ReferralDocument) -> Iterator[str]:
    texts = [document.notes, document.consent and document.consent.override_reason]
    texts += [caregiver.safe_contact for caregiver in document.caregivers]
    return (text for text in texts if text)


def _is_in_other_words(document: ReferralDocument) -> bool:
    return not is_english(document.written_in) and any(_free_texts(document))


def _has_safety_words(texts: Iterable[str], policy: Policy) -> bool:
    return any(policy.safety_words_in(text) for text in texts)


def _ethnicity_of(carer: Carer, caregivers: tuple[Caregiver, ...]) -> str | None:
    return next((one.ethnic_category for one in caregivers if one.relationship is carer), None)
