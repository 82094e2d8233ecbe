"""What must hold in a live system, asked of its database: `python -m deploy.check` (asks DATABASE_URL, reads only).

For a Monday morning, after an upgrade and after a restore. Prints a line for each that does not hold, with how many
and some of them, and ends with 1. What is under way for less than MINUTES is left out.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from deploy.secrets import database_url
from shared.events import SPEAKERS

MINUTES: Final = 5
SOME: Final = 5
"""So many of each kind are named."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`sql` gives one column, a row for each that does not hold: a reference where there is one.

    `:old` is MINUTES ago; with `schemas` it is asked of each, as `:schema`.
    """

    name: str
    sql: str
    schemas: tuple[str, ...] = ("",)

    def of(self, schema: str, old: datetime) -> tuple[str, str]:
        """Its name and its statement."""
        statement = self.sql.replace(":schema", schema).replace(":old", f"CAST('{old.isoformat()}' AS timestamptz)")
        return self.name.replace(":schema", schema), statement


RULES: Final = (
    Rule(
        "every referral that was answered 201 is there",
        """SELECT q.location FROM referral.request q WHERE q.status = 201 AND NOT EXISTS (
            SELECT FROM referral.referral r WHERE r.reference = substring(q.location FROM '[^/]+$'))""",
    ),
    Rule(
        "every referral was told to the other services",
        """SELECT r.reference FROM referral.referral r WHERE r.wrapped_key IS NOT NULL AND NOT EXISTS (
            SELECT FROM referral.event e WHERE e.key = r.id
                AND e.type IN ('referral.received.v1', 'enquiry.received.v1'))""",
    ),
    Rule(
        "no event of :schema waits to be sent",
        """SELECT e.type FROM :schema.outbox o JOIN :schema.event e ON e.id = o.event_id WHERE e.occurred_at < :old""",
        SPEAKERS,
    ),
    Rule(
        "the events of :schema about one referral are numbered without a gap",
        """SELECT CAST(e.key AS text) FROM :schema.event e
        WHERE NOT EXISTS (SELECT FROM :schema.erased x WHERE x.key = e.key)
        GROUP BY e.key HAVING count(*) <> max(e.sequence)""",
        SPEAKERS,
    ),
    Rule(
        "nothing is parked in :schema",
        "SELECT coalesce(type, cause) FROM :schema.parked WHERE resolved_at IS NULL",
        (*SPEAKERS, "metrics"),
    ),
    Rule(
        "triage knows every referral, in its latest version",
        """SELECT r.reference FROM referral.referral r LEFT JOIN triage.referral t ON t.id = r.id
        WHERE r.wrapped_key IS NOT NULL AND r.kind = 'family' AND r.received_at < :old
            AND coalesce(t.version, 0) < r.version""",
    ),
    Rule(
        "every family has a decision, which its agency sees",
        """SELECT r.reference FROM referral.referral r
        WHERE r.wrapped_key IS NOT NULL AND r.kind = 'family' AND r.withdrawn_at IS NULL AND r.received_at < :old
            AND (r.decision IS NULL OR NOT EXISTS (SELECT FROM triage.decision d WHERE d.referral_id = r.id))""",
    ),
    Rule(
        "every family has its receipt: a message, sent or under way",
        """SELECT r.reference FROM referral.referral r
        WHERE r.wrapped_key IS NOT NULL AND r.kind = 'family' AND r.received_at < :old AND NOT EXISTS (
            SELECT FROM notify.message m WHERE m.referral_id = r.id AND m.kind = 'receipt'
                AND m.audience = 'agency')""",
    ),
    Rule(
        "no message stands twice",
        "SELECT min(m.reference) FROM notify.message m GROUP BY m.message_id_header HAVING count(*) > 1",
    ),
    Rule(
        "metrics counts every family",
        """SELECT r.reference FROM referral.referral r
        WHERE r.wrapped_key IS NOT NULL AND r.kind = 'family' AND r.received_at < :old AND NOT EXISTS (
            SELECT FROM metrics.referral m WHERE m.id = r.id AND m.received_at IS NOT NULL)""",
    ),
    Rule(
        "metrics counts nobody whom the referral service does not know",
        """SELECT CAST(m.id AS text) FROM metrics.referral m
        WHERE m.erased_at IS NULL AND m.received_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM referral.referral r WHERE r.id = m.id)""",
    ),
    Rule(
        ":schema has forgotten every family that was erased",
        """SELECT CAST(e.key AS text) FROM referral.erased e
        WHERE e.at < :old AND NOT EXISTS (SELECT FROM :schema.erased x WHERE x.key = e.key)""",
        ("triage", "notify", "metrics"),
    ),
)
"""In the order of a referral's life. What constraints of the tables hold by themselves is not asked."""


async def broken(database: asyncpg.Connection[Any], *, old: datetime) -> list[str]:
    """A line for each rule that does not hold; what came after `old` may be under way.

    In a transaction of the caller's, which should see one moment.
    """
    await database.execute("SET LOCAL pir.agency = '*'")
    lines = []
    for rule in RULES:
        for schema in rule.schemas:
            name, statement = rule.of(schema, old)
            found = [str(row[0]) for row in await database.fetch(statement)]
            if found:
                more = f" and {len(found) - SOME} more" if len(found) > SOME else ""
                lines.append(f"not so: {name}: {', '.join(found[:SOME])}{more}")
    return lines


async def main() -> int:
    """Prints what does not hold; 1 when something does not."""
    database = await asyncpg.connect(database_url(), timeout=10)
    try:
        async with database.transaction(isolation="repeatable_read", readonly=True):
            lines = await broken(database, old=datetime.now(UTC) - timedelta(minutes=MINUTES))
    finally:
        await database.close()
    print("\n".join(lines) or f"all {len(RULES)} rules hold")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
