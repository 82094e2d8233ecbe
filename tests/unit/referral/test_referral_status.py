"""Where a referral stands: one state a route from all its items, and what its agency sees of a decision."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.referral.status import (
    STEPS,
    Progress,
    RouteState,
    Status,
    Step,
    by_route,
    dates,
    next_step,
    shown_to_agency,
    status_of,
)
from shared.events import Consent, DecidedBy, Facts, Kind
from tests.builders import a_family, decided

AT = datetime(2026, 6, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize("status", Status)
def test_what_happens_next_promises_nothing_that_may_not_be_there(status: Status) -> None:
    """Only some councils have something to offer meanwhile; an enquiry is about no family."""
    assert "offer" not in next_step(status, Kind.FAMILY).replace("can't offer", "")
    for kind in (Kind.CONSULTATION, Kind.TRAINING):
        assert "family" not in next_step(status, kind)
        assert next_step(status, kind)


def progress(*items: tuple[str, str], facts: Facts | None = None, **changes: Any) -> Progress:
    known: dict[str, Any] = {
        "decision": decided(facts or a_family()),
        "decided_by": DecidedBy.MACHINE,
        "withdrawn_at": None,
        "declined_at": None,
        "routes": by_route(items),
    }
    return Progress(**(known | changes))


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (["open", "closed"], "open"),
        (["closed", "open"], "open"),
        (["declined", "open"], "open"),
        (["accepted", "replaced"], "accepted"),
        (["replaced", "closed"], "closed"),
        (["closed", "replaced"], "closed"),
        (["closed", "declined"], "declined"),
        (["declined", "closed"], "closed"),
        (["replaced"], "replaced"),
    ],
)
def test_of_the_items_of_a_route_one_that_has_not_ended_counts(states: list[str], state: str) -> None:
    assert by_route(("review", each) for each in states) == {"review": RouteState(state)}


def test_an_ended_item_beside_an_open_one_of_its_route_ends_nothing() -> None:
    assert status_of(progress(("review", "open"), ("review", "closed"))) is not Status.CLOSED
    assert status_of(progress(("review", "closed"), ("review", "closed"))) is Status.CLOSED


def test_a_teams_no_beside_another_teams_work_is_not_the_outcome() -> None:
    assert status_of(progress(("pir_short", "accepted"), ("pnmh", "declined"), declined_at=AT)) is Status.ACCEPTED
    assert status_of(progress(("pnmh", "declined"), ("pir_short", "closed"))) is Status.CLOSED
    assert status_of(progress(("review", "closed"), ("pnmh", "declined"), declined_at=AT)) is Status.DECLINED


def test_a_hidden_decline_looks_like_any_other_look_of_a_person() -> None:
    hidden = shown_to_agency(progress(facts=a_family(consent=Consent.REFUSED)))
    doubted = shown_to_agency(progress(facts=a_family(consent=Consent.DISPUTED)))
    assert hidden
    assert doubted
    assert {**hidden, "reasons": None} == {**doubted, "reasons": None}
    assert hidden["reasons"][-1] == doubted["reasons"][-1]


def test_what_a_person_decided_is_shown_as_it_is() -> None:
    seen = shown_to_agency(progress(facts=a_family(consent=Consent.DISPUTED), decided_by=DecidedBy.PERSON))
    assert seen
    assert "review" not in [reason["rule"] for reason in seen["reasons"]]


def test_only_a_decline_can_be_challenged() -> None:
    assert [status for status, steps in STEPS.items() if Step.CHALLENGE in steps] == [Status.DECLINED]


@pytest.mark.parametrize(
    ("status", "decision_by", "first_contact_by"),
    [
        (Status.RECEIVED, "2026-06-22", None),
        (Status.BEING_REVIEWED, "2026-06-22", None),
        (Status.WITH_TEAM, None, "2026-07-14"),
        (Status.WAITING_LIST, None, "2026-07-14"),
        (Status.ACCEPTED, None, "2026-07-14"),
        *((status, None, None) for status in (Status.WAITING_FOR_REFERRER, Status.DECLINED)),
        *((status, None, None) for status in (Status.WITHDRAWN, Status.CLOSED)),
    ],
)
def test_a_date_is_shown_until_it_is_done(
    status: Status, decision_by: str | None, first_contact_by: str | None
) -> None:
    due = datetime(2026, 7, 13, 23, 30, tzinfo=UTC)  # half past midnight in London
    assert dates(status, None, decision_by=date(2026, 6, 22), contact_due_at=due) == {
        "decision_by": decision_by,
        "first_contact_by": first_contact_by,
        "expected_by": decision_by or first_contact_by,
    }
