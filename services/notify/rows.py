"""The statements of this service: messages made, those due, what came of a try, agencies; sets of rows at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.content import State
from services.notify.messages import CHANNEL, Message, message_id_header
from services.notify.sending_rules import Caps, begin_of_day
from shared.database import sql
from shared.events import AgencyUpdated, Audience, Envelope, ReferralRestricted
from shared.messaging.outbox import part_of

RESTRICTED: Final = "restricted"
"""Why a message is held, as its error: the family's records may not be used now."""

_MAKE: Final = sql("""
    WITH unused AS (
        SELECT referral_id FROM restricted WHERE referral_id = ANY(CAST(:referrals AS uuid[])) FOR SHARE
    ), told AS (
        SELECT t.*, row_number() OVER (PARTITION BY agency_id, kind, most ORDER BY at, id) AS place
        FROM unnest(CAST(:ids AS uuid[]), CAST(:parts AS smallint[]), CAST(:referrals AS uuid[]),
                    CAST(:references AS text[]), CAST(:agencies AS uuid[]), CAST(:audiences AS text[]),
                    CAST(:kinds AS text[]), CAST(:versions AS integer[]), CAST(:states AS text[]),
                    CAST(:contents AS text[]), CAST(:headers AS text[]), CAST(:times AS timestamptz[]),
                    CAST(:correlations AS uuid[]), CAST(:causes AS uuid[]), CAST(:traces AS text[]),
                    CAST(:most AS integer[]), CAST(:agency_parts AS smallint[]), CAST(:urgent AS boolean[]))
            AS t(id, part, referral_id, reference, agency_id, audience, kind, version, state, content, header, at,
                 correlation_id, causation_id, traceparent, most, agency_part, is_urgent)
    ), earlier AS (
        SELECT agency_id, kind, (
            SELECT count(*) FROM (
                SELECT FROM message m WHERE m.agency_id = capped.agency_id AND m.kind = capped.kind
                    AND m.created_at >= :today AND m.audience = 'agency' LIMIT :largest
            ) AS today
        ) AS messages
        FROM (SELECT DISTINCT agency_id, kind FROM told WHERE most IS NOT NULL) AS capped
    ), judged AS (
        SELECT told.*, is_restricted, told.state = 'due' AND NOT is_restricted
            AND coalesce(earlier.messages + told.place > told.most, false) AS is_over
        FROM told LEFT JOIN earlier USING (agency_id, kind) CROSS JOIN LATERAL (
            SELECT told.state = 'due' AND NOT told.is_urgent
                AND told.referral_id IN (SELECT referral_id FROM unused) AS is_restricted
        ) AS use
    ), made AS (
        INSERT INTO message (id, part, referral_id, reference, agency_id, audience, kind, version, channel, state,
                             content, message_id_header, due_at, collected_on, correlation_id, causation_id,
                             traceparent, last_error)
        SELECT id, CASE WHEN is_over THEN agency_part ELSE part END, referral_id, reference, agency_id, audience, kind,
               version, :channel,
               CASE WHEN is_restricted THEN 'held' WHEN is_over THEN 'collected' ELSE state END,
               CAST(content AS jsonb), header,
               CASE WHEN is_over THEN CAST(:goes_at AS timestamptz) ELSE least(at, now()) END,
               CASE WHEN is_over THEN CAST(:goes_on AS date) END, correlation_id, causation_id, traceparent,
               CASE WHEN is_restricted THEN :restricted END
        FROM judged
        ORDER BY id
        ON CONFLICT (id) DO NOTHING
        RETURNING state
    )
    SELECT pg_notify(current_schema() || '_message', '') FROM made WHERE state = 'due' LIMIT 1
""")

_TO_SEND: Final = """
    SELECT m.id, m.referral_id, m.reference, m.agency_id, m.audience, m.kind, m.content, m.message_id_header,
           m.channel, m.accepted, m.is_released, m.words_digest, m.created_at, m.attempts, m.first_tried_at,
           m.collected_on, m.correlation_id, m.causation_id, m.traceparent,
           a.team_inbox
"""

