"""The service map: who is named, what is missing, what a wrong file is told; and the map that is shipped."""

import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.service_map.__main__ import USAGE, main
from deploy.service_map.checking import check
from shared.events import Route
from shared.service_map import (
    SIGNPOSTS,
    GapKind,
    InvalidServiceMapError,
    Level,
    ServiceMap,
    gaps,
    load,
    load_all,
    of_authority,
    read,
)
from tests.builders import BULWELL, NOTTINGHAM, OLD_ARBORETUM, POLICIES, SHERWOOD, TODAY, a_policy, policies

MAPS = POLICIES.parent / "service_maps"
TEXT = (MAPS / "nottingham.toml").read_text(encoding="utf-8")
SHIPPED = load(MAPS / "nottingham.toml")

Change = Callable[[dict[str, Any]], object]


def members(id_: str = "hub", **changes: Any) -> dict[str, Any]:
    """One service as a file says it: for all families of the authority, antenatal to 24 months, good for a year."""
    return {
        "id": id_,
        "name": id_.title(),
        "level": "universal",
        "offers": "a warm place",
        "from_months": -9,
        "to_months": 24,
        "sees_under_twos": True,
        "contact": {"phone": "0115 496 0199", "how_to_refer": "Walk in"},
        "expires_on": TODAY + timedelta(days=365),
    } | changes


def a_map(*services: dict[str, Any]) -> ServiceMap:
    return read({"authority": NOTTINGHAM, "title": "A map", "services": services}, name="a.toml")


def named(service_map: ServiceMap, *, ward: str | None = None, on: date = TODAY) -> list[str]:
    return [service.id for service in service_map.signposts(Route.PHASE_HOLD, ward=ward, on=on)]


def on_hold(id_: str, **changes: Any) -> dict[str, Any]:
    return members(id_, routes=["phase_hold"], **changes)


def found(service_map: ServiceMap, kind: GapKind, *, policy: str = "nottingham", on: date = TODAY) -> list[Any]:
    return [gap for gap in gaps(service_map, policy=a_policy(policy), on=on) if gap.kind is kind]


EVERY_LEVEL = tuple(members(level.value, level=level.value) for level in Level)


def test_only_services_of_the_route_are_named() -> None:
    assert named(a_map(on_hold("one"), members("other"))) == ["one"]


def test_those_of_the_ward_come_first_then_those_of_everybody() -> None:
    service_map = a_map(on_hold("all"), on_hold("there", wards=[SHERWOOD]), on_hold("here", wards=[BULWELL]))
    assert named(service_map, ward=BULWELL) == ["here", "all"]


def test_when_the_ward_is_not_known_only_those_of_everybody_are_named() -> None:
    assert named(a_map(on_hold("here", wards=[BULWELL]), on_hold("all"))) == ["all"]


def test_an_entry_is_good_until_the_end_of_its_last_day() -> None:
    service_map = a_map(on_hold("hub", expires_on=TODAY))
    assert named(service_map, on=TODAY) == ["hub"]
    assert named(service_map, on=TODAY + timedelta(days=1)) == []


@given(
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    st.sampled_from(SIGNPOSTS),
    st.sampled_from([None, *a_policy().ward_by_code]),
)
def test_an_entry_that_ran_out_is_never_named(on: date, route: Route, ward: str | None) -> None:
    assert all(on <= service.expires_on for service in SHIPPED.signposts(route, ward=ward, on=on))


@given(st.sampled_from(SIGNPOSTS), st.sampled_from([*a_policy().ward_by_code]))
def test_to_know_the_ward_never_takes_a_service_away(route: Route, ward: str) -> None:
    anywhere = SHIPPED.signposts(route, ward=None, on=TODAY)
    assert {service.id for service in anywhere} <= {each.id for each in SHIPPED.signposts(route, ward=ward, on=TODAY)}


def test_with_every_level_age_and_ward_served_no_service_is_missing() -> None:
    assert found(a_map(*EVERY_LEVEL), GapKind.NO_SERVICE) == []


def test_a_level_that_nobody_offers_is_missing_everywhere() -> None:
    (gap,) = found(a_map(*EVERY_LEVEL[1:]), GapKind.NO_SERVICE)
    assert (gap.level, gap.ages, gap.wards) == (Level.UNIVERSAL, (-9, 24), ())


def test_ages_are_missing_month_by_month() -> None:
    first = members("first", from_months=-9, to_months=3)
    second = members("second", from_months=6, to_months=18)
    missing = found(a_map(first, second, *EVERY_LEVEL[1:]), GapKind.NO_SERVICE)
    assert [gap.ages for gap in missing] == [(3, 6), (18, 24)]


def test_wards_are_missing_where_nobody_comes() -> None:
    everywhere_else = [ward for ward in a_policy().ward_by_code if ward not in (BULWELL, SHERWOOD)]
    (gap,) = found(a_map(members(wards=everywhere_else), *EVERY_LEVEL[1:]), GapKind.NO_SERVICE)
    assert gap.wards == (BULWELL, SHERWOOD)


