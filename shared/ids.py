"""Identifiers that sort by time (UUIDv7, RFC 9562): 48 bits of milliseconds, then 74 random bits."""

from __future__ import annotations

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A new id. The standard library has one from Python 3.14 on; this is the same layout for 3.11."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)
