"""The stored samples: one record as it travels, for every event type, kept for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from aiokafka.structs import ConsumerRecord

from shared.events import Event
from shared.messaging.relay import _headers
from tests.contracts.examples import as_row

FOLDER: Final = Path(__file__).parent / "samples"


def sample_of(event: Event) -> dict[str, Any]:
    """Key, headers and data as the relay sends them."""
    row = as_row(event)
    headers = _headers(row)  # type: ignore[arg-type]  a mapping like asyncpg's
    return {
        "key": str(row["key"]),
        "headers": {name: value.decode() for name, value in headers},
        "data": json.loads(event.model_dump_json()),
    }


def stored() -> dict[str, dict[str, Any]]:
    """Every sample by its event type."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}


def record_of(sample: dict[str, Any], topic: str, **more: Any) -> ConsumerRecord[bytes, bytes]:
    """As Kafka would hand it over; `more` are members that a newer sender added."""
    value = json.dumps(sample["data"] | more).encode()
    return ConsumerRecord(
        topic=topic,
        partition=0,
        offset=0,
        timestamp=0,
        timestamp_type=0,
        key=sample["key"].encode(),
        value=value,
        checksum=None,
        serialized_key_size=36,
        serialized_value_size=len(value),
        headers=[(name, text.encode()) for name, text in sample["headers"].items()],
    )