def test_ages_after_support_has_ended_are_no_gap_of_ours() -> None:
    assert all(gap.ages[1] <= 24 for gap in found(a_map(), GapKind.NO_SERVICE))


def test_a_service_without_under_twos_fills_no_gap_after_birth_and_is_one_itself() -> None:
    on_paper = members("camhs", sees_under_twos=False, to_months=216)
    service_map = a_map(on_paper, *EVERY_LEVEL[1:])
    assert [gap.ages for gap in found(service_map, GapKind.NO_SERVICE)] == [(0, 24)]
    assert [gap.service.id for gap in found(service_map, GapKind.NO_UNDER_TWOS)] == ["camhs"]


@pytest.mark.parametrize("for_whom", ["parents", "practitioners"])
def test_services_for_others_fill_no_gap_and_are_none(for_whom: str) -> None:
    service_map = a_map(members(for_whom=for_whom, sees_under_twos=False), *EVERY_LEVEL[1:])
    assert len(found(service_map, GapKind.NO_SERVICE)) == 1
    assert found(service_map, GapKind.NO_UNDER_TWOS) == []


def test_a_service_for_older_children_need_not_see_under_twos() -> None:
    service_map = a_map(members(from_months=24, to_months=60, sees_under_twos=False))
    assert found(service_map, GapKind.NO_UNDER_TWOS) == []


def test_an_entry_that_ran_out_fills_no_gap() -> None:
    service_map = a_map(members(expires_on=TODAY - timedelta(days=1)), *EVERY_LEVEL[1:])
    assert len(found(service_map, GapKind.NO_SERVICE)) == 1
    assert [gap.service.id for gap in found(service_map, GapKind.EXPIRED)] == ["hub"]
    assert found(service_map, GapKind.EXPIRES_SOON) == []


@pytest.mark.parametrize(("days", "is_soon"), [(0, True), (30, True), (31, False)])
def test_thirty_days_before_it_runs_out_an_entry_is_pointed_out(days: int, is_soon: bool) -> None:
    service_map = a_map(members(expires_on=TODAY + timedelta(days=days)))
    assert bool(found(service_map, GapKind.EXPIRES_SOON)) is is_soon


def test_families_who_wait_lack_somebody_to_turn_to_in_wards_that_are_not_open_yet() -> None:
    service_map = a_map(on_hold("hub", wards=[SHERWOOD]))
    (gap,) = [gap for gap in found(service_map, GapKind.NO_SIGNPOST) if gap.route is Route.PHASE_HOLD]
    assert len(gap.wards) == 15
    assert SHERWOOD not in gap.wards
    assert BULWELL not in gap.wards


def test_where_every_ward_is_open_nobody_waits() -> None:
    missing = found(a_map(), GapKind.NO_SIGNPOST, policy="nottingham-citywide")
    assert [gap.route for gap in missing] == [Route.SIGNPOST_AGE, Route.SIGNPOST_AREA, Route.ADVICE_TO_REFERRER]


@pytest.mark.parametrize("name", policies())
def test_every_policy_has_a_map_though_it_may_be_empty(name: str) -> None:
    service_map = of_authority(a_policy(name).authority, folder=MAPS)
    assert service_map.authority == a_policy(name).authority
    assert bool(service_map.services) is name.startswith("nottingham")


