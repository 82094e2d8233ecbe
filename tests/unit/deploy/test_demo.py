"""The demo's families and what the team has done with them: invented, plausible, the same every time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from deploy.demo.families import special_cases
from deploy.demo.families.inventing import invented
from deploy.demo.families.morning import AGAIN, CASES, GONE_LATE, morning
from deploy.demo.families.sent import Sent, What
from deploy.demo.mark import MORNING, Mark
from deploy.demo.ways import DECLINES, LEAD, Item, way_of
from deploy.local import demo as local
from deploy.local.console import LocalError
from deploy.setup import DEMO_AGENCIES
from services.referral.agencies import Agency
from services.referral.document.model import Home
from services.referral.document.read import read_enquiry, read_referral
from services.referral.identity import Identities
from services.referral.postcodes.lookup import PostcodeFiles, place_of
from services.referral.submitting.prepare import Prepared, Preparing
from services.triage.rules import decide
from shared.events import Decision, Mode, PlaceQuality, Route, Tier, Urgency
from tests.builders import a_key, a_policy

NOW = datetime(2026, 6, 17, 13, 0, tzinfo=UTC)


@cache
def sent() -> list[Sent]:
    return invented(300, now=NOW, policy=a_policy())


def referrals() -> list[Sent]:
    return [each for each in sent() if each.what is What.REFERRAL]


@cache
def prepared() -> list[tuple[Sent, Prepared]]:
    """As the intake reads them; raises Invalid for one that it would refuse."""
    return [(each, prepared_of(each)) for each in referrals()]


@cache
def intake() -> Preparing:
    return Preparing(a_policy(), PostcodeFiles(), Identities(master=a_key("master"), index=a_key("index")))


def prepared_of(sent: Sent) -> Prepared:
    agencies = {slug: Agency(UUID(int=1), slug, slug, "", source) for slug, (_, source) in DEMO_AGENCIES.items()}
    return intake().referral(sent.body, agency=agencies[sent.agency], now=sent.at, received_at=sent.at)


@cache
def decisions() -> list[Decision]:
    return [decide(read.facts, received_at=each.at, policy=a_policy()) for each, read in prepared()]


def values(node: Any, name: str) -> Iterator[Any]:
    """Every value of that name, however deep."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == name)
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from values(each, name)


ROUTES: dict[str, set[Route]] = {
    "MORNING-01": {Route.EMERGENCY_CALL, Route.MASH},
    "MORNING-02": {Route.BEREAVEMENT_REVIEW},
    "MORNING-06": {Route.REVIEW_BIRTH_OUTCOME},
    "MORNING-07": {Route.REVIEW_LOCATION},
    "MORNING-10-2": {Route.SIGNPOST_AGE},
    "MORNING-12": {Route.MASH},
}


def test_a_morning_has_twelve_cases_and_each_is_what_it_says() -> None:
    sent = morning(now=NOW, policy=a_policy())
    assert len(CASES) == 12
    assert {each.name.removesuffix(AGAIN) for each in sent} == set(CASES)
    by_name = {each.name: each for each in sent if each.what is What.REFERRAL}
    for name, routes in ROUTES.items():
        each = by_name[name]
        assert set(decide(prepared_of(each).facts, received_at=each.at, policy=a_policy()).routes) == routes, name
    body = {name: each.body for name, each in by_name.items()}
    assert NOW - by_name[GONE_LATE].at > timedelta(days=7)
    assert body["MORNING-03"]["safety"] == ["domestic_abuse"]
    assert "reads the phone" in body["MORNING-03"]["notes"]
    assert len({baby["nhs_number"] for baby in body["MORNING-04"]["babies"]}) == 2
    assert by_name["MORNING-05"].agency != by_name["MORNING-05-2"].agency
    assert body["MORNING-05"]["babies"] == body["MORNING-05-2"]["babies"]
    assert [each["relationship"] for each in body["MORNING-08"]["caregivers"]] == ["father"]
    assert body["MORNING-09"]["caregivers"][0]["interpreter_needed"]
    assert body["MORNING-11"]["caregivers"][0]["date_of_birth"] > (NOW - timedelta(days=16 * 365)).date().isoformat()
    assert [each.name for each in sent if each.what is What.WITHDRAWAL] == ["MORNING-12"]


