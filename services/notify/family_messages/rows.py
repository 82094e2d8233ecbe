"""The statements of messages to families: who wants them, messages made, what Notify reports, what a person decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import rows
from services.notify.messages import Message, message_id_header
from shared.database import sql
from shared.events import Channel, Envelope, ReferralReceived

BY_ADDRESS: Final = ("validation", "permanent-failure", "returned")
"""Errors that say that the address is of no use: nothing more goes that way by itself."""
RELEASABLE: Final = ("unclear", "closed")
"""Why a message is held that a person may let go."""
OFF: Final = "off"
HOLD: Final = "hold"
"""Both as the referral service says it (contacts/may_message.py): no person lets it go."""
KEPT_BACK: Final = "kept-back"
"""A person has read it, and decided against it."""

_MAKE: Final = """
    WITH made AS (
        INSERT INTO message (id, part, referral_id, reference, agency_id, audience, kind, version, channel, state,
                             content, message_id_header, due_at, correlation_id, causation_id, traceparent)
        SELECT t.id, t.part, t.referral_id, t.reference, t.agency_id, t.audience, t.kind, NULL, {channel}, t.state,
               CAST(t.content AS jsonb), t.header, least(t.at, now()), t.correlation_id, t.causation_id, t.traceparent
        FROM unnest(CAST(:ids AS uuid[]), CAST(:parts AS smallint[]), CAST(:referrals AS uuid[]),
                    CAST(:references AS text[]), CAST(:agencies AS uuid[]), CAST(:audiences AS text[]),
                    CAST(:kinds AS text[]), CAST(:channels AS text[]), CAST(:states AS text[]),
                    CAST(:contents AS text[]), CAST(:headers AS text[]), CAST(:times AS timestamptz[]),
                    CAST(:correlations AS uuid[]), CAST(:causes AS uuid[]), CAST(:traces AS text[]))
            AS t(id, part, referral_id, reference, agency_id, audience, kind, channel, state, content, header, at,
                 correlation_id, causation_id, traceparent)
        {joined}
        ORDER BY t.id
        ON CONFLICT (id) DO NOTHING
        RETURNING state
    )
    SELECT pg_notify(current_schema() || '_message', '') FROM made WHERE state = 'due' LIMIT 1
"""
_MAKE_AS_SAID: Final = sql(_MAKE.format(channel="t.channel", joined=""))
_MAKE_FOR_KNOWN: Final = sql(
    _MAKE.format(channel="household.channel", joined="JOIN household ON household.referral_id = t.referral_id")
)

_KEEP: Final = sql("""
    INSERT INTO household (referral_id, channel, language, sequence)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:channels AS text[]), CAST(:languages AS text[]),
                         CAST(:sequences AS integer[]))
    ON CONFLICT (referral_id) DO UPDATE SET channel = excluded.channel, language = excluded.language,
        sequence = excluded.sequence WHERE household.sequence < excluded.sequence
""")


async def keep_households(tx: AsyncConnection, events: Sequence[Envelope[ReferralReceived]]) -> None:
    """How each of these families wants to hear, codes only; each referral at most once."""
    wanting = [(event, event.data.household) for event in events if event.data.household]
    if wanting:
        await tx.execute(
            _KEEP,
            {
                "ids": [event.key for event, _ in wanting],
                "channels": [household.channel.value for _, household in wanting],
                "languages": [household.language for _, household in wanting],
                "sequences": [event.sequence for event, _ in wanting],
            },
        )


async def change_households(tx: AsyncConnection, events: Sequence[Envelope[ReferralReceived]]) -> None:
    """After amendments: those who want none any more are forgotten, and what waits goes the way that is wanted now."""
    await keep_households(tx, events)
    gone = [event.key for event in events if not event.data.household]
    await tx.execute(sql("DELETE FROM household WHERE referral_id = ANY(:ids)"), {"ids": gone})
    await tx.execute(
        sql("""
            UPDATE message m SET channel = h.channel FROM household h
            WHERE m.reference = ANY(:references) AND m.referral_id = h.referral_id AND m.audience = 'household'
                AND m.state IN ('due', 'failed', 'held') AND m.channel <> h.channel
        """),
        {"references": [event.data.reference for event in events]},
    )


async def make(tx: AsyncConnection, messages: Sequence[Message], *, mail_domain: str, only_known: bool = False) -> None:
    """Store each that is not there yet, and wake the delivery on commit.

    `only_known`: for those families who want messages, and the way they want them.
    """
    if not messages:
        return
    ids = [message.id for message in messages]
    await tx.execute(
        _MAKE_FOR_KNOWN if only_known else _MAKE_AS_SAID,
        {
            "ids": ids,
            "parts": [message.part for message in messages],
            "referrals": [message.referral_id for message in messages],
            "references": [message.reference for message in messages],
            "agencies": [message.agency_id for message in messages],
            "audiences": [message.audience.value for message in messages],
            "kinds": [message.kind.value for message in messages],
            "channels": [message.channel.value for message in messages],
            "states": [message.state.value for message in messages],
            "contents": [message.content.model_dump_json(exclude_defaults=True) for message in messages],
            "headers": [message_id_header(id_, mail_domain) for id_ in ids],
            "times": [message.at for message in messages],
            "correlations": [message.cause.correlation_id for message in messages],
            "causes": [message.cause.causation_id for message in messages],
            "traces": [message.cause.traceparent for message in messages],
        },
    )


async def use_again(tx: AsyncConnection, reference: str) -> None:
    """The family's records may be used again: what was held for that is due, and asked about anew."""
    await tx.execute(
        sql("""
            UPDATE message SET state = 'due', due_at = now(), first_tried_at = NULL, last_error = NULL
            WHERE reference = :reference AND audience = 'household' AND state = 'held' AND last_error = :why
        """),
        {"reference": reference, "why": rows.RESTRICTED},
    )


