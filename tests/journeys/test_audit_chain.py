"""The audit trail of the running system proves itself: sealed, its head sent, and a change of it named by a command."""

from __future__ import annotations

import asyncio
import json

import asyncpg

from tests.journeys.people import Agency
from tests.system import NAMES, System, eventually


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


def test_a_change_of_the_trail_is_found_by_the_command(system: System) -> None:
    Agency(system, "health-visiting").refers()
    system.totals_at_rest()
    eventually(lambda: not any(unsealed(system, name) for name in NAMES), what="every trail sealed")
    for name in ("referral", "triage"):  # a head is sent at the start, and then each hour
        system.stop(name)
        system.start(name)
        system.wait_until_ready(name)
    heads = system.var / "audit-heads.jsonl"
    eventually(lambda: heads.exists() and len(heads.read_text().splitlines()) == 2, what="two heads")
    for head in map(json.loads, heads.read_text().splitlines()):
        assert head["signature"] in system.log(head["service"]).read_text()
    for name in NAMES:
        assert "row(s) are as they were sealed" in system.run(f"services.{name}", "audit", "verify")
    [row] = system.query("SELECT max(id) FROM referral.audit WHERE action = 'referral.received'")
    change(system, f"UPDATE referral.audit SET actor_id = 'nobody' WHERE id = {row[0]}")
    code, said = system.tries("services.referral", "audit", "verify")
    assert (code, f"wrong: row {row[0]} was changed" in said) == (1, True), said
    public = system.run("services.triage", "audit", "public-key").strip()
    given = ("audit", "verify", "--heads", str(heads), "--public-key", public)
    assert "1 head(s) that were sent are in the chain" in system.run("services.triage", *given)
    code, said = system.tries("services.triage", *given[:-1], "A" * 43)
    assert (code, "signed with another key" in said) == (1, True), said
