"""What a process says of itself, and what the watchdog takes for standing still: on a real PostgreSQL, without Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.metrics import app as metrics_app
from services.metrics.settings import Settings as MetricsSettings
from services.notify import app as notify_app
from services.notify.settings import Settings as NotifySettings
from services.referral import app as referral_app
from services.referral.settings import Settings as ReferralSettings
from services.triage import app as triage_app
from services.triage.settings import Settings as TriageSettings
from shared import room as room_of_process
from shared.brokers import Brokers
from shared.database import connect_args
from shared.health import Health
from shared.runtime import Service
from tests.families import a_referral
from tests.integration.behind import Behind
from tests.integration.conftest import NOWHERE, behind
from tests.integration.support import a_consumer, a_record, an_event, count, eventually
from tests.integration.ways import Way

SERVICES = {
    "referral": (referral_app.build, ReferralSettings, "/referrals/PIR-234-679"),
    "triage": (triage_app.build, TriageSettings, "/queues"),
    "notify": (notify_app.build, NotifySettings, "/messages?reference=PIR-234-679"),
    "metrics": (metrics_app.build, MetricsSettings, "/totals"),
}
Build = Callable[[Any], Awaitable[Service]]


def engine_with(database: str, schema: str, *, lock_timeout: str = "4000", **pool: Any) -> AsyncEngine:
    arguments = connect_args(schema)
    settings = arguments["server_settings"] | {"lock_timeout": lock_timeout}
    return create_async_engine(
        database.replace("postgresql://", "postgresql+asyncpg://", 1),
        connect_args=arguments | {"server_settings": settings},
        **pool,
    )


def health_of(database: str, consumer: Any = None) -> Health:
    return Health(database, Brokers(NOWHERE), consumer, None, needs_partitions=False, has_outbox=False)


@pytest.mark.parametrize("name", SERVICES)
async def test_the_work_alone_answers_health_and_metrics_and_nothing_else(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    build, make_settings, path = SERVICES[name]
    async with behind(build, make_settings(**settings, mail_dir=tmp_path, only="work")) as work:
        live, metrics, call = [await work.http.get(each) for each in ("/health/live", "/metrics", path)]
        ready = (await work.http.get("/health/ready")).json()
    assert [live.status_code, metrics.status_code, call.status_code] == [200, 200, 404]
    assert ready["checks"] == {"serving": True, "postgresql": True, "partitions": False}


@pytest.mark.parametrize("name", SERVICES)
async def test_the_http_side_alone_is_ready_without_kafka_and_answers_its_calls(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    build, make_settings, path = SERVICES[name]
    async with behind(build, make_settings(**settings, mail_dir=tmp_path, only="http")) as http:
        ready, call = [await http.http.get(each) for each in ("/health/ready", path)]
    assert ready.json() == {"ready": True, "checks": {"serving": True, "postgresql": True}}
    assert call.status_code != 404


async def test_a_server_that_takes_no_writes_is_not_ready(probe: AsyncEngine, database: str) -> None:
    health = health_of(database)
    assert (await health.is_ready())[0]
    connection = await asyncpg.connect(database)
    await connection.execute(f"ALTER DATABASE {database.rpartition('/')[2]} SET default_transaction_read_only = on")
    await connection.close()
    assert await health.is_ready() == (False, {"serving": True, "postgresql": False})


async def test_a_consumer_that_waits_for_a_lock_does_not_stand_still(probe: AsyncEngine, database: str) -> None:
    """A table is locked for minutes: it tries again and again, and a restart would not help."""
    engine = engine_with(database, "probe", lock_timeout="200")
    consumer = a_consumer(engine)
    async with probe.begin() as holder:
        await holder.execute(sa.text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        working = asyncio.create_task(consumer.handle([a_record(an_event())]))

        async def has_tried() -> bool:
            return consumer.moved_at > began + 1

        await eventually(has_tried, what="tries that end", seconds=10)
        assert not working.done()
    await working
    await engine.dispose()
    assert await count(probe, "effect") == 1


async def test_connections_of_its_own_that_do_not_answer_are_a_reason_to_begin_anew(
    probe: AsyncEngine, database: str
) -> None:
    """A new connection answers meanwhile, and the loop turns: `SELECT 1` on a new one would say that all is well."""
    way = Way(database)
    engine = engine_with(await way.open(), "probe")
    consumer = a_consumer(engine)
    health = health_of(database, consumer)
    assert not await consumer._reach.is_away()
    assert health.idle_with_work()["consumer"] < 40
    way.fall_silent()
    answered_at = consumer.reached_at
    assert await consumer._reach.is_away()
    assert consumer.reached_at == answered_at
    assert (await health.is_ready())[1]["postgresql"]
    consumer._reach.answered_at = time.monotonic() - 40
    assert health.idle_with_work()["consumer"] >= 40
    await way.close()
    await engine.dispose()


async def test_a_pool_that_is_busy_is_no_reason_to_begin_anew(probe: AsyncEngine, database: str) -> None:
    engine = engine_with(database, "probe", pool_size=1, max_overflow=0, pool_timeout=0.2)
    async with engine.connect():
        assert not await a_consumer(engine)._reach.is_away()
    await engine.dispose()


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have met is forgotten, and so is what these meet."""
    monkeypatch.setattr(room_of_process.ROOM, "_missed_at", float("-inf"))


NO_ROOM = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no_room()
"""


@pytest.mark.usefixtures("room")
async def test_a_full_disk_is_not_ready_until_a_while_after_the_last_write_that_found_no_room(
    intake: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full PostgreSQL answers every read: only what was written knows."""

    async def readiness() -> tuple[int, bool]:
        answer = await intake.once.get("/health/ready")
        return answer.status_code, answer.json()["checks"]["postgresql"]

    async with intake.admin.begin() as tx:
        for statement in NO_ROOM.format(table="referral.referral").split(";\n"):
            await tx.execute(sa.text(statement))
    assert await readiness() == (200, True)
    assert (await intake.send(a_referral(), once=True)).status_code == 503
    assert await readiness() == (503, False)
    async with intake.admin.begin() as tx:
        await tx.execute(sa.text("DROP TRIGGER full_disk ON referral.referral"))
    monkeypatch.setattr(room_of_process, "FULL_SECONDS", 0.0)
    assert await readiness() == (200, True)
    assert (await intake.send(a_referral())).status_code == 201


@pytest.mark.usefixtures("room")
async def test_a_consumer_without_room_waits_and_its_process_is_not_ready(probe: AsyncEngine, database: str) -> None:
    async with probe.begin() as tx:
        for statement in NO_ROOM.format(table="effect").split(";\n"):
            await tx.execute(sa.text(statement))
    consumer, health = a_consumer(probe), health_of(database)
    working = asyncio.create_task(consumer.handle([a_record(an_event())]))

    async def is_ready() -> bool:
        return (await health.is_ready())[0]

    async def is_not_ready() -> bool:
        return not await is_ready()

    await eventually(is_not_ready, what="a process that is not ready")
    assert not working.done()
    async with probe.begin() as tx:
        await tx.execute(sa.text("DROP TRIGGER full_disk ON effect"))
    await working
    assert await count(probe, "effect") == 1
