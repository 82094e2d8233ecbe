"""Records that are due, on a real database and on a day of the test's own: a dry run, the run, and its certificate."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.referral import erasing
from services.referral.families.profile import Person, Profile
from services.referral.front import members
from services.referral.records import certificates, legal_holds
from services.referral.records.disposal import Disposed, Disposer, carry_out, members_due
from services.referral.records.due import BabyDates, ClassCode, RecordFacts, Waits, due_on
from services.referral.records.plan import RetentionPlan, make_plan, read_families
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.audit import Actor
from shared.database import sql
from shared.events import ClosureReason, WithdrawalReason, WorkItemAccepted, WorkItemClosed
from shared.messaging import repair
from shared.retention import load, years_after
from shared.working_time import day_in_london
from tests.integration.conftest import Behind
from tests.integration.referral.test_referral_after_decision import Sent, a_sent
from tests.integration.support import count, fetch

ADA, BEA = Actor("operator", "ada"), Actor("operator", "bea")
TODAY = day_in_london(datetime.now(UTC))
IN_TWO_YEARS = years_after(TODAY, 2)
BABY = {"given_name": "Robin", "family_name": "Keep"}


class Records:
    """The referral service's records, and who disposes of them."""

    def __init__(self, intake: Behind, settings: Settings, folder: Path) -> None:
        self.intake, self.engine, self.folder = intake, intake.engine, folder
        self.identities, self.schedule = identities_of(settings), load(settings.retention_file)
        self.ada = Disposer(self.identities, folder / "erasures", self.schedule, ADA, False, lambda: datetime.now(UTC))

    async def plan(self, on: date) -> RetentionPlan:
        return await make_plan(self.engine, self.schedule, on=on)

    async def run(self, on: date, by: Disposer | None = None) -> Disposed:
        return await carry_out(self.engine, await self.plan(on), by or self.ada)

    async def withdrawn(self, **changes: Any) -> Sent:
        """A referral that nobody accepted and that has ended."""
        sent = await a_sent(self.intake, **changes)
        answer = await sent.call("POST", "/withdrawal", {"reason": WithdrawalReason.OTHER})
        assert answer.status_code == 200, answer.text
        return sent

    async def supported(self, **changes: Any) -> Sent:
        """One that a team accepted and whose work has ended."""
        sent, item = await a_sent(self.intake, **changes), {"work_item_id": uuid4(), "route": "pir_short"}
        await sent.is_decided(after=1)
        await sent.hears(WorkItemAccepted, after=2, **item)
        await sent.hears(WorkItemClosed, after=3, reason=ClosureReason.COMPLETED, **item)
        return sent

    async def held(self, sent: Sent) -> int:
        async with self.engine.begin() as tx:
            number = await legal_holds.set_hold(
                tx, sent.reference, reason="Inquiry", review_on=TODAY, actor=ADA, at=datetime.now(UTC)
            )
        assert number
        return number

    async def is_left(self, sent: Sent) -> bool:
        return (await sent.row()).wrapped_key is not None


@pytest.fixture
def records(intake: Behind, settings: dict[str, Any], tmp_path: Path) -> Records:
    return Records(intake, Settings(**settings), tmp_path)


