"""The chain over an audit trail on a real PostgreSQL: what is sealed when, and that each change of a row is named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit import Actor, Entry, write
from shared.audit_chain.chain import COLUMNS, Seal, digest, head_before_all
from shared.audit_chain.heads import HeadSender, as_text, public_key_of, sent
from shared.audit_chain.sealing import Sealer
from shared.audit_chain.verifying import Claim, Verified, WrongError, verify
from tests.integration.support import count, engine_of, eventually, fetch
from tests.servers import Servers

SCHEMA = "notify"
AT = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
MANY = 5000
PORTION = 400
KEY = b"k" * 32


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, SCHEMA)
    yield made
    await made.dispose()


async def add_many(engine: AsyncEngine, rows: int) -> None:
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("""
                INSERT INTO audit (at, actor_kind, actor_id, action, referral_id, detail)
                SELECT CAST('2025-06-15 12:00Z' AS timestamptz) + n * interval '1 second', 'staff', 'tess-' || n % 7,
                    'identity.viewed', CASE n % 3 WHEN 0 THEN gen_random_uuid() END, CASE n % 2 WHEN 0 THEN 'rang' END
                FROM generate_series(1, :rows) AS n
            """),
            {"rows": rows},
        )


async def add(tx: AsyncConnection) -> None:
    await write(tx, [Entry(Actor("staff", "tess"), "identity.viewed", AT)])


async def seal_all(engine: AsyncEngine, *, most: int = PORTION) -> None:
    sealer = Sealer(engine, SCHEMA, most=most)
    while await sealer.seal(now=AT):
        pass


async def tamper(engine: AsyncEngine, *statements: str, **values: Any) -> None:
    """As the owner of the database, past the triggers."""
    async with engine.begin() as tx:
        await tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await tx.execute(sa.text(statement), values)


async def wrong(engine: AsyncEngine, claims: Sequence[Claim] = ()) -> str:
    with pytest.raises(WrongError) as raised:
        await verify(engine, SCHEMA, claims=claims)
    return str(raised.value)


@pytest.fixture
async def many(engine: AsyncEngine) -> AsyncEngine:
    """5,000 sealed rows with a gap in their numbers, where a transaction was rolled back: row 2,001 never was."""
    await add_many(engine, 2000)
    async with engine.connect() as tx:
        await add(tx)
        await tx.rollback()
    await add_many(engine, MANY - 2000)
    await seal_all(engine)
    return engine


async def test_a_trail_that_nobody_changed_verifies(many: AsyncEngine) -> None:
    told: list[int] = []
    found = await verify(many, SCHEMA, told=told.append)
    [last] = await fetch(many, "SELECT number, head FROM audit_seal ORDER BY number DESC LIMIT 1")
    assert found == Verified(MANY, 0, last.number, last.head)
    assert told[-1] == MANY
    assert last.number == -(-MANY // PORTION)


async def test_an_empty_trail_verifies(engine: AsyncEngine) -> None:
    assert await verify(engine, SCHEMA) == Verified(0, 0, 0, head_before_all(SCHEMA))


@pytest.mark.parametrize("row", [1, 1234, MANY + 1])
@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "actor_kind = 'agency'",
        "actor_id = 'anna'",
        "action = 'identity.searched'",
        "referral_id = gen_random_uuid()",
        "detail = coalesce(detail, '') || ' '",
    ],
)
async def test_a_row_that_was_changed_is_named(many: AsyncEngine, row: int, change: str) -> None:
    await tamper(many, f"UPDATE audit SET {change} WHERE id = :row", row=row)
    assert (await wrong(many)).startswith(f"row {row} was changed: ")


@pytest.mark.parametrize("row", [1, 1234, MANY + 1])
async def test_a_row_that_was_removed_is_named(many: AsyncEngine, row: int) -> None:
    await tamper(many, "DELETE FROM audit WHERE id = :row", row=row)
    assert (await wrong(many)).startswith(f"row {row} was removed: it is in seal ")


@pytest.mark.parametrize(("one", "other"), [(1, 2), (1234, 4321), (4321, 1234)])
async def test_rows_that_were_swapped_are_named(many: AsyncEngine, one: int, other: int) -> None:
    columns = ", ".join(COLUMNS)
    of_other = ", ".join(f"b.{name}" for name in COLUMNS)
    await tamper(
        many,
        f"UPDATE audit a SET ({columns}) = ROW ({of_other}) FROM audit b WHERE (a.id, b.id) IN ((:one, :other), (:other, :one))",
        one=one,
        other=other,
    )
    first, second = sorted((one, other))
    assert await wrong(many) == f"row {first} was swapped: it says what row {second} said when it was sealed"


@pytest.mark.parametrize("row", [-3, 2001])
async def test_a_row_that_was_added_after_its_time_is_named(many: AsyncEngine, row: int) -> None:
    copied = (
        "INSERT INTO audit OVERRIDING SYSTEM VALUE SELECT :row, at, actor_kind, 'anna', action FROM audit WHERE id = 1"
    )
    await tamper(many, copied, row=row)
    said = f"row {row} was added after its time: it is in no seal"
    assert (await wrong(many)).startswith(said)
    await seal_all(many)
    assert (await wrong(many)).startswith(said), "no later seal makes it good"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM audit_seal WHERE number = 1", "seal 1 was removed"),
        ("DELETE FROM audit_seal WHERE number = 7", "seal 7 was removed"),
        ("UPDATE audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE number = 7", "seal 7 was changed"),
        ("UPDATE audit_seal SET head = sha256(head) WHERE number = 7", "seal 7 was changed"),
        ("UPDATE audit_seal SET ids = trim_array(ids, 1) WHERE number = 7", "seal 7 was changed"),
        ("UPDATE audit_seal SET ids = '{}', digests = '' WHERE number = 7", "seal 7 was changed"),
        ("UPDATE audit_seal SET digests = substr(digests, 1, 12768) WHERE number = 7", "seal 7 was changed"),
        (
            "UPDATE audit_seal SET ids = trim_array(ids, 1), digests = substr(digests, 1, 12768) WHERE number = 7",
            "seal 7 was changed",
        ),
    ],
)
async def test_a_seal_that_was_changed_or_removed_is_named(many: AsyncEngine, statement: str, said: str) -> None:
    await tamper(many, statement)
    assert (await wrong(many)).startswith(said)


async def test_a_row_that_was_removed_with_the_seals_from_its_own_on_leaves_others_unsealed(many: AsyncEngine) -> None:
    await tamper(many, "DELETE FROM audit WHERE id = 4900", "DELETE FROM audit_seal WHERE number >= 12")
    assert (await verify(many, SCHEMA)).unsealed == 599, "the database alone does not tell: a head that was sent does"


# What was sent elsewhere.


async def heads_of(engine: AsyncEngine, file: Path) -> list[Claim]:
    await HeadSender(engine, SCHEMA, key=as_text(KEY), file=file).send(now=AT)
    lines = sent(file, service=SCHEMA, public=[public_key_of(KEY)])
    return [Claim(head.number, bytes.fromhex(head.head), f"line {place}") for place, head in lines]


async def make_the_chain_anew(engine: AsyncEngine) -> None:
    """As somebody does who may write everything in the database, and knows how seals are made."""
    rows = await fetch(engine, "SELECT * FROM audit ORDER BY id")
    head, made = head_before_all(SCHEMA), []
    for number, start in enumerate(range(0, len(rows), PORTION), 1):
        some = rows[start : start + PORTION]
        seal = Seal(number, AT, [row.id for row in some], b"".join(digest(row) for row in some))
        head = seal.head(head)
        made.append({"number": number, "at": AT, "ids": seal.ids, "digests": seal.digests, "head": head})
    await tamper(engine, "DELETE FROM audit_seal")
    async with engine.begin() as tx:
        statement = "INSERT INTO audit_seal VALUES (:number, :at, CAST(:ids AS bigint[]), :digests, :head)"
        await tx.execute(sa.text(statement), made)


async def test_a_chain_that_was_made_anew_is_found_by_a_head_that_was_sent(many: AsyncEngine, tmp_path: Path) -> None:
    claims = await heads_of(many, tmp_path / "heads.jsonl")
    assert (await verify(many, SCHEMA, claims=claims)).rows == MANY
    await tamper(many, "UPDATE audit SET actor_id = 'anna' WHERE id = 3")
    await make_the_chain_anew(many)
    assert (await verify(many, SCHEMA)).rows == MANY, "by itself it is whole"
    assert (await wrong(many, claims)).startswith("line 1: seal 13 had another head")


async def test_seals_that_are_gone_from_the_end_are_found_by_a_head_that_was_sent(
    many: AsyncEngine, tmp_path: Path
) -> None:
    claims = await heads_of(many, tmp_path / "heads.jsonl")
    await tamper(many, "DELETE FROM audit_seal WHERE number >= 12", "DELETE FROM audit WHERE id > 4401")
    assert await wrong(many, claims) == "line 1: there was a seal 13, and the chain ends with 11"


async def test_the_head_is_sent_when_there_is_another(engine: AsyncEngine, tmp_path: Path) -> None:
    file = tmp_path / "var" / "heads.jsonl"
    sender = HeadSender(engine, SCHEMA, key=as_text(KEY), file=file)
    assert await sender.send(now=AT) is None
    assert not file.exists()
    for rows in (3, 2):
        await add_many(engine, rows)
        await seal_all(engine)
        assert await sender.send(now=AT)
        assert await sender.send(now=AT) is None
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["service"], line["number"]) for line in lines] == [(SCHEMA, 1), (SCHEMA, 2)]
    assert (await verify(engine, SCHEMA, claims=await heads_of(engine, file))).rows == 5


# What is sealed when.


def measured(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"pir_audit_unsealed_{name}", {"schema": SCHEMA})


async def test_what_waits_is_measured_whether_or_not_it_can_be_sealed(engine: AsyncEngine) -> None:
    sealer = Sealer(engine, SCHEMA)
    async with engine.begin() as slow:
        await add(slow)
        await add_many(engine, 3)
        await sealer.seal(now=AT)
        assert measured("rows") == 3
        assert (measured("oldest_seconds") or 0) > 0
    await seal_all(engine)
    await sealer.seal(now=AT)
    assert (measured("rows"), measured("oldest_seconds")) == (0, 0)


async def test_nothing_is_written_when_nothing_is_new(engine: AsyncEngine) -> None:
    await add_many(engine, 10)
    await seal_all(engine)
    sealer = Sealer(engine, SCHEMA)
    for _ in range(5):
        assert await sealer.seal(now=AT) == 0
    assert await count(engine, "audit_seal") == 1


async def test_a_row_waits_for_one_with_a_lower_number_that_may_still_come(engine: AsyncEngine) -> None:
    sealer = Sealer(engine, SCHEMA)
    async with engine.begin() as slow:
        await add(slow)
        async with engine.begin() as quick:
            await add(quick)
        for _ in range(3):
            assert await sealer.seal(now=AT) == 0
        assert (await verify(engine, SCHEMA)).unsealed == 1
    async with engine.begin() as later:
        await add(later)
        assert await sealer.seal(now=AT) == 2, "whoever began later keeps nobody waiting"
    assert await sealer.seal(now=AT) == 1
    assert [row.ids for row in await fetch(engine, "SELECT ids FROM audit_seal ORDER BY number")] == [[1, 2], [3]]
    assert (await verify(engine, SCHEMA)).rows == 3


async def test_one_that_never_comes_keeps_nobody_waiting(engine: AsyncEngine) -> None:
    sealer = Sealer(engine, SCHEMA)
    async with engine.connect() as slow:
        await add(slow)
        async with engine.begin() as quick:
            await add(quick)
        assert await sealer.seal(now=AT) == 0
        await slow.rollback()
    assert await sealer.seal(now=AT) == 1
    assert (await verify(engine, SCHEMA)).rows == 1


async def test_who_writes_elsewhere_keeps_nobody_waiting(engine: AsyncEngine) -> None:
    await add_many(engine, 2)
    async with engine.begin() as elsewhere:
        await elsewhere.execute(sa.text("INSERT INTO inbox VALUES (gen_random_uuid(), now())"))
        await elsewhere.execute(sa.text("SELECT count(*) FROM audit"))
        assert await Sealer(engine, SCHEMA).seal(now=AT) == 2


async def test_two_copies_make_one_chain(engine: AsyncEngine, database: str) -> None:
    other = engine_of(database, SCHEMA)
    copies = [Sealer(each, SCHEMA, most=50) for each in (engine, other)]
    done = asyncio.Event()

    async def write_on() -> None:
        for _ in range(60):
            await add_many(engine, 25)
        done.set()

    async def seal_on(sealer: Sealer) -> None:
        while not done.is_set() or await sealer.seal(now=AT):
            await sealer.seal(now=AT)

    await asyncio.gather(write_on(), *(seal_on(each) for each in copies))
    await seal_all(engine)
    found = await verify(engine, SCHEMA)
    assert (found.rows, found.unsealed) == (1500, 0)
    await other.dispose()


async def test_a_writer_that_is_cut_off_has_sealed_nothing_and_another_goes_on(
    engine: AsyncEngine, database: str, stack: Servers
) -> None:
    await add_many(engine, 100)
    other = engine_of(database, SCHEMA)
    async with AsyncExitStack() as held:
        tx = await held.enter_async_context(engine.begin())
        await tx.execute(sa.text("LOCK TABLE audit_seal IN SHARE MODE"))
        cut_off = asyncio.create_task(Sealer(other, SCHEMA).seal(now=AT))
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%audit_seal%'"

        async def waiting() -> Any:
            return (await fetch(engine, waits) or [(None,)])[0][0]

        pid = await eventually(waiting, what="a writer that waits")
        assert await Sealer(engine, SCHEMA).seal(now=AT) == 0, "the other one is at it"
        stack.execute(f"SELECT pg_terminate_backend({pid}, 5000)")
        with pytest.raises(sa.exc.DBAPIError):
            await cut_off
    await seal_all(engine)
    assert (await verify(engine, SCHEMA)).rows == 100
    await other.dispose()


async def test_a_database_that_was_restored_under_a_running_writer_is_taken_as_it_is(engine: AsyncEngine) -> None:
    sealer = Sealer(engine, SCHEMA)
    await add_many(engine, 50)
    assert await sealer.seal(now=AT) == 50
    await tamper(engine, "TRUNCATE audit, audit_seal RESTART IDENTITY")
    async with engine.begin() as slow:
        await add(slow)
        await add_many(engine, 10)
        assert await sealer.seal(now=AT) == 0
    assert await sealer.seal(now=AT) == 11
    assert (await verify(engine, SCHEMA)).rows == 11


STEPS = st.lists(
    st.sampled_from(["write 0", "write 1", "write 2", "commit", "roll back", "seal 0", "seal 1", "verify"])
)


async def do(engine: AsyncEngine, steps: list[str]) -> None:
    """Three transactions, each of which may be open over many steps, and two copies of the writer."""
    await tamper(engine, "TRUNCATE audit, audit_seal RESTART IDENTITY")
    sealers = [Sealer(engine, SCHEMA, most=2) for _ in range(2)]
    writers = [await engine.connect() for _ in range(3)]
    turn = 0
    for step in steps:
        what, _, number = step.partition(" ")
        if what == "write":
            await add(writers[int(number)])
        elif what == "seal":
            await sealers[int(number)].seal(now=AT)
        elif what == "verify":
            await verify(engine, SCHEMA)
        else:
            await (writers[turn].commit() if what == "commit" else writers[turn].rollback())
            turn = (turn + 1) % len(writers)
    for writer in writers:
        await writer.commit()
        await writer.close()
    await seal_all(engine)
    found = await verify(engine, SCHEMA)
    assert (found.rows, found.unsealed) == (await count(engine, "audit"), 0)


def test_whatever_the_order_everything_is_sealed_and_verifies(database: str) -> None:
    with asyncio.Runner() as runner:
        engine = engine_of(database, SCHEMA)

        @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(STEPS)
        def check(steps: list[str]) -> None:
            runner.run(do(engine, steps))

        check()
        runner.run(engine.dispose())