def an_item(route: Route, *, age: timedelta, urgency: Urgency = Urgency.ROUTINE, state: str = "open") -> Item:
    return Item(UUID(int=1), "PIR-4K7-29M", route, state, urgency, NOW - age)


def ways_of(item: Item) -> list[Any]:
    return [way_of(item, now=NOW, policy=a_policy(), chance=Random(seed)) for seed in range(200)]


def test_the_same_seed_gives_the_same_families() -> None:
    assert invented(300, now=NOW, policy=a_policy()) == sent()


def test_another_seed_gives_other_families() -> None:
    assert invented(300, now=NOW, policy=a_policy(), seed=1) != sent()


def test_there_are_as_many_referrals_as_asked_for_and_a_few_enquiries() -> None:
    assert Counter(each.what for each in sent())[What.REFERRAL] == 300
    assert Counter(each.what for each in sent())[What.ENQUIRY] == 8


@pytest.mark.parametrize("count", [1, 7, 20, 700])
def test_any_number_of_families_can_be_asked_for(count: int) -> None:
    few = invented(count, now=NOW, policy=a_policy())
    assert count - 5 <= Counter(each.what for each in few)[What.REFERRAL] <= count


def test_what_is_sent_lies_in_the_last_two_months_in_the_order_of_time() -> None:
    times = [each.at for each in sent()]
    assert times == sorted(times)
    assert NOW - timedelta(days=64) < times[0] < NOW - timedelta(days=45)
    assert NOW - timedelta(minutes=10) < times[-1] < NOW


def test_the_intake_takes_every_referral_and_enquiry() -> None:
    assert len(prepared()) == 300
    assert all(read_enquiry(each.body, now=each.at) for each in sent() if each.what is What.ENQUIRY)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_chance_gives_the_intake_takes_it(seed: int) -> None:
    """At the turn of the clocks, of the year, in a leap year: ages and times count from the day of the demo."""
    now = datetime(2027, 10, 31, 1, 30, tzinfo=UTC) + timedelta(days=41 * seed)
    for each in invented(60 + 20 * seed, now=now, policy=a_policy(), seed=seed):
        if each.what is What.REFERRAL:
            read_referral(each.body, now=each.at)


def test_every_referral_has_a_reference_of_its_own_that_says_demo() -> None:
    names = [each.body["external_reference"] for each in referrals()]
    assert len(set(names)) == 300
    assert all(name.startswith("DEMO-") for name in names)


def test_nobody_can_be_reached_or_recognised() -> None:
    everything = json.loads(json.dumps([each.body for each in sent()]))
    assert all(address.endswith("@example.org") for address in values(everything, "email"))
    assert all(number.startswith(("07700 900", "0115 496 0")) for number in values(everything, "phone"))
    assert all(number.startswith("999") for number in values(everything, "nhs_number"))


def test_no_note_has_a_name_left_out() -> None:
    assert not [each.body["notes"] for each in referrals() if "{" in each.body["notes"]]


def test_safety_words_are_only_where_they_are_meant() -> None:
    """`strang`, for strangulation, finds the stranger that a mother sees in her baby as well."""
    meant = re.compile("shake|stranger")
    assert {read.facts.safety_words for each, read in prepared() if meant.search(each.body["notes"])} == {True}
    assert {read.facts.safety_words for each, read in prepared() if not meant.search(each.body["notes"])} == {False}


def test_all_five_agencies_refer() -> None:
    assert {each.agency for each in referrals()} == set(DEMO_AGENCIES)


def test_most_families_live_in_the_wards_that_are_open() -> None:
    wards = Counter(a_policy().is_open(read.facts.place.ward or "", each.at.date()) for each, read in prepared())
    assert wards[True] > 200
    assert wards[False] > 30