async def test_a_run_does_what_the_plan_of_the_day_says_and_leaves_all_else(records: Records) -> None:
    due = [await records.withdrawn(), await records.withdrawn()]
    open_one, held = await a_sent(records.intake), await records.withdrawn()
    kept, dateless = await records.supported(), await records.supported(babies=[BABY])
    number = await records.held(held)

    assert (await records.plan(IN_TWO_YEARS - timedelta(days=1))).references == []
    plan = await records.plan(IN_TWO_YEARS)
    assert plan.references == sorted(each.reference for each in due)
    assert plan.for_a_person == {Waits.NO_DATE: [dateless.reference]}
    assert plan.waiting == {Waits.OPEN: 1, Waits.HOLD: 1}
    birthday = years_after(date.fromisoformat(kept.body["babies"][0]["date_of_birth"]), 25)
    assert plan.next_days == [(birthday, 1)]
    assert await count(records.engine, "audit WHERE action = 'retention.disposed'") == 0

    since = datetime.now(UTC)
    done = await records.run(IN_TWO_YEARS)
    assert (done.erased, done.asked, done.refused) == ({ClassCode.NOT_ACCEPTED: 2}, [], [])
    assert [await records.is_left(each) for each in (*due, open_one, held, kept, dateless)] == [False] * 2 + [True] * 4
    found = await certificates.certify(records.engine, records.schedule, since=since, until=datetime.now(UTC))
    assert sorted(line["reference"] for line in found.classes["not-accepted"]["records"]) == plan.references
    ledger = erasing.written_down(records.ada.ledger, records.identities)
    assert sorted(line.reference for line in ledger) == plan.references
    told = await fetch(records.engine, "SELECT key FROM event WHERE type = 'referral.erased.v1'")
    assert {row.key for row in told} == {each.id for each in due}

    async with records.engine.begin() as tx:
        await legal_holds.end_hold(tx, number, actor=ADA, at=datetime.now(UTC))
    assert (await records.plan(birthday)).references == sorted([held.reference, kept.reference])
    assert (await records.run(birthday)).erased == {ClassCode.NOT_ACCEPTED: 1, ClassCode.ACCEPTED: 1}
    assert (await records.plan(birthday)).references == []


async def test_a_family_goes_together_when_the_last_of_its_referrals_is_due(records: Records) -> None:
    first = await records.withdrawn()
    again = await records.supported(babies=first.body["babies"], caregivers=first.body["caregivers"])
    assert (await first.row()).family_id == (await again.row()).family_id
    birthday = years_after(date.fromisoformat(first.body["babies"][0]["date_of_birth"]), 25)
    assert (await records.plan(birthday - timedelta(days=1))).references == []
    await records.held(again)
    assert (await records.plan(birthday)).waiting == {Waits.HOLD: 2}
    async with records.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE hold SET ended_at = now(), ended_by = 'ada'")
    assert (await records.run(birthday)).erased == {ClassCode.ACCEPTED: 2}
    assert not await records.is_left(first)
    assert not await records.is_left(again)


async def test_what_has_changed_since_the_plan_stays_and_is_said(records: Records) -> None:
    due, held = await records.withdrawn(), await records.withdrawn()
    plan = await records.plan(IN_TWO_YEARS)
    await records.held(held)
    done = await carry_out(records.engine, plan, records.ada)
    assert done.erased == {ClassCode.NOT_ACCEPTED: 1}
    assert [held.reference in line for line in done.refused] == [True]
    assert (await records.is_left(due), await records.is_left(held)) == (False, True)


