"""What the referrer says: the referral or enquiry itself, amendments, answers, withdrawals; and erasure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from deploy.demo.history import triaging
from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.families import Family
from deploy.demo.history.hours import later
from deploy.demo.history.mailing import mail
from services.triage.work_items.conditions import is_unread_safety
from services.triage.work_items.deadlines import ItemState
from shared.events import (
    ClosureReason,
    Consent,
    EnquiryReceived,
    Infant,
    Kind,
    MessageKind,
    Place,
    PlaceQuality,
    ReferralAmended,
    ReferralErased,
    ReferralInformed,
    ReferralMonitored,
    ReferralReceived,
    ReferralWithdrawn,
    Severity,
    WithdrawalReason,
)
from shared.working_time import day_in_london

MOMENT: Final = timedelta(seconds=1)
"""Until another service has heard of it."""
_AMENDED, _WITHDRAWN, _ERASED = 0.05, 0.045, 0.012
_ANSWER_CHANGES: Final = 0.6
_WHY: Final = (
    (WithdrawalReason.FAMILY_DECLINED, 40),
    (WithdrawalReason.MOVED_AWAY, 22),
    (WithdrawalReason.OTHER_SUPPORT, 18),
    (WithdrawalReason.DUPLICATE, 9),
    (WithdrawalReason.SENT_IN_ERROR, 6),
    (WithdrawalReason.OTHER, 5),
)


def begin(course: Course, *, people: int = 1) -> None:
    """It is received, acknowledged and triaged; what the referrer will do later is settled now."""
    at, facts, chance = course.received_at, course.family.facts, course.chance
    told: dict[str, Any] = {"received_at": at, "expected_by": _expected_by(course), "facts": facts}
    if facts.kind is Kind.FAMILY:
        said = course.teller.say(at, ReferralReceived, **told, **_of_family(course))
        course.teller.say(at, ReferralMonitored, monitoring=course.family.monitoring)
    else:
        said = course.teller.say(at, EnquiryReceived, **told, people=people)
    mail(course, at, MessageKind.RECEIPT, because_of=said, given_up=lambda at: triaging.ring_agency(course, at))
    course.later(at + MOMENT + timedelta(milliseconds=chance.between(0, 2_500)), lambda at: triaging.decide(course, at))
    if facts.kind is Kind.FAMILY and chance.happens(_AMENDED):
        course.later(later(chance, after=at, days=chance.wait(6)), lambda at: amend(course, at))
    if chance.happens(_WITHDRAWN):
        course.later(later(chance, after=at, days=chance.wait(12)), lambda at: withdraw(course, at))
    if chance.happens(_ERASED):
        course.later(later(chance, after=at, days=chance.between(5, 400)), lambda at: erase(course, at))


def _expected_by(course: Course) -> date:
    return course.due(course.policy.working_time.decision_days, since=course.received_at)


def _of_family(course: Course) -> dict[str, Any]:
    family = course.family
    return {
        "version": course.version,
        "family_id": course.family_id,
        "linked": course.linked,
        "gaps": family.gaps,
    }


def amend(course: Course, at: datetime) -> bool:
    """More is told, where there is anything to tell and the matter is open: a new version, decided anew."""
    before, family = course.family, _told_more(course)
    if course.is_withdrawn or not course.open_items or family == before:
        return False
    course.family, course.version = family, course.version + 1
    said = course.teller.say(
        at,
        ReferralAmended,
        received_at=course.received_at,
        expected_by=_expected_by(course),
        facts=family.facts,
        **_of_family(course),
    )
    if family.monitoring != before.monitoring:
        course.teller.say(at, ReferralMonitored, monitoring=family.monitoring)
    mail(course, at, MessageKind.RECEIPT, because_of=said, given_up=lambda at: triaging.ring_agency(course, at))
    course.later(at + MOMENT, lambda at: triaging.decide(course, at))
    return True


def _told_more(course: Course) -> Family:
    """The family with what was left open filled in."""
    chance, facts, monitoring = course.chance, course.family.facts, course.family.monitoring
    more: dict[str, Any] = {}
    if facts.consent is Consent.NOT_SOUGHT:
        more["consent"] = Consent.GIVEN if chance.happens(0.85) else Consent.REFUSED
    if facts.place.quality is not PlaceQuality.KNOWN:
        ward = chance.weighed(list(course.world.wards.items()))
        more["place"] = Place(ward=ward, authority=course.policy.authority, quality=PlaceQuality.KNOWN)
    if facts.concern.severity is Severity.UNKNOWN:
        more["concern"] = facts.concern.model_copy(update={"severity": chance.of((Severity.MILD, Severity.MODERATE))})
    if facts.infant == Infant():
        born_on = day_in_london(course.received_at) - timedelta(days=chance.between(5, 500))
        more["infant"] = Infant(born_on=born_on)
    asked = {} if monitoring.parent_was_asked is not None else {"parent_was_asked": True}
    return replace(
        course.family,
        facts=facts.model_copy(update=more),
        monitoring=monitoring.model_copy(update=asked),
        gaps=course.family.gaps[1:],
    )


def answer(course: Course, item: PastItem, at: datetime) -> bool:
    """The referrer answers what they were asked about an item that still waits, often with changes."""
    if course.is_withdrawn or item.state is not ItemState.WAITING_FOR_REFERRER:
        return False
    if course.family.facts.kind is Kind.FAMILY and course.chance.happens(_ANSWER_CHANGES):
        amend(course, at)
    course.teller.say(at, ReferralInformed)
    for each in course.open_items:
        if each.state is ItemState.WAITING_FOR_REFERRER:
            each.state = ItemState.CLAIMED if each.assignee else ItemState.OPEN
    return True


def withdraw(course: Course, at: datetime) -> None:
    """The referrer takes it back. A moment later open work ends, but for safety work that nobody has read."""
    if not course.open_items:
        return
    said = course.teller.say(at, ReferralWithdrawn, reason=course.chance.weighed(_WHY))
    mail(course, at, MessageKind.WITHDRAWAL, because_of=said)
    course.is_withdrawn = True
    ends = [item for item in course.open_items if not is_unread_safety(item)]
    triaging.close(course, at + MOMENT, ends, ClosureReason.WITHDRAWN, because_of=said)
    course.is_over = not course.open_items


def erase(course: Course, at: datetime) -> None:
    """Everything known of the family is forgotten; work on it ends without a word."""
    if course.is_withdrawn:
        return
    course.teller.say(at, ReferralErased)
    course.ended_at = course.ended_at or at
    course.is_over = course.is_erased = True
