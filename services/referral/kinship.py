"""How a new referral relates to those that came before: the same baby, a sibling, or nobody we know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from shared.events import Infant, Link, LinkedReferral
from shared.policy import Policy

_MONTH: Final = timedelta(days=365.25 / 12)


@dataclass(frozen=True, slots=True)
class Kin:
    """An earlier referral that shares a blind index with the new one; `shares_baby` when it is a baby's."""

    id: UUID
    reference: str
    agency_id: UUID
    family_id: UUID
    infant: Infant
    is_baby_named: bool
    shares_baby: bool
    ended_at: datetime | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Kinship:
    family_id: UUID
    links: tuple[Link, ...]
    linked: tuple[LinkedReferral, ...]


def relate(
    kin: Iterable[Kin],
    *,
    own_id: UUID,
    agency_id: UUID,
    infant: Infant,
    is_baby_named: bool,
    at: datetime,
    policy: Policy,
) -> Kinship:
    """The links of a referral received `at`, and its family: the oldest kin's, or its own when there is none.

    Open and the same baby: `repeat` from the same agency, `duplicate` from another. Open with another baby:
    `sibling_open`. Ended within the policy's months, the same baby: `re_referral`.
    """
    found = sorted(kin, key=lambda each: (each.received_at, each.id))
    linked = [
        LinkedReferral(id=each.id, reference=each.reference, agency_id=each.agency_id, link=link)
        for each in found
        if (link := _link(each, agency_id, infant, is_baby_named, at, policy)) is not None
    ]
    return Kinship(
        family_id=found[0].family_id if found else own_id,
        links=tuple(link for link in Link if any(each.link is link for each in linked)),
        linked=tuple(linked),
    )


def _link(kin: Kin, agency_id: UUID, infant: Infant, is_baby_named: bool, at: datetime, policy: Policy) -> Link | None:
    is_same_baby = kin.shares_baby or (
        not (kin.is_baby_named and is_baby_named) and may_be_one_baby(kin.infant, infant, policy)
    )
    if kin.ended_at is None:
        if not is_same_baby:
            return Link.SIBLING_OPEN
        return Link.REPEAT if kin.agency_id == agency_id else Link.DUPLICATE
    is_recent = timedelta() <= at - kin.ended_at <= policy.working_time.re_referral_months * _MONTH
    return Link.RE_REFERRAL if is_same_baby and is_recent else None


def may_be_one_baby(one: Infant, other: Infant, policy: Policy) -> bool:
    """True unless the dates speak against it: two birth dates differ, or a birth is out of reach of the due date."""
    if one.born_on and other.born_on:
        return one.born_on == other.born_on
    pairs: Sequence[tuple[date | None, date | None]] = ((one.born_on, other.due_on), (other.born_on, one.due_on))
    for born_on, due_on in pairs:
        if born_on and due_on:
            early = (due_on - born_on).days
            return -policy.age.late_birth_days <= early <= policy.age.early_birth_days
    if one.due_on and other.due_on:
        return abs((one.due_on - other.due_on).days) <= policy.age.early_birth_days
    return True