async def hold_all(tx: AsyncConnection, referral_id: UUID, reference: str) -> None:
    """After a loss: what was not sent is held for good, and nothing more is made; referral knows it too."""
    await tx.execute(sql("DELETE FROM household WHERE referral_id = :id"), {"id": referral_id})
    await tx.execute(
        sql("""
            UPDATE message SET state = 'held', last_error = :why
            WHERE reference = :reference AND audience = 'household' AND state IN ('due', 'failed', 'held')
                AND last_error IS DISTINCT FROM :kept
        """),
        {"reference": reference, "why": HOLD, "kept": KEPT_BACK},
    )


async def hold_switched_off(tx: AsyncConnection, *, families: bool, texts_on_call: bool) -> None:
    """What was not sent of those that a policy has switched off; switched on again, it stays held: it is old news."""
    await tx.execute(
        sql("""
            UPDATE message SET state = 'held', last_error = :why
            WHERE state IN ('due', 'failed') AND collected_on IS NULL
                AND ((:families AND audience = 'household')
                    OR (:texts_on_call AND audience = 'on-call' AND channel <> 'email'))
        """),
        {"why": OFF, "families": families, "texts_on_call": texts_on_call},
    )


async def keep_words(tx: AsyncConnection, message_id: UUID, digest: bytes) -> None:
    """A person is to read these words on safe contact, and may let the message go by them and no others."""
    await tx.execute(
        sql("UPDATE message SET words_digest = :digest WHERE id = :id"), {"id": message_id, "digest": digest}
    )


async def is_closed(tx: AsyncConnection, reference: str, channel: Channel) -> bool:
    """Whether the last message that reached an end on this channel found the address of no use."""
    last = await tx.scalar(
        sql("""
            SELECT last_error = ANY(:errors) FROM message
            WHERE reference = :reference AND audience = 'household' AND channel = :channel
                AND (state = 'delivered' OR (state = 'undeliverable' AND last_error = ANY(:errors)))
            ORDER BY created_at DESC, id DESC LIMIT 1
        """),
        {"reference": reference, "channel": channel.value, "errors": list(BY_ADDRESS)},
    )
    return bool(last)


async def locked(tx: AsyncConnection, message_id: UUID) -> sa.Row[Any] | None:
    """A message that GOV.UK Notify sends, for as long as this transaction lasts."""
    found = await tx.execute(
        sql("""
            SELECT id, referral_id, reference, agency_id, audience, kind, channel, state, content, accepted, last_error,
                   correlation_id, causation_id, traceparent
            FROM message WHERE id = :id AND (audience = 'household' OR channel <> 'email') FOR UPDATE
        """),
        {"id": message_id},
    )
    return found.one_or_none()


async def without_a_receipt(tx: AsyncConnection, *, since: datetime, until: datetime) -> Sequence[sa.Row[Any]]:
    """What GOV.UK Notify took on between the two and has said no end of, the longest ago first."""
    found = await tx.execute(
        sql("""
            SELECT id, accepted FROM message
            WHERE state = 'sent' AND sent_at BETWEEN :since AND :until AND accepted > 0
                AND (audience = 'household' OR channel <> 'email')
            ORDER BY sent_at, id
        """),
        {"since": since, "until": until},
    )
    return found.all()


async def report(
    tx: AsyncConnection, message_id: UUID, state: str, *, accepted: int, due_at: datetime | None, error: str | None,
    at: datetime,
) -> None:  # fmt: skip
    """What Notify says became of it. What is sent again has all the hours of retries before it."""
    await tx.execute(
        sql("""
            UPDATE message SET state = :state, accepted = greatest(accepted, :accepted),
                due_at = coalesce(:due_at, due_at), first_tried_at = NULL, last_error = :error,
                sent_at = coalesce(sent_at, :at)
            WHERE id = :id
        """),
        {"id": message_id, "state": state, "accepted": accepted, "due_at": due_at, "error": error, "at": at},
    )


async def settle(tx: AsyncConnection, message_id: UUID, *, release: bool) -> sa.Row[Any] | None:
    """A person lets a held message go, or keeps it back; None for one that is not theirs to decide (any more)."""
    found = await tx.execute(
        sql("""
            UPDATE message SET state = CASE WHEN :release THEN 'due' ELSE 'held' END, is_released = :release,
                due_at = now(), first_tried_at = NULL, last_error = CASE WHEN :release THEN NULL ELSE :kept END
            WHERE id = :id AND audience = 'household' AND state = 'held' AND last_error = ANY(:reasons)
            RETURNING referral_id, kind, pg_notify(current_schema() || '_message', '')
        """),
        {"id": message_id, "release": release, "kept": KEPT_BACK, "reasons": list(RELEASABLE)},
    )
    return found.one_or_none()
