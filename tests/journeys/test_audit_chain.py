"""The audit trail of the running system proves itself: sealed, its head sent, and a change of it named by a command."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from shared.audit_chain.heads import HeadSender, as_text, public_key_of
from tests.integration.support import engine_of
from tests.journeys.people import Agency
from tests.system import System, eventually

BEFORE: Final = bytes(range(32))


def unsealed(system: System, name: str) -> int:
    [row] = system.query(f"""
        SELECT count(*) FROM {name}.audit
        WHERE id > coalesce((SELECT max(ids[array_upper(ids, 1)]) FROM {name}.audit_seal), 0)
    """)
    return int(row[0])


def change(system: System, statement: str) -> None:
    """As the owner of the database, past the triggers."""

    async def run() -> None:
        connection = await asyncpg.connect(system.database_url, timeout=10)
        await connection.execute(f"SET session_replication_role = replica; {statement}")
        await connection.close()

    asyncio.run(run())


async def a_head_of_before(system: System) -> str:
    """The head of now as the key of before signs it."""
    file, engine = system.var / "before.jsonl", engine_of(system.database_url, "referral")
    await HeadSender(engine, "referral", key=as_text(BEFORE), file=file).send(now=datetime.now(UTC))
    await engine.dispose()
    return file.read_text()


def test_a_change_of_the_trail_is_found_by_the_command(system: System) -> None:
    Agency(system, "health-visiting").refers()
    system.totals_at_rest()
    eventually(lambda: not unsealed(system, "referral"), what="the trail sealed")
    system.stop("referral")
    system.start("referral")  # a head is sent at the start, and then each hour
    heads = system.var / "audit-heads.jsonl"

    def sent() -> list[dict[str, Any]]:
        lines = heads.read_text().splitlines() if heads.exists() else []
        return [head for head in map(json.loads, lines) if head["service"] == "referral"]

    eventually(sent, what="a head")
    assert sent()[-1]["signature"] in system.log("referral").read_text()
    system.wait_until_ready("referral")

    # A head that a key of before has signed is believed with its public key alone, beside those of today
    both = system.var / "both.jsonl"
    both.write_text(heads.read_text() + asyncio.run(a_head_of_before(system)))
    given = ("services.referral", "audit", "verify", "--heads", str(both))
    code, said = system.tries(*given)
    assert (code, "signed with another key" in said) == (1, True), said
    said = system.run(*given, "--public-key", as_text(public_key_of(BEFORE)))
    assert f"{len(sent()) + 1} head(s) that were sent are in the chain" in said
    [row] = system.query("SELECT max(id) FROM referral.audit WHERE action = 'referral.received'")
    change(system, f"UPDATE referral.audit SET actor_id = 'nobody' WHERE id = {row[0]}")
    code, said = system.tries("services.referral", "audit", "verify")
    assert (code, f"wrong: row {row[0]} was changed" in said) == (1, True), said
