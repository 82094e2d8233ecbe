"""The start page and the queues on a real PostgreSQL: which items each list holds, in which order, page by page."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage import pages as triage_pages
from services.triage import tables
from services.triage.clients import AllServices
from services.triage.pages.context import PageContext
from services.triage.pages.queue.queues import SHOWN
from services.triage.pages.today import home
from services.triage.work_items import queues
from services.triage.work_items.queues import Choices, Show, Sort
from shared.access import Role, Staff
from shared.events import Route, Tier, Urgency
from shared.ids import uuid7
from shared.pages import Pages
from shared.sign_in import Visitor
from tests.builders import TODAY, noon
from tests.integration.behind import Patient
from tests.integration.support import engine_of, statements
from tests.rendering import Page

NOON = noon(TODAY)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WREN = Staff("wren", "Wren Adeyemi", Role.WORKER)
PEOPLE = {role: Staff(role.value, f"A {role.value}", role) for role in Role} | {Role.WORKER: WREN}
OPENED = {"opened_first_at": NOON - HOUR}
CLAIMED = OPENED | {"assignee": "wren", "state": "claimed"}
ACCEPTED = CLAIMED | {"state": "accepted", "accepted_at": NOON - HOUR}


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tables.SCHEMA)
    yield made
    await made.dispose()


class Door:
    """Whoever comes has the role that the request names."""

    async def find(self, request: Request) -> Visitor:
        return Visitor(PEOPLE[Role(request.headers["role"])], "a-csrf-value", b"")


@pytest.fixture
async def http(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    folder = Path(triage_pages.__file__).parent
    pages = Pages(name="Referrals", folder=folder, navigation=(), is_development=True)
    alone = AllServices({})
    room = cast("PageContext", SimpleNamespace(engine=engine, pages=pages, all_services=alone, now=lambda: NOON))
    app = FastAPI()
    triage_pages.install(app, room)
    app.state.sign_in, app.state.pages = Door(), pages
    transport = Patient(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://triage", headers={"role": WREN.role}) as client:
        yield client


async def keep(engine: AsyncEngine, *items: dict[str, Any]) -> list[str]:
    """Open items, by default a team's, opened by nobody, due in two days; returns their references."""
    rows = [_row(number) | item for number, item in enumerate(items)]
    async with engine.begin() as tx:
        for row in rows:
            counted = {"counts_from": row["received_at"], "base_due_at": row["due_at"]}
            await tx.execute(tables.work_item.insert().values(row | counted))
    return [row["reference"] for row in rows]


def _row(number: int) -> dict[str, Any]:
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
        "due_at": NOON + 2 * DAY + timedelta(seconds=number),
    }


async def references(engine: AsyncEngine, choices: Choices, route: Route | None = Route.PIR_SHORT) -> list[str]:
    async with engine.connect() as tx:
        found = await queues.page(tx, route, choices, staff=WREN, now=NOON)
    return [row.reference for row in found.rows]


def those_on(page: httpx.Response) -> list[str]:
    """The references that lead to an item, in the order of the page."""
    assert page.status_code == 200, page.text
    return re.findall(r'href="/staff/items/[^"]+">([^<]+)</a>', page.text)


def listed(page: httpx.Response, name: str) -> list[str]:
    """The references in one list of the start page, in its order."""
    return re.findall(r">(PIR-[^<]+)</a>", page.text.partition(f'id="{name}"')[2].partition("</section>")[0])


def link_to(page: httpx.Response, rel: str) -> str | None:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page.text)
    return html.unescape(found[1]) if found else None


