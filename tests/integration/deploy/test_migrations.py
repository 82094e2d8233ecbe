"""The migrations make the schemas that the services' tables describe, and refuse changes to the audit trail."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import date
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.migrate import migrate
from services.metrics import tables as metrics
from services.notify import tables as notify
from services.referral import tables as referral
from services.triage import tables as triage
from shared.messaging.outbox import part_of
from tests.integration.support import engine_of
from tests.servers import Servers

SERVICES = pytest.mark.parametrize("tables", [referral, triage, notify, metrics], ids=lambda each: each.SCHEMA)


def test_an_empty_database_is_brought_to_the_newest_revision_by_several_at_once(stack: Servers) -> None:
    name = stack.new_database(template="template1")
    url = stack.url_of(name)

    async def schemas() -> set[str]:
        connection = await asyncpg.connect(url)
        try:
            return {row[0] for row in await connection.fetch("SELECT nspname FROM pg_namespace")}
        finally:
            await connection.close()

    command = [sys.executable, "-m", "deploy.migrate"]
    several = [subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url}) for _ in range(3)]
    assert [each.wait(60) for each in several] == [0, 0, 0]
    assert {"referral", "triage", "notify", "metrics"} <= asyncio.run(schemas())
    stack.drop_database(name)


def test_the_deploy_step_of_an_earlier_release_leaves_a_later_schema_as_it_is(database: str) -> None:
    """How a release is rolled back: the image of before, on the tables of now."""

    async def at_revision(number: str | None = None) -> str:
        connection = await asyncpg.connect(database)
        try:
            if number:
                await connection.execute("UPDATE public.pir_version SET version_num = $1", number)
            return str(await connection.fetchval("SELECT version_num FROM public.pir_version"))
        finally:
            await connection.close()

    asyncio.run(at_revision("9999"))
    migrate(database)
    assert asyncio.run(at_revision()) == "9999"


@SERVICES
async def test_the_migrated_schema_is_the_one_that_the_tables_describe(database: str, tables: ModuleType) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, tables.metadata)

    engine = engine_of(database, tables.SCHEMA)
    async with engine.connect() as connection:
        assert await connection.run_sync(difference) == []
    await engine.dispose()


COUNTED_BEFORE = """
    SET search_path TO metrics;
    INSERT INTO referral (id, received_at) VALUES ('00000000-0000-0000-0000-000000000001', '2026-06-01');
    INSERT INTO work_item (id, referral_id, about, route, asked_at, claimed_at, listed_at, ended_at, first_contact_at)
    VALUES ('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001', 'family', 'pir_short',
            '2026-06-02', '2026-06-03', NULL, '2026-06-09', '2026-06-08 23:30Z'),
        ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-000000000001', 'family', 'pnmh',
            '2026-06-04', NULL, '2026-06-05', '2026-06-09', NULL);
    INSERT INTO clock_change (event_id, referral_id, at, stops)
    SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', at::timestamptz, stops FROM (VALUES
        ('2026-06-02', true), ('2026-06-03', false), ('2026-06-04', true), ('2026-06-06', true), ('2026-06-07', false),
        ('2026-06-09', false)) AS t(at, stops);
