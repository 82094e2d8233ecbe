"""A lead gives several work items at once, to one colleague who is named; and says until when somebody is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage import tables
from shared.access import Role
from shared.events import Route
from tests.integration.staff_pages import Somebody, somebody_at, words_of
from tests.integration.support import engine_of, fetch
from tests.integration.triage.test_lists import CLAIMED, DAY, NOON, keep
from tests.rendering import Page

TESS, OMAR = "tess", "omar"


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tables.SCHEMA)
    async with made.begin() as tx:
        for name, words in ((TESS, "Tess Okoro"), (OMAR, "Omar Reid")):
            person = {"id": name, "name": words, "role": Role.WORKER.value, "seen_at": NOON}
            await tx.execute(tables.colleague.insert().values(person))
    yield made
    await made.dispose()


@pytest.fixture
async def somebody(engine: AsyncEngine) -> AsyncIterator[Somebody]:
    async with somebody_at(engine=engine, now=lambda: NOON) as person:
        yield person


async def stored(engine: AsyncEngine, *items: dict[str, Any]) -> list[str]:
    kept = await keep(engine, *items)
    rows = await fetch(engine, "SELECT id, reference FROM work_item")
    ids = {row.reference: str(row.id) for row in rows}
    return [ids[reference] for reference in kept]


async def holders(engine: AsyncEngine) -> dict[str, str | None]:
    return {str(row.id): row.assignee for row in await fetch(engine, "SELECT id, assignee FROM work_item")}


async def test_a_list_has_a_tick_box_a_line_for_a_lead_only(engine: AsyncEngine, somebody: Somebody) -> None:
    first, second = await stored(engine, {}, CLAIMED)
    page = Page((await somebody.get("/staff/queues/pir_short")).text)
    boxes = [each for each in page.all("input") if each.get("type") == "checkbox"]
    assert [(each["name"], each["form"]) for each in boxes] == [("item", "give")] * 2
    assert {each["value"] for each in boxes} == {first, second}
    assert 'type="checkbox"' not in (await somebody.get("/staff/queues/pir_short", role=Role.WORKER)).text
    assert (await somebody.get(f"/staff/give?item={first}", role=Role.WORKER)).status_code == 403


async def test_several_are_given_to_the_colleague_whom_the_button_names(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    """No list of choices is left that a browser could restore by position: a button carries the colleague's id."""
    first, second, other = await stored(engine, {}, CLAIMED, {})
    page = await somebody.get(f"/staff/give?item={first}&item={second}&next=/staff/queues/pir_short")
    buttons = {each["value"] for each in Page(page.text).all("button") if each.get("name") == "to"}
    assert buttons == {TESS, OMAR}
    assert "Give to Tess Okoro" in words_of(page)
    assert 'type="radio"' not in page.text
    answer = await somebody.send("/staff/give", item=[first, second], to=TESS, next="/staff/queues/pir_short")
    assert answer.status_code == 303
    back = await somebody.get(answer.headers["location"])
    assert "Given to Tess Okoro: PIR-" in words_of(back)
    assert back.text.count("nhsuk-notification-banner__link") == 2
    assert await holders(engine) == {first: TESS, second: TESS, other: None}
    audited = await fetch(engine, "SELECT action, detail FROM audit")
    assert {(row.action, row.detail) for row in audited} == {("item.assign", TESS)}


