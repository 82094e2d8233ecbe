"""How the pages say a deadline, a wait and a holder, and how a queue's address keeps what somebody chose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.pages.forms import read_reference
from services.triage.pages.queue.queues import (
    ALL_MARKS,
    SHOWN,
    SIZES,
    SORTED,
    address,
    clock_in_words,
    day_in_words,
    due_in_words,
    line_of,
    read_choices,
    span_in_words,
    waiting_in_words,
)
from services.triage.pages.today.home import LISTS, NOT_FOR_QUEUES
from services.triage.work_items.queues import Choices, Position, Show, Sort
from shared.access import PERMISSIONS, Permission, Role, Staff
from shared.events import Tier, Urgency
from shared.pages.wording import MARKS
from shared.working_time import LONDON
from tests.builders import a_work_item

FRIDAY = datetime(2026, 6, 12, 12, tzinfo=LONDON)
MONDAY = datetime(2026, 6, 15, 12, tzinfo=LONDON)
WORKER = Staff("worker-1", "Wren Adeyemi", Role.WORKER)
MANAGER = Staff("manager-1", "Mo Hall", Role.MANAGER)


def closing(day: datetime) -> datetime:
    return day.replace(hour=17)


def an_item(**changes: Any) -> Any:
    """A row of a list: received on Friday, due on Monday, which nobody has."""
    return a_work_item(**{"received_at": FRIDAY, "due_at": closing(MONDAY), "holder": None} | changes)


@pytest.mark.parametrize(
    ("due_at", "words"),
    [
        (closing(MONDAY), "Due today by 17:00"),
        (closing(MONDAY + timedelta(days=1)), "Due tomorrow, Tuesday 16 June"),
        (closing(MONDAY + timedelta(days=2)), "Due Wednesday 17 June"),
        (closing(MONDAY + timedelta(days=365)), "Due Tuesday 15 June 2027"),
        (closing(FRIDAY), "Overdue by 1 working day"),
        (closing(FRIDAY - timedelta(days=1)), "Overdue by 2 working days"),
        (MONDAY - timedelta(hours=1), "Overdue since today at 11:00"),
        (closing(MONDAY - timedelta(days=1)), "Overdue by 1 working day"),
    ],
)
def test_a_deadline_is_told_by_the_working_day(due_at: datetime, words: str) -> None:
    assert day_in_words(due_at, now=MONDAY) == words


def test_a_deadline_that_passed_before_a_weekend_is_late_but_not_by_a_working_day() -> None:
    saturday = FRIDAY + timedelta(days=1)
    assert day_in_words(closing(FRIDAY), now=saturday) == "Overdue since yesterday at 17:00"


def test_what_is_on_call_is_told_by_the_minute() -> None:
    received_at = MONDAY - timedelta(minutes=40)
    assert clock_in_words(received_at, received_at + timedelta(hours=4), now=MONDAY) == (
        "3 hours 20 minutes left. Received today at 11:20, due today at 15:20"
    )
    assert due_in_words(an_item(urgency="4h", received_at=FRIDAY, due_at=FRIDAY + timedelta(hours=4)), now=MONDAY) == (
        "2 days over. Received Friday 12 June 2026, 12:00, due Friday 12 June 2026, 16:00"
    )
    assert due_in_words(an_item(urgency="now", received_at=MONDAY, due_at=MONDAY), now=MONDAY) == (
        "Less than 1 minute over. Received today at 12:00, due at once"
    )


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "less than 1 minute"), (1, "1 minute"), (60, "1 hour"), (121, "2 hours 1 minute"), (2 * 1440 + 5, "2 days")],
)
def test_a_span_is_told_in_its_largest_words(minutes: int, words: str) -> None:
    assert span_in_words(timedelta(minutes=minutes)) == words


def test_waiting_is_counted_in_working_days() -> None:
    assert waiting_in_words(MONDAY, MONDAY) == "Less than 1 working day"
    assert waiting_in_words(FRIDAY, FRIDAY + timedelta(days=2)) == "Less than 1 working day"
    assert waiting_in_words(FRIDAY, MONDAY) == "1 working day"
    assert waiting_in_words(FRIDAY, MONDAY + timedelta(days=7)) == "6 working days"


def test_waiting_ends_when_the_family_is_accepted() -> None:
    line = line_of(an_item(accepted_at=MONDAY), staff=WORKER, now=MONDAY + timedelta(days=30))
    assert line.waiting == "1 working day"


def test_a_stopped_clock_is_never_late() -> None:
    line = line_of(an_item(state="waiting_for_referrer", clock_stands=True, due_at=FRIDAY), staff=WORKER, now=MONDAY)
    assert line.due == "The clock has stopped until the referrer answers"
    assert not line.is_late


def test_a_team_that_has_not_met_the_family_is_said() -> None:
    accepted = an_item(state="accepted", accepted_at=FRIDAY, assignee="worker-2")
    assert due_in_words(accepted, now=MONDAY) == "First contact: due today by 17:00"
    late = line_of(accepted, staff=WORKER, now=MONDAY + timedelta(days=1))
    assert (late.due, late.is_late) == ("First contact: overdue by 1 working day", True)
    accepted.first_contact_at = MONDAY
    assert due_in_words(accepted, now=MONDAY) == "Accepted on Friday 12 June"
    training = an_item(route="training", state="accepted", accepted_at=FRIDAY)
    assert due_in_words(training, now=MONDAY) == "Accepted on Friday 12 June"


def test_who_has_an_item_is_said_by_name_and_to_oneself_as_you() -> None:
    def holder(**changes: Any) -> str | None:
        return line_of(an_item(**changes), staff=WORKER, now=MONDAY).holder

    assert holder() is None
    assert holder(assignee="worker-1", holder="Wren Adeyemi") == "You"
    assert holder(assignee="lead-1", holder="Lea Okafor") == "Lea Okafor"
    assert holder(assignee="lead-1") == "lead-1"


def test_only_free_items_are_claimed_from_a_list_and_only_by_those_who_may() -> None:
    def may(staff: Staff = WORKER, **changes: Any) -> bool:
        return line_of(an_item(**changes), staff=staff, now=MONDAY).may_be_claimed

    assert may()
    assert may(state="waiting_list")
    assert not may(assignee="worker-2", state="claimed")
    assert not may(state="waiting_for_referrer")
    assert not may(staff=MANAGER)


def test_contact_holds_stand_apart_from_other_marks() -> None:
    line = line_of(an_item(marks=["twins", "contact_hold_c2"]), staff=WORKER, now=MONDAY)
    assert (line.holds, line.marks) == (["contact_hold_c2"], ["twins"])


positions = st.builds(
    Position,
    rank=st.integers(0, 29),
    at=st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    id=st.uuids(),
)
choices = st.builds(
    Choices,
    show=st.sampled_from(Show),
    sort=st.sampled_from(Sort),
    mark=st.none() | st.sampled_from(ALL_MARKS),
    urgency=st.none() | st.sampled_from(Urgency),
    tier=st.none() | st.sampled_from(Tier),
    assignee=st.none() | st.sampled_from(["worker-1", "Ünïcode & co?", "a=b&view=mine"]),
    reference=st.none() | st.just("PIR-4K7-29M"),
    size=st.sampled_from(SIZES),
    after=st.none() | positions,
)


@given(choices)
def test_an_address_says_all_that_was_chosen(chosen: Choices) -> None:
    assert read_choices(dict(parse_qsl(urlsplit(address("pir_short", chosen)).query))) == chosen


@given(choices, positions)
def test_paging_changes_nothing_else(chosen: Choices, before: Position) -> None:
    there = address("pir_short", chosen, after=None, before=before)
    found = read_choices(dict(parse_qsl(urlsplit(there).query)))
    assert (found.before, found.after) == (before, None)
    assert address("pir_short", found, before=None) == address("pir_short", chosen, after=None)


def test_everything_open_has_the_plain_address() -> None:
    assert address("mash", Choices()) == "/staff/queues/mash"


@given(
    st.dictionaries(
        st.sampled_from(
            ["view", "sort", "mark", "urgency", "tier", "reference", "size", "after", "before", "done", "x"]
        ),
        st.text(max_size=80)
        | st.sampled_from(["9999_2026-06-15T00:00:00+00:00_x", "0_0001-01-01T00:00:00+14:00_" + "0" * 32]),
    )
)
def test_what_an_address_can_not_mean_is_left_out(asked: dict[str, str]) -> None:
    """Nothing is refused, and what is understood can be said again."""
    found = read_choices(asked)
    assert found.after is None or found.after.at.tzinfo
    assert read_choices(dict(parse_qsl(urlsplit(address("mash", found)).query))) == found


@pytest.mark.parametrize("assignee", ["", "a\x00b", "x" * 300])
def test_an_assignee_that_nobody_can_be_is_left_out(assignee: str) -> None:
    assert read_choices({"assignee": assignee}).assignee is None


@pytest.mark.parametrize(
    ("typed", "reference"),
    [
        ("PIR-4K7-29M", "PIR-4K7-29M"),
        (" pir 4k7 29m ", "PIR-4K7-29M"),
        ("4k729m", "PIR-4K7-29M"),
        ("PIR–4K7–29M", "PIR-4K7-29M"),
        ("PIR-4K7-2OM", None),
        ("Adeyemi", None),
        ("4K7", None),
        ("", None),
    ],
)
def test_a_reference_is_read_as_people_type_it(typed: str, reference: str | None) -> None:
    assert read_reference(typed) == reference


def test_every_choice_has_words() -> None:
    assert set(SHOWN) == set(Show)
    assert set(SORTED) == set(Sort)
    assert set(ALL_MARKS) == set(MARKS)


def test_every_list_of_the_start_page_is_in_the_choices_of_a_queue() -> None:
    assert set(LISTS) <= set(SHOWN)


def test_every_role_has_a_start_page() -> None:
    assert set(NOT_FOR_QUEUES) | PERMISSIONS[Permission.READ_QUEUES] == set(Role)
