"""The walls in the database: what each service's role may do, and what an agency's reading leaves out by itself."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest
import sqlalchemy as sa

from deploy import roles
from deploy.migrate import migrate
from services.metrics.commands import PROJECTIONS
from services.referral import api, views
from shared.database import ROLE_SETTINGS
from tests.families import a_referral
from tests.integration.conftest import Behind
from tests.servers import PASSWORDS, Servers, own_url

EACH: Final = pytest.mark.parametrize("service", roles.SERVICES)
DENIED: Final = "42501"
MIGHTY: Final = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def says(connection: asyncpg.Connection[Any], *statements: str) -> list[str]:
    """The SQLSTATE of each, "" when it would be done; none of them is."""
    states = []
    for statement in statements:
        undone = connection.transaction()
        await undone.start()
        try:
            await connection.execute(statement)
            states.append("")
        except asyncpg.PostgresError as error:
            states.append(str(error.sqlstate))
        await undone.rollback()
    return states


async def tables(database: str) -> list[tuple[str, str]]:
    async with connected(database) as admin:
        found = await admin.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1)", roles.SERVICES
        )
    return [(row["schemaname"], f"{row['schemaname']}.{row['tablename']}") for row in found]


@EACH
async def test_a_service_has_a_small_role_of_its_own(database: str, service: str) -> None:
    async with connected(own_url(database, service)) as own:
        assert await own.fetchval("SELECT current_user") == roles.role_of(service)
        assert not await own.fetchval(f"SELECT {MIGHTY} FROM pg_roles WHERE rolname = current_user")
        assert (
            await own.fetchval("SELECT count(*) FROM pg_auth_members WHERE member = CAST(current_user AS regrole)") == 0
        )


@EACH
async def test_its_sessions_have_search_path_and_timeouts_without_saying_so(database: str, service: str) -> None:
    """A pooler passes on nothing that a client sets."""
    async with connected(own_url(database, service)) as own:
        for name, value in (ROLE_SETTINGS | {"search_path": service}).items():
            found = await own.fetchval("SELECT reset_val || coalesce(unit, '') FROM pg_settings WHERE name = $1", name)
            assert found in (value, f"{value}ms")


@EACH
async def test_a_service_has_no_right_to_a_table_of_another(database: str, service: str) -> None:
    others = [table for schema, table in await tables(database) if schema != service]
    assert len(others) > 20
    verbs = ("SELECT 1 FROM {}", "INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}")
    async with connected(own_url(database, service)) as own:
        for verb in verbs:
            assert set(await says(own, *(verb.format(table) for table in others))) == {DENIED}, verb


@EACH
async def test_a_service_reads_and_writes_its_own_tables_and_makes_none(database: str, service: str) -> None:
    own_tables = [table for schema, table in await tables(database) if schema == service]
    async with connected(own_url(database, service)) as own:
        assert set(await says(own, *(f"SELECT 1 FROM {table}" for table in own_tables))) == {""}
        makes = (f"CREATE TABLE {service}.x (a int)", "CREATE TABLE public.x (a int)", "CREATE SCHEMA x")
        assert await says(own, *makes) == [DENIED] * 3


@EACH
async def test_its_own_trail_is_beyond_its_reach(database: str, service: str) -> None:
    """Whatever the trigger refuses: the trigger, its function and the setting that goes round it are out of reach."""
    audit = f"{service}.audit"
    function = f"CREATE OR REPLACE FUNCTION {service}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'"
    ways = (
        f"DELETE FROM {audit} WHERE false",
        f"UPDATE {audit} SET action = action WHERE false",
        f"TRUNCATE {audit}",
        f"DROP TABLE {audit}",
        f"ALTER TABLE {audit} DISABLE TRIGGER USER",
        f"DROP TRIGGER audit_append_only ON {audit}",
        f"ALTER TABLE {audit} OWNER TO CURRENT_USER",
        f"GRANT DELETE ON {audit} TO CURRENT_USER",
        "SET LOCAL session_replication_role = replica",
        function,
        f"SET LOCAL ROLE {roles.OWNER}",
    )
    async with connected(own_url(database, service)) as own:
        said = dict(zip(ways, await says(own, *ways), strict=True))
    assert said == {**dict.fromkeys(ways, DENIED), ways[7]: said[ways[7]]}
    assert said[ways[7]] in ("", DENIED)  # PostgreSQL warns that nothing was granted


async def test_a_published_report_is_beyond_reach_too(database: str) -> None:
    async with connected(own_url(database, "metrics")) as own:
        ways = (
            "DELETE FROM metrics.report",
            "UPDATE metrics.report SET published_at = published_at",
            "TRUNCATE metrics.report",
        )
        assert await says(own, *ways) == [DENIED] * 3


def test_what_a_rebuild_empties_is_what_its_role_may_empty() -> None:
    assert roles.EMPTIED == PROJECTIONS


# The second wall: the filter by agency is taken out of each statement, and nothing of another agency is seen.


UNFILTERED: Final = (
    ("_ONE", "r.agency_id = :agency"),
    ("_FEED", "agency_id = :agency"),
    ("_OF_AGENCY", "agency_id = :agency"),
)


@pytest.fixture
def without_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, condition in UNFILTERED:
        text = getattr(views, name).text
        assert condition in text
        monkeypatch.setattr(views, name, sa.text(text.replace(condition, "CAST(:agency AS uuid) IS NOT NULL")))


@pytest.mark.usefixtures("without_filter")
async def test_without_the_filter_the_database_still_leaves_out_other_agencies(intake: Behind) -> None:
    own, others = [(await intake.send(a_referral(), slug=slug)).json() for slug in ("nursery", "midwifery")]
    assert (await intake.look(f"/referrals/{own['reference']}", slug="nursery")).status_code == 200
    assert (await intake.look(f"/referrals/{others['reference']}", slug="nursery")).status_code == 404
    feed = (await intake.look("/referrals", slug="nursery")).json()
    assert [each["reference"] for each in feed["items"]] == [own["reference"]]


@pytest.mark.usefixtures("without_filter")
async def test_it_is_the_wall_that_does_it(intake: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "seen_by", lambda engine, _: engine.begin())
    others = (await intake.send(a_referral(), slug="midwifery")).json()
    assert (await intake.look(f"/referrals/{others['reference']}", slug="nursery")).status_code == 200


async def test_a_connection_that_does_not_say_for_whom_sees_no_referral(intake: Behind, database: str) -> None:
    await intake.send(a_referral())
    async with connected(own_url(database, "referral")) as silent:
        assert await silent.fetchval("SELECT count(*) FROM referral.referral") == 0
        assert await says(silent, "SET LOCAL row_security = off; SELECT 1 FROM referral.referral") == [DENIED]
        await silent.execute("SET pir.agency = '*'")
        assert await silent.fetchval("SELECT count(*) FROM referral.referral") == 1


async def test_the_owner_of_the_table_meets_the_wall_too(intake: Behind, database: str) -> None:
    await intake.send(a_referral())
    async with connected(database) as admin:
        await admin.execute(f"SET ROLE {roles.OWNER}")
        assert await admin.fetchval("SELECT count(*) FROM referral.referral") == 0


# The deploy step.


@pytest.fixture
def fresh(stack: Servers) -> Iterator[str]:
    """A database in which nothing was made yet."""
    name = stack.new_database(template="template1")
    yield stack.url_of(name)
    stack.drop_database(name)


async def owners(url: str) -> set[str]:
    async with connected(url) as admin:
        return {
            row[0]
            for row in await admin.fetch(
                "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = ANY(CAST($1 AS regnamespace[]))",
                roles.SERVICES,
            )
        }


async def test_what_an_older_version_made_becomes_the_owners(database: str) -> None:
    async with connected(database) as admin:
        me = await admin.fetchval("SELECT current_user")
        for schema, table in await tables(database):
            await admin.execute(f"ALTER SCHEMA {schema} OWNER TO {me}; ALTER TABLE {table} OWNER TO {me}")
            await admin.execute(f"REVOKE ALL ON {table} FROM {roles.role_of(schema)}")
        await admin.execute(f"ALTER FUNCTION triage.refuse_change() OWNER TO {me}")
    assert await owners(database) == {me}
    await asyncio.to_thread(migrate, database)
    assert await owners(database) == {roles.OWNER}
    async with connected(own_url(database, "triage")) as own:
        assert await says(own, "SELECT 1 FROM triage.work_item", "DELETE FROM triage.audit") == ["", DENIED]


async def test_a_new_role_needs_a_password_to_begin_with(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "SERVICES", ("nobody_yet",))
    async with connected(database) as admin:
        with pytest.raises(roles.RolesError, match="PIR_DATABASE_PASSWORD_NOBODY_YET is missing"):
            await roles.make(admin, {})


async def test_who_may_not_make_roles_is_told(database: str) -> None:
    async with connected(own_url(database, "metrics")) as weak:
        with pytest.raises(roles.RolesError, match="has to create roles"):
            await roles.make(weak, PASSWORDS)


async def test_a_password_is_changed_by_the_deploy_step_and_never_sent_as_it_is(database: str) -> None:
    new = secrets.token_urlsafe(16)
    async with connected(database) as admin:
        try:
            await roles.make(admin, {"notify": new})
            async with connected(roles.as_service(database, "notify", new)) as own:
                assert await own.fetchval("SELECT 1") == 1
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(own_url(database, "notify"))
            kept = await admin.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'pir_notify'")
            assert kept.startswith("SCRAM-SHA-256$4096:")
        finally:
            await roles.make(admin, PASSWORDS)


async def test_the_deploy_step_does_it_all_from_nothing_and_again(fresh: str) -> None:
    for _ in range(2):
        await asyncio.to_thread(migrate, fresh, passwords=PASSWORDS)
    assert await owners(fresh) == {roles.OWNER}
    async with connected(own_url(fresh, "referral")) as own:
        assert await own.fetchval("SELECT version_num FROM public.pir_version")
        assert await says(own, "CREATE TEMPORARY TABLE x (a int)") == [DENIED]
