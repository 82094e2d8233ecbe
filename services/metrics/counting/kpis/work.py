"""How the work is done: whole referrals, talks and trainings, fathers, parents asked, places, messages. Pure."""

from __future__ import annotations

from services.metrics.counting.book import Message, PlacesTaken, Session
from services.metrics.counting.kpis.kpi import (
    DAY_RECEIVED,
    NOTIFY,
    REFERRAL,
    TRIAGE,
    Kpi,
    cases,
    counted,
    share,
)
from shared.events import Carer, PlaceKind, Route


def _places(kind: PlaceKind, words: str) -> Kpi:
    return share(
        f"places_{kind.value}",
        f"Places used, {words}",
        f"Places for {words} work that are taken at the end of the month, of the places there are.",
        numerator_means="places taken on the last day of the month",
        denominator_means="places there are on the last day of the month",
        counted_by="the last day of the month",
        source=TRIAGE,
        quality="A place is free again when the work is closed: work that ended but was not closed still takes one.",
        over=lambda book: book.places,
        day=lambda taken: taken.on if taken.kind == kind.value else None,
        numerator=_taken,
        denominator=lambda taken: taken.there,
    )


def _taken(places: PlacesTaken) -> int:
    """Never more than there are: a place that was taken away while it was used is used, not over-used."""
    return min(places.taken, places.there)


def work() -> tuple[Kpi, ...]:
    return (
        share(
            "incomplete",
            "Incomplete referrals",
            "Referrals that came with gaps, or where the referrer had to be asked within the days for a decision.",
            numerator_means="with something missing",
            denominator_means="referrals received in the month",
            counted_by=DAY_RECEIVED,
            source=f"{REFERRAL}; {TRIAGE}",
            quality="Only a danger may come with gaps; everything else is refused by the form until it is whole.",
            over=cases,
            day=lambda case: case.received_on,
            numerator=lambda case: int(case.is_incomplete),
            denominator=lambda _: 1,
            numerator_cell="incomplete",
            denominator_cell="received",
        ),
        counted(
            "consultations",
            "Consultations held",
            "Talks with practitioners about how to help a family, without the family's name.",
            counted_by="the day it took place",
            source=TRIAGE,
            quality="Those recorded as held.",
            over=lambda book: book.sessions,
            day=lambda session: session.held_on if session.route == Route.CONSULTATION else None,
        ),
        counted(
            "trainings",
            "Trainings held",
            "Trainings for practitioners of other services.",
            counted_by="the day it took place",
            source=TRIAGE,
            quality="Those recorded as held.",
            over=lambda book: book.sessions,
            day=lambda session: session.held_on if session.route == Route.TRAINING else None,
        ),
        counted(
            "trained_people",
            "People at trainings",
            "Practitioners who came to trainings; one who came twice is counted twice.",
            counted_by="the day it took place",
            source=TRIAGE,
            quality="As many as the trainer wrote down.",
            over=lambda book: book.sessions,
            day=lambda session: session.held_on if session.route == Route.TRAINING else None,
            numerator=_attendees,
        ),
        share(
            "fathers",
            "Fathers' share",
            "Referrals for the relationship between a father and his baby, of all referrals.",
            numerator_means="with the father as the main carer",
            denominator_means="referrals received in the month",
            counted_by=DAY_RECEIVED,
            source=REFERRAL,
            quality="The first caregiver named counts; a father named second is not seen.",
            over=cases,
            day=lambda case: case.received_on,
            numerator=lambda case: int(case.carer == Carer.FATHER),
            denominator=lambda _: 1,
            numerator_cell="received/carer/father",
            denominator_cell="received",
        ),
        share(
            "parent_was_asked",
            "Parents who were asked",
            "Was the parent asked how the relationship with the baby feels? Two thirds never were (Birmingham 2022).",
            numerator_means="where the parent was asked",
            denominator_means="referrals that say whether the parent was asked",
            counted_by=DAY_RECEIVED,
            source=REFERRAL,
            quality="Optional for agencies: referrals that do not say are left out.",
            over=cases,
            day=lambda case: case.received_on if case.parent_was_asked is not None else None,
            numerator=lambda case: int(case.parent_was_asked is True),
            denominator=lambda _: 1,
        ),
        _places(PlaceKind.INDIVIDUAL, "individual"),
        _places(PlaceKind.GROUP, "group"),
        share(
            "undeliverable",
            "Messages that could not be delivered",
            "Messages given up after three days of trying, of all that were handed over or given up.",
            numerator_means="messages given up",
            denominator_means="messages handed over or given up",
            counted_by="the day it was handed over or given up",
            source=NOTIFY,
            quality="Each one is also a task for a person, who rings the agency.",
            over=lambda book: book.messages,
            day=lambda message: message.on,
            numerator=lambda message: int(_is_lost(message)),
            denominator=lambda _: 1,
        ),
    )


def _attendees(session: Session) -> int:
    return session.attendees


def _is_lost(message: Message) -> bool:
    return message.is_undeliverable
