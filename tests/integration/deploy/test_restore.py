"""A backup restored into a second PostgreSQL, by the steps of docs/operations.md: the feed, and families erased since.

One story, told once; each test asks one question about its end. Kafka outlasts it, with its records and offsets.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest

from shared.events import REFERRAL_TOPIC
from tests.backups import another_cluster, dump, restore
from tests.families import a_referral
from tests.integration.support import an_event, headers_of, producer
from tests.journeys.erasing import end_the_danger, is_erased_everywhere
from tests.journeys.people import Agency, Staff
from tests.servers import Servers
from tests.system import NAMES, System, eventually
from tests.traces import Planted, hear_again, keys_of, shown_to, traces

HEARERS = ("triage", "notify", "metrics")
SPEAKERS = ("referral", "triage", "notify")
WARD = ("E05012270", "Aspley")
"""Where no other family of these tests lives."""
LATER = "Zqlaterword"


@dataclass
class Story:
    """What is known outside the database."""

    system: System
    family: Planted
    erased: tuple[str, str] = ("", "")
    """References of the family: health visiting's and social care's."""
    kept: list[str] = field(default_factory=list)
    """Of other families, in the backup."""
    lost: dict[str, Any] = field(default_factory=dict)
    """A referral that came after the backup, with its key."""
    cursors: list[str] = field(default_factory=list)
    """Of the feed of health visiting: from before the backup, and from after it."""
    was_in_backup: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def agencies(self) -> tuple[Agency, Agency]:
        return Agency(self.system, "health-visiting"), Agency(self.system, "social-care")

    def traces(self) -> list[str]:
        return traces(self.system, self.family, *self.erased)

    def shown(self) -> str:
        return "".join(shown_to(agency, one) for agency, one in zip(self.agencies, self.erased, strict=True))


@pytest.fixture(scope="module")
def story(system: System, stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    if stack.postgres is None:
        pytest.skip("the programs that make a backup come with the embedded PostgreSQL")
    backup = tmp_path_factory.mktemp("backup") / "pir.dump"
    story = Story(system, Planted(postcode="NG8 5PX", own=(*WARD, LATER)))
    live_until_the_backup(story)
    since = datetime.now(UTC) - timedelta(hours=1)
    dump(stack.postgres, system.database_url, backup)
    live_on_and_erase(story)
    system.kill_all()
    with another_cluster() as second:
        system.move_to(restore(second, backup))
        story.was_in_backup = story.traces()
        story.said["setup"] = system.run("deploy.setup")
        story.said["ledger"] = system.run("services.referral", "erase", "--from-ledger")
        for name in NAMES:
            story.said[f"audit of {name}"] = system.run(f"services.{name}", "audit", "verify")
        system.start_all()
        at_once(system, SPEAKERS, "republish", "--since", since.isoformat())
        is_erased_everywhere(system, story.erased[0])
        system.totals_at_rest()
        yield story
        system.kill_all()


def at_once(system: System, services: Iterable[str], *words: str) -> None:
    """The same command of several services."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: system.run(f"services.{name}", *words), services))


def live_until_the_backup(story: Story) -> None:
    """A family in danger, held, worked with, and parked: what is heard of it, and what came behind that."""
    system, family, lead = story.system, story.family, Staff(story.system, "triage-lead")
    health_visiting, social_care = story.agencies
    story.kept = [health_visiting.refers() for _ in range(3)]
    reference, other = story.erased = (
        health_visiting.refers(family.referral()),
        social_care.refers(family.referral()),
    )
    item = lead.finds("mash", reference)
    lead.does(item, "claim")
    lead.does(item, "note", text=f"{family.tag} opened the door")
    system.run("services.referral", "hold", "add", other, "--reason", family.tag, "--review-on", "2027-12-31")
    for each in (*story.kept, reference):
        health_visiting.sees_decided(each)
    system.totals_at_rest()
    park(story)
    story.cursors.append(health_visiting.reads_feed()[-1]["next"])


def park(story: Story) -> None:
    """A record about the family that nobody can read, and the next change behind it."""
    system, [key] = story.system, keys_of(story.system, story.erased[0])
    words = json.dumps({"reason": f"{story.family.tag} {story.family.born}"}).encode()

    async def put() -> None:
        async with producer(system.servers.kafka_bootstrap_servers) as sender:
            headers = headers_of(an_event(UUID(key), sequence=99))
            await sender.send_and_wait(REFERRAL_TOPIC, words, key=key.encode(), headers=headers)

    asyncio.run(put())
    await_parked(system, key, 1)
    assert story.agencies[0].changes(story.erased[0], risk_factors=["isolation", "low_mood"]).status == HTTPStatus.OK
    await_parked(system, key, 2)