"""


FAMILIES_BEFORE = """
    SET search_path TO referral;
    INSERT INTO agency (id, slug, name, team_inbox, source)
    VALUES ('00000000-0000-0000-0000-0000000000aa', 'hv', 'HV', 'hv@example.org', 'A2');
    INSERT INTO referral (id, reference, kind, agency_id, body_digest, version, received_at, expected_by, family_id,
        is_baby_named, wrapped_key, identity, facts, gaps, receipt, decision, changed_in)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'PIR-00' || n, 'family',
        '00000000-0000-0000-0000-0000000000aa', 'x', 1, '2026-06-01', '2026-06-08',
        '00000000-0000-0000-0000-000000000001', true, key, key, '{}', '[]', '{"act_now": ["ring"]}', '{"a": 1}', 5
    FROM (VALUES (1, 'k'::bytea), (2, 'k'), (3, NULL)) AS t(n, key);
    INSERT INTO kin VALUES
        ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'repeat'),
        ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002', 'repeat'),
        ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000003', 'duplicate');
    INSERT INTO history (referral_id, at, what, detail) VALUES
        ('00000000-0000-0000-0000-000000000002', now(), 'linked', 'duplicate'),
        ('00000000-0000-0000-0000-000000000003', now(), 'opened', 'mash');
    INSERT INTO request VALUES ('00000000-0000-0000-0000-0000000000aa', 'k', 'd', 201, '/referrals/PIR-003',
        '{"act_now": ["ring"]}', now());
    INSERT INTO event (id, key, sequence, type, occurred_at, correlation_id, value)
    VALUES (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 1, 'referral.received.v1', now(),
        gen_random_uuid(), '{}');
"""


def test_families_erasures_and_unsent_events_of_before_are_brought_along(stack: Servers) -> None:
    name = stack.new_database(template="template1")
    url = stack.url_of(name)

    async def run(statement: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            is_asked = statement.startswith("SELECT")
            return [tuple(row) for row in await (connection.fetch if is_asked else connection.execute)(statement)]
        finally:
            await connection.close()

    migrate(url, to="0009")
    asyncio.run(run(FAMILIES_BEFORE))
    migrate(url)

    def ask(what: str) -> list[tuple[Any, ...]]:
        return asyncio.run(run(f"SELECT {what}"))

    gone = "00000000-0000-0000-0000-000000000003"
    for schema in ("referral", "triage", "notify", "metrics"):
        assert [str(row[0]) for row in ask(f"key FROM {schema}.erased")] == [gone]
    assert ask("link, is_told, in_facts FROM referral.kin ORDER BY referral_id") == [
        ("repeat", True, False),
        ("repeat", True, True),
    ]
    assert ask("count(*) FROM referral.history") == [(0,)]
    assert ask("answer::text FROM referral.request") == [('{"reference": "PIR-003"}',)]
    assert ask(f"receipt::text, decision, family_id::text FROM referral.referral WHERE id = '{gone}'") == [
        ('{"reference": "PIR-003"}', None, gone)
    ]
    assert ask("topic FROM referral.event") == [("pir.referral.v1",)]
    assert ask("count(*) FROM referral.feed_epoch") == [(1,)]
    stack.drop_database(name)


MONITORED_BEFORE = """
    INSERT INTO referral.event (id, key, sequence, type, topic, occurred_at, correlation_id, value)
    SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || key)::uuid, number, type, 'pir.referral.v1',
        '2026-06-01', '00000000-0000-0000-0000-0000000000cc',
        jsonb_build_object('reference', 'PIR-00' || key, 'agency_id', '00000000-0000-0000-0000-0000000000aa') || said
    FROM (VALUES
        (1, 1, 'referral.received.v1', '{"monitoring": {"language": "en"}}'::jsonb),
        (1, 2, 'referral.amended.v1', '{"monitoring": {"language": "ur"}}'),
        (1, 3, 'referral.informed.v1', '{}'),
        (2, 1, 'referral.received.v1', '{"monitoring": {"language": null, "baby_ethnicity": null}}'),
        (3, 1, 'referral.received.v1', '{"monitoring": {"language": "pl"}}'),
        (3, 2, 'referral.monitored.v1', '{"monitoring": {"language": "cy"}}')) AS t(key, number, type, said)
