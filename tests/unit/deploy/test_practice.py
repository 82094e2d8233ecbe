"""An invented history is told as the services would have told it: the rules' decisions, the steps' table, the calendar."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import pytest

from deploy.demo.families import special_cases
from deploy.demo.history import Story, arriving, families, stories
from services.triage.rules import decide
from services.triage.work_items.conditions import ENQUIRIES
from services.triage.work_items.deadlines import plan_item
from services.triage.work_items.steps import is_possible
from shared.events import (
    SAFETY_ROUTES,
    AboutWorkItem,
    AgencyUpdated,
    CapacityChanged,
    Carer,
    ClosureReason,
    DecidedBy,
    EnquiryReceived,
    Envelope,
    Kind,
    Link,
    MessageUndeliverable,
    PlaceKind,
    ReferralErased,
    ReferralMonitored,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    Route,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
    adapter,
    capacity_key,
)
from shared.working_time import day_in_london, due_on
from tests.builders import a_policy
from tests.unit.triage.test_deadlines import Made

FIRST, NOW = date(2024, 4, 1), datetime(2026, 4, 20, 15, 30, tzinfo=UTC)
A_WEEK = timedelta(days=7)


def told(seed: int = 7, *, per_month: float = 60, months: int = 24, **changes: Any) -> Iterator[Story]:
    given = {"first": FIRST, "months": months, "policy": a_policy(), "now": NOW} | changes
    return stories(seed=seed, per_month=per_month, **given)


@cache
def two_years() -> tuple[Story, ...]:
    return tuple(told())


def referrals() -> list[Story]:
    return [story for story in two_years() if isinstance(story.events[0].data, ReferralReceived)]


def all_of(event: type[Any]) -> list[Envelope[Any]]:
    return [each for story in two_years() for each in story.events if isinstance(each.data, event)]


def test_the_same_seed_tells_the_same_and_another_something_else() -> None:
    assert list(told(3, months=2)) == list(told(3, months=2))
    assert list(told(3, months=2)) != list(told(4, months=2))


def test_a_history_begins_on_the_first_of_a_month() -> None:
    with pytest.raises(ValueError, match="first day"):
        next(told(first=date(2024, 4, 2)))
    with pytest.raises(ValueError, match="one month"):
        next(told(months=0))


def test_nothing_is_told_that_has_not_happened_yet() -> None:
    now = datetime(2024, 5, 14, 11, tzinfo=UTC)
    events = [event for story in told(now=now, months=4) for event in story.events]
    assert max(event.occurred_at for event in events) <= now
    assert any(event.occurred_at > now - timedelta(days=1) for event in events)


def test_events_are_numbered_by_service_in_the_order_of_time() -> None:
    for story in two_years():
        said: dict[str, list[Envelope[Any]]] = {}
        for event in sorted(story.events, key=attrgetter("sequence")):
            said.setdefault(event.source, []).append(event)
        for events in said.values():
            assert [event.sequence for event in events] == list(range(1, len(events) + 1))
            assert [event.occurred_at for event in events] == sorted(event.occurred_at for event in events)
        for topic, told in story.by_topic.items():
            assert {(event.key, event.data.topic, event.type) for event in told} == {
                (story.key, topic, type(event.data).type) for event in told
            }


def test_no_two_events_or_references_are_alike() -> None:
    ids = Counter(event.id for story in two_years() for event in story.events)
    assert ids.most_common(1)[0][1] == 1
    names = Counter(story.events[0].data.reference for story in referrals())
    assert names.most_common(1)[0][1] == 1


def test_every_event_is_one_of_the_contract() -> None:
    for event in (event for story in two_years()[:200] for event in story.events):
        assert adapter(type(event.data)).validate_json(event.data.model_dump_json()) == event.data


def first_decisions() -> Iterator[tuple[ReferralReceived, ReferralTriaged, datetime]]:
    for story in referrals():
        received = story.events[0].data
        triaged = next((each for each in story.events if isinstance(each.data, ReferralTriaged)), None)
        if triaged:
            yield received, triaged.data, triaged.occurred_at


def test_what_the_machine_decides_is_what_the_rules_decide() -> None:
    for received, triaged, _ in first_decisions():
        full = tuple(route for route in (Route.PIR_SHORT, Route.PIR_LONG) if "M8" in triaged.decision.rules)
        facts = received.facts.model_copy(update={"full_routes": full})
        by_rules = decide(facts, received_at=received.received_at, policy=a_policy())
        told = triaged.decision
        assert (told.eligibility, told.mode, told.tier) == (by_rules.eligibility, by_rules.mode, by_rules.tier)
        assert (told.routes, told.urgency, told.holds) == (by_rules.routes, by_rules.urgency, by_rules.holds)
        assert set(told.rules) == set(by_rules.rules)


def test_work_is_due_when_triage_says_that_it_is_due() -> None:
    for story in referrals():
        received = story.events[0].data
        triaged = [each.data for each in story.events if isinstance(each.data, ReferralTriaged)]
        opened = [each for each in story.events if isinstance(each.data, WorkItemOpened)]
        if len(triaged) != 1:
            continue
        for each in {item.data.route: item for item in reversed(opened)}.values():
            if each.data.route not in triaged[0].decision.routes or each.occurred_at > opened[0].occurred_at:
                continue
            at = received.received_at
            planned = plan_item(each.data.route, Made(triaged[0].decision, at, at, at), a_policy())
            assert each.data.due_at == planned.due_at


STEP_OF: dict[type[AboutWorkItem], str] = {
    WorkItemClaimed: "claim",
    WorkItemAccepted: "accept",
    WorkItemDeclined: "decline",
    WorkItemFirstContact: "first-contact",
    WorkItemClosed: "close",
}
AFTER: dict[type[AboutWorkItem], str] = {
    WorkItemClaimed: "claimed",
    WorkItemAccepted: "accepted",
    WorkItemDeclined: "declined",
    WorkItemClosed: "closed",
}


def of_items(story: Story) -> dict[UUID, list[AboutWorkItem]]:
    found: dict[UUID, list[AboutWorkItem]] = defaultdict(list)
    for event in story.by_topic.get("pir.triage.v1", ()):
        if isinstance(event.data, AboutWorkItem):
            found[event.data.work_item_id].append(event.data)
    return found


def test_every_step_on_a_work_item_is_one_that_the_table_of_steps_allows() -> None:
    """Waiting for the referrer: the answer is an event of another topic, so from there the item may be open again."""
    for story in two_years():
        for steps in of_items(story).values():
            assert isinstance(steps[0], WorkItemOpened)
            state = "waiting_list" if steps[0].waiting_list else "open"
            for step in steps[1:]:
                if isinstance(step, WorkItemOpened):
                    assert state == "claimed"
                    state = "open"
                elif isinstance(step, WorkItemWaiting):
                    assert state in {"open", "claimed", "waiting_for_referrer"}
                    is_place = step.waiting_for is WaitingFor.PLACE
                    state = "waiting_list" if is_place else "waiting_for_referrer"
                elif type(step) in STEP_OF:
                    is_arranged = isinstance(step, WorkItemAccepted) and step.route in ENQUIRIES
                    name = "arrange" if is_arranged else STEP_OF[type(step)]
                    assert is_possible(name, route=step.route, state=state), (state, step)
                    state = AFTER.get(type(step), state)


def test_whoever_is_withdrawn_or_erased_is_left_in_peace() -> None:
    for story in two_years():
        kinds = [type(event.data).__name__ for event in story.by_topic.get("pir.referral.v1", ())]
        for end in ("ReferralWithdrawn", "ReferralErased"):
            assert end not in kinds or kinds.index(end) == len(kinds) - 1
    assert all_of(ReferralErased)
    closed = {each.data.reason for each in all_of(WorkItemClosed)}
    assert closed >= set(ClosureReason) - {ClosureReason.DIED, ClosureReason.SAME_FAMILY, ClosureReason.NOT_THE_SAME}


def test_a_withdrawal_ends_no_safety_work_that_nobody_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are of significant harm, and withdrawn within the minute: nobody can have read them."""
    monkeypatch.setattr(families, "CASE_MIX", ((special_cases.significant_harm, 1),))
    monkeypatch.setattr(arriving, "_WITHDRAWN", 1.0)
    monkeypatch.setattr(arriving, "later", lambda _, *, after, days: after + timedelta(minutes=1))
    left = 0
    for story in told(months=3):
        withdrawn = [each.occurred_at for each in story.events if isinstance(each.data, ReferralWithdrawn)]
        if not withdrawn or story.events[0].data.facts.kind is not Kind.FAMILY:
            continue
        later = [each for each in story.events if each.occurred_at > withdrawn[0]]
        ended = {
            each.data.route
            for each in later
            if isinstance(each.data, WorkItemClosed) and each.data.reason is ClosureReason.WITHDRAWN
        }
        assert not ended & SAFETY_ROUTES
        opened = {each.data.route for each in story.events if isinstance(each.data, WorkItemOpened)}
        left += bool(opened & SAFETY_ROUTES)
        assert not [each for each in later if isinstance(each.data, (WorkItemAccepted, ReferralTriaged))]
    assert left > 50