def await_parked(system: System, key: str, rows_each: int) -> None:
    def are_parked() -> bool:
        found = [system.query(f"SELECT value FROM {name}.parked WHERE key = $1", key) for name in HEARERS]
        return all(len(each) >= rows_each and all(row["value"] for row in each) for each in found)

    eventually(are_parked, what=f"{rows_each} records parked in {HEARERS}")


def live_on_and_erase(story: Story) -> None:
    """After the backup: another word, another referral, the end of the danger and of the hold, the erasure."""
    system, lead = story.system, Staff(story.system, "triage-lead")
    health_visiting, _ = story.agencies
    reference, other = story.erased
    assert health_visiting.informs(reference, notes=f"{LATER} {story.family.tag}").status == HTTPStatus.OK
    story.lost = {"body": a_referral(), "key": "sent-after-the-backup"}
    story.lost["reference"] = system.send(**story.lost).body["reference"]
    story.cursors.append(health_visiting.reads_feed()[-1]["next"])
    for each in (reference, other):
        end_the_danger(lead, each)
    system.run("services.referral", "hold", "end", "1")
    # A day later: what triage could not read is no danger that it is still to hear of.
    system.query(
        "UPDATE referral.event SET occurred_at = occurred_at - interval '2 days' WHERE key = $1",
        keys_of(system, reference)[0],
    )
    for each in (reference, other):
        system.run("services.referral", "erase", each, "--yes")
    eventually(lambda: not story.traces(), what="no trace of the family")


def test_the_feed_is_complete_from_an_empty_cursor(story: Story) -> None:
    health_visiting, social_care = story.agencies
    assert "the feed starts anew" in story.said["setup"]
    for agency, references in (
        (health_visiting, {*story.kept, story.erased[0]}),
        (social_care, {story.erased[1]}),
    ):
        listed = [item["reference"] for page in agency.reads_feed() for item in page["items"]]
        assert sorted(listed) == sorted(references)


@pytest.mark.parametrize("which", [0, 1], ids=["from before the backup", "from after it"])
def test_an_old_cursor_is_told_to_start_again(story: Story, which: int) -> None:
    health_visiting, _ = story.agencies
    answer = health_visiting.call("GET", f"/referrals?changed_since={story.cursors[which]}")
    assert answer.status == HTTPStatus.GONE
    assert answer.body["type"] == "urn:pir:problem:cursor-ended"


def test_a_new_cursor_sees_what_changes(story: Story) -> None:
    health_visiting, _ = story.agencies
    cursor = health_visiting.reads_feed()[-1]["next"]
    assert health_visiting.withdraws(story.kept[0]).status == HTTPStatus.OK

    def listed() -> set[str]:
        return {item["reference"] for page in health_visiting.reads_feed(cursor) for item in page["items"]}

    assert eventually(listed, what="the change in the feed") == {story.kept[0]}


def test_what_came_after_the_backup_can_be_sent_again(story: Story) -> None:
    health_visiting, _ = story.agencies
    assert health_visiting.call("GET", f"/referrals/{story.lost['reference']}").status == HTTPStatus.NOT_FOUND
    again = story.system.send(story.lost["body"], key=story.lost["key"])
    assert again.status == HTTPStatus.CREATED
    health_visiting.sees_decided(again.body["reference"])


def test_the_ledger_erases_what_the_backup_brought_back(story: Story) -> None:
    """Though the danger was open and a hold in force when it was made."""
    places = {trace.partition(":")[0] for trace in story.was_in_backup}
    assert places >= {f"table {name}.parked" for name in HEARERS} | {"table referral.referral", "table triage.referral"}
    assert story.said["ledger"].splitlines()[-1].startswith("2 erased again")
    assert story.traces() == []
    assert [word for word in story.family.telling if word in story.shown()] == []


def test_the_audit_trail_of_the_backup_is_whole(story: Story) -> None:
    for name in NAMES:
        assert "row(s) are as they were sealed" in story.said[f"audit of {name}"]


def test_neither_a_late_event_nor_a_replay_brings_the_family_back(story: Story) -> None:
    """A republish was heard before."""
    system = story.system
    hear_again(system, *keys_of(system, *story.erased))
    at_once(system, HEARERS, "parked", "replay")
    system.totals_at_rest()
    assert story.traces() == []
    assert [word for word in story.family.telling if word in story.shown()] == []
