"""The event that tells what became of a message: sent, delivered or given up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.events import AboutMessage, Audience, Channel, Kind, MessageKind
from shared.messaging.outbox import Cause, Draft


def announcement(event: type[AboutMessage], row: Mapping[str, Any], *, about: Kind, at: datetime) -> Draft:
    """`row` is one of `message`, with its cause; `about` is what its content says."""
    told = event.model_construct(
        reference=row["reference"],
        agency_id=row["agency_id"],
        about=about,
        message_id=row["id"],
        kind=MessageKind(row["kind"]),
        channel=Channel(row["channel"]),
        audience=Audience(row["audience"]),
    )
    return Draft(row["referral_id"], told, at, Cause(row["correlation_id"], row["causation_id"], row["traceparent"]))