def test_a_family_that_comes_back_has_the_same_family_id_and_ended_within_six_months() -> None:
    by_key = {story.key: story for story in referrals()}
    back = [story for story in referrals() if Link.RE_REFERRAL in story.events[0].data.facts.links]
    assert len(back) > 20
    for story in back:
        received = story.events[0].data
        earlier = by_key[received.linked[0].id].events[0].data
        assert received.family_id == earlier.family_id
        ended = [
            each.occurred_at
            for each in by_key[received.linked[0].id].events
            if isinstance(each.data, (WorkItemClosed, WorkItemDeclined)) and each.occurred_at < received.received_at
        ]
        assert received.received_at - max(ended) < timedelta(days=184)
    assert {link for story in referrals() for link in story.events[0].data.facts.links} == set(Link)


def test_no_route_has_more_families_than_places() -> None:
    """Every other Wednesday, from what was said alone."""
    places: dict[tuple[Route, PlaceKind], list[tuple[datetime, int]]] = defaultdict(list)
    for event in all_of(CapacityChanged):
        assert event.key == capacity_key(event.data.route)
        for kind in PlaceKind:
            places[event.data.route, kind].append((event.occurred_at, getattr(event.data, kind.value)))
    stays: dict[UUID, list[Any]] = {}
    for event in all_of(WorkItemAccepted):
        stays[event.data.work_item_id] = [event.data.route, event.data.place, event.occurred_at, NOW]
    for event in all_of(WorkItemClosed):
        if event.data.work_item_id in stays:
            stays[event.data.work_item_id][3] = event.occurred_at
    erased = {event.key for event in all_of(ReferralErased)}
    used_up = 0
    for (route, kind), changes in places.items():
        for week in range(0, 104, 2):
            at = datetime(2024, 4, 3, 20, tzinfo=UTC) + timedelta(weeks=week)
            there = [count for since, count in changes if since <= at][-1]
            taken = sum((each[0], each[1]) == (route, kind) and each[2] <= at < each[3] for each in stays.values())
            assert taken <= there + len(erased), (route, kind, at)
            used_up += taken >= there
    assert used_up, "a service in which nobody ever waits for a place"


