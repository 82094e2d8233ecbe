"""Whether anything is still under way between the services: asked of their tables in one statement, so that nothing
moves on between two answers, and then of Kafka, for metrics only reads and notes no event by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.metrics.unread import unread
from services.notify import handlers as notify
from services.referral import handlers as referral
from services.triage import handlers as triage
from shared.brokers import Brokers
from shared.database import sql
from shared.events import TOPICS, Event
from shared.policy import Policy

POLL_SECONDS: Final = 0.1
_SAID: Final = """
    SELECT id, type FROM referral.event UNION ALL SELECT id, type FROM triage.event
    UNION ALL SELECT id, type FROM notify.event
"""
_UNHEARD: Final = """
    SELECT count(*) FROM ({said}) AS said
    WHERE said.type = ANY(:{schema}) AND NOT EXISTS (SELECT 1 FROM {schema}.inbox i WHERE i.event_id = said.id)
"""
_UNSENT: Final = """
    SELECT (SELECT count(*) FROM referral.outbox) + (SELECT count(*) FROM triage.outbox)
        + (SELECT count(*) FROM notify.outbox)
"""
_UNMAILED: Final = "SELECT count(*) FROM notify.message WHERE state IN ('due', 'failed')"
_UNCOUNTED: Final = """
    SELECT coalesce(sum(abs(t.total - f.families)), f.families * 3)
    FROM (SELECT count(*) AS families FROM referral.referral WHERE kind = 'family') f
    LEFT JOIN metrics.totals t ON t.name IN ('received', 'triaged', 'acknowledged')
    GROUP BY f.families
"""


def listeners(policy: Policy) -> dict[str, list[str]]:
    """The types of event that each service hears and notes in its inbox, by its schema."""
    heard: Mapping[str, Mapping[type[Event], object]] = {
        "referral": referral.handlers(policy),
        "triage": triage.handlers(policy),
        "notify": notify.handlers(policy, mail_domain=""),
    }
    return {schema: [event.type for event in handlers] for schema, handlers in heard.items()}


async def is_heard(tx: AsyncConnection, schema: str, types: list[str]) -> bool:
    """Whether a service has taken note of everything said that it listens to."""
    return not await tx.scalar(sql(_unheard(schema)), {schema: types})


def _unheard(schema: str) -> str:
    return _UNHEARD.format(said=_SAID, schema=schema)


async def under_way(tx: AsyncConnection, heard_by: Mapping[str, list[str]], brokers: Brokers) -> dict[str, int | None]:
    """How much there is to publish, to hear, to mail, and to count as received, triaged and acknowledged; if any.

    None: Kafka does not say.
    """
    asked = {"unsent": _UNSENT, "unmailed": _UNMAILED, "uncounted": _UNCOUNTED}
    asked |= {f"unheard by {schema}": _unheard(schema) for schema in heard_by}
    columns = ", ".join(f'({statement}) AS "{name}"' for name, statement in asked.items())
    found = (await tx.execute(sql(f"SELECT {columns}"), heard_by)).mappings().one()
    left: dict[str, int | None] = {name: int(count) for name, count in found.items() if count}
    if left:
        return left
    behind = await unread(brokers, service="metrics", topics=TOPICS)
    return {} if behind == 0 else {"unread by metrics": behind}


async def is_at_rest(tx: AsyncConnection, heard_by: Mapping[str, list[str]], brokers: Brokers) -> bool:
    """Nothing is under way."""
    return not await under_way(tx, heard_by, brokers)


async def until(engine: AsyncEngine, question: Callable[[AsyncConnection], Awaitable[bool]]) -> None:
    """Ask again and again, each time in a transaction that is committed, until the answer is yes."""
    while True:
        async with engine.begin() as tx:
            if await question(tx):
                return
        await asyncio.sleep(POLL_SECONDS)