def test_every_tier_is_there_and_emergencies_are_few() -> None:
    tiers = Counter(decision.tier for decision in decisions())
    assert set(tiers) == {*Tier, None}
    assert tiers[Tier.TARGETED] + tiers[Tier.SPECIALIST_SHORT] + tiers[Tier.SPECIALIST_LONG] > 150
    assert 1 <= sum(decision.urgency in (Urgency.NOW, Urgency.FOUR_HOURS) for decision in decisions()) < 10


def test_most_are_routed_by_the_rules_alone_and_some_are_proposed_declines() -> None:
    modes = Counter(decision.mode for decision in decisions())
    assert modes[Mode.AUTO_ROUTE] > 150
    assert modes[Mode.PROPOSE_DECLINE] >= 8


def test_nearly_every_route_has_work() -> None:
    reached = {route for decision in decisions() for route in decision.routes}
    by_links_or_talks = {Route.REVIEW_DUPLICATE, Route.TRAINING, Route.ADULT_MH, Route.MASH_HOME_LA}
    assert reached >= set(Route) - by_links_or_talks


def test_both_contact_holds_are_there() -> None:
    assert {hold for decision in decisions() for hold in decision.holds} == {"C1", "C2"}


@pytest.mark.parametrize("route", Route)
def test_nobody_has_touched_what_came_within_the_hour(route: Route) -> None:
    assert not any(ways_of(an_item(route, age=timedelta(minutes=50))))


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("days", [10, 40])
def test_every_kind_of_work_can_have_gone_several_ways(route: Route, days: float) -> None:
    assert len({str(way) for way in ways_of(an_item(route, age=timedelta(days=days)))}) > 1


@pytest.mark.parametrize("route", DECLINES)
def test_only_the_lead_confirms_a_decline(route: Route) -> None:
    moves = [move for way in ways_of(an_item(route, age=timedelta(days=10))) for move in way]
    assert {move.who for move in moves if move.step == "decline"} == {LEAD}


def test_a_family_on_the_waiting_list_is_offered_what_the_policy_has() -> None:
    moves = [
        move
        for way in ways_of(an_item(Route.PIR_LONG, age=timedelta(days=3), state="waiting_list"))
        for move in way
        if move.step == "offer-interim"
    ]
    assert {move.body["offer"] for move in moves} == {"a small group with the parent-infant team"}


def test_a_demo_that_was_begun_can_go_on_and_is_done_once(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    assert Mark(file).begun() is None
    Mark(file).begin(NOW, 300)
    assert Mark(file).begun() == (NOW, 300)
    assert not Mark(file).is_done
    Mark(file).done()
    assert Mark(file).is_done


def test_a_mark_that_was_cut_short_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "demo.json"
    file.write_text('{"now": "2026')
    assert Mark(file).begun() is None
    assert not Mark(file).is_done


def test_how_many_families_is_asked_by_a_variable() -> None:
    assert local.families({}) == 300
    assert local.families({"PIR_DEMO": ""}) == 300
    assert local.families({"PIR_DEMO": "40"}) == 40
    assert local.families({"PIR_DEMO": "morning"}) == MORNING
    with pytest.raises(LocalError, match="PIR_DEMO=lots"):
        local.families({"PIR_DEMO": "lots"})


def test_without_a_number_of_families_or_once_done_no_demo_is_wanted(tmp_path: Path) -> None:
    assert not local.Demo(tmp_path, 0).is_wanted
    assert local.Demo(tmp_path, 300).is_wanted
    assert local.Demo(tmp_path, MORNING).is_wanted
    (tmp_path / "local").mkdir()
    Mark(local.Demo(tmp_path, 300).mark).done()
    assert not local.Demo(tmp_path, 300).is_wanted


def test_postcodes_of_other_authorities_are_where_the_files_have_them() -> None:
    files = PostcodeFiles()
    for postcode, authority in special_cases.ELSEWHERE.items():
        assert files.find(Home(postcode=postcode)).place == place_of(None, authority, PlaceQuality.KNOWN)
    assert files.find(Home(postcode=special_cases.IN_NO_FILE)).place.quality is PlaceQuality.UNKNOWN
