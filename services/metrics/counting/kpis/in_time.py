"""What was due, and whether it was done in time: the figures that payment can hang on. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from services.metrics.counting.book import SafeguardingItem
from services.metrics.counting.cases import Case
from services.metrics.counting.kpis.kpi import (
    DAY_RECEIVED,
    NOTIFY,
    TRIAGE,
    Kpi,
    cases,
    counted,
    is_on_time,
    share,
    working_days,
)
from shared.policy import Policy

AT_ONCE: Final = timedelta(minutes=15)
"""A receipt is sent by a machine within seconds; so much is allowed for a mail system that is busy."""
NOT_TAKEN_ON: Final = {
    "contacted_in_time": "not_taken_on",
    "contacted_in_time_priority": "not_taken_on_priority",
}
"""Share of first contacts → the figure that counts the families of it whom no team had taken on when it was due."""


def _unless_withdrawn_before(case: Case, due: date | None, done: date | None) -> date | None:
    """A referral that was withdrawn by the due day, before it was done, is not asked about."""
    gone = case.withdrawn_on
    is_out = gone is not None and due is not None and gone <= due and (done is None or done > gone)
    return None if is_out else due


def _seen_due(case: Case) -> date | None:
    return _unless_withdrawn_before(case, case.seen_due_on, case.seen_on)


def _decision_due(case: Case) -> date | None:
    due = _unless_withdrawn_before(case, case.decision_due_on, case.decided_on)
    return None if due is None or case.waits_for_its_ward(due) else due


def _contact_due(case: Case, *, priority: bool) -> date | None:
    """Of every family, taken on or not, unless by that day it was over, or held, without a first contact."""
    due, met_on = case.contact_due_on, case.first_contact_on
    if due is None or case.is_priority is not priority:
        return None
    was_met = met_on is not None and met_on <= due
    return due if was_met or not (case.is_over(due) or case.waits_for_its_ward(due)) else None


def _contacts(suffix: str, days: int, *, priority: bool) -> tuple[Kpi, Kpi]:
    """The share of first contacts in time, and how many of those missed no team had taken on when they were due."""
    who = "with priority (late in pregnancy, or a baby under six months)" if priority else "without priority"
    words = f"within {days} working days{', priority' if priority else ''}"

    def due(case: Case) -> date | None:
        return _contact_due(case, priority=priority)

    in_time = share(
        f"contacted_in_time{suffix}",
        f"First contact {words}",
        f"Families {who}: was the first contact made within {days} working days of receipt? Every family whose day "
        "has come counts, taken on by a team or not. The working time in which we waited for the referrer is not "
        "counted. For a family held until its ward opens, days count from then. A family is left out when its referral "
        "was withdrawn, declined or ended by that day without a contact. They moved away, asked to stop, lost the "
        "child, or needed something else.",
        numerator_means="with a first contact on or before the day it was due",
        denominator_means="families whose first contact was due in the month",
        counted_by="the day the first contact was due",
        source=TRIAGE,
        quality="Counts the day on which the contact was made, as the team wrote it down. A referral that was ended "
        "before its day is not in here: read it beside those who were sent away and came back.",
        over=cases,
        day=due,
        numerator=_is_contacted_in_time,
        denominator=lambda _: 1,
    )
    not_taken_on = counted(
        NOT_TAKEN_ON[in_time.code],
        f"Not taken on when the first contact {words} was due",
        f"Families {who}. Their first contact was due and not made. No team had taken them on by that day.",
        counted_by="the day the first contact was due",
        source=TRIAGE,
        quality="A part of those without a first contact in time. A family that is taken on later stays in here.",
        over=cases,
        day=due,
        numerator=lambda case: not _is_contacted_in_time(case) and not is_on_time(case.accepted_on, due(case)),
        missed_of=in_time.code,
    )
    return in_time, not_taken_on


def _is_contacted_in_time(case: Case) -> bool:
    return is_on_time(case.first_contact_on, case.contact_due_on)


def in_time(policy: Policy) -> tuple[Kpi, ...]:
    days = policy.working_time
    return (
        share(
            "acknowledged_at_once",
            "Acknowledged at once",
            f"Was the receipt handed to the mail system within {AT_ONCE.seconds // 60} minutes?",
            numerator_means="with a receipt sent in time",
            denominator_means="referrals received in the month",
            counted_by=DAY_RECEIVED,
            source=NOTIFY,
            quality="Handed over is not read: messages that never arrive are counted as undeliverable.",
            over=cases,
            day=lambda case: case.received_on,
            numerator=lambda case: int(
                case.acknowledged_at is not None and case.acknowledged_at - case.received_at <= AT_ONCE
            ),
            denominator=lambda _: 1,
            denominator_cell="received",
        ),
        share(
            "seen_by_a_person",
            f"Seen by a person within {working_days(days.seen_days)}",
            f"Did a person take a step on it within {working_days(days.seen_days)} of receipt? Taking it on, asking, "
            "deciding, giving it to a colleague, putting it on the waiting list: anything but what the system does by "
            "itself.",
            numerator_means="with a person's step on or before the day it was due",
            denominator_means="referrals that were to be seen in the month",
            counted_by="the day it was to be seen",
            source=TRIAGE,
            quality="Reading without a step leaves no trace here. Referrals withdrawn before that are left out.",
            over=cases,
            day=_seen_due,
            numerator=lambda case: is_on_time(case.seen_on, case.seen_due_on),
            denominator=lambda _: 1,
        ),
        share(
            "decided_in_time",
            f"Decided within {working_days(days.decision_days)}",
            f"Was there a decision that stands within {working_days(days.decision_days)}? The rules routed it, a "
            "person decided, declined or ended it, or a team took it on. Working time for which we waited for the "
            "referrer, and days on which the family was held until its ward opened, are left out.",
            numerator_means="decided on or before the day it was due",
            denominator_means="referrals whose decision was due in the month",
            counted_by="the day the decision was due",
            source=TRIAGE,
            quality="While we wait for the referrer nothing is due; it is once they have answered.",
            over=cases,
            day=_decision_due,
            numerator=lambda case: is_on_time(case.decided_on, case.decision_due_on),
            denominator=lambda _: 1,
        ),
        *_contacts("", days.first_contact_days, priority=False),
        *_contacts("_priority", days.first_contact_priority_days, priority=True),
        share(
            "safeguarding_acknowledged",
            f"Safeguarding acknowledged within {working_days(days.safeguarding_days)}",
            "Work for children's social care: did they take it up, or did a person end it, within "
            f"{working_days(days.safeguarding_days)} of its being passed to them?",
            numerator_means="acknowledged on or before the day it was due",
            denominator_means="pieces of work for children's social care due in the month",
            counted_by="the day the acknowledgement was due",
            source=TRIAGE,
            quality="One referral can be two pieces of work, when two councils are told. Work withdrawn or "
            "decided again before it was due, while nobody had taken it up, is left out.",
            over=lambda book: book.safeguarding,
            day=lambda item: item.due_on if item.is_asked_about else None,
            numerator=lambda item: int(_in_time(item)),
            denominator=lambda _: 1,
        ),
    )


def _in_time(item: SafeguardingItem) -> bool:
    return item.is_in_time
