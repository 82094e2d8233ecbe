"""Policies on a real PostgreSQL: versions kept, drafts sent in, read, compared and discarded, by page and by API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from services.triage import policies
from services.triage.policy_preview import SLICE, replay
from services.triage.work_items import timers
from shared.access import Role
from shared.events import Severity
from shared.ids import uuid7
from shared.policy import InvalidPolicyError, Policy
from tests.builders import POLICIES, TODAY, a_family, a_policy, elsewhere, noon, not_open_yet
from tests.builders import policies as shipped
from tests.integration.conftest import Behind
from tests.integration.room import Visits, read, title_of, visits
from tests.integration.support import an_event, count, fetch
from tests.integration.triage.test_triage import a_referral_of, hear, received

NOW = datetime(2026, 6, 16, 9, 30, tzinfo=UTC)
TEXT = (POLICIES / "nottingham.toml").read_text(encoding="utf-8")
CITYWIDE = (POLICIES / "nottingham-citywide.toml").read_text(encoding="utf-8")
DRAFT = TEXT.replace("version = 3", "version = 4", 1).replace("long_term_domains = 3", "long_term_domains = 4", 1)


async def start(triage: Behind, *, in_force: str = "nottingham", texts: dict[str, str] | None = None) -> None:
    """What the service does with its policies when it starts."""
    texts = texts or policies.texts_of(POLICIES)
    loaded = {name: policies.read_draft(text) for name, text in texts.items()}
    async with triage.engine.begin() as tx:
        await policies.keep_versions(tx, loaded, texts, in_force=loaded[in_force], at=NOW)


async def states(triage: Behind) -> dict[tuple[str, int], str]:
    rows = await fetch(triage.engine, "SELECT policy, version, state FROM policy_version")
    return {(row.policy, row.version): row.state for row in rows}


async def test_every_policy_that_is_loaded_is_kept_once_and_one_is_in_force(triage: Behind) -> None:
    for _ in range(2):
        await start(triage)
    assert await states(triage) == {
        ("nottingham", 3): "live",
        ("nottingham-citywide", 3): "retired",
        ("birmingham", 3): "retired",
    }
    await start(triage, in_force="nottingham-citywide")
    assert (await states(triage))["nottingham", 3] == "retired"
    assert (await states(triage))["nottingham-citywide", 3] == "live"


async def test_a_newer_version_takes_over_and_the_older_one_stays_as_it_was(triage: Behind) -> None:
    await start(triage)
    await start(triage, texts=policies.texts_of(POLICIES) | {"nottingham": DRAFT})
    assert (await states(triage))["nottingham", 3] == "retired"
    assert (await states(triage))["nottingham", 4] == "live"
    [first] = await fetch(
        triage.engine, "SELECT content FROM policy_version WHERE policy = 'nottingham' AND version = 3"
    )
    assert first.content == TEXT


async def test_the_same_version_with_other_content_stops_the_start(triage: Behind) -> None:
    await start(triage)
    other = TEXT.replace("grace_days = 28", "grace_days = 27", 1)
    with pytest.raises(InvalidPolicyError) as refused:
        await start(triage, texts={"nottingham": other})
    assert str(refused.value) == (
        "nottingham version 3 differs from the version 3 that decisions were made with: raise its version"
    )
    assert await states(triage) == dict.fromkeys(await states(triage), "retired") | {("nottingham", 3): "live"}


async def test_another_comment_in_the_file_stops_nothing(triage: Behind) -> None:
    await start(triage)
    await start(triage, texts={"nottingham": f"# read again in spring\n{TEXT}"})
    [kept] = await fetch(triage.engine, "SELECT content FROM policy_version WHERE policy = 'nottingham'")
    assert kept.content == TEXT


async def test_copies_that_start_at_once_keep_each_version_once(triage: Behind) -> None:
    await asyncio.gather(*(start(triage) for _ in range(4)))
    assert await count(triage.engine, "policy_version") == 3


@pytest.fixture
async def desk(triage: Behind, settings: dict[str, Any]) -> AsyncIterator[Visits]:
    """The pages of a service that has started."""
    await start(triage)
    async with visits(triage, settings, now=lambda: NOW) as people:
        yield people


async def test_the_policy_in_force_is_shown_in_words_to_the_team(desk: Visits) -> None:
    for role in (Role.WORKER, Role.LEAD, Role.MANAGER):
        shown = read(await desk.see("/staff/policy", role))
        for words in ("Not signed off", "24 months", "Bulwell (E05012275) from 1 September 2022", "999", "suicid"):
            assert words in shown, words
        assert ("Send in a draft" in shown) is (role is Role.MANAGER)
    for role in (Role.COMMISSIONER, Role.OPERATIONS, Role.AUDITOR):
        await desk.see("/staff/policy", role, status=403)


async def test_a_version_is_shown_as_it_was_kept(triage: Behind, desk: Visits) -> None:
    known = a_policy().ref
    assert "from 1 September 2022" in read(await desk.see("/staff/policy/nottingham/3"))
    assert (await desk.see("/staff/policy/nottingham/3/file")) == TEXT
    for missing in (
        known.model_copy(update={"version": 4}),
        known.model_copy(update={"version": 10**30}),
        known.model_copy(update={"id": "x"}),
    ):
        await desk.see(f"/staff/policy/{missing.id}/{missing.version}", status=404)


async def a_draft(desk: Visits, content: str = DRAFT, note: str = "") -> str:
    """The address of a draft that was sent in."""
    answer = await desk.send("/staff/policy/drafts/new", Role.MANAGER, content=content, note=note)
    assert answer.status_code == 303, read(answer.text)
    return answer.headers["location"].partition("?")[0]


@pytest.mark.parametrize("content", [TEXT, f"# with a remark\n{TEXT}"])
async def test_a_draft_that_is_the_policy_in_force_is_refused_in_words(
    triage: Behind, desk: Visits, content: str
) -> None:
    answer = await desk.send("/staff/policy/drafts/new", Role.MANAGER, content=content, note="for May")
    assert answer.status_code == 422
    assert "This is the policy in force: nothing is changed" in read(answer.text)
    assert await count(triage.engine, "policy_version WHERE state = 'draft'") == 0
    raised = content.replace("version = 3", "version = 4", 1)
    assert (await desk.send("/staff/policy/drafts/new", Role.MANAGER, content=raised)).status_code == 303


async def test_a_draft_is_kept_with_its_differences_and_changes_nothing(triage: Behind, desk: Visits) -> None:
    draft = await a_draft(desk, note="Four areas, as agreed in May")
    shown = read(await desk.see(draft, Role.LEAD))
    assert "Longer-term support, for a severe worry in at least In force 3 areas Draft 4 areas" in shown
    assert "Four areas, as agreed in May" in shown
    assert "2 lines differ" in shown
    assert "no single person puts one in force" in shown
    assert (await states(triage))["nottingham", 3] == "live"
    assert (await desk.see(f"{draft}/file")) == DRAFT
    [row] = await fetch(triage.engine, "SELECT actor_id, detail FROM audit WHERE action = 'policy.drafted'")
    assert (row.actor_id, row.detail) == ("dev-manager", "nottingham/4")


async def test_a_file_is_taken_like_pasted_text(triage: Behind, desk: Visits) -> None:
    sent = b"\xef\xbb\xbf" + DRAFT.replace("\n", "\r\n").encode()
    answer = await desk.send("/staff/policy/drafts/new", Role.MANAGER, file=sent, content="", note="")
    assert answer.status_code == 303, read(answer.text)
    [row] = await fetch(triage.engine, "SELECT content FROM policy_version WHERE state = 'draft'")
    assert row.content == DRAFT


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"content": ""}, "Choose a file, or paste the text of a policy"),
        ({"content": DRAFT, "file": DRAFT.encode()}, "Choose a file or paste the text, not both"),
        ({"content": "", "file": b"\xff\xfe\x00"}, "The file is not plain text in UTF-8"),
        ({"content": "id = "}, "The file is not readable as TOML"),
        ({"content": DRAFT.replace("grace_days = 28", "")}, "(age.grace_days): this is missing"),
        ({"content": DRAFT, "note": "x" * 1_001}, "Shorten the note"),
        ({"content": DRAFT, "note": "a\x00b"}, "Take the hidden characters out of the note"),
    ],
)
async def test_what_can_not_be_used_is_named_and_kept_in_the_form(
    triage: Behind, desk: Visits, sent: dict[str, Any], words: str
) -> None:
    answer = await desk.send("/staff/policy/drafts/new", Role.MANAGER, **{"note": "Why", **sent})
    assert answer.status_code == 422
    assert title_of(answer.text).startswith("Error: ")
    assert words in read(answer.text)
    assert sent["content"].strip() in unescape(answer.text)
    assert await count(triage.engine, "policy_version WHERE state = 'draft'") == 0


async def test_hostile_words_of_a_draft_are_only_words(desk: Visits) -> None:
    hostile = DRAFT.replace("Nottingham, year one: four wards", "</title><script>alert(1)</script> {{ 7*7 }}")
    draft = await a_draft(desk, hostile, note="<img src=x onerror=alert(1)>")
    for path in (draft, "/staff/policy"):
        shown = await desk.see(path, Role.MANAGER)
        assert "<script" not in shown
        assert "<img src=x" not in shown
    assert "{{ 7*7 }}" in await desk.see(draft)


async def test_a_draft_under_a_version_that_is_in_use_is_told_so(desk: Visits) -> None:
    assert "Raise its version" not in read(await desk.see(await a_draft(desk)))
    assert "Raise its version" in read(await desk.see(await a_draft(desk, DRAFT.replace("version = 4", "version = 3"))))
    assert "Raise its version" not in read(await desk.see(await a_draft(desk, CITYWIDE)))


async def test_only_a_manager_sends_in_and_discards_drafts(triage: Behind, desk: Visits) -> None:
    draft = await a_draft(desk)
    for role in (Role.WORKER, Role.LEAD, Role.AUDITOR):
        await desk.see("/staff/policy/drafts/new", role, status=403)
        assert (await desk.send("/staff/policy/drafts/new", role, content=DRAFT)).status_code == 403
        assert (await desk.send(f"{draft}/discard", role)).status_code == 403
    assert (await desk.send(f"{draft}/discard", Role.MANAGER, csrf="forged")).status_code == 403
    assert await count(triage.engine, "policy_version WHERE state = 'draft'") == 1


async def test_a_discarded_draft_is_gone_and_a_version_never_is(triage: Behind, desk: Visits) -> None:
    draft = await a_draft(desk)
    assert (await desk.send(f"{draft}/discard", Role.MANAGER)).status_code == 303
    await desk.see(draft, status=404)
    assert (await desk.send(f"{draft}/discard", Role.MANAGER)).status_code == 404
    [live] = await fetch(triage.engine, "SELECT id FROM policy_version WHERE state = 'live'")
    assert (await desk.send(f"/staff/policy/drafts/{live.id}/discard", Role.MANAGER)).status_code == 404
    assert len(await states(triage)) == 3
    assert await count(triage.engine, "audit WHERE action = 'policy.discarded'") == 1


async def three_families(triage: Behind) -> None:
    """Two who would be decided otherwise in the whole city, on two days, and one who would not."""
    await a_referral_of(triage, a_family(home=not_open_yet()))
    await a_referral_of(
        triage, a_family(home=not_open_yet(), severity=Severity.SEVERE), at=noon(TODAY) - timedelta(days=7)
    )
    await a_referral_of(triage, a_family(home=elsewhere()))


async def test_what_a_draft_would_change_is_shown_by_rule_ward_and_tier(triage: Behind, desk: Visits) -> None:
    await three_families(triage)
    draft = await a_draft(desk, CITYWIDE)
    answer = await desk.send(f"{draft}/compare", Role.LEAD)
    assert answer.status_code == 200
    shown = read(answer.text)
    assert "3 referrals were compared: all that are stored. 2 would be decided differently." in shown
    assert "Sherwood 2" in shown
    assert "Home is in our area, and its ward isn't open yet" in shown
    assert answer.text.count("/staff/referrals/PIR-") == 2
    [row] = await fetch(triage.engine, "SELECT actor_id, detail FROM audit WHERE action = 'policy.compared'")
    assert (row.actor_id, row.detail) == ("dev-triage-lead", "nottingham-citywide/3")
    assert await count(triage.engine, "decision") == 3


def boxes(name: str, day: int, month: int = 6, year: int = 2026) -> dict[str, str]:
    return {f"{name}_day": str(day), f"{name}_month": str(month), f"{name}_year": f"{year:04}"}


async def test_both_days_of_a_comparison_are_in(triage: Behind, desk: Visits) -> None:
    await three_families(triage)
    draft = await a_draft(desk, CITYWIDE)
    for span, compared in (
        (boxes("first", 8) | boxes("last", 15), 3),
        (boxes("first", 9) | boxes("last", 15), 2),
        (boxes("first", 9) | boxes("last", 14), 0),
        (boxes("last", 14), 1),
        (boxes("first", 1, 1, 1) | boxes("last", 31, 12, 9999), 3),
    ):
        answer = await desk.send(f"{draft}/compare", Role.MANAGER, **span)
        assert answer.status_code == 200, read(answer.text)
        assert f"{compared} referral" in read(answer.text) or not compared


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (boxes("first", 31), "There is no such day"),
        (boxes("first", 15) | boxes("last", 14), "The last day must not be before the first"),
        ({"first_day": "x"}, "Enter the day, month and year in numbers"),
    ],
)
async def test_days_that_can_not_be_are_named(desk: Visits, span: dict[str, Any], words: str) -> None:
    answer = await desk.send(f"{await a_draft(desk)}/compare", Role.MANAGER, **span)
    assert answer.status_code == 422
    assert words in read(answer.text)


async def test_a_worker_reads_a_draft_and_compares_nothing(desk: Visits) -> None:
    draft = await a_draft(desk)
    assert "See what would change" not in read(await desk.see(draft))
    assert (await desk.send(f"{draft}/compare")).status_code == 403


async def test_the_policy_that_decided_changes_nothing(triage: Behind, desk: Visits) -> None:
    """Not even for a family that was released when its ward opened, which was decided again as of that day."""
    key = await a_referral_of(triage, a_family(home=not_open_yet()), at=noon(TODAY) - timedelta(days=30))
    await three_families(triage)
    opened = a_policy("nottingham-citywide")
    assert await timers.release_opened_wards(triage.engine, now=NOW, policy=opened) == 3
    assert await count(triage.engine, f"decision WHERE referral_id = '{key}'") == 2
    changes = await compared(triage, opened)
    assert (changes.compared, changes.changed) == (4, 0)


async def compared(triage: Behind, policy: Policy) -> Any:
    async with triage.engine.connect() as tx:
        return await replay(tx, policy)


async def test_the_api_compares_a_draft_by_its_id(triage: Behind, desk: Visits) -> None:
    await three_families(triage)
    draft = (await a_draft(desk, CITYWIDE)).rpartition("/")[2]
    asked = {"from": "2026-06-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}
    by_id = await triage.as_staff("POST", "/preview/replay", {"policy": draft, **asked}, role="manager")
    by_name = await triage.as_staff(
        "POST", "/preview/replay", {"policy": "nottingham-citywide", **asked}, role="manager"
    )
    assert by_id.status_code == 200
    assert by_id.json() == by_name.json()
    assert (by_id.json()["referrals"], by_id.json()["changed"]) == (3, 2)
    nobodys = await triage.as_staff("POST", "/preview/replay", {"policy": str(uuid7()), **asked}, role="manager")
    assert nobodys.status_code == 422


async def test_thousands_are_compared_while_the_service_goes_on(triage: Behind) -> None:
    families = 4 * SLICE + 1
    facts = a_family(home=not_open_yet())
    for _ in range(0, families, SLICE):
        keys = [uuid7() for _ in range(min(SLICE, families - await count(triage.engine, "referral")))]
        named = {key: f"PIR-{key.hex[-8:-4]}-{key.hex[-4:]}".upper() for key in keys}
        await hear(
            triage,
            *(an_event(key, data=received(facts, key=key, reference=named[key]), at=noon(TODAY)) for key in keys),
        )
    at_work = asyncio.create_task(compared(triage, shipped()["nottingham-citywide"]))
    turns = 0
    while not at_work.done():
        turns += 1
        await asyncio.sleep(0)
    changes = await at_work
    assert (changes.compared, changes.changed) == (families, families)
    assert turns > families // 50, "nothing else had its turn"