async def test_paging_on_shows_every_item_once_and_paging_back_the_same_pages(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    """All are due at the same moment, so that the order rests on more than the time."""
    kept = await keep(engine, *({"due_at": NOON + DAY} for _ in range(60)))
    first = await http.get("/staff/queues/pir_short")
    assert "Showing 1 to 25 of 60." in first.text
    assert link_to(first, "prev") is None
    second = await http.get(link_to(first, "next") or "")
    assert "Showing 26 to 50 of 60." in second.text
    third = await http.get(link_to(second, "next") or "")
    assert "Showing 51 to 60 of 60." in third.text
    assert link_to(third, "next") is None
    assert sorted(those_on(first) + those_on(second) + those_on(third)) == sorted(kept)
    back = await http.get(link_to(third, "prev") or "")
    assert those_on(back) == those_on(second)
    assert those_on(await http.get(link_to(back, "prev") or "")) == those_on(first)


async def test_what_is_taken_on_meanwhile_makes_nobody_be_skipped(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    kept = await keep(engine, *({} for _ in range(40)))
    first = await http.get("/staff/queues/pir_short?view=unassigned")
    async with engine.begin() as tx:
        taken = sa.update(tables.work_item).where(tables.work_item.c.reference.in_(kept[:10]))
        await tx.execute(taken.values(CLAIMED))
    second = await http.get(link_to(first, "next") or "")
    assert those_on(second) == kept[25:]
    assert "Showing 16 to 30 of 30." in second.text
    back = await http.get(link_to(second, "prev") or "")
    assert those_on(back) == kept[10:35], "a first page is full, though fewer came before"


async def test_a_page_that_is_not_there_any_more_is_the_last_one(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    kept = await keep(engine, *({} for _ in range(30)))
    after_all = "20_2099-01-01T00:00:00+00:00_ffffffff-ffff-ffff-ffff-ffffffffffff"
    page = await http.get("/staff/queues/pir_short", params={"after": after_all})
    assert those_on(page) == kept[5:]


VIEWS = {
    "unassigned": {},
    "mine": CLAIMED,
    "due_today": CLAIMED | {"assignee": "lea", "due_at": NOON + 4 * HOUR},
    "overdue": CLAIMED | {"assignee": "lea", "due_at": NOON - DAY},
    "waiting_for_referrer": {"state": "waiting_for_referrer", "clock_stands": True, "due_at": NOON - DAY},
    "waiting_list": CLAIMED | {"assignee": "lea", "state": "waiting_list", "marks": ["waiting_list"]},
    "place_free": CLAIMED | {"assignee": "lea", "marks": ["place_free"]},
    "facts_changed": CLAIMED | {"assignee": "lea", "marks": ["facts_changed"]},
    "declines": CLAIMED | {"assignee": "lea", "route": "signpost_age"},
    "with_team": ACCEPTED | {"assignee": "lea", "first_contact_at": NOON},
    "contact_due": ACCEPTED | {"assignee": "lea"},
    "on_call": OPENED | {"urgency": "now", "state": "claimed"},
    "near_birthday": CLAIMED | {"assignee": "lea", "marks": ["twins", "time_short"]},
    "undeliverable": CLAIMED | {"assignee": "lea", "marks": ["undeliverable"]},
    "unowned_late": {"due_at": NOON - DAY},
}
ALSO = {"unassigned": {"on_call", "unowned_late"}, "with_team": {"contact_due"}, "overdue": {"unowned_late"}}
"""Opened, but nobody has taken it on; accepted, and not met; late whoever has it."""


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_shows_its_items_and_no_others(engine: AsyncEngine, view: str) -> None:
    kept = dict(zip(VIEWS, await keep(engine, *VIEWS.values()), strict=True))
    also = {kept[each] for each in ALSO.get(view, ())}
    assert set(await references(engine, Choices(show=Show(view)), None)) == {kept[view]} | also


async def test_safety_work_is_listed_until_it_ends(engine: AsyncEngine) -> None:
    states = [{}, OPENED, {"assignee": "lea", "state": "claimed"}, CLAIMED, ACCEPTED]
    mash = await keep(engine, *({"route": "mash"} | state for state in states))
    after_a_loss = await keep(engine, {"route": "bereavement_review"}, {"route": "review"}, {})
    found = await references(engine, Choices(show=Show.SAFETY), None)
    assert sorted(found) == sorted([*mash, after_a_loss[0]])


async def test_a_baby_is_near_the_second_birthday_by_mark_or_by_day_until_the_first_contact(
    engine: AsyncEngine,
) -> None:
    kept = await keep(
        engine,
        {"marks": ["ages_out_soon"]},
        {"age_out_warning_on": TODAY},
        {"age_out_warning_on": TODAY + DAY},
        ACCEPTED | {"marks": ["time_short"], "first_contact_at": NOON},
    )
    assert sorted(await references(engine, Choices(show=Show.NEAR_BIRTHDAY))) == sorted(kept[:2])


async def test_what_has_ended_is_in_no_list(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    await keep(engine, {"state": "closed", "ended_at": NOON, "urgency": "now", "due_at": NOON - DAY})
    assert await references(engine, Choices(), None) == []
    assert those_on(await http.get("/staff")) == []


async def test_filters_narrow_each_other(engine: AsyncEngine) -> None:
    asked = Choices(mark="twins", urgency=Urgency.URGENT, tier=Tier.TARGETED, assignee="lea", reference="PIR-4K7-29M")
    fits = {
        "marks": ["father", "twins"],
        "urgency": "urgent",
        "tier": "targeted",
        "assignee": "lea",
        "reference": "PIR-4K7-29M",
    }
    unlike = {"marks": ["father"], "urgency": "now", "tier": None, "assignee": None, "reference": "PIR-4K7-29A"}
    await keep(engine, fits, *(fits | {name: value} for name, value in unlike.items()))
    assert await references(engine, asked) == ["PIR-4K7-29M"]


async def test_each_order_puts_those_with_a_team_last(engine: AsyncEngine) -> None:
    late_now, old, soon, stopped, accepted = await keep(
        engine,
        {"urgency": "now", "due_at": NOON + 9 * DAY, "received_at": NOON - DAY},
        {"due_at": NOON + 8 * DAY, "received_at": NOON - 9 * DAY},
        {"due_at": NOON - DAY, "received_at": NOON - 2 * DAY},
        {
            "state": "waiting_for_referrer",
            "clock_stands": True,
            "due_at": NOON - 5 * DAY,
            "received_at": NOON - 5 * DAY,
        },
        ACCEPTED
        | {"urgency": "now", "due_at": NOON - 9 * DAY, "received_at": NOON - 30 * DAY, "first_contact_at": NOON},
    )
    assert await references(engine, Choices(sort=Sort.DUE)) == [soon, old, late_now, stopped, accepted]
    assert await references(engine, Choices(sort=Sort.RECEIVED)) == [old, stopped, soon, late_now, accepted]
    assert await references(engine, Choices(sort=Sort.URGENCY)) == [late_now, soon, old, stopped, accepted]


async def test_colleagues_are_named(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    async with engine.begin() as tx:
        await tx.execute(
            tables.colleague.insert().values(id="lea", name="Lea Okafor", role="triage-lead", seen_at=NOON)
        )
    await keep(engine, CLAIMED, CLAIMED | {"assignee": "lea"}, CLAIMED | {"assignee": "not-seen-yet"})
    page = await http.get("/staff/queues/pir_short", headers={"role": Role.LEAD})
    assert re.findall(r"(Lea Okafor|not-seen-yet|wren)</option>", page.text) == ["Lea Okafor", "not-seen-yet", "wren"]
    assert page.text.count("Lea Okafor") == 2
    assert 'name="assignee"' not in (await http.get("/staff/queues/pir_short")).text, "for those who assign"


async def test_claiming_and_paging_keep_every_choice(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    await keep(engine, *({"marks": ["twins"]} for _ in range(60)))
    chosen = {
        "view": "unassigned",
        "mark": "twins",
        "tier": "specialist_short",
        "sort": "received",
        "urgency": "routine",
    }
    first = await http.get("/staff/queues/pir_short", params=chosen | {"done": "claimed"})
    second = await http.get(link_to(first, "next") or "")
    for page, more in ((first, set()), (second, {"after"})):
        fields = {field["name"]: field for field in Page(page.text).all("input") if field["type"] == "hidden"}
        assert fields["csrf"]["value"] == "a-csrf-value"
        path, query = fields["next"]["value"].split("?")
        assert path == "/staff/queues/pir_short"
        asked = dict(parse_qsl(query))
        assert {name: asked[name] for name in chosen} == chosen
        assert set(asked) - set(chosen) == more
        assert re.findall(r'<option value="([^"]+)" selected', page.text) == [
            "unassigned", "routine", "specialist_short", "twins", "received", "25"
        ]  # fmt: skip


async def test_nobody_claims_who_may_not_and_nothing_is_claimed_that_is_not_free(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    await keep(engine, {}, {"state": "waiting_list"}, CLAIMED, {"state": "waiting_for_referrer"})
    assert (await http.get("/staff/queues/pir_short")).text.count("/claim") == 2
    assert (await http.get("/staff/queues/pir_short", headers={"role": Role.MANAGER})).text.count("/claim") == 0


@pytest.mark.parametrize(
    "query",
    ["view=later&mark=blue&urgency=soon&tier=9&sort=luck&size=9999", "after=x&before=%00", "assignee=%00&page=2"],
)
async def test_what_an_address_can_not_mean_is_ignored(
    engine: AsyncEngine, http: httpx.AsyncClient, query: str
) -> None:
    kept = await keep(engine, {}, {})
    assert those_on(await http.get(f"/staff/queues/pir_short?{query}")) == kept


async def test_a_reference_that_can_not_be_read_is_said_next_to_its_field(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    kept = await keep(engine, {"reference": "PIR-4K7-29M"}, {"reference": "PIR-4K7-29A"})
    assert those_on(await http.get("/staff/queues/all?reference=4k7 29m")) == ["PIR-4K7-29M"]
    page = await http.get("/staff/queues/all?reference=<Smith>")
    assert those_on(page) == kept
    assert "<title>Error: " in page.text
    assert page.text.count("Enter a reference like PIR-4K7-29M") == 2, "on top, and at the field"
    assert 'href="#reference"' in page.text
    field = next(each for each in Page(page.text).all("input") if each.get("name") == "reference")
    assert (field["id"], field["value"]) == ("reference", "<Smith>")


async def test_a_queue_that_does_not_exist_is_not_found(http: httpx.AsyncClient) -> None:
    with pytest.raises(Exception, match="not-found"):
        await http.get("/staff/queues/nowhere")


async def test_the_start_page_holds_the_first_of_each_list_and_leads_to_the_rest(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    kept = await keep(engine, *({"due_at": NOON - DAY + timedelta(minutes=n)} for n in range(7)))
    page = await http.get("/staff")
    assert listed(page, "overdue") == kept[:5]
    href = re.search(r'href="([^"]+)">See all 7<', page.text.partition('id="overdue"')[2].partition("</section>")[0])
    assert href
    assert those_on(await http.get(html.unescape(href[1]))) == kept


async def test_a_family_accepted_and_not_met_stands_by_its_deadline(engine: AsyncEngine) -> None:
    soon, accepted, met = await keep(
        engine,
        {"due_at": NOON + DAY},
        ACCEPTED | {"due_at": NOON - DAY},
        ACCEPTED | {"due_at": NOON - 2 * DAY, "first_contact_at": NOON},
    )
    assert await references(engine, Choices(sort=Sort.DUE)) == [accepted, soon, met]


@pytest.mark.parametrize("role", [Role.WORKER, Role.LEAD])
async def test_the_start_page_says_calmly_that_nothing_waits(http: httpx.AsyncClient, role: Role) -> None:
    page = await http.get("/staff", headers={"role": role})
    for show, listed in home.LISTS.items():
        if show in (Show.DECLINES, Show.UNOWNED_LATE) and role is Role.WORKER:
            assert f">{SHOWN[show]}</h2>" not in page.text
            continue
        assert f">{SHOWN[show]}</h2>" in page.text
        assert html.escape(listed.calm, quote=False) in page.text
    assert "No safety work is open." in page.text
    assert f"{len(Route)} queues are empty" in page.text


async def test_an_emergency_that_a_colleague_has_stays_on_top_with_who_has_it_and_how_late_it_is(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    async with engine.begin() as tx:
        await tx.execute(
            tables.colleague.insert().values(id="jo", name="Jo Ferreira", role="triage-worker", seen_at=NOON)
        )
    hers = CLAIMED | {"assignee": "jo", "urgency": "now", "route": "emergency_call"}
    old = {"received_at": NOON - 8 * DAY, "due_at": NOON - 8 * DAY}
    late, mine, free = await keep(
        engine, hers | old, CLAIMED | {"urgency": "4h", "route": "pnmh_emergency"}, {"urgency": "4h", "route": "mash"}
    )
    page = Page((await http.get("/staff")).text)
    said = page.words("main")
    on_call = said.partition("Nobody has it yet")[0]
    assert said.index(late) < said.index("8 days over") < said.index("Jo Ferreira has it") < said.index(mine)
    assert "You have it" in on_call
    assert said.index(mine) < said.index(free)
    assert "Safety work: 3 open. 1 overdue, 1 with nobody." in said
    assert "Somebody has each of them" not in said


async def test_a_family_at_four_hours_stays_on_top_until_somebody_has_spoken_with_them(engine: AsyncEngine) -> None:
    accepted, _ = await keep(
        engine, ACCEPTED | {"urgency": "4h"}, ACCEPTED | {"urgency": "4h", "first_contact_at": NOON}
    )
    assert await references(engine, Choices(show=Show.ON_CALL), None) == [accepted]


async def test_all_safety_work_is_looked_after_only_when_each_has_somebody_who_is_here_and_none_is_late(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    calm = "Safety work: 1 open. Somebody has each of them, and none is overdue."
    await keep(engine, CLAIMED | {"route": "mash", "assignee": "jo"})
    assert calm in Page((await http.get("/staff")).text).words("main")
    jo = {"id": "jo", "name": "Jo Ferreira", "role": "triage-worker", "seen_at": NOON, "away_until": TODAY}
    async with engine.begin() as tx:
        await tx.execute(tables.colleague.insert().values(jo))
    assert "0 overdue, 0 with nobody, 1 with somebody who is away." in Page((await http.get("/staff")).text).words(
        "main"
    )
    for wrong in ({"assignee": None, "state": "open"}, {"due_at": NOON - HOUR}):
        async with engine.begin() as tx:
            await tx.execute(tables.colleague.delete())
            await tx.execute(tables.work_item.delete())
        await keep(engine, CLAIMED | {"route": "mash", "assignee": "jo"} | wrong)
        assert calm not in Page((await http.get("/staff")).text).words("main")


async def test_urgency_comes_before_age_in_every_list(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    """Each item stands on the start page once, so each list has a pair of its own."""
    hers = CLAIMED | {"assignee": "lea"}
    pairs = {
        "mine": CLAIMED | {"due_at": NOON - 9 * DAY},
        "overdue": hers | {"due_at": NOON - 9 * DAY},
        "waiting": hers | {"due_at": NOON + 2 * DAY},
    }
    expected = {}
    for name, older in pairs.items():
        newer = older | {"urgency": "urgent", "due_at": older["due_at"] + DAY}
        routine, urgent = await keep(engine, older | {"received_at": NOON - 30 * DAY}, newer)
        expected[name] = [urgent, routine]
    page = await http.get("/staff")
    assert {name: listed(page, name) for name in pairs} == expected
    urgent_first = [pair[0] for pair in expected.values()] + [pair[1] for pair in expected.values()]
    assert those_on(await http.get("/staff/queues/pir_short")) == urgent_first


async def test_each_item_stands_on_the_start_page_once_where_its_danger_is_greatest(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    """Two emergencies and a routine piece of work are late; the counts are still those of the queue pages."""
    late = CLAIMED | {"assignee": "lea", "due_at": NOON - DAY}
    emergency, mine, routine = await keep(
        engine, late | {"urgency": "now"}, late | {"urgency": "4h", "assignee": "wren"}, late
    )
    page = await http.get("/staff")
    assert sorted(those_on(page)) == sorted([emergency, mine, routine])
    assert listed(page, "on_call") == [emergency, mine]
    assert listed(page, "overdue") == [routine]
    assert "Overdue (3)" in Page(page.text).words("h2")
    href = re.search(r'href="([^"]+)">See all 3<', page.text.partition('id="overdue"')[2].partition("</section>")[0])
    assert href
    assert those_on(await http.get(html.unescape(href[1]))) == [emergency, mine, routine]
    assert "<p>All of this stands above.</p>" in page.text.partition('id="mine"')[2].partition("</section>")[0]


async def test_what_happened_to_my_work_is_new_until_i_look_at_it(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    async with engine.begin() as tx:
        await tx.execute(
            tables.colleague.insert().values(id="lea", name="Lea Okafor", role="triage-lead", seen_at=NOON)
        )
    given, answered, seen, hers = await keep(engine, CLAIMED, CLAIMED, CLAIMED, CLAIMED | {"assignee": "lea"})

    async def happened(reference: str, action: str, detail: str | None, *, by: str = "referrer") -> None:
        async with engine.begin() as tx:
            await tx.execute(
                sa.text("""
                    INSERT INTO audit (at, actor_kind, actor_id, action, referral_id, detail)
                    SELECT :at, :kind, :by, :action, referral_id, :detail FROM work_item WHERE reference = :reference
                """),
                {"at": NOON, "kind": "agency" if by == "referrer" else "staff", "by": by, "action": action}
                | {"detail": detail, "reference": reference},
            )

    await happened(given, "item.assign", "wren", by="lea")
    for reference in (answered, seen, hers):
        await happened(reference, "item.claim", "pir_short", by="wren")
        await happened(reference, "referral.informed", None)
    await happened(seen, "identity.viewed", "assigned", by="wren")
    answer = await http.get("/staff")
    page = answer.text
    assert set(listed(answer, "news")) == {given, answered}
    assert "Lea Okafor gave it to you, today at 13:00." in Page(page).words("main")
    assert "The referrer has answered, today at 13:00." in Page(page).words("main")
    assert 'id="news"' not in (await http.get("/staff", headers={"role": Role.MANAGER})).text


async def test_a_lead_reads_declines_of_every_queue_late_work_with_nobody_and_who_is_away(
    engine: AsyncEngine, http: httpx.AsyncClient
) -> None:
    away = {"id": "jo", "name": "Jo Ferreira", "role": "triage-worker", "seen_at": NOON, "away_until": TODAY + 2 * DAY}
    async with engine.begin() as tx:
        await tx.execute(tables.colleague.insert().values(away))
    age, area, advice, late, hers = await keep(
        engine,
        {"route": "signpost_age"},
        {"route": "signpost_area"},
        {"route": "advice_to_referrer"},
        {"due_at": NOON - DAY},
        CLAIMED | {"assignee": "jo"},
    )
    answer = await http.get("/staff", headers={"role": Role.LEAD})
    page = answer.text
    assert sorted(listed(answer, "declines")) == sorted([age, area, advice])
    assert page.partition('id="declines"')[2].partition("</section>")[0].count("Confirm the decline<") == 3
    assert listed(answer, "unowned_late") == [late]
    assert "Jo Ferreira is away until Wednesday 17 June 2026." in Page(page).words("main")
    assert those_on(await http.get("/staff/queues/all?assignee=jo&size=50", headers={"role": Role.LEAD})) == [hers]
    worker = (await http.get("/staff")).text
    assert "Confirm the decline" not in worker
    assert "Jo Ferreira is away" not in worker


@pytest.mark.parametrize("path", ["/staff", "/staff/queues/pir_short"])
async def test_what_was_taken_on_is_named_with_its_link(
    engine: AsyncEngine, http: httpx.AsyncClient, path: str
) -> None:
    mine, hers = await keep(engine, CLAIMED, CLAIMED | {"assignee": "lea"})
    async with engine.connect() as tx:
        ids = {row.reference: row.id for row in await tx.execute(sa.text("SELECT id, reference FROM work_item"))}
    page = await http.get(path, params={"done": "claimed", "about": str(ids[mine])})
    banner = page.text.partition('role="alert"')[2].partition("<h1")[0]
    assert (
        f'You have taken this on: <a class="nhsuk-notification-banner__link" href="/staff/items/{ids[mine]}">' in banner
    )
    assert mine in banner
    stolen = await http.get(path, params={"done": "claimed", "about": f"{ids[hers]},x,<b>"})
    assert hers not in stolen.text.partition('role="alert"')[2].partition("<h1")[0]


async def test_a_family_that_waits_for_its_ward_has_a_review_date(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    await keep(
        engine, {"route": "phase_hold", "due_at": NOON + 90 * DAY}, {"route": "phase_hold", "due_at": NOON - DAY}
    )
    said = Page((await http.get("/staff/queues/phase_hold")).text).words("main")
    assert "Look again: due Sunday 13 September" in said
    assert "Look again: overdue by 1 working day" in said


async def test_my_work_comes_first_due_first(engine: AsyncEngine, http: httpx.AsyncClient) -> None:
    later, mine, _ = await keep(
        engine, CLAIMED | {"due_at": NOON + 9 * DAY}, CLAIMED, CLAIMED | {"assignee": "lea", "due_at": NOON + DAY}
    )
    assert listed(await http.get("/staff"), "mine") == [mine, later]
    assert 'id="mine"' not in (await http.get("/staff", headers={"role": Role.MANAGER})).text


@pytest.mark.parametrize("role", home.NOT_FOR_QUEUES)
async def test_other_roles_are_told_kindly_and_see_no_referral(
    engine: AsyncEngine, http: httpx.AsyncClient, role: Role
) -> None:
    await keep(engine, {"urgency": "now"})
    page = await http.get("/staff", headers={"role": role})
    assert page.status_code == 200
    assert home.NOT_FOR_QUEUES[role] in page.text
    assert "PIR-" not in page.text


@pytest.mark.parametrize(
    ("path", "most"),
    [("/staff", 5), ("/staff/queues", 2), ("/staff/queues/all", 2), ("/staff/queues/pir_short?after=x", 2)],
)
async def test_a_page_takes_as_many_statements_for_many_items_as_for_none(
    engine: AsyncEngine, http: httpx.AsyncClient, path: str, most: int
) -> None:
    async def count() -> int:
        with statements(engine) as sent:
            assert (await http.get(path, headers={"role": Role.LEAD})).status_code == 200
        return len(sent)

    await count()
    without = await count()
    await keep(engine, *(each | {"route": route.value} for each in VIEWS.values() for route in list(Route)[:12]))
    assert await count() == without <= most


@pytest.mark.parametrize("path", ["/staff", "/staff/queues", "/staff/queues/all", "/staff/queues/mash?reference=no"])
async def test_a_page_can_be_read_without_seeing_it(engine: AsyncEngine, http: httpx.AsyncClient, path: str) -> None:
    """One heading of the first level, a caption on each table, a label on each field, no id twice."""
    await keep(engine, *(each | {"route": "mash", "urgency": "4h"} for each in VIEWS.values()))
    page = Page((await http.get(path, headers={"role": Role.LEAD})).text)
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table"))
    ids = [each["id"] for _, each in page.elements if "id" in each]
    assert len(ids) == len(set(ids))
    fields = [each for tag in ("select", "input") for each in page.all(tag) if each.get("type") != "hidden"]
    assert {each["id"] for each in fields} <= {label["for"] for label in page.all("label")}
    assert all(each["href"] != "" for each in page.all("a"))
    assert not any("style" in each for _, each in page.elements)