def share_of(stories_: list[Story], is_so: Callable[[ReferralReceived], bool]) -> float:
    return sum(is_so(story.events[0].data) for story in stories_) / len(stories_)


def test_who_is_referred_is_as_various_as_in_a_city() -> None:
    sent = referrals()
    assert 0.08 < share_of(sent, lambda data: data.facts.carer is Carer.FATHER) < 0.16
    incomplete = [story.events[0].data.facts for story in sent if story.events[0].data.gaps]
    assert incomplete
    assert all(facts.tells_of_danger for facts in incomplete), "others are refused"
    assert 0.08 < share_of(sent, lambda data: data.facts.infant.due_on is not None) < 0.2
    wards = Counter(story.events[0].data.facts.place.ward for story in sent)
    codes = {ward.code for ward in a_policy().wards}
    assert 0 < min(count for ward, count in wards.items() if ward in codes) < 8 < wards.most_common(1)[0][1]
    monitored = [event.data.monitoring for event in all_of(ReferralMonitored)]
    ethnic = {each.mother_ethnicity for each in monitored}
    assert ethnic >= {*"ABCDEFGHJKLMNPRSZ", "99", None} - {"B"}
    spoken = Counter(each.language for each in monitored)
    assert spoken.most_common(1)[0][0] == "en"
    assert {"ur", "pl", None} <= set(spoken)
    asked = {each.parent_was_asked for each in monitored}
    assert asked == {True, False, None}


def test_enquiries_are_held_on_a_day_with_people_who_came() -> None:
    enquiries = all_of(EnquiryReceived)
    assert {event.data.about for event in enquiries} == {Kind.CONSULTATION, Kind.TRAINING}
    held = [event.data for event in all_of(WorkItemClosed) if event.data.held_on]
    assert {each.about for each in held} == set(Kind)
    assert all(each.attendees and each.reason is ClosureReason.COMPLETED for each in held)


def test_some_messages_are_given_up_and_somebody_is_asked_to_ring() -> None:
    over = {event.key for kind in (ReferralErased, ReferralWithdrawn) for event in all_of(kind)}
    given_up = [event for event in all_of(MessageUndeliverable) if event.key not in over]
    assert 0 < len(given_up) < 60
    reviews = [each for each in all_of(WorkItemOpened) if each.data.route is Route.REVIEW and each.data.tier is None]
    for event in given_up:
        ring = [each for each in reviews if each.key == event.key and each.occurred_at >= event.occurred_at - A_WEEK]
        assert ring, event


def seen_in_time(story: Story) -> bool:
    received = story.events[0].data
    times = a_policy().working_time
    due = due_on(received.received_at, days=times.seen_days, hours=times)
    by_person = (WorkItemClaimed, WorkItemAccepted, WorkItemDeclined)
    return any(isinstance(each.data, by_person) and day_in_london(each.occurred_at) <= due for each in story.events)


def test_the_service_gets_better_but_for_one_december() -> None:
    by_month: dict[str, list[bool]] = defaultdict(list)
    for story in told(11, per_month=150):
        data = story.events[0].data
        if isinstance(data, ReferralReceived):
            by_month[f"{data.received_at:%Y-%m}"].append(seen_in_time(story))
    share = {month: sum(found) / len(found) for month, found in by_month.items()}
    usual = sorted(share.values())[len(share) // 2]
    assert share["2025-12"] == min(share.values()) < usual - 0.08
    assert share["2026-03"] > share["2024-05"]


def test_agencies_are_announced_but_not_all() -> None:
    known = {event.key for event in all_of(AgencyUpdated)}
    sending = {story.events[0].data.agency_id for story in referrals()}
    assert known & sending
    assert sending - known


def test_persons_decide_otherwise_now_and_then() -> None:
    triaged = [event.data for event in all_of(ReferralTriaged)]
    by_person = [each for each in triaged if each.decided_by is DecidedBy.PERSON]
    assert 0.05 < len(by_person) / len(triaged) < 0.4
    assert all("person" in each.decision.rules for each in by_person)
