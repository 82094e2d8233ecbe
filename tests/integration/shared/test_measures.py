"""Gauges that are worked out from rows: what counts, and what does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics import measures as of_metrics
from services.notify import measures as of_notify
from services.triage import measures as of_triage
from shared.events import DecidedBy, ReferralTriaged
from shared.ids import uuid7
from shared.metrics import count
from tests.builders import a_family, a_policy, decided
from tests.integration.support import engine_of

Measure = Callable[[AsyncConnection], Awaitable[None]]
METRICS: Measure = partial(of_metrics.measure, hours=a_policy().working_time)


@asynccontextmanager
async def measured(url: str, schema: str, measure: Measure) -> AsyncIterator[AsyncConnection]:
    """Rows are put in inside, and measured at the end."""
    engine = engine_of(url, schema)
    async with engine.begin() as tx:
        yield tx
    async with engine.connect() as tx:
        await measure(tx)
    await engine.dispose()


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None, (name, labels)
    return found


async def an_item(tx: AsyncConnection, **changes: Any) -> None:
    """A routine item of `pir_short`, open, not opened, due in an hour; times are SQL."""
    row = {
        "route": "'pir_short'",
        "urgency": "'routine'",
        "state": "'open'",
        "due_at": "now() + interval '1 hour'",
        "escalate_at": "now() + interval '1 hour'",
        "escalations": "0",
        "marks": "'[]'",
    } | changes
    fixed = {"reference": "'PIR-1'", "about": "'family'", "received_at": "now() - interval '1 day'"}
    ids = {name: f"'{uuid4()}'" for name in ("id", "referral_id", "decision_id", "agency_id")}
    row |= ids | fixed
    row |= {"counts_from": row["received_at"], "base_due_at": row["due_at"]}
    await tx.execute(text(f"INSERT INTO work_item ({', '.join(row)}) VALUES ({', '.join(row.values())})"))


async def test_an_item_nobody_opened_within_a_working_day_counts_on_its_list(database: str) -> None:
    async with measured(database, "triage", of_triage.measure) as tx:
        await an_item(tx)
        await an_item(tx, escalations="1")
        await an_item(tx, escalate_at="now() - interval '1 second'")
        await an_item(tx, escalations="1", opened_first_at="now()")
        await an_item(tx, escalations="1", ended_at="now()")
        await an_item(tx, escalations="2", urgency="'4h'", route="'pnmh_emergency'")
    assert value("pir_queue_unopened_items", route="pir_short") == 2
    assert value("pir_queue_unopened_items", route="pnmh_emergency") == 0
    assert value("pir_urgent_unopened_items") == 1


async def test_safeguarding_past_its_time_counts_until_somebody_ends_it(database: str) -> None:
    past = "now() - interval '1 minute'"
    async with measured(database, "triage", of_triage.measure) as tx:
        await an_item(tx, route="'mash'", due_at=past)
        await an_item(tx, route="'mash_home_la'", due_at=past)
        await an_item(tx, route="'mash'", due_at=past, ended_at="now()", state="'closed'")
        await an_item(tx, route="'emergency_call'")
        await an_item(tx, due_at=past)
    assert value("pir_safeguarding_overdue_items") == 2


async def a_look(tx: AsyncConnection, who: str, referral: int, *, hours: int, action: str = "identity.viewed") -> None:
    await tx.execute(
        text("""
            INSERT INTO audit (at, actor_kind, actor_id, action, referral_id)
            VALUES (now() - make_interval(hours => :hours), 'staff', :who, :action, :referral)
        """),
        {"hours": hours, "who": who, "action": action, "referral": UUID(int=referral)},
    )


async def test_the_most_families_that_one_person_looked_at_within_a_day_are_counted_once_each(database: str) -> None:
    async with measured(database, "triage", of_triage.measure) as tx:
        for referral in (1, 1, 2, 3):
            await a_look(tx, "maya", referral, hours=1)
        for referral in (1, 2):
            await a_look(tx, "tom", referral, hours=1)
            await a_look(tx, "tom", referral + 4, hours=25)
            await a_look(tx, "tom", referral + 8, hours=1, action="item.claim")
    assert value("pir_looks_by_one_person") == 3


async def test_looks_of_the_day_before_without_a_step_are_counted(database: str) -> None:
    async with measured(database, "triage", of_triage.measure) as tx:
        for hours in (20, 30, 31, 50):
            await a_look(tx, "maya", 1, hours=hours)
        await a_look(tx, "tom", 1, hours=30)
        await a_look(tx, "tom", 2, hours=30)
        await a_look(tx, "tom", 2, hours=10, action="item.note")
    assert value("pir_looks_without_work") == 2


async def test_without_a_look_the_gauges_are_0(database: str) -> None:
    async with measured(database, "triage", of_triage.measure):
        pass
    assert (value("pir_looks_by_one_person"), value("pir_looks_without_work")) == (0, 0)


async def test_a_clock_that_does_not_come_is_seen(database: str) -> None:
    async with measured(database, "triage", of_triage.measure) as tx:
        await an_item(tx, escalate_at="now() - interval '10 minutes'")
        await an_item(tx, escalate_at="now() - interval '20 minutes'", ended_at="now()")
    assert 600 <= value("pir_clock_late_seconds") < 1200


async def test_a_question_to_the_referrer_waits_from_when_it_was_asked(database: str) -> None:
    async with measured(database, "triage", of_triage.measure) as tx:
        await an_item(tx, state="'waiting_for_referrer'", waiting_since="now() - interval '2 days'")
        await an_item(tx, marks="""'["ages_out_soon"]'""")
    assert value("pir_waiting_for_referrer_items") == 1
    assert value("pir_waiting_for_referrer_oldest_seconds") >= 2 * 86_400
    assert value("pir_ages_out_soon_items") == 1


async def a_message(tx: AsyncConnection, state: str, *, kind: str = "receipt", due: str = "now()") -> None:
    ids = ", ".join(f"'{uuid4()}'" for _ in range(4))
    await tx.execute(
        text(f"""
            INSERT INTO message (id, referral_id, agency_id, correlation_id, part, reference, audience, kind, channel,
                                 state, content, message_id_header, created_at, due_at)
            VALUES ({ids}, 0, 'PIR-1', 'agency', '{kind}', 'email', '{state}', '{{}}', '<1@x>',
                    now() - interval '5 hours', {due})
        """)
    )


async def test_a_message_that_failed_is_old_however_often_it_is_put_off(database: str) -> None:
    async with measured(database, "notify", of_notify.measure) as tx:
        await a_message(tx, "failed", due="now() + interval '50 minutes'")
        await a_message(tx, "sent")
    assert value("pir_messages_due") == 0
    assert value("pir_messages_unsent", kind="receipt", state="failed") == 1
    assert value("pir_messages_unsent", kind="receipt", state="due") == 0
    assert value("pir_messages_oldest_unsent_seconds", kind="receipt") >= 5 * 3600
    assert value("pir_messages_oldest_unsent_seconds", kind="on-call") == 0


async def test_what_is_collected_is_counted_and_late_only_after_its_day(database: str) -> None:
    async with measured(database, "notify", of_notify.measure) as tx:
        await a_message(tx, "collected", due="now() + interval '5 hours'")
        await tx.execute(text("UPDATE message SET collected_on = current_date + 1"))
    assert value("pir_messages_unsent", kind="receipt", state="collected") == 1
    assert value("pir_messages_due") == value("pir_messages_oldest_unsent_seconds", kind="receipt") == 0
    async with measured(database, "notify", of_notify.measure) as tx:
        await tx.execute(text("UPDATE message SET due_at = now() - interval '1 hour'"))
    assert value("pir_messages_due") == 1
    assert 3600 <= value("pir_messages_oldest_unsent_seconds", kind="receipt") < 2 * 3600


async def test_what_was_collected_and_nobody_can_take_grows_old(database: str) -> None:
    async with measured(database, "notify", of_notify.measure) as tx:
        await a_message(tx, "collected", due="now() + interval '10 minutes'")
        await tx.execute(text("UPDATE message SET collected_on = current_date - 1, last_error = 'no-recipient'"))
    assert value("pir_messages_oldest_unsent_seconds", kind="receipt") >= 24 * 3600


async def test_word_to_the_on_call_contact_is_measured_apart(database: str) -> None:
    async with measured(database, "notify", of_notify.measure) as tx:
        await a_message(tx, "due", kind="on-call")
    assert value("pir_messages_oldest_unsent_seconds", kind="on-call") >= 5 * 3600
    assert value("pir_messages_oldest_unsent_seconds", kind="receipt") == 0


async def a_counted_referral(tx: AsyncConnection, *, days_ago: int, also: str = "NULL") -> None:
    await tx.execute(
        text(f"""
            INSERT INTO referral (id, received_at, triaged_at, withdrawn_at)
            VALUES ('{uuid7()}', now() - interval '{days_ago} days', NULL, {also})
        """)
    )


async def test_a_referral_that_was_withdrawn_waits_for_no_decision(database: str) -> None:
    async with measured(database, "metrics", METRICS) as tx:
        await a_counted_referral(tx, days_ago=40, also="now()")
    assert value("pir_undecided_oldest_seconds") == 0
    assert value("pir_intake_quiet_working_seconds") > 20 * 8 * 3600


async def test_the_oldest_referral_without_a_decision_is_measured(database: str) -> None:
    async with measured(database, "metrics", METRICS) as tx:
        await a_counted_referral(tx, days_ago=2)
        await a_counted_referral(tx, days_ago=1)
    assert 2 * 86_400 <= value("pir_undecided_oldest_seconds") < 3 * 86_400
    assert value("pir_working_time") in (0, 1)
    assert value("pir_database_size_bytes") > 1_000_000


async def test_a_referral_waits_until_all_its_items_are_accepted_declined_or_ended(database: str) -> None:
    steps = ("accepted_at", "declined_at", "ended_at", "claimed_at")
    async with measured(database, "metrics", METRICS) as tx:
        for step in steps:
            await tx.execute(
                text(f"""
                    INSERT INTO work_item (id, referral_id, route, opened_at, {step})
                    VALUES ('{uuid7()}', '{uuid7()}', 'pir_short', now(), now())
                """)
            )
        assert await of_metrics.waiting(tx) == 1


async def test_before_the_first_referral_nothing_is_quiet(database: str) -> None:
    async with measured(database, "metrics", METRICS):
        pass
    assert value("pir_intake_quiet_working_seconds") == 0


def test_a_decision_counts_by_its_mode_and_urgency() -> None:
    decision = decided(a_family())
    labels = {"mode": decision.mode.value, "urgency": decision.urgency.value}
    before = value("pir_decisions_total", **labels)
    known = {"reference": "PIR-1", "agency_id": uuid7(), "decision_id": uuid7(), "version": 1}
    count(ReferralTriaged(**known, decided_by=DecidedBy.MACHINE, decision=decision))
    assert value("pir_decisions_total", **labels) == before + 1
