"""Whether two referrals are of one baby, of one family, or of strangers. Pure, and the same from either side.

An NHS number alone is no proof, for one mistyped digit is somebody else's number: the day of birth or the family name
has to agree. Without numbers it takes name, day of birth and postcode together. Two valid numbers are two babies.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.referral.families.profile import Person, Profile
from shared.events import Carer, Link
from shared.policy import Age, Policy

_MONTH: Final = timedelta(days=365.25 / 12)


class Relation(StrEnum):
    SAME_BABY = "same_baby"
    SAME_FAMILY = "same_family"


def match(one: Profile, other: Profile, age: Age) -> Relation | None:
    """What the two referrals are to each other, from who they are about; None for strangers.

    While an index key is changed, by whichever key both profiles are made with: under two keys nothing is the same.
    """
    pairs = ((a, b) for a in (one, one.before) if a for b in (other, other.before) if b)
    return next((found for a, b in pairs if (found := _match(a, b, age))), None)


def _match(one: Profile, other: Profile, age: Age) -> Relation | None:
    is_one_home = one.home is not None and one.home == other.home
    parents = [(a, b) for a in one.parents for b in other.parents if is_one_person(a, b, is_one_home=is_one_home)]
    is_one_mother = any(a.carer is b.carer is Carer.MOTHER for a, b in parents)
    pairs = [(a, b) for a in one.babies for b in other.babies]
    if any(is_one_person(a, b, is_one_home=is_one_home) for a, b in pairs):
        return Relation.SAME_BABY
    if is_one_mother and any(_is_one_child(a, b, age) for a, b in pairs):
        return Relation.SAME_BABY
    return Relation.SAME_FAMILY if parents else None


def is_one_person(one: Person, other: Person, *, is_one_home: bool) -> bool:
    """By valid number and day or family name; else by whole name, day and home."""
    is_one_day = one.day is not None and one.day == other.day
    is_one_family_name = one.family is not None and one.family == other.family
    if one.nhs and other.nhs:
        return one.nhs == other.nhs and (is_one_day or is_one_family_name)
    return is_one_home and is_one_day and is_one_family_name and one.given is not None and one.given == other.given


def _is_one_child(one: Person, other: Person, age: Age) -> bool:
    """Of one mother, unless numbers or days speak against it: a child without a name yet, or of one name or day."""
    if (one.nhs and other.nhs and one.nhs != other.nhs) or not may_be_one_baby(one, other, age):
        return False
    if one.given is None or other.given is None or one.given == other.given:
        return True
    return one.born is not None and one.born == other.born


def may_be_one_baby(one: Person, other: Person, age: Age) -> bool:
    """True unless the days speak against it: two days of birth differ, or a birth is out of reach of the due date."""
    if one.born and other.born:
        return one.born == other.born
    for born, due in ((one.born, other.due), (other.born, one.due)):
        if born and due:
            return -age.late_birth_days <= (due - born).days <= age.early_birth_days
    if one.due and other.due:
        return abs((one.due - other.due).days) <= age.early_birth_days
    return True


def link_of(
    matched: Relation,
    *,
    is_own_agency: bool,
    received_at: datetime,
    other_received_at: datetime,
    other_ended_at: datetime | None,
    policy: Policy,
) -> Link | None:
    """What the other referral is to the one received at `received_at`; None when it says nothing any more.

    Open and the same baby: `repeat` of the same agency, `duplicate` of another. Open with another baby: `sibling_open`.
    The same baby, ended within the policy's months before this one came: `re_referral`.
    """
    is_same_baby = matched is Relation.SAME_BABY
    if other_ended_at is None:
        if not is_same_baby:
            return Link.SIBLING_OPEN
        return Link.REPEAT if is_own_agency else Link.DUPLICATE
    months = policy.working_time.re_referral_months
    is_recent = timedelta() <= received_at - other_ended_at <= months * _MONTH
    return Link.RE_REFERRAL if is_same_baby and is_recent and other_received_at < received_at else None