DUE: Final = f"""{_TO_SEND}
    FROM (
        SELECT next.id, next.due_at FROM unnest($1::smallint[]) AS held(part) CROSS JOIN LATERAL (
            SELECT id, due_at FROM message
            WHERE part = held.part AND state IN ('due', 'failed') AND collected_on IS NULL AND due_at <= $2
            ORDER BY due_at, id LIMIT $3
        ) AS next
        ORDER BY next.due_at, next.id LIMIT $3
    ) AS first JOIN message m USING (id) LEFT JOIN agency a ON a.id = m.agency_id
    ORDER BY first.due_at, first.id
"""  # noqa: S608  the columns stand above
"""What is to be sent by `$2` of the parts `$1`, at most `$3`, the longest due first; for asyncpg itself."""

COLLECTED: Final = f"""{_TO_SEND},
        EXISTS (
            SELECT FROM message newer WHERE newer.reference = m.reference AND newer.agency_id = m.agency_id
                AND newer.created_at > m.created_at AND newer.kind IN ('decision', 'outcome', 'withdrawal')
        ) AS is_overtaken
    FROM (
        SELECT agency_id, collected_on, part FROM message
        WHERE part = ANY($1::smallint[]) AND state IN ('collected', 'failed') AND collected_on IS NOT NULL
            AND due_at <= $2
        ORDER BY due_at, agency_id LIMIT 1
    ) AS mail JOIN message m USING (agency_id, collected_on, part) LEFT JOIN agency a ON a.id = m.agency_id
    WHERE m.state IN ('collected', 'failed') AND m.collected_on IS NOT NULL AND m.due_at <= $2
    ORDER BY m.created_at, m.id LIMIT $3
"""  # noqa: S608  as above
"""What one mail of one agency and day collects, at most `$3`, the oldest first; the others go in another one.

`is_overtaken`: something newer was decided, told or taken back, which went by itself or stands further down.
"""

_RECORD: Final = sql("""
    WITH recorded AS (UPDATE message SET
        state = t.state,
        attempts = attempts + CAST(t.was_tried AS integer),
        first_tried_at = CASE WHEN t.was_tried THEN coalesce(first_tried_at, :at) ELSE first_tried_at END,
        sent_at = CASE WHEN t.state = 'sent' THEN :at END,
        due_at = coalesce(t.due_at, message.due_at),
        last_error = t.error,
        accepted = coalesce(t.accepted, message.accepted)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:tried AS boolean[]),
                CAST(:dues AS timestamptz[]), CAST(:errors AS text[]), CAST(:accepted AS smallint[]))
        AS t(id, state, was_tried, due_at, error, accepted)
    WHERE message.id = t.id AND message.state || '' IN ('due', 'collected', 'failed')
        AND (t.accepted IS NULL OR t.accepted > message.accepted)
    RETURNING message.id)
    SELECT id FROM recorded
""")
"""`|| ''`: found by the id; a plan made while nothing was due would walk through all that is.

`accepted` of before: a receipt of Notify's came before our own word of this send, and knows more.
"""
ALL_RECORDED: Final = sql("SELECT 1 / CASE WHEN (SELECT count(*) FROM recorded) = :expected THEN 1 ELSE 0 END")
"""Fails, by a division by zero, when one of them was sent elsewhere, or erased, meanwhile."""

