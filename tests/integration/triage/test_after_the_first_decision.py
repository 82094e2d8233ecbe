"""What happens to a referral after its first decision: nobody's work is lost, and nobody's decision is undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.triage import measures, tables
from services.triage.work_items import queues, steps, timers, today
from services.triage.work_items.queues import Choices, Show
from shared.events import (
    Circumstance,
    Consent,
    Facts,
    MentalHealth,
    Route,
    Safety,
    Severity,
    Tier,
)
from shared.working_time import LONDON, day_in_london
from tests.builders import SHERWOOD, TODAY, a_family, a_policy, at_home, elsewhere, noon
from tests.integration.support import count, engine_of, fetch
from tests.integration.triage_team import LEAD, MAYA, NOON, OMAR, OTHER_LEAD, TriageTeam, with_opening

DAY = timedelta(days=1)
SHORT = {"severity": Severity.MODERATE}
"""A family for short-term work, on a route with places."""


@pytest.fixture
async def team(database: str) -> AsyncIterator[TriageTeam]:
    engine = engine_of(database, tables.SCHEMA)
    yield TriageTeam(engine)
    await engine.dispose()


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


async def shown(team: TriageTeam, show: Show) -> set[str]:
    """The references of a list, as a lead sees it now."""
    async with team.engine.connect() as tx:
        page = await queues.page(tx, None, Choices(show=show), staff=LEAD, now=team.now)
    return {row.reference for row in page.rows}


async def test_a_family_that_waits_for_its_ward_is_late_only_when_its_review_is(team: TriageTeam) -> None:
    key = await team.referred(a_family(home=at_home(SHERWOOD)))
    reference = (await team.items(key))["phase_hold"].reference
    team.later(days=60)
    await team.take(
        (await team.items(key))["consultation"], "close", LEAD, reason="completed", note="Talked it through"
    )
    assert reference not in await shown(team, Show.OVERDUE)
    team.later(days=60)
    assert reference in await shown(team, Show.OVERDUE)
    await team.take((await team.items(key))["phase_hold"], "note", text="Still waits; rang the health visitor")
    assert reference not in await shown(team, Show.OVERDUE)
    again = (await team.items(key))["phase_hold"].due_at
    assert again - team.now > 85 * DAY
    team.later(days=10)
    await team.amended(key, a_family(home=at_home(SHERWOOD), babies=2))
    assert (await team.items(key))["phase_hold"].due_at == again


async def test_a_challenge_that_nobody_has_taken_is_new_for_a_lead(team: TriageTeam) -> None:
    key = await team.referred(a_family(home=elsewhere()))
    await team.take(await team.only(key), "decline", LEAD, reason="out_of_area")
    await team.challenged(key)
    async with team.engine.connect() as tx:
        [told] = await today.news(tx, OTHER_LEAD)
        assert not await today.news(tx, MAYA)
    assert told.action == "referral.challenged"


# B1: the first contact stays a deadline after acceptance.


async def test_a_family_accepted_and_never_rung_is_overdue_everywhere(team: TriageTeam) -> None:
    key = await team.referred(a_family(**SHORT))
    item = await team.only(key)
    team.later(days=1)
    await team.take(item, "accept")
    assert await shown(team, Show.CONTACT_DUE) == {item.reference}
    team.now = item.due_at + timedelta(minutes=1)
    assert await shown(team, Show.OVERDUE) == {item.reference}
    async with team.engine.connect() as tx:
        counted = await queues.counts(tx, now=team.now)
        await measures.measure(tx, now=team.now)
    assert {each["route"]: each["overdue"] for each in counted["queues"]}["pir_short"] == 1
    assert measures.OF_ROUTE["overdue"].labels("pir_short")._value.get() == 1
    await team.take(item, "first-contact")
    assert await shown(team, Show.OVERDUE) == await shown(team, Show.CONTACT_DUE) == set()


async def test_a_first_contact_counts_on_the_day_it_happened(team: TriageTeam) -> None:
    key = await team.referred(a_family(**SHORT))
    item = await team.only(key)
    team.later(days=3)
    await team.take(item, "accept")
    for day in (TODAY - DAY, TODAY + 4 * DAY):
        assert await team.refused(item, "first-contact", on=day) == "invalid"
        assert await team.refused(item, "contact-attempt", outcome="no_answer", on=day) == "invalid"
    await team.take(item, "contact-attempt", outcome="no_answer", on=TODAY)
    await team.take(item, "first-contact", on=TODAY + DAY)
    met = await team.only(key)
    assert (met.first_contact_on, met.first_contact_at) == (TODAY + DAY, team.now)
    [told] = await team.said(key, "work-item.first-contact.v1")
    assert told["on"] == (TODAY + DAY).isoformat()
    details = [line["detail"] for line in (await team.details(item))["history"]]
    assert f"no_answer {TODAY}" in details
    assert f"{TODAY + DAY}" in details


# B2 and amendments.


async def test_an_amendment_after_a_release_leaves_the_family_released(database: str) -> None:
    engine = engine_of(database, tables.SCHEMA)
    team = TriageTeam(engine, with_opening(SHERWOOD, TODAY + 9 * DAY))
    key = await team.referred(a_family(home=at_home(SHERWOOD), **SHORT))
    team.later(days=9)
    await team.strike()
    released = (await team.open(key))["pir_short"]
    await team.take(released, "claim")
    team.later(days=1)
    await team.amended(key, a_family(home=at_home(SHERWOOD), babies=2, **SHORT))
    await team.strike()
    item = await team.only(key)
    assert (item.id, item.assignee, item.state) == (released.id, MAYA.id, "claimed")
    assert item.due_at == released.due_at
    decided = await team.said(key, "referral.triaged.v1")
    assert [told["is_release"] for told in decided] == [False, True, False]
    assert "E8" in decided[-1]["decision"]["rules"]
    await engine.dispose()


async def test_an_amendment_without_new_facts_changes_nothing(team: TriageTeam) -> None:
    key = await team.referred(a_family(home=elsewhere()))
    item = await team.only(key)
    await team.take(item, "decline", LEAD, reason="out_of_area")
    events = await count(team.engine, "event")
    await team.amended(key, a_family(home=elsewhere()))
    assert await count(team.engine, "event") == events
    assert await count(team.engine, "decision") == 1
    assert await team.open(key) == {}


@pytest.mark.parametrize("decide", ["override", "accept"])
async def test_what_a_person_decided_stands_when_facts_change(team: TriageTeam, decide: str) -> None:
    key = await team.referred(a_family(**SHORT))
    item = await team.only(key)
    if decide == "override":
        body = {"routes": [Route.PIR_SHORT], "tier": Tier.SPECIALIST_SHORT, "reason": "I know them"}
        await team.take(item, "override", **body)
    else:
        await team.take(item, "accept")
    decided = len(await team.said(key, "referral.triaged.v1"))
    worse = a_family(severity=Severity.SEVERE, complex_history=["complex_trauma"])
    await team.amended(key, worse)
    kept = await team.only(key)
    assert (kept.id, kept.assignee) == (item.id, MAYA.id)
    assert "facts_changed" in kept.marks
    assert len(await team.said(key, "referral.triaged.v1")) == decided
    details = await team.details(kept)
    assert details["proposal"]["routes"] == ["pir_long"]
    assert details["decision"]["routes"] == ["pir_short"]
    assert await shown(team, Show.FACTS_CHANGED) == {kept.reference}

    # Left: as it was
    await team.take(kept, "leave-proposal")
    left = await team.only(key)
    assert "facts_changed" not in left.marks
    assert (await team.details(left))["proposal"] is None
    assert await team.refused(left, "take-proposal") == "conflict"

    # Taken: in force from now on
    await team.amended(key, a_family(severity=Severity.SEVERE, complex_history=["complex_trauma"], babies=2))
    await team.take(await team.only(key), "take-proposal")
    open_now = await team.open(key)
    assert "pir_long" in open_now
    assert ("pir_short" in open_now) is (decide == "accept")
    assert all("facts_changed" not in row.marks for row in open_now.values())
    [*_, told] = await team.said(key, "referral.triaged.v1")
    assert (told["decision"]["routes"], told["version"]) == (["pir_long"], 3)


async def test_the_new_work_is_with_whoever_decided_and_is_watched_until_they_open_it(team: TriageTeam) -> None:
    key = await team.referred(a_family())
    item = await team.only(key)
    await team.take(item, "override", routes=[Route.PIR_LONG, Route.MASH], urgency="4h", reason="I know them")
    opened = await team.open(key)
    assert set(opened) == {"pir_long", "mash"}
    for row in opened.values():
        assert (row.state, row.assignee, row.opened_first_at) == ("claimed", MAYA.id, None)
        assert row.escalate_at == team.now + timedelta(minutes=15)
    claimed = {told["work_item_id"] for told in await team.said(key, "work-item.claimed.v1")}
    assert {str(row.id) for row in opened.values()} <= claimed


async def test_new_work_that_waits_for_a_place_or_an_answer_goes_on_waiting(team: TriageTeam) -> None:
    await team.set_places(Route.PIR_LONG, 0)
    key = await team.referred(a_family())
    await team.take(await team.only(key), "override", routes=[Route.PIR_LONG, Route.INFO_REQUEST], reason="I know them")
    opened = await team.open(key)
    assert {route: (row.state, row.assignee) for route, row in opened.items()} == {
        "pir_long": ("waiting_list", None),
        "info_request": ("waiting_for_referrer", MAYA.id),
    }
    claimed = {told["work_item_id"] for told in await team.said(key, "work-item.claimed.v1")}
    assert not {str(row.id) for row in opened.values()} & claimed


async def test_a_confirmed_decline_stands_and_somebody_sees_that_the_facts_changed(team: TriageTeam) -> None:
    key = await team.referred(a_family(home=elsewhere(), **SHORT))
    await team.take(await team.only(key), "decline", LEAD, reason="out_of_area")
    await team.amended(key, a_family(**SHORT))
    review = await team.only(key)
    assert (review.route, review.state) == ("review", "open")
    assert "facts_changed" in review.marks
    assert len(await team.said(key, "referral.triaged.v1")) == 1
    await team.take(review, "take-proposal")
    assert set(await team.open(key)) == {"pir_short"}


@pytest.mark.parametrize(
    ("facts", "routes"),
    [
        ({"safety": [Safety.IMMEDIATE_DANGER]}, {"emergency_call", "mash"}),
        ({"safety": [Safety.SIGNIFICANT_HARM]}, {"mash"}),
        ({"mental_health": MentalHealth.PSYCHOSIS_SUSPECTED}, {"pnmh_emergency"}),
        ({"mental_health": MentalHealth.HARM_BABY_PLAN}, {"pnmh_emergency", "mash"}),
        ({"circumstances": [Circumstance.INFANT_DIED]}, {"bereavement_review"}),
        ({"safety_words": True}, {"review"}),
    ],
)
@pytest.mark.parametrize("decide", ["override", "accept", "decline"])
async def test_new_danger_opens_its_work_at_once_whatever_a_person_decided(
    team: TriageTeam, decide: str, facts: dict[str, Any], routes: set[str]
) -> None:
    before: dict[str, Any] = SHORT | ({"home": elsewhere()} if decide == "decline" else {})
    key = await team.referred(a_family(**before))
    item = await team.only(key)
    body: dict[str, Any] = {"override": {"routes": [Route.PIR_SHORT], "reason": "I know them"}}.get(decide, {})
    await team.take(item, decide, LEAD, **body, **({"reason": "out_of_area"} if decide == "decline" else {}))
    await team.amended(key, a_family(**before | facts))
    opened = await team.open(key)
    if decide == "decline":  # the family lives elsewhere
        routes = {"mash_home_la" if route == "mash" else route for route in routes}
    assert routes <= set(opened)
    assert {opened[route].opened_first_at for route in routes} == {None}
    assert {row.route for row in opened.values() if row.id != item.id} == routes
    if decide != "decline":
        assert opened["pir_short"].id == item.id
    again = len(await team.items(key))
    await team.amended(key, a_family(babies=2, **before | facts))
    assert len(await team.items(key)) == again


# B3: withdrawal.

DANGERS: dict[str, dict[str, Any]] = {
    "mash": {"safety": [Safety.SIGNIFICANT_HARM]},
    "mash_home_la": {"safety": [Safety.SIGNIFICANT_HARM], "home": elsewhere()},
    "emergency_call": {"safety": [Safety.IMMEDIATE_DANGER]},
    "pnmh_emergency": {"mental_health": MentalHealth.ESTRANGEMENT},
    "safeguarding_lead": {"carer_age": 15},
    "bereavement_review": {"circumstances": [Circumstance.PREGNANCY_ENDED]},
    "review": {"safety_words": True},
}


@pytest.mark.parametrize("route", DANGERS)
async def test_a_withdrawal_leaves_safety_work_that_nobody_has_read_and_taken(team: TriageTeam, route: str) -> None:
    key = await team.referred(a_family(**DANGERS[route]))
    await team.look((await team.open(key))[route])  # seen, and left
    await team.withdrawn(key)
    item = (await team.open(key))[route]
    assert "withdrawn" in item.marks
    assert {row.route for row in (await team.open(key)).values()} <= set(DANGERS)
    assert await team.refused(item, "close", MAYA, reason="no_further_need", note="Seen") == "forbidden"
    assert await team.refused(item, "close", LEAD, reason="no_further_need") == "invalid"
    await team.take(item, "close", LEAD, reason="passed_on", note="Told the duty desk at 10:05, their reference 17")
    closed = await team.said(key, "work-item.closed.v1")
    assert closed[-1]["tells_referrer"] is False


async def test_a_withdrawal_ends_everything_else(team: TriageTeam) -> None:
    key = await team.referred(a_family(mental_health=MentalHealth.MODERATE, **SHORT))
    assert set(await team.open(key)) == {"pir_short", "pnmh"}
    await team.withdrawn(key)
    assert await team.open(key) == {}


# B5: stopped clocks.


async def test_a_clock_that_stood_gives_back_working_time_to_the_close_of_a_working_day(team: TriageTeam) -> None:
    team.now = london("2026-06-12T10:00")  # a Friday
    key = await team.referred(a_family(home=at_home(None, None), **SHORT))
    item = await team.only(key)
    assert item.due_at == london("2026-06-19T17:00")
    team.now = london("2026-06-12T16:00")
    await team.take(item, "request-information", asked="Which postcode?")
    waiting = await team.only(key)
    assert waiting.clock_stands
    assert await shown(team, Show.WAITING_FOR_REFERRER) == {item.reference}
    team.now = london("2026-06-15T09:00")
    await team.informed(key)
    resumed = await team.only(key)
    assert (resumed.due_at, resumed.clock_stands) == (london("2026-06-22T17:00"), False)


async def test_the_day_closes_when_the_policy_says(database: str) -> None:
    """B15: hours are parameters. What stood from 15:00 to 8:00 gives back the working time of these hours."""
    policy = a_policy()
    hours = policy.working_time.model_copy(update={"opens": time(8), "closes": time(16, 30)})
    engine = engine_of(database, tables.SCHEMA)
    team = TriageTeam(engine, policy.model_copy(update={"working_time": hours}), now=london("2026-06-12T10:00"))
    key = await team.referred(a_family(home=at_home(None, None), **SHORT))
    item = await team.only(key)
    assert item.due_at == london("2026-06-19T16:30")
    team.now = london("2026-06-12T15:00")
    await team.take(item, "request-information", asked="Which postcode?")
    team.now = london("2026-06-15T08:00")
    await team.informed(key)
    assert (await team.only(key)).due_at == london("2026-06-22T16:30")
    await engine.dispose()


async def test_an_answer_heard_late_never_moves_a_deadline_back(team: TriageTeam) -> None:
    received = team.now
    key = await team.referred(a_family(consent=Consent.NOT_SOUGHT))
    before = (await team.open(key))["info_request"]
    team.later(hours=2)
    await team.informed(key, at=received - timedelta(minutes=1))  # sent before we asked
    item = (await team.open(key))["info_request"]
    assert (item.state, item.due_at, item.waiting_since) == ("waiting_for_referrer", before.due_at, received)
    await team.informed(key, at=received + timedelta(minutes=5))
    item = (await team.open(key))["info_request"]
    assert (item.state, item.waiting_since) == ("open", None)
    assert item.due_at >= before.due_at


async def test_a_question_about_one_team_s_work_holds_the_other_team_s_deadline_too(team: TriageTeam) -> None:
    key = await team.referred(a_family(mental_health=MentalHealth.MODERATE, **SHORT))
    items = await team.open(key)
    await team.take(items["pnmh"], "request-information", asked="Who is the GP?")
    assert {row.clock_stands for row in (await team.open(key)).values()} == {True}
    team.later(days=2)
    await team.informed(key)
    moved = await team.open(key)
    assert {row.due_at for row in moved.values()} == {items["pnmh"].due_at + 2 * DAY}


async def test_the_clock_of_safety_work_never_stops(team: TriageTeam) -> None:
    key = await team.referred(a_family(safety=[Safety.SIGNIFICANT_HARM]))
    item = await team.only(key)
    await team.take(item, "claim")
    await team.take(item, "request-information", asked="Who saw it?")
    asked = await team.only(key)
    assert (asked.state, asked.clock_stands, asked.due_at) == ("waiting_for_referrer", False, item.due_at)
    team.now = item.due_at + timedelta(minutes=1)
    assert await shown(team, Show.OVERDUE) == {item.reference}
    [waiting] = await team.said(key, "work-item.waiting.v1")
    assert waiting["stops_clock"] is False


# B6: erasure.


async def test_an_erasure_leaves_no_birth_date_ward_or_reason(team: TriageTeam) -> None:
    key = await team.referred(a_family(safety=[Safety.DOMESTIC_ABUSE], **SHORT))
    await team.take(await team.only(key), "override", routes=[Route.PIR_LONG], reason="I know them")
    await team.amended(key, a_family(babies=2, safety=[Safety.DOMESTIC_ABUSE], **SHORT))
    await team.erased(key)
    for table in ("referral", "decision", "work_item", "staff_text", "event"):
        rows = await fetch(team.engine, f"SELECT CAST(t AS text) AS text FROM {table} t")
        for word in ("2025-09-01", "E05012275", "2027-07", "domestic_abuse", "contact_hold", "moderate"):
            assert not [row.text for row in rows if word in row.text], (table, word)


# B7: who closes what.


@pytest.mark.parametrize("who", [MAYA, OMAR])
async def test_a_proposed_decline_is_ended_by_a_lead_alone(team: TriageTeam, who: Any) -> None:
    key = await team.referred(a_family(home=elsewhere()))
    item = await team.only(key)
    assert await team.refused(item, "close", who, reason="passed_on", note="Moved on") == "forbidden"
    await team.take(item, "claim", MAYA)
    name = "forbidden" if who is MAYA else "step-not-allowed"
    assert await team.refused(item, "close", who, reason="passed_on", note="Moved on") == name
    assert await team.refused(item, "close", LEAD, reason="passed_on") == "invalid"
    await team.take(item, "close", LEAD, reason="passed_on", note="Their own council has them")
    [closed] = await team.said(key, "work-item.closed.v1")
    assert closed["tells_referrer"] is True


async def test_steps_on_a_colleagues_item_need_a_lead_or_taking_it_over(team: TriageTeam) -> None:
    key = await team.referred(a_family(**SHORT))
    item = await team.only(key)
    await team.take(item, "claim", MAYA)
    bodies: dict[str, dict[str, Any]] = {
        "accept": {},
        "close": {"reason": "completed"},
        "override": {"routes": ["universal"], "reason": "No"},
        "request-information": {"asked": "Why?"},
        "contact-attempt": {"outcome": "no_answer"},
        "wait": {},
        "claim": {},
        "release": {},
    }
    for name, body in bodies.items():
        assert await team.refused(item, name, OMAR, **body) == "step-not-allowed", name
    await team.take(item, "note", OMAR, text="She rang me")
    assert await team.refused(item, "take-over", MAYA) == "step-not-allowed"
    await team.take(item, "take-over", OMAR)
    row = await team.only(key)
    assert (row.assignee, row.held_before, row.state) == (OMAR.id, MAYA.id, "claimed")
    assert ("item.take-over", MAYA.id) in [
        (line["action"], line["detail"]) for line in (await team.details(row))["history"]
    ]
    assert await team.refused(item, "accept", MAYA) == "step-not-allowed"

    # And undone
    assert await team.refused(item, "hand-back", MAYA) == "step-not-allowed"
    await team.take(item, "hand-back", OMAR)
    assert (await team.only(key)).assignee == MAYA.id
    await team.take(item, "accept", LEAD)
    assert (await team.only(key)).assignee == MAYA.id


async def test_a_worker_closes_what_is_their_own_and_safety_work_with_words(team: TriageTeam) -> None:
    key = await team.referred(a_family(**SHORT))
    item = await team.only(key)
    assert await team.refused(item, "close", MAYA, reason="no_further_need", note="No") == "forbidden"
    for name in ("claim", "accept", "first-contact"):
        await team.take(item, name, MAYA)
    await team.take(item, "close", MAYA, reason="completed")
    [closed] = await team.said(key, "work-item.closed.v1")
    assert closed["tells_referrer"] is False
    danger = await team.only(await team.referred(a_family(safety=[Safety.SIGNIFICANT_HARM])))
    await team.take(danger, "claim", MAYA)
    assert await team.refused(danger, "close", MAYA, reason="passed_on") == "invalid"
    await team.take(danger, "close", MAYA, reason="passed_on", note="Duty desk at 12:10, their reference 9")


@pytest.mark.parametrize("route", DANGERS)
async def test_no_worker_decides_away_safety_work_that_nobody_has_taken(team: TriageTeam, route: str) -> None:
    key = await team.referred(a_family(**DANGERS[route]))
    item = (await team.open(key))[route]
    await team.look(item)  # to see the page is not to take it on
    otherwise = {"routes": [Route.UNIVERSAL], "reason": "Looks fine to me"}
    assert await team.refused(item, "override", MAYA, **otherwise) == "step-not-allowed"
    assert "override" not in steps.offered((await team.open(key))[route], MAYA)
    await team.take(item, "claim", MAYA)
    await team.take(item, "override", MAYA, **otherwise)
    assert Route.UNIVERSAL in await team.open(key)


async def test_a_lead_decides_otherwise_with_words_though_nobody_has_taken_it(team: TriageTeam) -> None:
    item = await team.only(await team.referred(a_family(safety=[Safety.SIGNIFICANT_HARM])))
    await team.take(item, "override", LEAD, routes=[Route.UNIVERSAL], reason="Duty desk closed it at noon")


# B8: urgent work stays watched.


async def test_urgent_work_that_was_opened_is_called_out_again_until_it_is_done(team: TriageTeam) -> None:
    key = await team.referred(a_family(mental_health=MentalHealth.SELF_HARM_NEW))
    item = await team.only(key)
    assert item.due_at == NOON + timedelta(hours=4)

    async def reasons() -> list[str]:
        await team.strike()
        return [told["reason"] for told in await team.said(key, "work-item.escalated.v1")]

    team.later(minutes=15)
    assert await reasons() == ["unopened_first"]
    team.now = NOON + timedelta(hours=1)
    assert await reasons() == ["unopened_first", "unopened_second"]
    team.later(minutes=10)
    await team.take(item, "claim")  # opened: no more calls until it is due
    team.now = NOON + timedelta(hours=3, minutes=59)
    assert len(await reasons()) == 2
    for hour in (4, 5, 6):
        team.now = NOON + timedelta(hours=hour)
        assert (await reasons())[-1] == "still_open"
        assert len(await reasons()) == hour - 1
    assert await shown(team, Show.ON_CALL) == {item.reference}
    await team.take(item, "close", reason="passed_on", note="The crisis team at 18:10, Ann Hill")
    team.later(hours=5)
    assert len(await reasons()) == 5
    assert await shown(team, Show.ON_CALL) == set()


async def test_a_raised_item_calls_a_second_time_an_hour_after_it_was_raised(team: TriageTeam) -> None:
    key = await team.referred(a_family(safety=[Safety.SIGNIFICANT_HARM]))
    raised_at = team.later(hours=5)
    await team.amended(key, a_family(safety=[Safety.SIGNIFICANT_HARM, Safety.IMMEDIATE_DANGER]))
    at = []
    for _ in range(90):
        before = len(await team.said(key, "work-item.escalated.v1"))
        await team.strike()
        if len(await team.said(key, "work-item.escalated.v1")) > before:
            at.append(team.now - raised_at)
        team.later(minutes=1)
    assert at == [timedelta(minutes=15), timedelta(minutes=60)]


@pytest.mark.parametrize("route", DANGERS)
async def test_every_safety_route_counts_as_overdue_until_a_person_ends_it_with_words(
    team: TriageTeam, route: str
) -> None:
    key = await team.referred(a_family(**DANGERS[route]))
    item = (await team.open(key))[route]
    words = {"reason": "passed_on", "note": "Duty desk at 12:10, their reference 9"}
    for other in (await team.open(key)).values():
        if other.route != route:
            await team.take(other, "close", LEAD, **words)
    await team.look(item)
    team.now = item.due_at + timedelta(minutes=1)
    assert await overdue_safety(team) == 1
    for who in (MAYA, LEAD):
        assert await team.refused(item, "accept", who) == "step-not-allowed"
    assert await overdue_safety(team) == 1
    await team.take(item, "close", LEAD, **words)
    assert await overdue_safety(team) == 0


async def overdue_safety(team: TriageTeam) -> float:
    async with team.engine.connect() as tx:
        await measures.measure(tx, now=team.now)
    return float(measures.OF_ALL["safeguarding_overdue"]._value.get())


@pytest.mark.parametrize("route", DANGERS)
async def test_safety_work_that_was_accepted_before_that_was_refused_is_in_the_lists_again(
    team: TriageTeam, route: str
) -> None:
    key = await team.referred(a_family(**DANGERS[route]))
    item = (await team.open(key))[route]
    async with team.engine.begin() as tx:
        await tx.execute(
            sa.text("UPDATE work_item SET state = 'accepted', accepted_at = :now, assignee = 'maya'"),
            {"now": team.now},
        )
    team.now = item.due_at + timedelta(minutes=1)
    assert item.reference in await shown(team, Show.OVERDUE)
    assert item.reference in await shown(team, Show.ON_CALL) | await shown(team, Show.SAFETY)
    assert await overdue_safety(team) >= 1


# B11: places.


async def test_nobody_jumps_the_waiting_list_and_a_freed_place_is_offered_to_the_first(team: TriageTeam) -> None:
    await team.set_places(Route.PIR_SHORT, 1)
    taken = await team.only(await team.referred(a_family(**SHORT)))
    await team.take(taken, "accept")
    first, second = [await team.referred(a_family(**SHORT)) for _ in range(2)]
    assert {(await team.only(key)).state for key in (first, second)} == {"waiting_list"}
    await team.take(taken, "close", reason="completed")
    latecomer = await team.only(await team.referred(a_family(**SHORT)))
    assert latecomer.state == "waiting_list"  # a place is free, and two wait for it
    assert await team.refused(latecomer, "accept") == "conflict"
    assert await team.refused(await team.only(second), "accept") == "conflict"
    await team.strike()
    offered = await team.only(first)
    assert "place_free" in offered.marks
    assert [told["reason"] for told in await team.said(first, "work-item.escalated.v1")] == ["place_free"]
    assert await shown(team, Show.PLACE_FREE) == {offered.reference}
    await team.strike()
    assert len(await team.said(first, "work-item.escalated.v1")) == 1
    # An urgent family that comes now does not take what was offered
    urgent = await team.only(await team.referred(a_family(born_on=TODAY - timedelta(days=690), **SHORT)))
    await team.strike()
    assert await team.refused(urgent, "accept") == "conflict"
    await team.take(offered, "accept")
    assert "place_free" not in (await team.only(first)).marks
    assert await team.refused(await team.only(second), "accept") == "conflict"


async def test_places_in_groups_are_counted_too(team: TriageTeam) -> None:
    await team.set_places(Route.PIR_SHORT, 0, group=1)
    one, other = [await team.only(await team.referred(a_family(**SHORT))) for _ in range(2)]
    await team.take(one, "accept", place="group")
    assert await team.refused(other, "accept", place="group") == "conflict"


# B12: the age-out warning.


async def test_the_warning_before_the_second_birthday_follows_the_birth_date_known_now(team: TriageTeam) -> None:
    key = await team.referred(a_family(due_on=TODAY + 10 * DAY, **SHORT))
    assert (await team.only(key)).age_out_warning_on is None
    team.later(days=12)
    born_on = TODAY + 11 * DAY
    await team.amended(key, a_family(born_on=born_on, **SHORT))
    item = await team.only(key)
    assert item.age_out_warning_on is not None
    team.now = noon(item.age_out_warning_on)
    await team.strike()
    assert "ages_out_soon" in (await team.only(key)).marks
    # A birth date that was wrong: the warning goes, and comes again in its time
    await team.amended(key, a_family(born_on=born_on + 40 * DAY, **SHORT))
    item = await team.only(key)
    assert "ages_out_soon" not in item.marks
    assert item.age_out_warning_on > day_in_london(team.now)


# B14: releases.


async def test_two_copies_release_once_and_one_bad_referral_holds_up_no_other(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(database, tables.SCHEMA)
    team = TriageTeam(engine, with_opening(SHERWOOD, TODAY + DAY))
    keys = [await team.referred(a_family(home=at_home(SHERWOOD), **SHORT)) for _ in range(6)]
    bad = min(keys)
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("""UPDATE referral SET facts = facts || '{"carer": "somebody"}' WHERE id = :id"""), {"id": bad}
        )
    team.later(days=1)
    done = await asyncio.gather(
        *(timers.release_opened_wards(engine, now=team.now, policy=team.policy) for _ in range(3))
    )
    assert sum(done) == 5
    for key in keys:
        releases = [told for told in await team.said(key, "referral.triaged.v1") if told["is_release"]]
        assert len(releases) == (0 if key == bad else 1)
    await engine.dispose()


# Reversals.


async def test_what_was_closed_by_mistake_goes_on_where_it_stood(team: TriageTeam) -> None:
    key = await team.referred(a_family(**SHORT))
    item = await team.only(key)
    for name in ("claim", "accept", "first-contact"):
        await team.take(item, name, MAYA)
    await team.take(item, "close", MAYA, reason="completed")
    assert await team.refused(item, "reopen", MAYA, note="Oh no") == "forbidden"
    led_to = await team.take(item, "reopen", LEAD, note="The wrong family")
    again = await team.only(key)
    assert again.id == led_to != item.id
    assert (again.state, again.assignee, again.place, again.reopens) == ("accepted", MAYA.id, "individual", item.id)
    assert again.first_contact_at is not None
    assert again.due_at == item.due_at
    assert [told["reopens"] for told in await team.said(key, "work-item.opened.v1")] == [True]
    assert await team.refused(item, "reopen", LEAD, note="Again") == "conflict"


async def test_what_ended_by_itself_is_not_reopened(team: TriageTeam) -> None:
    key = await team.referred(a_family(**SHORT))
    item = await team.only(key)
    await team.withdrawn(key)
    assert await team.refused(item, "reopen", LEAD, note="Why") == "step-not-allowed"


async def test_a_challenged_decline_is_decided_by_another_lead(team: TriageTeam) -> None:
    key = await team.referred(a_family(home=elsewhere()))
    await team.take(await team.only(key), "decline", LEAD, reason="out_of_area")
    await team.challenged(key)
    item = await team.only(key)
    assert "challenged" in item.marks
    assert (item.state, item.assignee) == ("open", None)
    ways: dict[str, dict[str, Any]] = {
        "decline": {"reason": "out_of_area"},
        "close": {"reason": "passed_on", "note": "As before"},
        "override": {"routes": [Route.UNIVERSAL], "reason": "As before"},
    }
    for way, body in ways.items():
        assert await team.refused(item, way, LEAD, **body) == "conflict", way
    await team.take(item, "decline", OTHER_LEAD, reason="out_of_area")
    assert await team.open(key) == {}


async def test_an_agency_to_ring_does_not_hide_its_challenge(team: TriageTeam) -> None:
    """Both are on the route `review`, and are different work."""
    key = await team.referred(a_family(safety_words=True))
    await team.take(await team.only(key), "decline", LEAD, reason="out_of_area", note="Told the referrer at noon")
    await team.undelivered(key)
    await team.challenged(key)
    rows = await fetch(
        team.engine, "SELECT marks FROM work_item WHERE referral_id = :id AND ended_at IS NULL ORDER BY id", id=key
    )
    assert [sorted({"undeliverable", "challenged"} & set(row.marks)) for row in rows] == [
        ["undeliverable"],
        ["challenged"],
    ]


def test_the_families_of_these_tests_have_no_priority() -> None:
    """Or a deadline of ten days would hide one of twenty."""
    facts: Facts = a_family(**SHORT)
    assert facts.infant.born_on is not None
    assert (TODAY - facts.infant.born_on).days > 183
    assert a_policy().working_time.first_contact_days == 20
