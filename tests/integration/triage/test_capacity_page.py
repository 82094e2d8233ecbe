"""Places, waiting lists and the team on a real PostgreSQL: what is counted, in which order, and what a form changes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.triage import tables
from services.triage import team as triage_team
from services.triage.team import keep_colleague
from services.triage.work_items import places as triage_capacity
from services.triage.work_items import places as waiting_lists
from services.triage.work_items.places import MOST_SHOWN, RoutePlaces, Waiting
from shared.access import Role, Staff
from shared.events import Route
from shared.ids import uuid7
from tests.builders import TODAY, a_policy, noon
from tests.integration.staff_pages import PEOPLE, Somebody, somebody_at, words_of
from tests.integration.support import count, engine_of, fetch, statements

NOON = noon(TODAY)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
WAITING = {"state": "waiting_list", "marks": ["waiting_list"]}
ACCEPTED = {"state": "accepted", "accepted_at": NOON - WEEK, "place": "individual"}
OVERDUE = {"due_at": NOON - HOUR}


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tables.SCHEMA)
    async with made.begin() as tx:
        await triage_capacity.take_over(tx, a_policy(), at=NOON - DAY)
    yield made
    await made.dispose()


@pytest.fixture
async def somebody(engine: AsyncEngine) -> AsyncIterator[Somebody]:
    async with somebody_at(engine=engine, now=lambda: NOON) as made:
        yield made


async def keep(engine: AsyncEngine, *items: dict[str, Any]) -> list[str]:
    """Open items of a team; returns their references."""
    rows = [_row() | item for item in items]
    async with engine.begin() as tx:
        for row in rows:
            counted = {"counts_from": row["received_at"], "base_due_at": row["due_at"]}
            await tx.execute(tables.work_item.insert().values(row | counted))
    return [row["reference"] for row in rows]


def _row() -> dict[str, Any]:
    item_id = uuid7()
    return {
        "id": item_id,
        "referral_id": uuid7(),
        "decision_id": uuid7(),
        "reference": f"PIR-{item_id.hex[-6:-3]}-{item_id.hex[-3:]}",
        "agency_id": uuid7(),
        "about": "family",
        "route": "pir_short",
        "tier": "specialist_short",
        "urgency": "routine",
        "marks": [],
        "state": "open",
        "received_at": NOON - DAY,
        "due_at": NOON + DAY,
    }


async def set_places(engine: AsyncEngine, individual: int, *, group: int = 0, at: datetime = NOON - DAY) -> None:
    async with engine.begin() as tx:
        await triage_capacity.set_places(tx, Route.PIR_SHORT, individual=individual, group=group, by="ada", at=at)


async def places(engine: AsyncEngine, route: Route = Route.PIR_SHORT) -> RoutePlaces:
    async with engine.connect() as tx:
        return next(each for each in await waiting_lists.all_places(tx, now=NOON) if each.route is route)


async def line(engine: AsyncEngine) -> list[str]:
    """The references of the waiting list, in order."""
    async with engine.connect() as tx:
        return [each.reference for each in (await waiting_lists.waiting_lists(tx, now=NOON)).get(Route.PIR_SHORT, [])]


async def test_places_are_taken_by_those_who_were_accepted_into_their_kind(engine: AsyncEngine) -> None:
    await set_places(engine, 3, group=2)
    await keep(engine, ACCEPTED, ACCEPTED | {"place": "group"}, ACCEPTED | {"ended_at": NOON}, WAITING, {})
    found = await places(engine)
    assert (found.individual_used, found.individual_free, found.group_used, found.group_free) == (1, 2, 1, 1)
    assert (found.waiting, found.is_full) == (1, False)


async def test_only_starts_of_the_last_twelve_weeks_in_individual_places_count(engine: AsyncEngine) -> None:
    edge = NOON - 12 * WEEK
    starts = (NOON, edge, edge - timedelta(seconds=1), NOON + HOUR)
    await keep(
        engine, *(ACCEPTED | {"accepted_at": at, "ended_at": NOON} for at in starts), ACCEPTED | {"place": "group"}
    )
    assert (await places(engine)).starts == 2


async def test_the_waiting_list_is_in_order_of_urgency_and_then_of_waiting(engine: AsyncEngine) -> None:
    late, early, urgent, claimed, *_ = await keep(
        engine,
        WAITING,
        WAITING | {"received_at": NOON - 9 * DAY},
        WAITING | {"urgency": "urgent", "received_at": NOON - HOUR},
        WAITING | {"state": "claimed", "assignee": "ada", "received_at": NOON - 5 * DAY},
        ACCEPTED | {"marks": ["waiting_list"]},
        WAITING | {"ended_at": NOON},
        {},
    )
    assert await line(engine) == [urgent, early, claimed, late]


async def test_a_long_list_is_cut_on_the_page_and_leads_to_the_queue(engine: AsyncEngine, somebody: Somebody) -> None:
    await keep(engine, *(WAITING for _ in range(MOST_SHOWN + 5)))
    assert len(await line(engine)) == MOST_SHOWN
    page = await somebody.get("/staff/capacity")
    assert 'href="/staff/queues/pir_short?view=waiting_list"' in page.text


async def test_the_place_in_line_of_one_family_is_one_row_however_long_the_list_is(engine: AsyncEngine) -> None:
    await set_places(engine, 2)
    await keep(engine, *(WAITING | {"received_at": NOON - 9 * DAY + HOUR * n} for n in range(MOST_SHOWN + 5)), {})
    async with engine.connect() as tx:
        found = await tx.execute(sa.text("SELECT * FROM work_item ORDER BY received_at, id"))
        rows = {row.reference: row for row in found}
        with statements(engine) as asked:
            found_places = [place for row in rows.values() if (place := await place_of(tx, row))]
        assert len(asked) == len(rows)
        assert sorted(place.position for place in found_places) == list(range(1, MOST_SHOWN + 6))
        shown = (await waiting_lists.waiting_lists(tx, now=NOON))[Route.PIR_SHORT]
        assert [await place_of(tx, rows[each.reference]) for each in shown[:3]] == shown[:3]
        assert [each.weeks for each in shown[:3]] == [0, 0, None]


async def place_of(tx: AsyncConnection, row: Any) -> Waiting | None:
    return await waiting_lists.place_in_line(tx, row, now=NOON)


@pytest.mark.parametrize("places_there", [0, 1, 2, 3, 4, 12])
async def test_a_full_route_is_the_same_for_a_referral_and_for_the_page(engine: AsyncEngine, places_there: int) -> None:
    await set_places(engine, places_there)
    await keep(engine, ACCEPTED, ACCEPTED, WAITING, WAITING | {"ended_at": NOON}, {})
    async with engine.connect() as tx:
        full = await waiting_lists.full_routes(tx)
    assert (Route.PIR_SHORT in full) is (await places(engine)).is_full is (places_there <= 3)


async def test_the_page_says_how_long_each_family_may_wait(engine: AsyncEngine, somebody: Somebody) -> None:
    await set_places(engine, 6)
    await keep(engine, *(ACCEPTED for _ in range(6)))
    [reference] = await keep(
        engine, WAITING | {"received_at": NOON - 7 * DAY, "interim_offer": "a baby group at the nearest Family Hub"}
    )
    words = words_of(await somebody.get("/staff/capacity", role=Role.WORKER))
    assert reference in words
    assert "Waiting 5 working days" in words
    assert "A baby group at the nearest Family Hub" in words
    assert "About 2 weeks" in words
    assert "joins now: about 4 weeks" in words
    assert "Full" in words


async def test_with_few_starts_the_page_does_not_guess(engine: AsyncEngine, somebody: Somebody) -> None:
    await set_places(engine, 0)
    await keep(engine, WAITING)
    words = words_of(await somebody.get("/staff/capacity"))
    assert words.count("Not enough starts to say") == 1
    assert "joins now: not enough starts to say" in words


async def test_families_who_wait_for_a_team_without_places_are_shown_too(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    [reference] = await keep(engine, WAITING | {"route": "pnmh"})
    words = words_of(await somebody.get("/staff/capacity"))
    assert reference in words
    assert "Nobody has said how many places there are." in words


async def test_no_name_and_no_family_is_on_the_capacity_page_beyond_the_reference(somebody: Somebody) -> None:
    page = await somebody.get("/staff/capacity", role=Role.MANAGER)
    assert page.status_code == 200
    assert "NHS number" not in page.text


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return found[1]


async def set_on_the_page(somebody: Somebody, route: str = "pir_short", **fields: Any) -> Any:
    form = await somebody.get(f"/staff/capacity/{route}")
    assert form.status_code == 200
    return await somebody.send(f"/staff/capacity/{route}", **{"seen": seen_in(form.text), **fields})


async def test_a_lead_sets_places_and_it_is_written_down(engine: AsyncEngine, somebody: Somebody) -> None:
    answer = await set_on_the_page(somebody, individual="7", group="3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/capacity?done=capacity")
    found = await places(engine)
    assert (found.individual, found.group, found.changed_at) == (7, 3, NOON)
    [row] = await fetch(engine, "SELECT * FROM audit")
    lead = PEOPLE[Role.LEAD]
    assert (row.actor_id, row.action, row.detail) == (lead.id, "capacity.set", "pir_short")
    after = words_of(await somebody.get("/staff/capacity?done=capacity"))
    assert "The places are changed." in after
    assert f"Set by {lead.id}, today at 13:00" in after


async def test_a_team_without_places_gets_some(engine: AsyncEngine, somebody: Somebody) -> None:
    assert (await set_on_the_page(somebody, "pnmh", individual="2", group="0")).status_code == 303
    assert (await places(engine, Route.PNMH)).individual == 2


async def test_a_mistake_keeps_what_was_typed_and_changes_nothing(engine: AsyncEngine, somebody: Somebody) -> None:
    answer = await set_on_the_page(somebody, individual="many", group="4")
    assert answer.status_code == 422
    assert "<title>Error: Set the places" in answer.text
    assert 'href="#individual"' in answer.text
    assert 'value="many"' in answer.text
    assert 'value="4"' in answer.text
    assert await count(engine, "audit") == 0


async def test_places_that_somebody_else_set_meanwhile_are_not_overwritten(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    seen = seen_in((await somebody.get("/staff/capacity/pir_short")).text)
    await set_places(engine, 9, at=NOON - HOUR)
    answer = await somebody.send("/staff/capacity/pir_short", individual="5", group="0", seen=seen)
    assert answer.status_code == 409
    words = words_of(answer)
    assert "Somebody set these places while you had the form open" in words
    assert "Now: 9 individual" in words
    assert (await places(engine)).individual == 9
    again = await somebody.send("/staff/capacity/pir_short", individual="5", group="0", seen=seen_in(answer.text))
    assert again.status_code == 303


async def test_a_worker_looks_and_does_not_set(engine: AsyncEngine, somebody: Somebody) -> None:
    page = await somebody.get("/staff/capacity", role=Role.WORKER)
    assert page.status_code == 200
    assert 'href="/staff/capacity/' not in page.text
    assert (await somebody.get("/staff/capacity/pir_short", role=Role.WORKER)).status_code == 403
    answer = await somebody.send("/staff/capacity/pir_short", role=Role.WORKER, individual="1", group="1", seen="")
    assert answer.status_code == 403
    assert await count(engine, "audit") == 0


# The team.


async def sign_in(engine: AsyncEngine, *people: Staff) -> None:
    async with engine.begin() as tx:
        for each in people:
            await keep_colleague(tx, each, at=NOON - HOUR)


ADA, BEA = Staff("ada", "Ada Nowak", Role.WORKER), Staff("bea", "Bea Osei", Role.LEAD)


async def loads(engine: AsyncEngine) -> list[tuple[str, int, int]]:
    async with engine.connect() as tx:
        return [(each.id, each.open, each.overdue) for each in await triage_team.colleagues(tx, now=NOON)]


async def test_whoever_has_the_least_open_work_comes_first(engine: AsyncEngine) -> None:
    await sign_in(engine, ADA, BEA, Staff("cy", "Cy Park", Role.WORKER), Staff("dot", "Dot", Role.MANAGER))
    mine, hers = {"state": "claimed", "assignee": "ada"}, {"state": "claimed", "assignee": "bea"}
    await keep(
        engine,
        mine,
        mine | OVERDUE,
        mine | OVERDUE | ACCEPTED | {"first_contact_at": NOON},
        mine | OVERDUE | ACCEPTED,
        mine | OVERDUE | {"state": "waiting_for_referrer", "clock_stands": True},
        mine | {"ended_at": NOON},
        hers,
        {"state": "claimed", "assignee": "never-here"},
    )
    assert await loads(engine) == [("cy", 0, 0), ("bea", 1, 0), ("never-here", 1, 0), ("ada", 5, 2)]


async def test_a_lead_says_which_queues_a_colleague_takes(engine: AsyncEngine, somebody: Somebody) -> None:
    await sign_in(engine, ADA)
    answer = await somebody.send("/staff/team/ada", routes=["pir_long", "pnmh", "no-such-route"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/team?done=team")
    [row] = await fetch(engine, "SELECT routes FROM colleague")
    assert row.routes == ["pir_long", "pnmh"]
    [audited] = await fetch(engine, "SELECT * FROM audit")
    assert (audited.actor_id, audited.action) == (PEOPLE[Role.LEAD].id, "team.routes-set")
    assert audited.detail == "ada pir_long,pnmh"
    form = await somebody.get("/staff/team/ada")
    assert re.findall(r'value="([a-z_]+)" checked', form.text) == ["pir_long", "pnmh"]
    await sign_in(engine, ADA)
    assert (await fetch(engine, "SELECT routes FROM colleague"))[0].routes == ["pir_long", "pnmh"]


@pytest.mark.parametrize("ticked", [[], [route.value for route in Route]])
async def test_none_and_all_are_the_same(engine: AsyncEngine, somebody: Somebody, ticked: list[str]) -> None:
    await sign_in(engine, ADA)
    await somebody.send("/staff/team/ada", routes=["pnmh"])
    await somebody.send("/staff/team/ada", routes=ticked)
    assert (await fetch(engine, "SELECT routes FROM colleague"))[0].routes == []
    assert "All queues" in words_of(await somebody.get("/staff/team"))


async def test_whoever_is_no_lead_looks_only(engine: AsyncEngine, somebody: Somebody) -> None:
    await sign_in(engine, ADA)
    page = await somebody.get("/staff/team", role=Role.MANAGER)
    assert "Ada Nowak" in page.text
    assert "today at 12:00" in words_of(page)
    assert "/staff/team/ada" not in page.text
    assert (await somebody.get("/staff/team/ada", role=Role.WORKER)).status_code == 403
    assert (await somebody.send("/staff/team/ada", role=Role.MANAGER, routes=["pnmh"])).status_code == 403


async def test_nobody_that_nobody_knows_is_changed(engine: AsyncEngine, somebody: Somebody) -> None:
    assert (await somebody.get("/staff/team/nobody")).status_code == 404
    assert (await somebody.send("/staff/team/nobody", routes=["pnmh"])).status_code == 404
    assert await count(engine, "audit") == 0


async def test_a_name_that_is_markup_is_shown_as_it_is(engine: AsyncEngine, somebody: Somebody) -> None:
    await sign_in(engine, Staff("x", "<script>alert(1)</script>", Role.WORKER))
    for path in ("/staff/team", "/staff/team/x"):
        assert "<script>" not in (await somebody.get(path)).text


@pytest.mark.parametrize("path", ["/staff/capacity", "/staff/team"])
async def test_a_page_asks_the_database_as_often_for_many_as_for_few(
    engine: AsyncEngine, somebody: Somebody, path: str
) -> None:
    async def asked() -> int:
        with statements(engine) as sent:
            assert (await somebody.get(path)).status_code == 200
        return len(sent)

    await somebody.get(path)
    few = await asked()
    await sign_in(engine, *(Staff(f"s{number}", f"Person {number}", Role.WORKER) for number in range(30)))
    await keep(engine, *(WAITING | {"assignee": f"s{number}"} for number in range(30)))
    await keep(engine, *(WAITING | {"route": "pir_long"} for _ in range(30)))
    assert await asked() == few <= 2