async def test_a_run_that_was_stopped_goes_on_with_what_is_left(records: Records) -> None:
    sent = [await records.withdrawn() for _ in range(3)]

    def stop(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    since = datetime.now(UTC)
    with pytest.raises(KeyboardInterrupt):
        await carry_out(records.engine, await records.plan(IN_TWO_YEARS), records.ada, tell=stop)
    assert sum([await records.is_left(each) for each in sent]) == 1
    assert (await records.run(IN_TWO_YEARS)).erased == {ClassCode.NOT_ACCEPTED: 1}
    found = await certificates.certify(records.engine, records.schedule, since=since, until=datetime.now(UTC))
    assert found.count == 3


async def test_one_person_asks_and_another_carries_it_out(records: Records, tmp_path: Path) -> None:
    sent, since = await records.withdrawn(), datetime.now(UTC)
    first = replace(records.ada, needs_second=True)
    for _ in range(2):
        done = await records.run(IN_TWO_YEARS, first)
        assert (done.asked, done.erased) == ([sent.reference], {})
    assert (await records.run(IN_TWO_YEARS, replace(first, actor=BEA))).erased == {ClassCode.NOT_ACCEPTED: 1}

    found = await certificates.certify(records.engine, records.schedule, since=since, until=datetime.now(UTC))
    file = certificates.write(tmp_path / "disposals", records.identities, found)
    [line] = json.loads(file.read_text())["classes"]["not-accepted"]["records"]
    assert (line["reference"], line["by"], line["asked_by"]) == (sent.reference, "bea", "ada")
    text = file.with_suffix(".txt").read_text()
    assert all(each in text for each in (sent.reference, "bea", "ada", "2 years after the last entry"))
    assert certificates.is_ours(file, records.identities)
    file.write_text(file.read_text().replace("bea", "eve"))
    assert not certificates.is_ours(file, records.identities)


async def test_members_go_two_years_after_their_end_when_no_referral_of_theirs_is_kept(records: Records) -> None:
    sent = await records.withdrawn()
    for name in ("gone", "author", "active"):
        async with records.engine.begin() as tx:
            await members.add(
                tx,
                records.identities,
                slug="health-visiting",
                email=f"{name}@health-visiting.example",
                is_keeper=False,
                actor=ADA,
                at=datetime.now(UTC),
            )
    newest = await fetch(records.engine, "SELECT id FROM member ORDER BY added_at DESC LIMIT 3")
    gone, author, _ = ids = [row.id for row in reversed(newest)]
    before = await count(records.engine, "member")
    async with records.engine.begin() as tx:
        await tx.exec_driver_sql(f"UPDATE member SET ended_at = now() WHERE id IN ('{gone}', '{author}')")
        await tx.exec_driver_sql(f"INSERT INTO author VALUES ('{sent.id}', '{author}', 1)")
    assert await members_due(records.engine, records.schedule, on=IN_TWO_YEARS - timedelta(days=1)) == 0
    assert await members_due(records.engine, records.schedule, on=IN_TWO_YEARS) == 1
    await records.held(sent)
    assert (await records.run(IN_TWO_YEARS)).members == 1
    left = {row.id for row in await fetch(records.engine, "SELECT id FROM member")}
    assert (gone in left, set(ids[1:]) <= left, len(left)) == (False, True, before - 1)
    [entry] = await fetch(records.engine, "SELECT detail FROM audit WHERE action = 'member.disposed'")
    assert entry.detail == str(gone)


async def test_resolved_rows_go_after_two_years_but_not_before_their_referral(records: Records) -> None:
    kept, gone, agency = await records.withdrawn(), await records.withdrawn(), uuid4()
    async with records.engine.begin() as tx:
        await erasing.erase(tx, gone.reference, actor=ADA, at=datetime.now(UTC))
        for offset, (key, kind, resolved) in enumerate(
            [
                (None, None, "now() - interval '1 day'"),
                (gone.id, "referral.received.v1", "now() - interval '1 day'"),
                (agency, "agency.updated.v1", "now() - interval '1 day'"),
                (kept.id, "referral.received.v1", "now() - interval '1 day'"),
                (None, None, "now()"),
                (None, None, "NULL"),
            ]
        ):
            statement = f"""
                INSERT INTO parked (topic, partition, "offset", recorded_at, headers, cause, key, type, resolved_at)
                VALUES ('t', 0, {offset}, now(), '[]', 'c', :key, :type, {resolved})
            """
            await tx.execute(sql(statement), {"key": key, "type": kind})
    at = datetime.combine(IN_TWO_YEARS - timedelta(days=1), time(12), UTC)
    assert await repair.dispose(records.engine, records.schedule, at=at, by=None) == 3
    assert await count(records.engine, "parked") == 6
    assert await repair.dispose(records.engine, records.schedule, at=at, by=ADA) == 3
    left = await fetch(records.engine, 'SELECT "offset" FROM parked ORDER BY "offset"')
    assert [row.offset for row in left] == [3, 4, 5]
    [entry] = await fetch(records.engine, "SELECT detail FROM audit WHERE action = 'parked.disposed'")
    assert entry.detail == "3"


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happened_to_families_is_read_and_each_run_does_what_its_plan_said(
    records: Records, seed: int
) -> None:
    chance = Random(seed)
    sent = [await records.withdrawn() for _ in range(14)]
    oldest = sorted(chance.sample(range(len(sent)), 8))
    families = [sent[number if number in oldest else chance.choice(oldest)].id for number in range(len(sent))]
    meant = {
        each.reference: await _something_happens(records, each, family, chance)
        for each, family in zip(sent, families, strict=True)
    }
    async with records.engine.begin() as tx:
        await tx.execute(sql("UPDATE referral SET decided_version = version"))  # triage has heard of each
        found = await read_families(tx, families)
    assert {name: facts for each in found for name, facts in zip(each.references, each.facts, strict=True)} == meant

    left = set(meant)
    for years in (0, 1, 2, 3, 20, 24, 25, 26, 30):
        on = years_after(TODAY, years)
        plan = await records.plan(on)
        done = await records.run(on)
        assert (sum(done.erased.values()), done.refused) == (len(plan.references), [])
        left -= set(plan.references)
        rows = await fetch(records.engine, "SELECT reference FROM referral WHERE wrapped_key IS NOT NULL")
        assert {row.reference for row in rows} == left
        assert (await records.plan(on)).references == []
    for each in found:
        verdict = due_on(each.facts, records.schedule)
        assert (set(each.references) <= left) == (isinstance(verdict, Waits) or verdict.on > on)


_ENDED = """
    UPDATE referral SET family_id = :family, withdrawn_at = :at, profile = CAST(:profile AS jsonb),
        facts = facts || CAST(:facts AS jsonb)
    WHERE id = :id
"""
_WORK = """
    INSERT INTO route_state (work_item_id, referral_id, route, state, changed_at)
    VALUES (gen_random_uuid(), :id, '{route}', '{state}', :at)
"""


async def _something_happens(records: Records, sent: Sent, family_id: UUID, chance: Random) -> RecordFacts:
    """Dates, work, a danger, a loss, a hold and a family, as the services would store them; returns what was meant."""
    ended = datetime.combine(TODAY - timedelta(days=chance.randrange(2000)), time(12), UTC)
    days = [ended.date() - timedelta(days=chance.randrange(1, 700)) for _ in range(2)]
    babies = tuple(
        BabyDates(chance.choice([day, None]), chance.choice([day, None])) for day in days[: chance.choice([1, 1, 2])]
    )
    was_accepted, has_danger, is_loss = (chance.random() < part for part in (0.5, 0.3, 0.2))
    is_open, has_legal_hold = chance.random() < 0.1, chance.random() < 0.1
    profile = Profile(babies=tuple(Person(born=each.born_on, due=each.due_on) for each in babies))
    facts = {"safety": [], "circumstances": ["infant_died"] if is_loss else []}
    values = {"id": sent.id, "family": family_id, "at": ended, "facts": json.dumps(facts)}
    statements = [_ENDED, "UPDATE history SET at = :at WHERE referral_id = :id"]
    if was_accepted:
        what = chance.choice(["accepted", "first-contact"])
        statements.append(f"INSERT INTO history (referral_id, at, what) VALUES (:id, :at, '{what}')")
    statements += [_WORK.format(route="mash", state="closed")] * has_danger
    statements += [_WORK.format(route="pir_short", state="open")] * is_open
    async with records.engine.begin() as tx:
        for statement in statements:
            named = values | {"profile": profile.model_dump_json()}
            await tx.execute(sql(statement), {name: named[name] for name in named if f":{name}" in statement})
    if has_legal_hold:
        await records.held(sent)
    return RecordFacts(
        last_on=None if is_open else ended.date(),
        babies=babies,
        was_accepted=was_accepted,
        has_danger=has_danger,
        is_loss=is_loss,
        has_legal_hold=has_legal_hold,
    )
