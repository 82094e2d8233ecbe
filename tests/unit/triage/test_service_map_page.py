"""The page of services: filters that survive in the address, expiry and gaps in words. It needs no database."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI, Request

from services.triage import pages as triage_pages
from services.triage.age_words import age_span
from services.triage.pages.context import PageContext
from services.triage.pages.services.service_map import joined
from services.triage.work_items.working import StepContext
from shared.access import Permission, Role, Staff
from shared.pages import Pages
from shared.problems import Problem
from shared.service_map import ServiceMap, load, of_authority
from shared.sign_in import Visitor, visitor
from tests.builders import BULWELL, NOTTINGHAM, POLICIES, SHERWOOD, TODAY, a_policy, noon

MAPS = POLICIES.parent / "service_maps"
NOON = noon(TODAY)


def a_room(policy: str = "nottingham", *, services: ServiceMap | None = None, now: datetime = NOON) -> PageContext:
    absent = cast("Any", None)
    chosen = a_policy(policy)
    return PageContext(
        engine=absent,
        pages=Pages(name="Referrals", folder=Path(triage_pages.__file__).parent, navigation=(), is_development=True),
        steps=StepContext(chosen, absent),
        families=absent,
        messages=absent,
        all_services=absent,
        trails=absent,
        arrivals=absent,
        front_url="",
        policies={},
        service_map=services or of_authority(chosen.authority, folder=MAPS),
        now=lambda: now,
    )  # fmt: skip


class Door:
    """Whoever comes is a person with this role."""

    def __init__(self, role: Role) -> None:
        self._who = Visitor(Staff("ada", "Ada", role), "a-csrf-value", b"")

    async def find(self, _: Request) -> Visitor:
        return self._who


async def answer(room: PageContext, query: str = "", *, role: Role = Role.WORKER) -> httpx.Response:
    app = FastAPI()
    triage_pages.install(app, room)
    app.state.sign_in = Door(role)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://triage") as client:
        return await client.get(f"/staff/services{query}")


async def text_of(room: PageContext | None = None, query: str = "") -> str:
    """What is read on the page: without tags, one space between words."""
    got = await answer(room or a_room(), query)
    assert got.status_code == 200
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", got.text.partition("<main")[2])))


@pytest.mark.parametrize("role", [Role.WORKER, Role.LEAD, Role.MANAGER, Role.COMMISSIONER, Role.AUDITOR])
async def test_those_who_work_or_commission_may_look(role: Role) -> None:
    assert (await answer(a_room(), role=role)).status_code == 200


async def test_operations_may_not() -> None:
    with pytest.raises(Problem, match="forbidden"):
        await answer(a_room(), role=Role.OPERATIONS)


def test_the_page_asks_for_either_permission() -> None:
    assert vars(visitor(Permission.READ_QUEUES, Permission.READ_REPORTS))["permissions"] == (
        Permission.READ_QUEUES,
        Permission.READ_REPORTS,
    )


async def test_without_a_choice_every_service_is_there_in_a_table_for_each_level() -> None:
    html = (await answer(a_room())).text
    assert html.count("<caption") == html.count("</table>") == 4
    assert all(service.name.replace("'", "&#39;") in html for service in load(MAPS / "nottingham.toml").services)


async def test_a_service_outside_the_area_is_shown_as_such_and_in_no_ward() -> None:
    assert "Outside Nottingham 0115 496 0140" in (await text_of()).replace("Where ", "").replace("How to reach it ", "")
    assert "County family advice line" not in await text_of(query=f"?ward={BULWELL}")


async def test_an_invented_map_says_so_first() -> None:
    text = await text_of()
    assert text.index("Invented to start with") < text.index("Nottingham health visiting")


async def test_a_map_that_is_not_invented_has_no_warning() -> None:
    real = load(MAPS / "nottingham.toml").model_copy(update={"is_invented": False})
    assert "Invented" not in await text_of(a_room(services=real))


async def test_a_choice_narrows_the_services_and_stays_chosen() -> None:
    html = (await answer(a_room(), f"?ward={BULWELL}&level=universal&age=pregnancy")).text
    assert "2 of 16 services" in html
    assert "Family Hub North" in html
    assert "Family Hub West" not in html
    for value in (BULWELL, "universal", "pregnancy"):
        assert f'<option value="{value}" selected>' in html


@pytest.mark.parametrize("query", ["?ward=nowhere&level=high&age=12", "?ward=&level=&age=", "?colour=red"])
async def test_a_choice_that_is_not_known_is_no_choice(query: str) -> None:
    assert await text_of(query=query) == await text_of()


async def test_a_choice_that_nothing_fits_says_so() -> None:
    empty = ServiceMap(authority=NOTTINGHAM, title="None yet")
    assert "No service fits what you chose." in await text_of(a_room(services=empty))


async def test_a_service_in_name_only_says_so_in_words() -> None:
    assert "No under-twos on the caseload" in await text_of(query="?level=targeted")


async def test_gaps_are_sentences() -> None:
    text = await text_of()
    assert "No specialist service sees families from 1 year to 2 years in Basford, " in text
    assert "(CAMHS), targeted team: children under 2 may come on paper, but none are on its caseload." in text


async def test_for_a_ward_its_own_gaps_are_told() -> None:
    in_sherwood, in_bulwell = [await text_of(query=f"?ward={ward}") for ward in (SHERWOOD, BULWELL)]
    assert "No specialist service sees families from 1 year to 2 years in Sherwood." in in_sherwood
    assert "No specialist service" not in in_bulwell


async def test_gaps_of_other_levels_and_ages_are_left_out() -> None:
    assert "There are no gaps in what is shown." in await text_of(query="?level=statutory")
    assert "No specialist service" not in await text_of(query="?level=specialist&age=pregnancy")


async def test_a_council_without_a_map_has_every_gap() -> None:
    text = await text_of(a_room("birmingham"))
    assert "0 of 0 services" in text
    assert "No universal service sees families from pregnancy to 2 years anywhere in Birmingham." in text
    assert "We can name nobody to families who live outside the area." in text


async def test_how_long_an_entry_is_good_for_is_told_in_words() -> None:
    first = min(service.expires_on for service in load(MAPS / "nottingham.toml").services)
    room = a_room()
    soon = await text_of(replace(room, now=lambda: noon(first)))
    late = await text_of(replace(room, now=lambda: noon(first + timedelta(days=1))))
    assert "Good until Tuesday 30 November 2027." in soon
    assert "Runs out soon: confirm it by Wednesday 31 March 2027." in soon
    assert "Dads and Babies: the entry has to be confirmed by Wednesday 31 March 2027." in soon
    assert "Ran out on Wednesday 31 March 2027. Nobody is told of it." in late
    assert "Dads and Babies: the entry ran out on Wednesday 31 March 2027, so nobody is told of it." in late


@pytest.mark.parametrize(
    ("months", "words"),
    [
        ((-9, 24), "from pregnancy to 2 years"),
        ((-3, 0), "from 3 months before birth to birth"),
        ((-1, 1), "from 1 month before birth to 1 month"),
        ((0, 12), "from birth to 1 year"),
        ((18, 228), "from 18 months to 19 years"),
    ],
)
def test_ages_are_said_as_people_say_them(months: tuple[int, int], words: str) -> None:
    assert age_span(*months) == words


def test_names_are_joined_as_in_a_sentence() -> None:
    assert [joined(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == ["", "A", "A and B", "A, B and C"]
