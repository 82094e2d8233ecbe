"""One referral's road as OTLP in JSON, the form in which Jaeger, Tempo and others take traces.

By opentelemetry-proto 1.x, trace/v1/trace.proto, in its JSON form: ids in hexadecimal, times as text in nanoseconds
since 1970, kinds as numbers. A correlation is a trace, each event a span of its speaker, each hearing a span of the
hearer, from the event to when it was handled. Hearings of which no time is kept have none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from deploy.trace import Said

PRODUCER, CONSUMER = 4, 5
"""SpanKind of trace.proto."""
SCOPE: Final = "deploy.trace"
_TRACEPARENT: Final = re.compile("[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def as_otlp(said: Sequence[Said]) -> dict[str, Any]:
    """`{"resourceSpans": [...]}`, a resource for each service of which a time is known."""
    spans: dict[str, list[dict[str, Any]]] = {}
    speakers = {event.id: event.service for event in said}
    for event in said:
        own, at = span_id(event.id), _nanoseconds(event.at)
        spans.setdefault(event.service, []).append(_span(event, own, _parent(event, speakers), PRODUCER, at, at))
        for each in event.heard:
            if each.at is not None:
                # clocks of machines differ: no span ends before it starts
                until = max(at, _nanoseconds(each.at))
                heard = _span(event, span_id(event.id, each.service), own, CONSUMER, at, until)
                spans.setdefault(each.service, []).append(heard)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [_attribute("service.name", service)]},
                "scopeSpans": [{"scope": {"name": SCOPE}, "spans": found}],
            }
            for service, found in spans.items()
        ]
    }


def span_id(event: UUID, hearer: str = "") -> str:
    """The same at every call: 16 hexadecimal digits."""
    return hashlib.sha256(event.bytes + hearer.encode()).hexdigest()[:16]


def _parent(event: Said, speakers: dict[UUID, str]) -> str:
    """The speaker's hearing of what led to this event; else the caller's own span, else none (empty)."""
    if event.causation_id in speakers:
        same = speakers[event.causation_id] == event.service
        return span_id(event.causation_id, "" if same else event.service)
    found = _TRACEPARENT.fullmatch(event.traceparent or "")
    return found[2] if found else ""


def _span(event: Said, own: str, parent: str, kind: int, start: int, end: int) -> dict[str, Any]:
    found = _TRACEPARENT.fullmatch(event.traceparent or "")
    return {
        "traceId": found[1] if found else event.correlation_id.hex,
        "spanId": own,
        "parentSpanId": parent,
        "name": f"{'send' if kind == PRODUCER else 'process'} {event.type}",
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": [
            _attribute("messaging.system", "kafka"),
            _attribute("messaging.destination.name", event.topic),
            _attribute("messaging.message.id", str(event.id)),
        ],
    }


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _nanoseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
