"""The policies that are shipped, and what a wrong one is told."""

import csv
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared.events import Route
from shared.policy import InvalidPolicyError, Policy, load, load_all, read
from tests.builders import BULWELL, OLD_ARBORETUM, POLICIES, SHERWOOD, a_policy, policies

YEAR_ONE = {BULWELL, "E05012270", "E05012281", "E05012287"}
SHIPPED = ("nottingham", "nottingham-citywide", "birmingham")
TEXT = (POLICIES / "nottingham.toml").read_text(encoding="utf-8")

Change = Callable[[dict[str, Any]], object]


def open_wards(policy: Policy) -> set[str]:
    return {ward.code for ward in policy.wards if policy.is_open(ward.code, date(2026, 6, 15))}


def test_three_policies_are_shipped_each_under_the_name_of_its_file() -> None:
    assert set(policies()) == set(SHIPPED)
    assert all(load(POLICIES / f"{name}.toml").id == name for name in SHIPPED)


def test_in_year_one_four_of_nottinghams_twenty_wards_are_open() -> None:
    assert open_wards(a_policy()) == YEAR_ONE
    assert len(a_policy().wards) == 20


def test_the_year_one_wards_open_on_the_first_of_september_2022() -> None:
    assert not a_policy().is_open(BULWELL, date(2022, 8, 31))
    assert a_policy().is_open(BULWELL, date(2022, 9, 1))


def test_citywide_opens_all_twenty_and_birmingham_all_sixty_nine() -> None:
    assert len(open_wards(a_policy("nottingham-citywide"))) == 20
    assert len(open_wards(a_policy("birmingham"))) == 69


@pytest.mark.parametrize("name", SHIPPED)
def test_every_ward_is_current_and_in_the_reference_list(name: str) -> None:
    policy = a_policy(name)
    rows = csv.DictReader((POLICIES.parent / "reference" / "wards.csv").read_text(encoding="utf-8").splitlines())
    current = {row["ward_code"] for row in rows if row["lad_code"] == policy.authority and not row["valid_to"]}
    assert {ward.code for ward in policy.wards} == current


def test_an_abolished_ward_is_never_open() -> None:
    assert not a_policy("nottingham-citywide").is_open(OLD_ARBORETUM, date(2026, 6, 15))
    assert not a_policy().is_open(SHERWOOD, date(2026, 6, 15))


def test_birminghams_need_shares_are_the_whole() -> None:
    shares = a_policy("birmingham").need_shares
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["specialist_short"] + shares["specialist_long"] == pytest.approx(0.09)
    assert shares["outreach_insecure"] + shares["outreach_disorganised"] == pytest.approx(0.33)


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_policy_claims_a_clinical_sign_off(name: str) -> None:
    assert a_policy(name).signed_off_by == ""


