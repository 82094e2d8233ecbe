"""The statements of this service: messages made, those due, what came of a try, agencies; sets of rows at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.content import State
from services.notify.messages import CHANNEL, Message, message_id_header
from shared.database import sql
from shared.events import AgencyUpdated, Envelope

_MAKE: Final = sql("""
    WITH made AS (
        INSERT INTO message (id, part, referral_id, reference, agency_id, audience, kind, version, channel, state,
                             content, message_id_header, due_at, correlation_id, causation_id, traceparent)
        SELECT id, part, referral_id, reference, agency_id, audience, kind, version, :channel, state,
               CAST(content AS jsonb), header, least(at, now()), correlation_id, causation_id, traceparent
        FROM unnest(CAST(:ids AS uuid[]), CAST(:parts AS smallint[]), CAST(:referrals AS uuid[]),
                    CAST(:references AS text[]), CAST(:agencies AS uuid[]), CAST(:audiences AS text[]),
                    CAST(:kinds AS text[]), CAST(:versions AS integer[]), CAST(:states AS text[]),
                    CAST(:contents AS text[]), CAST(:headers AS text[]), CAST(:times AS timestamptz[]),
                    CAST(:correlations AS uuid[]), CAST(:causes AS uuid[]), CAST(:traces AS text[]))
            AS t(id, part, referral_id, reference, agency_id, audience, kind, version, state, content, header, at,
                 correlation_id, causation_id, traceparent)
        ORDER BY id
        ON CONFLICT (id) DO NOTHING
        RETURNING state
    )
    SELECT pg_notify(current_schema() || '_message', '') FROM made WHERE state = 'due' LIMIT 1
""")

DUE: Final = """
    SELECT m.id, m.referral_id, m.reference, m.agency_id, m.audience, m.kind, m.content, m.message_id_header,
           m.created_at, m.attempts, m.first_tried_at, m.correlation_id, m.causation_id, m.traceparent, a.team_inbox
    FROM (
        SELECT next.id, next.due_at FROM unnest($1::smallint[]) AS held(part) CROSS JOIN LATERAL (
            SELECT id, due_at FROM message
            WHERE part = held.part AND state IN ('due', 'failed') AND due_at <= $2
            ORDER BY due_at, id LIMIT $3
        ) AS next
        ORDER BY next.due_at, next.id LIMIT $3
    ) AS first JOIN message m USING (id) LEFT JOIN agency a ON a.id = m.agency_id
    ORDER BY first.due_at, first.id
"""
"""What is to be sent by `$2` of the parts `$1`, at most `$3`, the longest due first; for asyncpg itself."""

_RECORD: Final = sql("""
    WITH recorded AS (UPDATE message SET
        state = t.state,
        attempts = attempts + CAST(t.was_tried AS integer),
        first_tried_at = CASE WHEN t.was_tried THEN coalesce(first_tried_at, :at) ELSE first_tried_at END,
        sent_at = CASE WHEN t.state = 'sent' THEN :at END,
        due_at = coalesce(t.due_at, message.due_at),
        last_error = t.error
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:tried AS boolean[]),
                CAST(:dues AS timestamptz[]), CAST(:errors AS text[])) AS t(id, state, was_tried, due_at, error)
    WHERE message.id = t.id AND message.state || '' IN ('due', 'failed')
    RETURNING message.id)
    SELECT id FROM recorded
""")
"""`|| ''`: found by the id; a plan made while nothing was due would walk through all that is."""
ALL_RECORDED: Final = sql("SELECT 1 / CASE WHEN (SELECT count(*) FROM recorded) = :expected THEN 1 ELSE 0 END")
"""Fails, by a division by zero, when one of them was sent elsewhere, or erased, meanwhile."""

_WAITING: Final = sql("""
    SELECT count(*) AS rows, coalesce(extract(epoch FROM now() - min(due_at)), 0) AS oldest
    FROM (SELECT due_at FROM message WHERE state IN ('due', 'failed') AND due_at <= now() LIMIT 10000) AS d
""")


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one message: its state now, when it is due again, and why."""

    id: UUID
    state: State
    was_tried: bool = True
    due_at: datetime | None = None
    error: str | None = None


async def make(tx: AsyncConnection, messages: Sequence[Message], *, mail_domain: str) -> None:
    """Store each that is not there yet, and wake the delivery on commit."""
    if not messages:
        return
    ids = [message.id for message in messages]
    await tx.execute(
        _MAKE,
        {
            "channel": CHANNEL,
            "ids": ids,
            "parts": [message.part for message in messages],
            "referrals": [message.referral_id for message in messages],
            "references": [message.reference for message in messages],
            "agencies": [message.agency_id for message in messages],
            "audiences": [message.audience.value for message in messages],
            "kinds": [message.kind.value for message in messages],
            "versions": [message.version for message in messages],
            "states": [message.state.value for message in messages],
            "contents": [message.content.model_dump_json(exclude_defaults=True) for message in messages],
            "headers": [message_id_header(id_, mail_domain) for id_ in ids],
            "times": [message.at for message in messages],
            "correlations": [message.cause.correlation_id for message in messages],
            "causes": [message.cause.causation_id for message in messages],
            "traces": [message.cause.traceparent for message in messages],
        },
    )


async def record(tx: AsyncConnection, tries: Sequence[Try], *, at: datetime) -> Any:
    """Write down what came of them; the rows are those that this changed: not sent elsewhere, nor erased, meanwhile."""
    return await tx.execute(
        _RECORD,
        {
            "at": at,
            "ids": [each.id for each in tries],
            "states": [each.state.value for each in tries],
            "tried": [each.was_tried for each in tries],
            "dues": [each.due_at for each in tries],
            "errors": [each.error for each in tries],
        },
    )


async def keep_agencies(tx: AsyncConnection, latest: Sequence[Envelope[AgencyUpdated]]) -> None:
    """Each agency at most once."""
    await tx.execute(
        sql("""
            INSERT INTO agency (id, slug, name, team_inbox, is_active)
            SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:slugs AS text[]), CAST(:names AS text[]),
                                 CAST(:inboxes AS text[]), CAST(:active AS boolean[])) AS t(id, s, n, i, a)
            ORDER BY id
            ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name,
                team_inbox = excluded.team_inbox, is_active = excluded.is_active
        """),
        {
            "ids": [event.key for event in latest],
            "slugs": [event.data.slug for event in latest],
            "names": [event.data.name for event in latest],
            "inboxes": [event.data.team_inbox for event in latest],
            "active": [event.data.active for event in latest],
        },
    )


async def forget(tx: AsyncConnection, references: Sequence[str]) -> None:
    """Every message about these referrals, sent or not, and what was said of them."""
    for erase in (
        "DELETE FROM event WHERE key IN (SELECT referral_id FROM message WHERE reference = ANY(:references))",
        "DELETE FROM message WHERE reference = ANY(:references)",
    ):
        await tx.execute(sql(erase), {"references": list(references)})


async def of_reference(tx: AsyncConnection, reference: str) -> Sequence[sa.Row[Any]]:
    """The messages about one referral, oldest first, without what they say."""
    found = await tx.execute(
        sql("""
            SELECT id, kind, version, audience, channel, state, created_at, attempts, due_at, sent_at, last_error
            FROM message WHERE reference = :reference ORDER BY created_at, id
        """),
        {"reference": reference},
    )
    return found.all()


async def waiting(tx: AsyncConnection) -> tuple[int, float]:
    """How many messages are past their time (counted to 10,000), and for how many seconds the oldest of those."""
    row = (await tx.execute(_WAITING)).one()
    return row.rows, max(0.0, float(row.oldest))