_WAITING: Final = sql("""
    SELECT count(*) AS rows, coalesce(extract(epoch FROM now() - min(due_at)), 0) AS oldest
    FROM (
        SELECT due_at FROM message
        WHERE (state IN ('due', 'failed') OR (state IN ('collected', 'failed') AND collected_on IS NOT NULL))
            AND due_at <= now() LIMIT 10000
    ) AS d
""")


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one message: its state now, when it is due again, and why.

    `accepted`: how often GOV.UK Notify has taken it on.
    """

    id: UUID
    state: State
    was_tried: bool = True
    due_at: datetime | None = None
    error: str | None = None
    accepted: int | None = None


async def make(
    tx: AsyncConnection, messages: Sequence[Message], *, mail_domain: str, caps: Caps, now: datetime
) -> None:
    """Store each that is not there yet, and wake the delivery on commit.

    What goes over a cap today is collected. Copies that make messages at the same moment don't see each other's, so
    that a few more than the cap may go out one by one.
    """
    if not messages:
        return
    ids = [message.id for message in messages]
    most = [caps.most(message.kind, is_urgent=message.is_urgent) for message in messages]
    goes_at = caps.goes_at(now)
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
            "most": most,
            "urgent": [message.is_urgent or message.audience is Audience.ON_CALL for message in messages],
            "restricted": RESTRICTED,
            "agency_parts": [part_of(message.agency_id) for message in messages],
            "today": begin_of_day(now),
            "largest": max(caps.own or 0, caps.others or 0),
            "goes_at": goes_at,
            "goes_on": goes_at.date(),
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
            "accepted": [each.accepted for each in tries],
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


async def restrict(tx: AsyncConnection, event: Envelope[ReferralRestricted], *, caps: Caps) -> None:
    """From now on hold what is routine; or let go of what was held: it goes in the mail of the next day, in order.

    Some of it may be overtaken or promise a day that has passed: that mail says so. What was made before goes as ever.
    """
    if event.data.is_restricted:
        started = sql("INSERT INTO restricted (referral_id, since) VALUES (:id, :since) ON CONFLICT DO NOTHING")
        await tx.execute(started, {"id": event.key, "since": event.occurred_at})
        return
    await tx.execute(sql("DELETE FROM restricted WHERE referral_id = :id"), {"id": event.key})
    goes_at = caps.goes_at(event.heard_at)
    await tx.execute(
        sql("""
            UPDATE message SET state = 'collected', part = :part, due_at = :goes_at, collected_on = :goes_on,
                last_error = NULL
            WHERE reference = :reference AND state = 'held' AND last_error = :why AND audience = 'agency'
        """),
        {
            "reference": event.data.reference,
            "part": part_of(event.data.agency_id),
            "goes_at": goes_at,
            "goes_on": goes_at.date(),
            "why": RESTRICTED,
        },
    )


async def forget(tx: AsyncConnection, erased: Mapping[UUID, str]) -> None:
    """Every message and call about these referrals (id → reference), sent or not, and what was said of them."""
    ids = {"ids": list(erased)}
    await tx.execute(sql("DELETE FROM event WHERE key = ANY(:ids)"), ids)
    await tx.execute(sql("DELETE FROM restricted WHERE referral_id = ANY(:ids)"), ids)
    await tx.execute(sql("DELETE FROM household WHERE referral_id = ANY(:ids)"), ids)
    await tx.execute(sql("DELETE FROM message WHERE reference = ANY(:refs)"), {"refs": list(erased.values())})
    await tx.execute(sql("DELETE FROM webhook_delivery WHERE referral_id = ANY(:ids)"), ids)


async def of_reference(tx: AsyncConnection, reference: str) -> Sequence[sa.Row[Any]]:
    """The messages about one referral, oldest first, with the codes that their words are made from."""
    found = await tx.execute(
        sql("""
            SELECT id, kind, version, audience, channel, state, created_at, attempts, due_at, sent_at, last_error,
                collected_on, content
            FROM message WHERE reference = :reference ORDER BY created_at, id
        """),
        {"reference": reference},
    )
    return found.all()


async def waiting(tx: AsyncConnection) -> tuple[int, float]:
    """How many messages are past their time (counted to 10,000), and for how many seconds the oldest of those."""
    row = (await tx.execute(_WAITING)).one()
    return row.rows, max(0.0, float(row.oldest))