async def test_one_that_has_ended_meanwhile_holds_up_none_of_the_others(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    first, ended = await stored(engine, {}, {"state": "closed", "ended_at": NOON})
    answer = await somebody.send("/staff/give", item=[first, ended], to=TESS, next="/staff")
    assert answer.status_code == 409
    assert "1 could not be given, 1 was." in words_of(answer)
    assert "This item is closed" in words_of(answer)
    assert await holders(engine) == {first: TESS, ended: None}


@pytest.mark.parametrize("to", ["", "nobody-knows", "<b>"])
async def test_nothing_is_given_to_nobody(engine: AsyncEngine, somebody: Somebody, to: str) -> None:
    [first] = await stored(engine, {})
    answer = await somebody.send("/staff/give", item=[first], to=to, next="https://elsewhere.example")
    assert answer.status_code == 422
    assert "Choose a colleague" in words_of(answer)
    assert "elsewhere" not in answer.text
    assert await holders(engine) == {first: None}


async def test_with_nothing_chosen_the_page_says_so(somebody: Somebody) -> None:
    assert "No open work item is chosen." in words_of(await somebody.get("/staff/give?item=x"))


async def test_one_item_is_given_by_a_button_that_names_the_colleague_and_a_banner_that_names_both(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    [first] = await stored(engine, {})
    answer = await somebody.send(f"/staff/items/{first}/assign", to=TESS, next="/staff")
    assert "Given to Tess Okoro: PIR-" in words_of(await somebody.get(answer.headers["location"]))


async def test_whoever_is_away_comes_last_and_a_lead_is_shown_their_work(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    first, _ = await stored(engine, {}, CLAIMED | {"assignee": TESS})
    day = (NOON + DAY).date()
    boxes = {"until-day": str(day.day), "until-month": str(day.month), "until-year": str(day.year)}
    answer = await somebody.send(f"/staff/team/{TESS}", **boxes)
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/team?done=team")
    assert "Away until Tuesday 16 June 2026" in words_of(await somebody.get("/staff/team"))
    assert f'value="{day.day}"' in (await somebody.get(f"/staff/team/{TESS}")).text
    page = words_of(await somebody.get(f"/staff/give?item={first}"))
    assert page.index("Give to Omar Reid") < page.index("Give to Tess Okoro")
    assert "Tess Okoro is away until Tuesday 16 June 2026. Give 1 work item to somebody" in words_of(
        await somebody.get("/staff")
    )
    [audited] = await fetch(engine, "SELECT actor_id, detail FROM audit WHERE action = 'team.away-set'")
    assert audited.detail == f"{TESS} {day}"
    await somebody.send(f"/staff/team/{TESS}")
    assert "Away until" not in words_of(await somebody.get("/staff/team"))


async def test_what_they_take_and_when_they_are_away_is_saved_at_once_and_only_what_is_new_is_written_down(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    day = (NOON + DAY).date()
    boxes = {"until-day": str(day.day), "until-month": str(day.month), "until-year": str(day.year)}
    mistyped = await somebody.send(f"/staff/team/{TESS}", routes="mash", **boxes | {"until-day": "31"})
    assert mistyped.status_code == 422
    assert [each["value"] for each in Page(mistyped.text).all("input") if "checked" in each] == ["mash"]
    for _ in range(2):
        await somebody.send(f"/staff/team/{TESS}", routes="mash", **boxes)
    audited = await fetch(engine, "SELECT action, detail FROM audit ORDER BY action")
    assert [tuple(row) for row in audited] == [("team.away-set", f"{TESS} {day}"), ("team.routes-set", f"{TESS} mash")]


async def test_what_another_lead_has_saved_meanwhile_is_not_undone_unseen(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    [shown] = [
        each["value"]
        for each in Page((await somebody.get(f"/staff/team/{TESS}")).text).all("input")
        if each.get("name") == "shown"
    ]
    day = (NOON + DAY).date()
    boxes = {"until-day": str(day.day), "until-month": str(day.month), "until-year": str(day.year)}
    await somebody.send(f"/staff/team/{TESS}", shown=shown, **boxes)
    answer = await somebody.send(f"/staff/team/{TESS}", shown=shown, routes="mash")
    assert answer.status_code == 409
    assert words_of(answer).count("Somebody has changed this since you opened the page") == 1  # and not at a box
    assert [each["value"] for each in Page(answer.text).all("input") if "checked" in each] == ["mash"]
    assert {row.away_until for row in await fetch(engine, "SELECT away_until FROM colleague")} == {day, None}


async def test_ticking_every_queue_is_ticking_none(engine: AsyncEngine, somebody: Somebody) -> None:
    await somebody.send(f"/staff/team/{TESS}", routes=[route.value for route in Route])
    assert await fetch(engine, "SELECT 1 FROM audit WHERE action = 'team.routes-set'") == []
    for routes in (["mash"], []):
        await somebody.send(f"/staff/team/{TESS}", routes=routes)
    audited = await fetch(engine, "SELECT detail FROM audit WHERE action = 'team.routes-set' ORDER BY id")
    assert [row.detail for row in audited] == [f"{TESS} mash", f"{TESS} all"]


async def test_an_absence_ends_by_itself(engine: AsyncEngine, somebody: Somebody) -> None:
    async with engine.begin() as tx:
        await tx.execute(sa.text("UPDATE colleague SET away_until = :day"), {"day": NOON.date() - timedelta(days=1)})
    assert "Away until" not in words_of(await somebody.get("/staff/team"))


@pytest.mark.parametrize("day", [date(2026, 6, 14), None])
async def test_a_day_that_is_past_or_is_none_is_refused(
    engine: AsyncEngine, somebody: Somebody, day: date | None
) -> None:
    typed = {"until-day": str(day.day if day else 31), "until-month": "6", "until-year": "2026"}
    answer = await somebody.send(f"/staff/team/{TESS}", **typed)
    assert answer.status_code == 422
    assert f'value="{typed["until-day"]}"' in answer.text
    assert [row.away_until for row in await fetch(engine, "SELECT away_until FROM colleague")] == [None, None]
    assert (await somebody.send(f"/staff/team/{TESS}", role=Role.WORKER, **typed)).status_code == 403
