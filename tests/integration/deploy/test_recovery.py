"""The whole of docs/restore.md, on real servers: a backup, a life after it, the loss, and what people are told.

One story, told once; each test asks one question about its end. The backup is older than what the topics hold.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from deploy.check import RULES
from tests.backups import another_cluster, dump, restore
from tests.journeys.people import Agency, Staff
from tests.servers import Servers
from tests.system import System, call, eventually


@dataclass
class Story:
    system: System
    out: Path
    before: list[str] = field(default_factory=list)
    """References answered 201 before the backup."""
    after: dict[str, str] = field(default_factory=dict)
    """Those after it, with the agency's slug."""
    erased: str = ""
    changed: str = ""
    """A family from before, of which the agency told more after the backup, twice."""
    worked: str = ""
    sessions: int = 0
    said: dict[str, str] = field(default_factory=dict)
    mails: dict[str, int] = field(default_factory=dict)
    """Receipts by reference, before the loss."""
    seconds: float = 0.0

    @property
    def lost(self) -> dict[str, Any]:
        return dict(json.loads((self.out / "lost.json").read_text(encoding="utf-8")))

    def agency(self, slug: str = "health-visiting") -> Agency:
        return Agency(self.system, slug)


@pytest.fixture(scope="module")
def story(system: System, stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    if stack.postgres is None:
        pytest.skip("the programs that make a backup come with the embedded PostgreSQL")
    folder = tmp_path_factory.mktemp("recovery")
    story = Story(system, folder / "lost")
    live_until_the_backup(story)
    dump(stack.postgres, system.database_url, folder / "pir.dump")
    live_on(story)
    system.kill_all()
    began = time.monotonic()
    with another_cluster() as second:
        system.move_to(restore(second, folder / "pir.dump"))
        recover(story)
        story.seconds = time.monotonic() - began
        yield story
        system.kill_all()


def live_until_the_backup(story: Story) -> None:
    agency = story.agency()
    story.before = [agency.refers() for _ in range(4)] + [story.agency("nursery").refers()]
    for reference in story.before[:4]:
        agency.sees_decided(reference)
    story.erased, story.changed, story.worked = story.before[:3]
    story.system.totals_at_rest()


def live_on(story: Story) -> None:
    """Everything from here on is lost with the database."""
    system, agency, worker = story.system, story.agency(), Staff(story.system, "triage-worker")
    for slug, count in (("health-visiting", 2), ("midwifery", 1)):
        for _ in range(count):
            story.after[story.agency(slug).refers()] = slug
    for risk in ("isolation", "low_mood"):
        assert agency.changes(story.changed, risk_factors=[risk]).status == HTTPStatus.OK
    [route] = agency.sees_decided(story.worked)["decision"]["routes"]
    worker.does(worker.finds(route["route"], story.worked), "claim")
    system.run("services.referral", "erase", story.erased, "--yes")
    system.run("services.referral", "agency", "rotate", "nursery")
    system.run("services.referral", "agency", "revoke", "nursery")
    system.run("services.referral", "agency", "end", "early-help")
    for reference, slug in story.after.items():
        story.agency(slug).sees_decided(reference)
    system.totals_at_rest()
    story.mails = dict(system.receipts())


def recover(story: Story) -> None:
    """As docs/restore.md has it."""
    system, said = story.system, story.said
    said["restore"] = system.run("deploy.restore", "--out", str(story.out))
    said["again"] = system.run("deploy.restore", "--out", str(story.out))
    said["ledger"] = system.run("services.referral", "erase", "--from-ledger")
    for name in ("referral", "triage", "metrics"):
        system.start(name)
    system.wait_until_ready("referral", "triage", "metrics")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: system.run(f"services.{name}", "republish"), ("referral", "triage", "notify")))
    system.start("notify")
    system.wait_until_ready()
    system.totals_at_rest()
    said["check"] = eventually(lambda: system.tries("deploy.check")[1], what="an answer")


