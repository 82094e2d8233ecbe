"""Whether two referrals are of one baby or family: examples, and what holds for any two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.document.model import ReferralDocument
from services.referral.families import links
from services.referral.families.links import Known
from services.referral.families.matching import Relation, link_of, match
from services.referral.families.profile import Profile, Profiles
from shared.crypto import BlindIndex
from shared.events import Link
from tests.builders import a_policy

AT = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
BORN = "2026-06-13"
PROFILES = Profiles(BlindIndex(b"i" * 32), are_test_numbers_real=True)
MOTHER = {"relationship": "mother", "given_name": "Sana", "family_name": "Okafor", "date_of_birth": "1996-02-11"}
ROBIN = {"given_name": "Robin", "family_name": "Okafor", "date_of_birth": BORN, "nhs_number": "9990000018"}


def a_profile(*babies: dict[str, Any], carers: Any = (MOTHER,), postcode: str | None = "NG6 8GB") -> Profile:
    home = {"postcode": postcode} if postcode else None
    document = ReferralDocument.model_validate({"babies": babies, "caregivers": carers, "home": home})
    return PROFILES.family_of(document).profile


def matched(one: Profile, other: Profile) -> Relation | None:
    found = match(one, other, a_policy().age)
    assert match(other, one, a_policy().age) is found
    return found


SAME: dict[str, tuple[Profile, Profile]] = {
    "the number and the day": (a_profile(ROBIN), a_profile({**ROBIN, "family_name": "Else"}, carers=())),
    "the number and the family name": (
        a_profile(ROBIN),
        a_profile({**ROBIN, "date_of_birth": "2026-01-01"}, carers=()),
    ),
    "name, day and home": (a_profile(ROBIN), a_profile({**ROBIN, "nhs_number": None}, carers=())),
    "born, unnamed before": (
        a_profile({"given_name": "Baby of Sana", "family_name": "Okafor", "due_on": "2026-06-18"}),
        a_profile(ROBIN),
    ),
    "one mother, another spelling": (a_profile(ROBIN), a_profile({**ROBIN, "given_name": "Robyn", "nhs_number": None})),
    "one of twins": (a_profile(ROBIN, {**ROBIN, "given_name": "Max", "nhs_number": None}), a_profile(ROBIN)),
}
FAMILY: dict[str, tuple[Profile, Profile]] = {
    "two valid numbers": (a_profile(ROBIN), a_profile({**ROBIN, "nhs_number": "9990000026"})),
    "another day": (a_profile(ROBIN), a_profile({"given_name": "Ivy", "date_of_birth": "2024-06-13"})),
    "unnamed, of another day": (a_profile(ROBIN), a_profile({"given_name": "Baby", "date_of_birth": "2025-06-13"})),
}
FOSTER = {**MOTHER, "relationship": "foster"}
STRANGERS: dict[str, tuple[Profile, Profile]] = {
    "an invalid number": (
        a_profile({**ROBIN, "nhs_number": "1234567890"}, carers=()),
        a_profile({"given_name": "Lena", "family_name": "Okafor", "nhs_number": "1234567890"}, carers=()),
    ),
    "a number mistyped into another's": (
        a_profile(ROBIN, carers=()),
        a_profile(
            {"given_name": "Lena", "family_name": "Nowak", "date_of_birth": "2025-01-01", "nhs_number": "9990000018"},
            carers=(),
        ),
    ),
    "stand-ins": (
        a_profile({"given_name": "Baby", "family_name": "Unknown", "date_of_birth": BORN}, carers=()),
        a_profile({"given_name": "Baby", "family_name": "Unknown", "date_of_birth": BORN}, carers=()),
    ),
    "a filled-in day": (
        a_profile({"given_name": "Ali", "family_name": "Khan", "date_of_birth": "1900-01-01"}, carers=()),
        a_profile({"given_name": "Ali", "family_name": "Khan", "date_of_birth": "1900-01-01"}, carers=()),
    ),
    "one foster carer": (a_profile({"given_name": "A"}, carers=(FOSTER,)), a_profile(ROBIN, carers=(FOSTER,))),
    "name and day, another home": (
        a_profile({**ROBIN, "nhs_number": None}, carers=()),
        a_profile({**ROBIN, "nhs_number": None}, carers=(), postcode="NG8 5PH"),
    ),
    "no home": (
        a_profile({**ROBIN, "nhs_number": None}, carers=(), postcode=None),
        a_profile({**ROBIN, "nhs_number": None}, carers=(), postcode=None),
    ),
}


@pytest.mark.parametrize("why", SAME)
def test_one_baby(why: str) -> None:
    assert matched(*SAME[why]) is Relation.SAME_BABY


@pytest.mark.parametrize("why", FAMILY)
def test_one_family_of_two_babies(why: str) -> None:
    assert matched(*FAMILY[why]) is Relation.SAME_FAMILY


@pytest.mark.parametrize("why", STRANGERS)
def test_strangers(why: str) -> None:
    assert matched(*STRANGERS[why]) is None


PEOPLE = st.fixed_dictionaries(
    {
        "given_name": st.sampled_from([None, "Baby", "Robin", "Ivy", "Róbin"]),
        "family_name": st.sampled_from([None, "Okafor", "O’Brien", "Unknown"]),
        "date_of_birth": st.sampled_from([None, BORN, "2026-06-14", "1900-01-01"]),
        "nhs_number": st.sampled_from([None, "9990000018", "9990000026", "1234567890"]),
    }
)
PROFILE = st.builds(
    lambda babies, carers, postcode: a_profile(*babies, carers=[{**c, "relationship": "mother"} for c in carers],
                                               postcode=postcode),
    st.lists(PEOPLE, max_size=2),
    st.lists(PEOPLE.map(lambda each: {**each, "date_of_birth": "1996-02-11" if each["date_of_birth"] else None}),
             max_size=2),
    st.sampled_from([None, "NG6 8GB", "NG8 5PH"]),
)  # fmt: skip


@given(PROFILE, PROFILE)
def test_matching_is_the_same_from_either_side(one: Profile, other: Profile) -> None:
    matched(one, other)


@given(st.lists(PROFILE, min_size=2, max_size=5), st.randoms())
def test_links_do_not_depend_on_the_order_of_arrival(profiles: list[Profile], chance: Any) -> None:
    """Open ones: who came first changes nothing of who is linked to whom."""
    first = linked(list(enumerate(profiles)))
    shuffled = list(enumerate(profiles))
    chance.shuffle(shuffled)
    assert linked(shuffled) == first


def linked(arrivals: list[tuple[int, Profile]]) -> set[tuple[int, int, Link]]:
    known = [
        Known(UUID(int=number), "PIR-4K7-29M", UUID(int=number % 2), UUID(int=number), profile, AT + timedelta(hours=n))
        for n, (number, profile) in enumerate(arrivals)
    ]
    found = [links.pairs_of(one, [each for each in known if each is not one], {}, a_policy()) for one in known]
    return {(pair.own.id.int, pair.other.id.int, pair.link) for pairs in found for pair in pairs if pair.link}


def link(ended_at: datetime | None, *, is_own_agency: bool = False, of: Relation = Relation.SAME_BABY) -> Link | None:
    """Of a referral received at AT, to an earlier one."""
    return link_of(
        of,
        is_own_agency=is_own_agency,
        received_at=AT,
        other_received_at=AT - timedelta(days=190),
        other_ended_at=ended_at,
        policy=a_policy(),
    )


@pytest.mark.parametrize(("days", "expected"), [(0, Link.RE_REFERRAL), (182, Link.RE_REFERRAL), (190, None)])
def test_a_baby_comes_back_within_the_months_after_the_earlier_referral_ended(days: int, expected: Link | None) -> None:
    assert link(AT - timedelta(days=days)) is expected
    assert link(AT - timedelta(days=days), of=Relation.SAME_FAMILY) is None


def test_what_ended_only_after_the_new_one_came_did_not_bring_it_back() -> None:
    assert link(AT + timedelta(days=5)) is None


def test_an_open_one_is_a_repeat_a_duplicate_or_a_siblings() -> None:
    assert link(None, is_own_agency=True) is Link.REPEAT
    assert link(None) is Link.DUPLICATE
    assert link(None, of=Relation.SAME_FAMILY) is Link.SIBLING_OPEN


def test_what_a_person_said_stands_above_the_matching() -> None:
    one = Known(UUID(int=1), "PIR-4K7-29M", UUID(int=1), UUID(int=1), a_profile(ROBIN), AT)
    other = Known(UUID(int=2), "PIR-7Q2-6XY", UUID(int=2), UUID(int=2), a_profile(ROBIN), AT)
    stranger = Known(UUID(int=3), "PIR-9Q2-6XY", UUID(int=3), UUID(int=3), a_profile({}, carers=()), AT)
    asked, said = links.pair(one, other, None, a_policy()), links.pair(one, other, True, a_policy())
    assert asked
    assert asked.link is Link.DUPLICATE
    assert not asked.is_told
    assert said
    assert said.link is Link.DUPLICATE
    assert said.is_told
    assert links.links_of([said]).codes == ()
    assert links.pair(one, other, False, a_policy()) is None
    assert links.pair(one, stranger, None, a_policy()) is None


@pytest.mark.parametrize("number", range(2))
def test_nobody_is_told_of_a_private_family(number: int) -> None:
    profiles = [a_profile(ROBIN), a_profile(ROBIN)]
    profiles[number] = profiles[number].model_copy(update={"is_private": True})
    one, other = (
        Known(UUID(int=n), "PIR-4K7-29M", UUID(int=n), UUID(int=n), profile, AT) for n, profile in enumerate(profiles)
    )
    said = links.pair(one, other, True, a_policy())
    assert said
    assert not said.is_told


def test_while_an_index_key_is_changed_two_referrals_match_by_whichever_key_both_have() -> None:
    other = Profiles(BlindIndex(b"j" * 32), are_test_numbers_real=True)
    document = ReferralDocument.model_validate(
        {"babies": [ROBIN], "caregivers": [MOTHER], "home": {"postcode": "NG6 8GB"}}
    )
    old, new = PROFILES.family_of(document).profile, other.family_of(document).profile
    both, swapped = new.model_copy(update={"before": old}), old.model_copy(update={"before": new})
    for one, two in ((old, both), (new, both), (both, both), (both, swapped), (old, swapped)):
        assert matched(one, two) is Relation.SAME_BABY
    assert matched(old, new) is None