"""


def test_what_events_of_before_say_for_equality_moves_to_events_of_their_own(stack: Servers) -> None:
    name = stack.new_database(template="template1")
    url = stack.url_of(name)

    async def run(statement: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    migrate(url, to="0026")
    asyncio.run(run(MONITORED_BEFORE))
    migrate(url)
    said = "SELECT right(key::text, 1), sequence, value::jsonb -> 'monitoring' ->> 'language' FROM referral.event"
    told = f"{said} WHERE topic = 'pir.referral.equality.v1' OR type = 'referral.monitored.v1' ORDER BY 1, 2"
    assert asyncio.run(run(told)) == [("1", 4, "ur"), ("3", 2, "cy")]
    assert asyncio.run(run(f"{said} WHERE value LIKE '%language%' ORDER BY 1, 2")) == asyncio.run(run(told))
    waits = "SELECT e.sequence, o.part FROM referral.outbox o JOIN referral.event e ON e.id = o.event_id"
    assert asyncio.run(run(waits)) == [(4, part_of(UUID("00000000-0000-0000-0000-000000000001")))]
    stack.drop_database(name)


@pytest.mark.parametrize("is_counted", [True, False])
def test_what_was_counted_before_is_brought_along_and_waits_for_a_rebuild(stack: Servers, is_counted: bool) -> None:
    name = stack.new_database(template="template1")
    url = stack.url_of(name)

    async def run(statement: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return (
                [tuple(row) for row in await connection.fetch(statement)]
                if statement.startswith("SELECT")
                else [(await connection.execute(statement),)]
            )
        finally:
            await connection.close()

    migrate(url, to="0005")
    if is_counted:
        asyncio.run(run(COUNTED_BEFORE))
    migrate(url)
    assert asyncio.run(run("SELECT count(*) FROM metrics.counting")) == [(0 if is_counted else 1,)]
    if is_counted:
        changes = asyncio.run(
            run(
                """
                SELECT extract(day FROM at)::int, right(work_item_id::text, 1), stops FROM metrics.clock_change ORDER BY at
            """.strip()
            )
        )
        assert changes == [
            (2, "a", True),
            (3, "a", False),
            (4, "b", True),
            (5, "b", False),  # the waiting list, which nobody had recorded
            (6, None, True),  # one of two had been asked before: nobody knows which was asked again
            (7, None, False),
            (9, None, False),  # both ended at once
        ]
        assert asyncio.run(run("SELECT first_contact_on FROM metrics.work_item WHERE route = 'pir_short'")) == [
            (date(2026, 6, 9),)
        ]
    stack.drop_database(name)


@SERVICES
async def test_conditions_of_partial_indexes_are_those_that_the_tables_describe(
    database: str, tables: ModuleType
) -> None:
    """Alembic does not compare them: the same tables are made beside the migrated ones and PostgreSQL says both."""

    async def conditions(connection: AsyncConnection, schema: str) -> set[tuple[str, str]]:
        rows = await connection.execute(
            sa.text(
                "SELECT indexname, replace(indexdef, schemaname || '.', '') FROM pg_indexes WHERE schemaname = :name"
            ),
            {"name": schema},
        )
        return {(row[0], row[1]) for row in rows}

    engine = engine_of(database, "twin")
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE SCHEMA twin"))
        await connection.run_sync(tables.metadata.create_all)
        assert await conditions(connection, tables.SCHEMA) == await conditions(connection, "twin")
    await engine.dispose()


@SERVICES
@pytest.mark.parametrize(
    "change",
    [
        *("UPDATE audit SET actor_id = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"),
        *("UPDATE audit_seal SET number = 2", "DELETE FROM audit_seal", "TRUNCATE audit_seal"),
    ],
)
async def test_audit_rows_are_never_changed(database: str, tables: ModuleType, change: str) -> None:
    engine = engine_of(database, tables.SCHEMA)
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("INSERT INTO audit (at, actor_kind, actor_id, action) VALUES (now(), 'staff', 'tess', 'looked')")
        )
    with pytest.raises(sa.exc.DBAPIError, match="never changed"):
        async with engine.begin() as tx:
            await tx.execute(sa.text(change))
    async with engine.connect() as tx:
        assert await tx.scalar(sa.text("SELECT actor_id FROM audit")) == "tess"
    await engine.dispose()