def the_mistake(change: Change) -> str:
    """What a map changed like this is told."""
    changed = tomllib.loads(TEXT)
    change(changed)
    with pytest.raises(InvalidServiceMapError) as caught:
        read(changed, name="a.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it: it.pop("authority"), "authority: field required"),
        (lambda it: it.update(colour="red"), "colour: extra inputs are not permitted"),
        (lambda it: it["services"][0].pop("level"), 'service "health-visiting", level: field required'),
        (lambda it: it["services"][0].update(level="high"), "level: input should be 'universal'"),
        (lambda it: it["services"][0].update(id="Health visiting"), "id: string should match pattern"),
        (lambda it: it["services"][0].pop("id"), "service number 1, id: field required"),
        (lambda it: it["services"][0].update(from_months=-10), "from_months: input should be greater"),
        (lambda it: it["services"][0].update(to_months=-9), "to_months has to be more than from_months"),
        (lambda it: it["services"][0].update(wards=["Bulwell"]), "wards.0: string should match pattern"),
        (lambda it: it["services"][0].update(wards=[BULWELL, BULWELL]), f"is listed twice: {BULWELL}"),
        (lambda it: it["services"][0].update(routes=["nowhere"]), "routes.0: input should be"),
        (lambda it: it["services"][0].update(sees_under_twos=False), "has no children under two"),
        (lambda it: it["services"][0].update(for_whom="elsewhere"), "signpost_area and for_whom"),
        (lambda it: it["services"][0].update(offers="one\nline"), "offers: has to be one line of words"),
        (lambda it: it["services"][0].update(name=" "), "name: has to be one line of words"),
        (lambda it: it["services"][0].update(capacity=-1), "capacity: input should be greater"),
        (lambda it: it["services"][0].update(expires_on=""), "expires_on: is empty: ask the service"),
        (lambda it: it["services"][0].update(expires_on="soon"), "expires_on: input should be a valid date"),
        (lambda it: it["services"][0]["contact"].update(phone="ask Ada"), "contact.phone: has to be a telephone"),
        (lambda it: it["services"][0]["contact"].update(web="javascript:1"), "contact.web: has to be an address"),
        (lambda it: it["services"].append(it["services"][0]), "a service id is used twice: health-visiting"),
        (lambda it: it["services"].append("hub"), "service number 17: input should be a valid dictionary"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_that_names_its_service(change: Change, told: str) -> None:
    assert told in the_mistake(change)


def test_every_mistake_is_told_at_once() -> None:
    told = the_mistake(lambda it: (it.pop("title"), *(service.pop("level") for service in it["services"][:2])))
    assert told.count("\n") == 3


def test_a_full_stop_at_the_end_is_added_once() -> None:
    service = a_map(members(offers="a warm place.")).services[0]
    assert service.offers == "a warm place"


@pytest.mark.parametrize("content", [b"authority = ", b"\xff\xfe"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidServiceMapError, match=r"broken\.toml"):
        load(path)


def test_an_authority_has_one_file(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    with pytest.raises(InvalidServiceMapError, match="has another file already"):
        load_all(tmp_path)


def told_by_check(capsys: pytest.CaptureFixture[str], path: Path, *, on: date = TODAY) -> tuple[bool, str]:
    is_usable = check(path, on=on)
    return is_usable, capsys.readouterr().out


def a_file(folder: Path, *changes: tuple[str, str]) -> Path:
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    path = folder / "map.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_check_passes_the_map_that_is_shipped_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert told_by_check(capsys, MAPS / "nottingham.toml") == (True, f"{MAPS / 'nottingham.toml'} can be used\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"E05012275", "E05012276"', f'"{OLD_ARBORETUM}"'), f"Nottingham has no such ward: {OLD_ARBORETUM}"),
        (("E06000018", "E06000099"), "authority: no policy is for E06000099"),
        (("to_months = 228", "to_months = 24"), "signpost_age is for children over 24 months"),
        (('phone = "0115 496 0110"', 'phone = "?"'), "has to be a telephone number"),
    ],
)
def test_the_check_fails_on_a_mistake(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    is_usable, said = told_by_check(capsys, a_file(tmp_path, change))
    assert not is_usable
    assert told in said


def test_the_check_warns_of_what_runs_out_and_passes(capsys: pytest.CaptureFixture[str]) -> None:
    first = min(service.expires_on for service in SHIPPED.services)
    soon = told_by_check(capsys, MAPS / "nottingham.toml", on=first - timedelta(days=30))
    late = told_by_check(capsys, MAPS / "nottingham.toml", on=first + timedelta(days=1))
    assert soon[0]
    assert late[0]
    assert f'warning: service "dads-and-babies" has to be confirmed by {first}' in soon[1]
    assert f'warning: service "dads-and-babies" ran out on {first}' in late[1]


def test_the_check_warns_when_nobody_is_named_on_a_route(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    without = ('routes = ["consultation", "training", "advice_to_referrer"]', "routes = []")
    is_usable, said = told_by_check(capsys, a_file(tmp_path, without))
    assert is_usable
    assert "warning: nobody is named on advice_to_referrer" in said


def test_the_command_ends_with_1_when_any_file_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = str(a_file(tmp_path, ("E06000018", "E06000099")))
    assert main(["check", str(MAPS / "nottingham.toml")]) == 0
    assert main(["check", wrong, str(MAPS / "nottingham.toml")]) == 1
    assert "can be used" in capsys.readouterr().out
    assert main([]) == USAGE


def test_the_shipped_map_is_marked_as_invented_in_three_ways() -> None:
    assert SHIPPED.is_invented
    assert "EVERY ENTRY IS INVENTED" in TEXT.splitlines()[0]
    assert all(service.contact.phone.startswith("0115 496 0") for service in SHIPPED.services)
    assert all(not web or web.endswith(".example.org/") for web in (each.contact.web for each in SHIPPED.services))


def test_the_shipped_map_has_every_level_and_the_gaps_of_the_papers() -> None:
    assert {service.level for service in SHIPPED.services} == set(Level)
    assert {gap.service.id for gap in found(SHIPPED, GapKind.NO_UNDER_TWOS)} == {"camhs-targeted", "camhs-specialist"}
    (second_year,) = found(SHIPPED, GapKind.NO_SERVICE)
    assert (second_year.level, second_year.ages, len(second_year.wards)) == (Level.SPECIALIST, (12, 24), 16)


@pytest.mark.parametrize("route", SIGNPOSTS)
def test_the_shipped_map_names_somebody_on_every_signpost(route: Route) -> None:
    assert SHIPPED.signposts(route, ward=None, on=TODAY)


def test_the_numbers_of_the_shipped_map_are_those_of_the_policy() -> None:
    rings = {ring.who: ring.phone for ring in a_policy().ring}
    phones = {service.name: service.contact.phone for service in SHIPPED.services}
    assert phones["Nottingham children's social care"] == rings["Nottingham children's social care"]
    assert len(set(phones.values())) == len(phones)
