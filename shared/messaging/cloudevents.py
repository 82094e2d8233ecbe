"""Kafka records → envelopes: lenient about what surrounds an event, strict about the event itself."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from uuid import UUID

from aiokafka.structs import ConsumerRecord
from pydantic import ValidationError

from shared.events import EVENTS, TOPICS, Envelope, Event, adapter, source_of
from shared.metrics import FOREIGN


class UnreadableRecordError(Exception):
    """This record can never be handled; the message says why without a value of it."""


def read_record(
    record: ConsumerRecord[bytes, bytes],
    *,
    heard_at: datetime,
    only: Container[type[Event]] = frozenset(EVENTS.values()),
) -> Envelope[Event] | None:
    """The event of a record; None for a known type that is not in `only`, and for what its speaker did not say.

    Raises UnreadableRecordError: no or unknown type, broken attributes, a key that is no id, a value that does not fit.
    """
    headers = dict(record.headers)
    try:
        event = EVENTS.get((headers.get("ce_type") or b"").decode())
    except UnicodeDecodeError:
        raise UnreadableRecordError("type: not UTF-8") from None
    if event is None:
        raise UnreadableRecordError("type: unknown")
    if event not in only:
        return None
    if record.topic in TOPICS and _is_foreign(record, event, headers.get("ce_source")):
        FOREIGN.labels(record.topic).inc()
        return None
    try:
        data = adapter(event).validate_json(record.value or b"")
    except ValidationError as error:
        raise UnreadableRecordError(f"value: {_places(error)}") from None
    try:
        return _envelope(record, headers, data, heard_at)
    except (KeyError, ValueError, AttributeError) as error:
        raise UnreadableRecordError(f"attributes: {type(error).__name__}") from None


def _is_foreign(record: ConsumerRecord[bytes, bytes], event: type[Event], source: bytes | None) -> bool:
    """Each type of event is spoken on one topic by one service: what comes elsewhere or from another is forged.

    Without a source it is unreadable, as without any other attribute.
    """
    return event.topic != record.topic or source not in (None, source_of(record.topic).encode())


def _envelope(
    record: ConsumerRecord[bytes, bytes], headers: dict[str, bytes], data: Event, heard_at: datetime
) -> Envelope[Event]:
    cause, trace = headers.get("ce_causationid"), headers.get("traceparent")
    occurred_at = datetime.fromisoformat(headers["ce_time"].decode())
    if occurred_at.tzinfo is None:
        raise ValueError("a time without an offset is no moment")
    return Envelope(
        id=UUID(headers["ce_id"].decode()),
        key=UUID((record.key or b"").decode()),
        type=data.type,
        source=headers["ce_source"].decode(),
        sequence=int(headers.get("ce_sequence", b"0")),
        occurred_at=occurred_at,
        correlation_id=UUID(headers["ce_correlationid"].decode()),
        causation_id=UUID(cause.decode()) if cause else None,
        traceparent=trace.decode() if trace else None,
        heard_at=heard_at,
        data=data,
    )


def _places(error: ValidationError) -> str:
    """Where and what kind, never the value: `facts.infant.born_on date_from_datetime_parsing`."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, part['loc']))} {part['type']}" for part in found[:5])
