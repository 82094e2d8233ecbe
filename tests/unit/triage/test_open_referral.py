"""The open directory: valid by the published schemas, true to the map, and nothing in it that is not for everybody."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.open_referral import api
from services.triage.open_referral.directory import Directory
from services.triage.open_referral.documents import in_years
from services.triage.open_referral.vocabulary import AUDIENCES, LEVELS, TAXONOMIES, area_code, area_uri
from shared import problems
from shared.service_map import ForWhom, Level, ServiceMap, load, read
from tests.builders import BULWELL, NOTTINGHAM, POLICIES, TODAY, a_policy, noon
from tests.directory_schemas import BOTH, mistakes, page_mistakes

SHIPPED = load(POLICIES.parent / "service_maps" / "nottingham.toml")
PUBLISHED = [each for each in SHIPPED.services if each.for_whom is not ForWhom.PRACTITIONERS]
LISTS = ("/services", "/service_at_locations", "/taxonomies", "/taxonomy_terms")


def an_app(
    service_map: ServiceMap = SHIPPED,
    *,
    is_public: bool = True,
    now: datetime | None = None,
    policy: str = "nottingham",
) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    moment = now or noon(TODAY)
    directory = Directory(service_map, a_policy(policy))
    url = "https://triage.example.org/"
    app.include_router(api.router(directory, is_public=is_public, public_url=url, now=lambda: moment))
    return app


async def got(app: FastAPI, path: str, **query: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://triage") as client:
        return await client.get(f"{path}?{urlencode(query)}" if query else path)


async def page(app: FastAPI | None = None, path: str = "/services", **query: Any) -> dict[str, Any]:
    answer = await got(app or an_app(), path, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def names(**query: Any) -> list[str]:
    return [each["name"] for each in (await page(**query))["contents"]]


async def in_full(service_map: ServiceMap = SHIPPED, *, on: date = TODAY) -> dict[str, dict[str, Any]]:
    """Every published service by the id that it has in the map."""
    found = await page(an_app(service_map, now=noon(on)), full="true", per_page=200)
    return {each["pir"]["id"]: each for each in found["contents"]}


def changed(**of_the_map: Any) -> ServiceMap:
    return SHIPPED.model_copy(update=of_the_map)


def one(**members: Any) -> ServiceMap:
    """A map of one service."""
    service = {
        "id": "hub",
        "name": "Hub",
        "level": "universal",
        "offers": "a warm place",
        "from_months": -9,
        "to_months": 24,
        "sees_under_twos": True,
        "contact": {"phone": "0115 496 0199", "how_to_refer": "Walk in"},
        "expires_on": TODAY + timedelta(days=365),
    } | members
    return read({"authority": NOTTINGHAM, "title": "A map", "services": [service]}, name="a.toml")


@pytest.mark.parametrize("standard", BOTH)
async def test_each_service_is_valid_by_the_published_schema(standard: str) -> None:
    app = an_app()
    listed = (await page(app))["contents"]
    assert len(listed) == len(PUBLISHED) == 15
    for each in listed:
        document = (await got(app, f"/services/{each['id']}")).json()
        assert mistakes(document, f"{standard}/service_with_definitions") == []
        assert mistakes(each, f"{standard}/service_list") == []


@pytest.mark.parametrize("standard", BOTH)
async def test_taxonomies_and_their_terms_are_valid_by_the_published_schema(standard: str) -> None:
    for path, part in (("/taxonomies", "taxonomy"), ("/taxonomy_terms", "taxonomy_term")):
        found = (await page(path=path))["contents"]
        assert found
        for each in found:
            assert mistakes(each, f"{standard}/service_with_definitions", part=part) == []


@pytest.mark.parametrize("path", LISTS)
async def test_each_list_has_the_head_of_a_page(path: str) -> None:
    found = await page(path=path)
    assert page_mistakes(found) == []
    assert (found["page_number"], found["first_page"], found["last_page"]) == (1, True, True)
    assert found["size"] == found["total_items"] == len(found["contents"])
    assert found["empty"] is (path == "/service_at_locations")


def test_the_schemas_find_mistakes() -> None:
    """What the tests above lean on."""
    for standard in BOTH:
        assert len(mistakes({"id": "no-uuid", "status": "open"}, f"{standard}/service_with_definitions")) == 3
        assert mistakes({"id": 1}, f"{standard}/service_with_definitions", part="taxonomy")
    assert page_mistakes({"total_items": "1"})


ALL_SERVICES = st.builds(
    lambda low, high, level, whom, wards, days: one(
        level=level,
        for_whom=whom,
        wards=wards,
        routes=["signpost_area"] if whom == "elsewhere" else [],
        from_months=min(low, high - 1),
        to_months=high,
        expires_on=TODAY + timedelta(days=days),
        languages=["Urdu", "Polish"],
    ),
    st.integers(-9, 239),
    st.integers(-8, 240),
    st.sampled_from(Level),
    st.sampled_from(["families", "parents", "elsewhere"]),
    st.sets(st.sampled_from([BULWELL, *a_policy().ward_by_code]), max_size=3).map(sorted),
    st.integers(-5, 5),
)


@settings(max_examples=40)
@given(ALL_SERVICES)
def test_whatever_a_map_may_say_the_document_is_valid(service_map: ServiceMap) -> None:
    (document,) = asyncio.run(in_full(service_map)).values()
    for standard in BOTH:
        assert mistakes(document, f"{standard}/service_with_definitions") == []


async def test_a_service_says_what_the_map_says() -> None:
    found = (await in_full(changed(is_invented=False)))["family-hub-central"]
    assert found["name"] == "Family Hub Central"
    assert found["description"] == "baby groups, play sessions and someone to talk to"
    assert found["url"] == "https://hub-central.example.org/"
    assert found["status"] == "active"
    assert found["application_process"] == "Walk in, or ring"
    assert found["eligibility_description"] == "Families with a child from pregnancy to 19 years."
    assert (found["minimum_age"], found["maximum_age"]) == (0, 19)
    assert found["assured_date"] == "2026-06-01"
    assert [each["number"] for each in found["phones"]] == ["0115 496 0113"]
    assert [each["number"] for each in found["contacts"][0]["phones"]] == ["0115 496 0113"]
    assert [each["name"] for each in found["languages"]] == ["Urdu", "Arabic", "Romanian", "English"]
    areas = {each["name"]: each["uri"] for each in found["service_areas"]}
    assert areas["Sherwood"] == "http://statistics.data.gov.uk/id/statistical-geography/E05012288"
    assert len(areas) == 7
    assert [each["taxonomy_term"]["name"] for each in found["attributes"]] == ["Universal", "Families"]
    assert "organization" not in found


async def test_a_service_for_everybody_names_the_authority() -> None:
    (area,) = (await in_full())["early-help"]["service_areas"]
    assert (area["name"], area["uri"]) == ("Nottingham", area_uri(NOTTINGHAM))


async def test_a_service_outside_the_area_claims_no_area_with_a_code() -> None:
    (area,) = (await in_full())["county-advice-line"]["service_areas"]
    assert (area["name"], area.get("uri")) == ("Outside Nottingham", None)


async def test_ages_before_birth_stand_in_words_alone() -> None:
    (before,) = (await in_full(one(from_months=-9, to_months=0))).values()
    assert before["eligibility_description"] == "Families with a child from pregnancy to birth."
    assert "minimum_age" not in before
    assert "maximum_age" not in before


async def test_the_age_of_a_child_is_not_given_as_that_of_a_parent_who_is_helped() -> None:
    found = (await in_full())["adult-mental-health"]
    assert found["eligibility_description"].startswith("Parents, for themselves, with a child from pregnancy")
    assert "maximum_age" not in found


@given(st.integers(0, 240))
def test_months_can_be_worked_out_from_the_years_that_are_published(months: int) -> None:
    assert round(in_years(months) * 12) == months


async def test_an_entry_that_ran_out_is_inactive_from_the_next_day_on() -> None:
    last = next(each.expires_on for each in SHIPPED.services if each.id == "dads-and-babies")
    assert (await in_full(on=last))["dads-and-babies"]["status"] == "active"
    assert (await in_full(on=last + timedelta(days=1)))["dads-and-babies"]["status"] == "inactive"


async def test_a_day_later_the_same_directory_says_so_too() -> None:
    """The documents of a day are kept for that day only."""
    now, app, directory = [noon(TODAY)], FastAPI(), Directory(one(expires_on=TODAY), a_policy())
    app.include_router(api.router(directory, is_public=True, public_url="", now=lambda: now[0]))
    first = (await page(app))["contents"]
    now[0] += timedelta(days=1)
    second = (await page(app))["contents"]
    assert (first[0]["status"], second[0]["status"]) == ("active", "inactive")


def test_nothing_is_made_before_somebody_asks() -> None:
    assert vars(Directory(SHIPPED, a_policy()))["_made"] is None


async def test_neither_places_nor_routes_nor_services_for_practitioners_get_out() -> None:
    app = an_app(changed(services=(*SHIPPED.services[:1], *(_with_marks(each) for each in SHIPPED.services[1:]))))
    texts = [(await got(app, "/services", full="true", per_page=200)).text]
    texts += [(await got(app, f"/services/{each['id']}")).text for each in (await page(app))["contents"]]
    for text in texts:
        assert "987654" not in text
        assert "capacity" not in text
        assert not any(route in text for route in ("phase_hold", "signpost", "mash", "pir_short", "consultation"))
        assert "Parent-infant advice line" not in text
        assert "practitioners" not in text


def _with_marks(service: Any) -> Any:
    return service.model_copy(update={"capacity": 987654})


async def test_a_service_for_practitioners_has_no_address_of_its_own() -> None:
    everybody = changed(services=tuple(e.model_copy(update={"for_whom": ForWhom.PARENTS}) for e in SHIPPED.services))
    hidden = (await in_full(everybody))["parent-infant-advice"]["id"]
    answer = await got(an_app(), f"/services/{hidden}")
    assert answer.status_code == 404


async def test_ids_are_the_same_after_every_start_and_differ_between_councils() -> None:
    here, again = await in_full(), await in_full()
    there = await in_full(changed(authority="E08000025"))
    assert {key: each["id"] for key, each in here.items()} == {key: each["id"] for key, each in again.items()}
    assert not {each["id"] for each in here.values()} & {each["id"] for each in there.values()}
    ids = [value for each in here.values() for value in _ids(each)]
    assert all(UUID(each).version == 5 for each in ids)


def _ids(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in _ids(each)]
    if not isinstance(value, dict):
        return []
    own = [value["id"]] if "id" in value and "from_months" not in value else []
    return own + [found for each in value.values() for found in _ids(each)]


async def test_pages_hold_every_service_once() -> None:
    app, seen = an_app(), []
    for number in (1, 2, 3):
        found = await page(app, page=number, per_page=7)
        assert (found["total_items"], found["total_pages"], found["page_number"]) == (15, 3, number)
        assert (found["first_page"], found["last_page"], found["empty"]) == (number == 1, number == 3, False)
        seen += [each["name"] for each in found["contents"]]
    assert seen == [each.name for each in PUBLISHED]


async def test_a_page_after_the_last_is_empty() -> None:
    found = await page(page=9)
    assert (found["size"], found["empty"], found["last_page"], found["contents"]) == (0, True, True, [])


async def test_a_list_has_what_a_service_has_one_of_and_all_of_it_when_asked() -> None:
    short, full = (await page())["contents"][0], (await page(full="true"))["contents"][0]
    assert "phones" not in short
    assert "pir" not in short
    assert {**full, **short} == full
    assert full == (await got(an_app(), f"/services/{full['id']}")).json()


async def test_questions_narrow_each_other() -> None:
    targeted = LEVELS.term_id(LEVELS.term(Level.TARGETED))
    assert len(await names(taxonomy_id=LEVELS.id)) == 15
    assert len(await names(taxonomy_term_id=targeted)) == 4
    assert await names(taxonomy_term_id=targeted, search="SATURDAY fathers") == ["Dads and Babies"]
    universal = LEVELS.term_id(LEVELS.term(Level.UNIVERSAL))
    assert await names(taxonomy_term_id=universal, taxonomy_id=AUDIENCES.id, search="saturday") == []
    assert await names(minimum_age=1) == []
    assert await names(maximum_age=1) == ["Perinatal mental health team"]
    assert await names(maximum_age=2, search="group") == ["Dads and Babies", "Nottingham parent-infant team"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"page": 0}, "/query/page"),
        ({"page": "one"}, "/query/page"),
        ({"per_page": 0}, "/query/per_page"),
        ({"per_page": 201}, "/query/per_page"),
        ({"full": "perhaps"}, "/query/full"),
        ({"minimum_age": "nan"}, "/query/minimum_age"),
        ({"maximum_age": -1}, "/query/maximum_age"),
        ({"search": "x" * 201}, "/query/search"),
        ({"postcode": "NG6 8GB"}, "/query/postcode"),
        ({"proximity": 100}, "/query/proximity"),
        ({"organization_id": "1"}, "/query/organization_id"),
        ({"day": "MO"}, "/query/day"),
    ],
)
async def test_a_question_that_can_not_be_answered_is_refused_and_not_repeated(
    query: dict[str, Any], place: str
) -> None:
    answer = await got(an_app(), "/services", **query)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [place]
    assert "NG6" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("id_", ["x", "early-help", "00000000-0000-0000-0000-000000000000", "%00", "%E2%80%AE"])
async def test_an_id_that_nothing_has_is_not_found(id_: str) -> None:
    answer = await got(an_app(), f"/services/{id_}")
    assert answer.status_code == 404
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_start_says_version_and_profile() -> None:
    answer = await got(an_app(), "/")
    assert answer.json() == {
        "version": "HSDS-UK-3.0",
        "profile": "https://open-referral-uk-profile.readthedocs.io/en/latest/",
        "openapi_url": "https://triage.example.org/openapi.json",
    }


@pytest.mark.parametrize("path", ["/", *LISTS])
async def test_an_answer_is_for_any_origin_and_no_cache_keeps_it_long(path: str) -> None:
    answer = await got(an_app(), path)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/", *LISTS, "/services/x"])
async def test_a_map_that_is_not_public_is_503_everywhere(path: str) -> None:
    answer = await got(an_app(is_public=False), path)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:pir:problem:not-published"
    assert "Nottingham" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_invented_map_says_so_in_each_service() -> None:
    assert {each["pir"]["is_invented"] for each in (await in_full()).values()} == {True}


async def test_an_authority_without_a_map_publishes_no_service() -> None:
    found = await page(an_app(ServiceMap(authority="E08000025", title="None yet"), policy="birmingham"))
    assert (found["total_items"], found["total_pages"], found["empty"]) == (0, 0, True)


def test_every_level_and_audience_has_one_term() -> None:
    codes = [[str(term.code) for term in taxonomy.terms] for taxonomy in TAXONOMIES]
    assert codes == [[*Level], [each for each in ForWhom if each is not ForWhom.PRACTITIONERS]]


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        (area_uri(BULWELL), BULWELL),
        (f"https://statistics.data.gov.uk/doc/statistical-geography/{BULWELL}", BULWELL),
        (f"http://example.org/{BULWELL}", None),
        (f"javascript:alert(1)//{area_uri(BULWELL)}", None),
        ("", None),
    ],
)
def test_an_area_is_known_by_its_name_on_the_web(uri: str, code: str | None) -> None:
    assert area_code(uri) == code
