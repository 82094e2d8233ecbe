"""A policy in words: every member is said, every difference is told, every mistake of a draft is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, time
from typing import Any

import pytest

from services.triage.pages.referral.decision_view import shown_changes
from services.triage.policies import canonical, texts_of
from services.triage.policy_errors import UnusableDraftError, read_draft
from services.triage.policy_preview import EXAMPLES, Changes
from services.triage.policy_text import LABELS, SECTIONS, amount, differences, sections
from shared.policy import Policy
from tests.builders import BULWELL, POLICIES, SHERWOOD, a_family, a_policy, decided, not_open_yet

TEXT = (POLICIES / "nottingham.toml").read_text(encoding="utf-8")

Change = Callable[[dict[str, Any]], object]


def words_of(policy: Policy) -> dict[str, list[tuple[str, str]]]:
    return {section.title: [(line.label, line.value) for line in section.lines] for section in sections(policy)}


def changed(change: Change, name: str = "nottingham") -> Policy:
    members = a_policy(name).model_dump(mode="json")
    change(members)
    return Policy.model_validate(members)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every single value of a policy."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield path
        return
    for key, each in inside:
        yield from leaves(each, (*path, key))


def another(value: Any, path: tuple[Any, ...]) -> Any:
    """Another value that the same member may have."""
    by_member = {
        "id": "somewhere",
        "authority": "E06000019",
        "code": "E05999999",
        "cutoff": "12:30:00",
        "opens": "08:30:00",
        "closes": "17:30:00",
        "opens_on": "2030-01-01",
        "starts_on": "2030-01-01",
        "route": "universal",
        "unopened_second_minutes": 90,
    }
    if path[-1] in by_member:
        return by_member[path[-1]]
    if isinstance(value, float):
        return value / 2
    return value + 1 if isinstance(value, int) else f"{value} otherwise"


EVERY_LEAF = [
    (name, path) for name in ("nottingham", "birmingham") for path in leaves(a_policy(name).model_dump(mode="json"))
]


def test_every_member_of_a_policy_is_said_and_its_change_told() -> None:
    """A member that is added to the policy needs words of its own."""
    silent = []
    for name, path in EVERY_LEAF:
        members = a_policy(name).model_dump(mode="json")
        *way, last = path
        part: Any = members
        for key in way:
            part = part[key]
        part[last] = another(part[last], path)
        if not differences(a_policy(name), Policy.model_validate(members)):
            silent.append(path)
    assert silent == []


def test_every_label_is_of_a_member_that_there_is() -> None:
    for place in LABELS:
        held: Any = a_policy()
        for part in place.split("."):
            held = getattr(held, part)
        assert isinstance(held, str | int | time | date | tuple), place
    assert {place.rpartition(".")[0] for place in LABELS} <= set(SECTIONS)


def test_the_wards_are_listed_with_their_opening_days_the_open_ones_first() -> None:
    wards = words_of(a_policy())["Wards, and when each opens"]
    assert len(wards) == 20
    assert [opens for _, opens in wards[:4]] == ["from 1 September 2022"] * 4
    assert ("Sherwood (E05012288)", "no date yet") in wards[4:]


def test_numbers_are_said_with_what_they_count() -> None:
    said = dict(words_of(a_policy())["Age"])
    assert said["Support ends at the age of"] == "24 months"
    assert dict(words_of(a_policy())["Working time"])["A person has seen a referral within"] == "1 working day"
    assert (amount(1, "risk factors"), amount(2, "risk factors"), amount(0, "days")) == (
        "1 risk factor",
        "2 risk factors",
        "0 days",
    )


def test_who_signed_it_off_is_said_and_that_nobody_did() -> None:
    assert dict(words_of(a_policy())["The council and the sign-off"])["Signed off by"] == "not signed off"
    signed = changed(lambda it: it.update(signed_off_by="Dr A. Lead, 1 May 2026"))
    assert dict(words_of(signed)["The council and the sign-off"])["Signed off by"] == "Dr A. Lead, 1 May 2026"


def test_a_policy_does_not_differ_from_itself() -> None:
    assert differences(a_policy(), a_policy()) == ()


def test_differences_name_the_member_and_both_values() -> None:
    draft = changed(
        lambda it: (it["age"].update(grace_days=1), it["words"]["safety"].remove("kill"), it["signposts"].clear())
    )
    told = {(each.label, each.before, each.after) for each in differences(a_policy(), draft)}
    assert ("After that birthday a person still looks, and nobody is declined, for", "28 days", "1 day") in told
    assert ("Safety word", "kill", None) in told
    assert len(told) == 2 + len(a_policy().signposts)


def test_another_order_of_the_numbers_to_ring_is_a_difference() -> None:
    """The first is the emergency one."""
    draft = changed(lambda it: it["ring"].reverse())
    assert {each.section for each in differences(a_policy(), draft)} == {"Numbers to ring now"}


def test_comments_and_order_do_not_change_what_a_policy_means() -> None:
    assert canonical(read_draft("# a comment\n" + TEXT)) == canonical(a_policy())
    assert canonical(changed(lambda it: it["age"].update(grace_days=1))) != canonical(a_policy())


def test_the_texts_of_the_shipped_files_are_found_by_their_ids() -> None:
    texts = texts_of(POLICIES)
    assert {name: read_draft(text) for name, text in texts.items()} == {name: a_policy(name) for name in texts}


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(UnusableDraftError) as caught:
        read_draft(text)
    return caught.value.mistakes


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("grace_days = 28", "", "for (age.grace_days): this is missing."),
        ("grace_days = 28", "grace_days = -1", "(age.grace_days): this must be at least 0."),
        ("grace_days = 28", 'grace_days = "soon"', "(age.grace_days): this must be a whole number."),
        ("grace_days = 28", "grace_days = 2.5", "(age.grace_days): this must be a whole number."),
        ("grace_days = 28", "grace_days = 28\ngrace = 1", "age.grace: a policy has no such member."),
        ("version = 3", "version = 0", "Version (version): this must be at least 1."),
        ("version = 3", "version = 2000000", "Version (version): this must be at most 1000000."),
        ("cutoff = 13:00:00", 'cutoff = "noon"', "(working_time.cutoff): this must be a time of day, such as 13:00:00."),
        ('code = "E05012270"', 'code = "Aspley"', "ONS code of a ward (wards.0.code): this must look like E05012275"),
        ("opens_on = 2022-09-01", 'opens_on = "soon"', "(wards.0.opens_on): this must be a day, such as 2026-09-01."),
        ('route = "pir_short"', 'route = "somewhere"', "(capacity.0.route): this must be one of 'universal'"),
        ("unopened_second_minutes = 60", "unopened_second_minutes = 15", "The whole policy: the second escalation must come after the first."),
        ('code = "E05012270"', 'code = "E05012271"', "The whole policy: a ward is listed twice: E05012271."),
    ],
)  # fmt: skip
def test_a_mistake_of_a_draft_is_named_in_words_with_its_place(old: str, new: str, words: str) -> None:
    assert old in TEXT
    [told] = mistakes_of(TEXT.replace(old, new, 1))
    assert words in told


def test_every_mistake_is_named_at_once() -> None:
    text = TEXT.replace("grace_days = 28", "").replace("version = 3", "version = 0").replace("title =", "titel =")
    assert len(mistakes_of(text)) == 4


@pytest.mark.parametrize(
    "text", ["", "id = ", "[[[[", "x = " + "[" * 50_000, "version = " + "1" * 5_000, "\x00", "a = 1\na = 2"]
)
def test_what_is_no_policy_at_all_is_told_in_a_sentence(text: str) -> None:
    assert all(each.endswith(".") for each in mistakes_of(text))


def test_changes_are_counted_by_rule_ward_and_tier() -> None:
    changes = Changes()
    before, after = (
        decided(a_family(home=not_open_yet())),
        decided(a_family(home=not_open_yet()), policy="nottingham-citywide"),
    )
    for number in range(25):
        changes.compare(f"PIR-{number}", SHERWOOD, before, after)
    changes.compare("PIR-same", BULWELL, before, before)
    assert (changes.compared, changes.changed) == (26, 25)
    assert (changes.gained["E8"], changes.lost["E9"]) == (25, 25)
    assert changes.summary()["by_rule"] == {"+E8": 25, "-E9": 25}
    assert changes.summary()["by_ward"] == {SHERWOOD: 25}
    assert len(changes.examples) == EXAMPLES

    shown = shown_changes(changes, a_policy("nottingham-citywide"), a_policy(), [])
    assert shown.wards == [("Sherwood", 25)]
    assert [(rule, gained, lost) for rule, _, gained, lost in shown.rules] == [("E8", 25, 0), ("E9", 0, 25)]
    assert all(meaning for _, meaning, _, _ in shown.rules)
    [(reference, turns), *_] = shown.examples
    assert reference == "PIR-0"
    assert ("Eligible", "Not open yet where the family lives", "Eligible") in turns


def test_other_safety_words_are_said_for_a_comparison_can_not_show_them() -> None:
    draft = changed(lambda it: it["words"]["safety"].append("pony"))
    assert shown_changes(Changes(), draft, a_policy(), []).has_other_words
    assert not shown_changes(Changes(), a_policy(), a_policy(), []).has_other_words


def test_a_day_in_words_is_the_day() -> None:
    draft = changed(lambda it: it["wards"][-1].update(opens_on=date(2027, 1, 2).isoformat()))
    assert [each.after for each in differences(a_policy(), draft)] == ["from 2 January 2027"]