def test_every_referral_from_before_is_there(story: Story) -> None:
    for reference in story.before:
        rows = story.system.query("SELECT 1 FROM referral.referral WHERE reference = $1", reference)
        assert len(rows) == 1
        if reference not in (story.before[-1], story.erased):  # the nursery has no key any more
            assert story.agency().call("GET", f"/referrals/{reference}").status == HTTPStatus.OK


def test_the_lists_name_exactly_what_came_after(story: Story) -> None:
    lost = {
        line["reference"]: slug
        for slug, lines in story.lost["agencies"].items()
        for line in lines
        if line["what"] == "is lost"
    }
    assert lost == story.after
    told = (story.out / "agency-midwifery.txt").read_text(encoding="utf-8")
    assert [line.split()[1] for line in told.splitlines()] == [
        reference for reference, slug in story.after.items() if slug == "midwifery"
    ]
    assert "3 referral(s) lost; agencies to ring: health-visiting, midwifery" in story.said["restore"]


def test_they_name_changes_and_work_of_families_from_before_too(story: Story) -> None:
    changes = [line for line in story.lost["agencies"]["health-visiting"] if line["what"] == "was changed"]
    assert [line["reference"] for line in changes] == [story.changed] * 2
    assert [(line["reference"], line["what"].partition(": ")[2]) for line in story.lost["team"]] == [
        (story.worked, "taken on")
    ]


def test_nobody_is_asked_about_a_family_that_was_erased(story: Story) -> None:
    assert story.lost["erased"] == [story.erased]
    assert story.erased not in json.dumps(story.lost["agencies"])


def test_an_erased_family_stays_erased(story: Story) -> None:
    assert "1 erased again" in story.said["ledger"]
    assert story.agency().call("GET", f"/referrals/{story.erased}").status == 410


def test_what_is_lost_is_in_no_table_and_is_decided_by_nobody(story: Story) -> None:
    for schema in ("referral", "triage"):
        rows = story.system.query(f"SELECT reference FROM {schema}.referral")
        assert {row["reference"] for row in rows} == set(story.before)
    assert story.system.totals()["received"] == len(story.before)  # that there was the erased one is counted


def test_what_is_lost_can_be_sent_again_and_changed_again(story: Story) -> None:
    """The version that an agency's next change gets was spoken before, with other facts."""
    agency = story.agency()
    assert agency.changes(story.changed, safety=["significant_harm"]).status == HTTPStatus.OK

    def routes() -> set[str]:
        return {route["route"] for route in agency.sees_decided(story.changed)["decision"]["routes"]}

    eventually(lambda: "mash" in routes(), what="the danger that was told after the restore")
    again = agency.refers()
    agency.sees_decided(again)


def test_nobody_hears_twice(story: Story) -> None:
    receipts = story.system.receipts()
    assert {reference: receipts[reference] for reference in story.mails} == story.mails


def test_the_feed_is_complete_from_the_start(story: Story) -> None:
    listed = {item["reference"] for page in story.agency().reads_feed() for item in page["items"]}
    assert listed >= set(story.before[:4])


def test_all_rules_hold_afterwards(story: Story) -> None:
    assert story.said["check"].strip() == f"all {len(RULES)} rules hold"


def test_keys_that_were_revoked_and_agencies_that_were_ended_stay_so(story: Story) -> None:
    assert story.lost["ended"] == {"nursery": False, "early-help": True}
    assert "agency rotate nursery" in story.said["restore"]
    for slug in story.lost["ended"]:
        assert story.agency(slug).call("GET", "/referrals").status == HTTPStatus.UNAUTHORIZED
    rotated = story.system.run("services.referral", "agency", "rotate", "nursery").split()
    [key] = [word for word in rotated if word.startswith("pir_")]
    eventually(
        lambda: call("GET", f"{story.system.url('referral')}/referrals", token=key).status == HTTPStatus.OK,
        what="the new key",
    )


def test_a_second_run_keeps_the_first_list(story: Story) -> None:
    assert "listed before" in story.said["again"]
    print(f"from the loss to all rules: {story.seconds:.0f} s")
