"""A state machine: several people, agencies and the passing of days, in any order, against a small model.

The model knows what was done (who asked, accepted, met, wrote words), not how the service keeps it. It has to find each
of the faults that are planted at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from services.metrics import tables as metrics_tables
from services.metrics.counting.read_book import read_book
from services.metrics.handlers import handlers as metrics_handlers
from services.metrics.spans import Span
from services.triage import decisions, handlers, measures, tables, team
from services.triage.work_items import deadlines, queues, today
from services.triage.work_items.queues import Choices, Show
from shared.access import Permission, Staff
from shared.database import one_moment
from shared.events import (
    EVENTS,
    FAMILY_WORK,
    Circumstance,
    Consent,
    Envelope,
    Facts,
    MentalHealth,
    Route,
    Safety,
    Severity,
)
from shared.messaging.dispatch import dispatch
from shared.problems import Problem
from shared.working_time import LONDON, day_in_london, is_working_day
from tests.builders import SHERWOOD, TODAY, a_family, at_home, elsewhere
from tests.integration.support import engine_of
from tests.integration.triage_team import LEAD, MAYA, OMAR, OTHER_LEAD, TriageTeam, with_opening

T = TypeVar("T")

OPENING = TODAY + timedelta(days=9)
PEOPLE = (MAYA, OMAR, LEAD, OTHER_LEAD)
SHORT: dict[str, Any] = {"severity": Severity.MODERATE}
FAMILIES: list[dict[str, Any]] = [
    SHORT,
    SHORT | {"babies": 2},
    SHORT | {"mental_health": MentalHealth.MODERATE},
    SHORT | {"home": at_home(SHERWOOD)},
    SHORT | {"home": at_home(SHERWOOD), "babies": 2},
    SHORT | {"home": elsewhere()},
    SHORT | {"consent": Consent.NOT_SOUGHT},
    SHORT | {"safety": [Safety.SIGNIFICANT_HARM]},
    SHORT | {"safety": [Safety.IMMEDIATE_DANGER]},
    SHORT | {"mental_health": MentalHealth.SELF_HARM_NEW},
    SHORT | {"circumstances": [Circumstance.PREGNANCY_ENDED]},
    SHORT | {"safety_words": True},
    SHORT | {"carer_age": 15},
    SHORT | {"due_on": TODAY + timedelta(days=20)},
    SHORT | {"born_on": TODAY + timedelta(days=5)},
]
SAFETY = {
    *("mash", "mash_home_la", "emergency_call", "safeguarding_lead", "social_worker_link", "pnmh_emergency"),
    *("bereavement_review", "review_birth_outcome"),
}
STEPS: dict[str, dict[str, Any]] = {
    "claim": {},
    "release": {},
    "take-over": {},
    "hand-back": {},
    "assign": {"to": OMAR.id},
    "accept": {},
    "decline": {"reason": "not_suitable", "note": "Told the duty desk"},
    "override": {"routes": [Route.PIR_SHORT], "reason": "I know them"},
    "take-proposal": {},
    "leave-proposal": {},
    "request-information": {"asked": "Which day?"},
    "wait": {},
    "contact-attempt": {"outcome": "no_answer"},
    "first-contact": {},
    "close": {"reason": "passed_on"},
    "reopen": {"note": "By mistake"},
}
WEIGHTED = [*STEPS, "claim", "accept", "accept", "first-contact", "request-information", "request-information", "close"]


@dataclass
class ItemModel:
    """What was done with an item, as those who did it know."""

    referral: UUID
    asked_at: datetime | None = None
    is_accepted: bool = False
    is_met: bool = False
    is_read: bool = False
    holder: str | None = None


@dataclass
class Model:
    items: dict[UUID, ItemModel] = field(default_factory=dict)
    due: dict[UUID, tuple[datetime, str, bool]] = field(default_factory=dict)
    """When each was due, how urgent it was, and whether it had priority (M1)."""
    released: set[UUID] = field(default_factory=set)
    may_end: set[UUID] = field(default_factory=set)
    """Safety work that a lead, or whoever had taken it, ended with words in the step just taken."""


class Life(RuleBasedStateMachine):
    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.engine = engine_of(self.url, tables.SCHEMA)
        self.counts = engine_of(self.url, metrics_tables.SCHEMA)
        self.team = TriageTeam(self.engine, with_opening(SHERWOOD, OPENING))
        self.model = Model()
        self.refs: list[UUID] = []
        self.heard: list[UUID] = []
        self.run(self._begin())

    async def _begin(self) -> None:
        for engine, known in ((self.engine, tables.metadata), (self.counts, metrics_tables.metadata)):
            async with engine.begin() as tx:
                await tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
                names = ", ".join(f'"{table.name}"' for table in known.tables.values())
                await tx.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
        await self.team.set_places(Route.PIR_SHORT, 1, group=1)
        for facts in FAMILIES[:1] + FAMILIES[3:4]:
            self.refs.append(await self.team.referred(a_family(**facts)))

    def run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return self.runner.run(done())

    def teardown(self) -> None:
        self.run(self.engine.dispose())
        self.run(self.counts.dispose())
        self.runner.close()

    # What happens.

    @rule(facts=st.sampled_from(FAMILIES))
    def refer(self, facts: dict[str, Any]) -> None:
        self.refs.append(self.run(self.team.referred(a_family(**facts))))

    @precondition(lambda self: self.refs)
    @rule(which=st.integers(0, 99), facts=st.sampled_from(FAMILIES))
    def amend(self, which: int, facts: dict[str, Any]) -> None:
        key = self.refs[which % len(self.refs)]
        before: Facts = self.team.facts[key][1]
        told = a_family(**facts)
        if before.place.ward == SHERWOOD:  # the family does not move: only what else is known changes
            told = told.model_copy(update={"place": before.place})
        self.run(self.team.amended(key, told))

    @precondition(lambda self: self.refs)
    @rule(which=st.integers(0, 99))
    def withdraw(self, which: int) -> None:
        self.run(self.team.withdrawn(self.refs[which % len(self.refs)]))

    @precondition(lambda self: self.refs)
    @rule(which=st.integers(0, 99), minutes=st.sampled_from([0, 0, 90]))
    def answer(self, which: int, minutes: int) -> None:
        """What the referrer answers, `minutes` ago."""
        key, at = self.refs[which % len(self.refs)], self.team.now - timedelta(minutes=minutes)
        self.run(self.team.informed(key, at=at))
        for item in self.model.items.values():
            if item.referral == key and item.asked_at is not None and item.asked_at < at:
                item.asked_at = None

    @precondition(lambda self: self.model.items)
    @rule(which=st.integers(0, 999), who=st.sampled_from(PEOPLE))
    def look(self, which: int, who: Staff) -> None:
        item_id = self._item(which)
        [row] = self.run(self._rows(f"WHERE id = '{item_id}'"))
        self.run(self.team.look(row))
        self.model.items[item_id].is_read = True

    @precondition(lambda self: self.model.items)
    @rule(
        which=st.integers(0, 999),
        who=st.sampled_from(PEOPLE),
        step=st.sampled_from(WEIGHTED),
        has_words=st.booleans(),
    )
    def take(self, which: int, who: Staff, step: str, has_words: bool) -> None:
        item_id, body = self._item(which), dict(STEPS[step])
        [row] = self.run(self._rows(f"WHERE id = '{item_id}'"))
        waits_before = self.run(self._places_before(row)) if step == "accept" else None
        if step == "close" and has_words:
            body["note"] = "Told the duty desk at noon"
        try:
            led_to = self.run(self.team.take(item_id, step, who, **body))
        except Problem:
            return
        self._note(step, row, who, has_words=has_words or step in ("decline", "override"))
        if waits_before is not None:
            free, ahead = waits_before
            assert free > ahead, "somebody jumped the list, or took a place that was not there"
        if led_to != item_id:
            self.model.items[led_to] = ItemModel(row.referral_id)

    def _note(self, step: str, row: Any, who: Staff, *, has_words: bool) -> None:
        item = self.model.items[row.id]
        is_lead, was_taken = who.may(Permission.LEAD), item.holder == who.id
        if step in ("close", "decline", "override") and has_words and (is_lead or was_taken):
            self.model.may_end.add(row.id)
        if step in ("claim", "accept", "override", "arrange"):
            item.asked_at = None
        if step == "request-information":
            item.asked_at = self.team.now
        item.is_accepted |= step == "accept"
        item.is_met |= step == "first-contact"
        item.is_read |= step not in ("assign", "hand-back", "note")

    @rule(hours=st.sampled_from([1, 3, 20, 26, 70, 24 * 9, 24 * 9, 24 * 30]))
    def go_on(self, hours: int) -> None:
        self.team.later(hours=hours)
        self.run(self.team.strike())

    @rule(places=st.integers(0, 2))
    def set_places(self, places: int) -> None:
        self.run(self.team.set_places(Route.PIR_SHORT, places, group=1))
        self.run(self.team.strike())

    # What has to hold.

    @invariant()
    def holds(self) -> None:
        self.run(self._check())
        self.model.may_end.clear()

    async def _check(self) -> None:
        found = sorted(
            await self._rows(), key=lambda row: (self.refs.index(row.referral_id), row.route, row.reopens is None)
        )
        rows = {row.id: row for row in found}  # in an order that does not hang on random ids
        for row in rows.values():
            known = self.model.items.setdefault(row.id, ItemModel(row.referral_id))
            self._check_safety(row, known)
            self._check_deadline(row)
            if row.ended_at is not None or row.state != "waiting_for_referrer":
                known.asked_at = None  # another decision ended the question, or what was asked about
            elif known.asked_at is None:
                known.asked_at = row.waiting_since  # the rules asked
            known.is_accepted, known.is_met = (
                known.is_accepted or (row.reopens is not None and row.accepted_at is not None),
                (known.is_met or row.first_contact_at is not None),
            )
            known.holder = row.assignee
        await self._check_lists([row for row in rows.values() if row.ended_at is None])
        await self._check_releases(rows)
        await self._check_announced([row for row in rows.values() if row.ended_at is None])
        await self._check_reports([row for row in rows.values() if row.ended_at is None])

    def _check_safety(self, row: Any, known: ItemModel) -> None:
        """No unread safety work ever ends without words of a lead, or of whoever had taken it."""
        is_safety = row.route in SAFETY or (row.route == "review" and "safety_words" in row.marks)
        was_attended = known.is_accepted or (known.is_read and known.holder is not None)
        if is_safety and row.ended_at is not None and not was_attended and row.ended_at == self.team.now:
            assert row.id in self.model.may_end, f"unread {row.route} ended: {row.end_reason}"

    async def _check_announced(self, rows: list[Any]) -> None:
        """Of the day of a first contact, outsiders know what the queue knows."""
        async with self.engine.connect() as tx:
            said = await tx.execute(
                sa.text("""
                    SELECT DISTINCT ON (item) item, due_at FROM (
                        SELECT key, sequence, CAST(value AS jsonb) AS told FROM event
                    ) AS e CROSS JOIN LATERAL (
                        SELECT told ->> 'work_item_id' AS item, told ->> 'due_at' AS due_at WHERE told ? 'due_at'
                        UNION ALL SELECT each ->> 'work_item_id', each ->> 'due_at'
                        FROM jsonb_array_elements(coalesce(told -> 'opened', '[]')) AS each
                    ) AS item ORDER BY item, sequence DESC
                """)
            )
            announced = {UUID(row.item): datetime.fromisoformat(row.due_at) for row in said}
        for row in rows:
            if row.route in FAMILY_WORK and row.first_contact_at is None:
                assert announced[row.id] == row.due_at, (row.route, announced[row.id], row.due_at)

    def _check_deadline(self, row: Any) -> None:
        """At the close of a working day, and never earlier than before unless urgency or priority was added."""
        before, now = self.model.due.get(row.id), (row.due_at, row.urgency, "priority" in row.marks)
        self.model.due[row.id] = now
        if row.urgency in ("now", "4h"):
            return
        local = row.due_at.astimezone(LONDON)
        assert (local.hour, local.minute, is_working_day(local.date())) == (17, 0, True), (
            f"not at the close of a working day: {row.due_at}"
        )
        if before is not None and row.ended_at is None and before[1:] == now[1:]:
            assert row.due_at >= before[0], f"a deadline moved back: {before[0]} to {row.due_at}"

    async def _check_lists(self, rows: list[Any]) -> None:
        """Every open item is in exactly the lists that it belongs to, by what was done with it."""
        asked: dict[UUID, list[datetime]] = {}
        for row in rows:
            known = self.model.items[row.id]
            if known.asked_at is not None and not _is_watched(row):
                asked.setdefault(row.referral_id, []).append(known.asked_at)
        expected: dict[Show, set[UUID]] = {show: set() for show in _LISTS}
        for row in rows:
            for show, belongs in _LISTS.items():
                if belongs(row, self.model.items[row.id], asked.get(row.referral_id, []), self.team.now):
                    expected[show].add(row.id)
        async with self.engine.connect() as tx:
            for show, ids in expected.items():
                choices = Choices(show=show, size=1000)
                page = await queues.page(tx, None, choices, staff=LEAD, now=self.team.now)
                assert {row.id for row in page.rows} == ids, show
            counted = await queues.counts(tx, now=self.team.now)
            colleagues = await team.colleagues(tx, now=self.team.now)
            watched = await today.watch(tx, now=self.team.now)
            await measures.measure(tx, now=self.team.now)
        late = expected[Show.OVERDUE]
        # The start page, the team's page and Grafana say the same.
        assert sum(each["overdue"] for each in counted["queues"]) == len(late) == _gauge("overdue")
        assert _gauge("contact_due") == len(expected[Show.CONTACT_DUE])
        assert measures.OF_ALL["waiting"]._value.get() == len(expected[Show.WAITING_FOR_REFERRER])
        assert sum(each.overdue for each in colleagues) == sum(row.id in late for row in rows if row.assignee)
        assert sum(each.open for each in colleagues) == sum(row.assignee is not None for row in rows)
        assert watched.late == sum(row.id in late for row in rows if _is_watched(row))

    async def _check_releases(self, rows: dict[UUID, Any]) -> None:
        """A family that was released is never held for its ward again."""
        async with self.engine.connect() as tx:
            released = await tx.execute(sa.text("SELECT id FROM referral WHERE released_at IS NOT NULL"))
            self.model.released |= set(released.scalars())
        for row in rows.values():
            is_held = row.route == "phase_hold" and row.ended_at is None
            assert not (is_held and row.referral_id in self.model.released), "a released family is held again"

    async def _check_reports(self, rows: list[Any]) -> None:
        """The first contact is due on the same day on the page and in the report."""
        await self._tell_metrics()
        first = date(2026, 1, 1)
        async with one_moment(self.counts).connect() as tx:
            book = await read_book(tx, Span(first, 24), self.team.policy.working_time)
        due = {case.id: case.contact_due_on for case in book.cases if case.first_contact_on is None}
        for row in rows:
            reported = due.get(row.referral_id)
            is_family_work = row.route in FAMILY_WORK and row.urgency not in ("now", "4h")
            if is_family_work and reported is not None and not row.clock_stands:
                assert day_in_london(row.due_at) == reported, (row.route, row.due_at, reported)

    async def _tell_metrics(self) -> None:
        async with self.engine.connect() as tx:
            found = await tx.execute(
                sa.text("SELECT * FROM event WHERE id <> ALL(:heard) ORDER BY key, sequence"), {"heard": self.heard}
            )
            events = [_envelope(row) for row in found]
            self.heard += [event.id for event in events]
        hears = metrics_handlers(self.team.policy)
        events = [event for event in (*self.team.said_by_agencies, *events) if type(event.data) in hears]
        self.team.said_by_agencies.clear()
        if events:
            async with self.counts.begin() as tx:
                await dispatch(events, hears, tx)

    # Looking.

    def _item(self, which: int) -> UUID:
        ids = list(self.model.items)
        return ids[which % len(ids)]

    async def _rows(self, where: str = "") -> list[Any]:
        async with self.engine.connect() as tx:
            return list((await tx.execute(sa.text(f"SELECT * FROM work_item {where} ORDER BY id"))).all())

    async def _places_before(self, row: Any) -> tuple[int, int] | None:
        """Free places of a route with places, and how many wait before this family: all, when it does not wait."""
        if row.route != Route.PIR_SHORT:
            return None
        rows = [each for each in await self._rows() if each.route == row.route and each.ended_at is None]
        async with self.engine.connect() as tx:
            there = await tx.scalar(sa.text("SELECT individual FROM capacity WHERE route = 'pir_short'"))
        free = there - sum(each.place == "individual" for each in rows)
        waiting = [each for each in rows if "waiting_list" in each.marks and each.accepted_at is None]
        order = sorted(
            waiting,
            key=lambda each: (
                "place_free" not in each.marks,
                -["routine", "urgent", "1wd", "4h", "now"].index(each.urgency),
                each.received_at,
                each.id,
            ),
        )
        places = [each.id for each in order]
        return free, places.index(row.id) if row.id in places else len(places)


def _gauge(name: str) -> float:
    """Of all routes together."""
    return float(sum(measures.OF_ROUTE[name].labels(route.value)._value.get() for route in Route))


def _is_watched(row: Any) -> bool:
    words = row.route == "review" and "safety_words" in row.marks
    return row.route in SAFETY or words or row.urgency in ("now", "4h")


def _is_done(row: Any, known: ItemModel) -> bool:
    return row.route in FAMILY_WORK and known.is_met


def _is_late(row: Any, known: ItemModel, asked: list[datetime], now: datetime) -> bool:
    """Past its time and not done; not while a question stands that was asked before it was due."""
    stands = not _is_watched(row) and any(at <= row.due_at for at in asked)
    return not _is_done(row, known) and not stands and row.due_at < now


_LISTS: dict[Show, Callable[[Any, ItemModel, list[datetime], datetime], bool]] = {
    Show.OVERDUE: _is_late,
    Show.WAITING_FOR_REFERRER: lambda _, known, __, ___: known.asked_at is not None,
    Show.CONTACT_DUE: lambda row, known, _, __: known.is_accepted and row.route in FAMILY_WORK and not known.is_met,
    Show.WITH_TEAM: lambda _, known, __, ___: known.is_accepted,
    Show.WAITING_LIST: lambda row, known, _, __: "waiting_list" in row.marks and not known.is_accepted,
    Show.ON_CALL: lambda row, known, _, __: row.urgency in ("now", "4h") and not _is_done(row, known),
    Show.DECLINES: lambda row, *_: row.route in ("signpost_age", "signpost_area", "advice_to_referrer"),
}


def _envelope(row: Any) -> Envelope[Any]:
    kind = EVENTS[row.type]
    return Envelope(
        id=row.id,
        key=row.key,
        type=row.type,
        source="/pir/triage",
        sequence=row.sequence,
        occurred_at=row.occurred_at,
        correlation_id=row.correlation_id,
        causation_id=row.causation_id,
        traceparent=row.traceparent,
        heard_at=row.occurred_at,
        data=kind.model_validate_json(row.value),
    )


@pytest.mark.timeout(600)
def test_nothing_is_lost_whatever_happens_in_whatever_order(database: str) -> None:
    machine = type("LifeHere", (Life,), {"url": database})
    chosen = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        print_blob=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)  # type: ignore[arg-type]  # a type made here


def overdue_without_the_accepted(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(queues.SHOWN, Show.OVERDUE, "accepted_at IS NULL AND NOT clock_stands AND due_at < :now")


def raw_hours_for_waited_time(patch: pytest.MonkeyPatch) -> None:
    def raw(due: datetime, stops: Any, **_: Any) -> datetime:
        return due + sum(((ran - stopped) for stopped, ran in stops if ran), timedelta(0))

    patch.setattr(deadlines, "moved", raw)


def decided_as_of_the_receipt(patch: pytest.MonkeyPatch) -> None:
    by_the_rules = decisions.by_the_rules

    async def as_of_receipt(tx: Any, referral: Any, facts: Facts, **more: Any) -> Any:
        is_release = more.get("actor") is not None and more["actor"].id == "clock"
        return await by_the_rules(tx, referral, facts, **more | ({} if is_release else {"as_of": referral.received_at}))

    patch.setattr(decisions, "by_the_rules", as_of_receipt)


def a_withdrawal_that_closes_everything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handlers, "is_unread_safety", lambda _: False)


Steps = Sequence[Callable[[Life], None]]
A_STOPPED_CLOCK: Steps = (
    lambda life: life.take(0, MAYA, "claim", has_words=False),
    lambda life: life.take(0, MAYA, "request-information", has_words=False),
    lambda life: life.go_on(70),
    lambda life: life.answer(0, 0),
)
ACCEPTED_AND_NEVER_MET: Steps = (
    lambda life: life.take(0, MAYA, "claim", has_words=False),
    lambda life: life.take(0, MAYA, "accept", has_words=False),
    lambda life: life.go_on(24 * 30),
)
RELEASED_AND_THEN_AMENDED: Steps = (
    lambda life: life.go_on(24 * 9),
    lambda life: life.go_on(26),
    lambda life: life.amend(1, FAMILIES[2]),
)
UNREAD_DANGER_WITHDRAWN: Steps = (
    lambda life: life.refer(FAMILIES[7]),
    lambda life: life.withdraw(2),
)


def live_through(database: str, steps: Steps) -> None:
    """These steps and no others: whether a fault is found must not hang on what is generated."""
    life = type("LifeHere", (Life,), {"url": database})()
    try:
        life.holds()
        for step in steps:
            step(life)
            life.holds()
    finally:
        life.teardown()


FAULTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Steps, str]] = [
    (overdue_without_the_accepted, ACCEPTED_AND_NEVER_MET, "^overdue\\n"),
    (raw_hours_for_waited_time, A_STOPPED_CLOCK, "not at the close of a working day"),
    (decided_as_of_the_receipt, RELEASED_AND_THEN_AMENDED, "a released family is held again"),
    (a_withdrawal_that_closes_everything, UNREAD_DANGER_WITHDRAWN, "ended: withdrawn"),
]


@pytest.mark.parametrize(("plant", "steps", "seen"), FAULTS, ids=[plant.__name__ for plant, _, _ in FAULTS])
def test_a_planted_fault_is_found(
    database: str, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], steps: Steps, seen: str
) -> None:
    live_through(database, steps)  # without the fault nothing is found
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=seen):
        live_through(database, steps)