@pytest.mark.parametrize("name", SHIPPED)
def test_the_first_number_to_ring_is_999_and_the_others_are_invented(name: str) -> None:
    first, *others = a_policy(name).ring
    assert first.phone == "999"
    assert others
    assert all(" 496 0" in ring.phone for ring in others)
    assert "REPLACE BEFORE LIVE USE" in (POLICIES / f"{name}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_has_its_source_beside_it(name: str) -> None:
    lines = (POLICIES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    start, end = lines.index(next(line for line in lines if line.startswith("[age]"))), lines.index("[need]")
    assert all("#" in line for line in lines[start + 1 : end] if "=" in line)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_cut_offs_are_those_of_the_rules(name: str) -> None:
    policy = a_policy(name)
    age, priority, need = policy.age, policy.priority, policy.need
    assert (age.overdue_days, age.late_birth_days, age.grace_days, age.early_birth_days) == (14, 21, 28, 126)
    assert (age.due_ahead_days, age.pregnancy_days, age.support_ends_months) == (280, 280, 24)
    assert (priority.late_pregnancy_days, priority.due_soon_days, priority.young_carer_years) == (196, 42, 16)
    assert (priority.young_baby_months, priority.time_short_months) == (6, 22)
    assert (need.long_term_domains, need.short_term_domains, need.targeted_risk_factors) == (3, 2, 2)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_route_that_turns_a_family_elsewhere_says_where(name: str) -> None:
    assert {Route.SIGNPOST_AGE, Route.SIGNPOST_AREA, Route.ADVICE_TO_REFERRER} <= set(a_policy(name).signposts)


def the_mistake(change: Change) -> str:
    """What a policy changed like this is told."""
    members = tomllib.loads(TEXT)
    change(members)
    with pytest.raises(InvalidPolicyError) as caught:
        read(members, name="a.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (lambda it: it.pop("authority"), "authority", "Field required"),
        (lambda it: it["age"].pop("grace_days"), "age.grace_days", "Field required"),
        (lambda it: it["age"].update(grace=1), "age.grace", "Extra inputs are not permitted"),
        (lambda it: it.update(colour="red"), "colour", "Extra inputs are not permitted"),
        (lambda it: it["age"].update(grace_days=-1), "age.grace_days", "greater than or equal to 0"),
        (lambda it: it["age"].update(grace_days="soon"), "age.grace_days", "valid integer"),
        (lambda it: it["need"].update(long_term_domains=0), "need.long_term_domains", "greater than or equal to 1"),
        (lambda it: it.update(version=0), "version", "greater than or equal to 1"),
        (lambda it: it.update(id="Not an id"), "id", "match pattern"),
        (lambda it: it["wards"].append(dict(it["wards"][0])), "the whole", "a ward is listed twice: E05012270"),
        (lambda it: it["wards"][0].update(code="Aspley"), "wards.0.code", "match pattern"),
        (lambda it: it["wards"][0].update(opens_on="soon"), "wards.0.opens_on", "valid date"),
        (lambda it: [ward.pop("opens_on", None) for ward in it["wards"]], "the whole", "no ward ever opens"),
        (lambda it: it.update(ring=[]), "the whole", "numbers to ring are needed"),
        (lambda it: it["words"].update(safety=[]), "the whole", "the safety words are empty"),
        (lambda it: it["words"].update(safety=[" "]), "the whole", "the safety words are empty"),
        (lambda it: it["words"].update(safety=["!"]), "the whole", "the safety words are empty"),
        (lambda it: it["working_time"].update(unopened_second_minutes=15), "the whole", "must come after the first"),
        (lambda it: it["working_time"].update(closes="09:00:00"), "the whole", "closes at it or after"),
        (lambda it: it["capacity"].append(dict(it["capacity"][0])), "the whole", "listed twice: pir_short"),
        (lambda it: it["capacity"][0].update(route="somewhere"), "capacity.0.route", "Input should be"),
        (lambda it: it["signposts"].update(nowhere="there"), "signposts.nowhere", "Input should be"),
        (lambda it: it.update(need_shares={"universal": 0.9, "targeted": 0.2}), "the whole", "more than the whole"),
        (lambda it: it.update(need_shares={"universal": 50}), "need_shares.universal", "less than or equal to 1"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(change: Change, place: str, words: str) -> None:
    told = the_mistake(change)
    assert f"  {place}" in told
    assert words in told


def test_every_mistake_is_told_at_once() -> None:
    told = the_mistake(lambda it: (it.pop("title"), it["age"].pop("grace_days"), it.update(version=0)))
    assert told.count("\n") == 3


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("id = ", encoding="utf-8")
    with pytest.raises(InvalidPolicyError, match=r"broken\.toml"):
        load(path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidPolicyError, match=r"bytes\.toml"):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicyError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


def test_an_id_belongs_to_one_file(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    with pytest.raises(InvalidPolicyError, match="used by another file"):
        load_all(tmp_path)


def test_a_folder_without_policies_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicyError, match="holds no policy file"):
        load_all(tmp_path)
