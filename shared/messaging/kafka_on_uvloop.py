"""One difference between two libraries, bridged: what a write to a connection does that has just been closed.

aiokafka takes OSError for a broken connection and asks again. uvloop raises RuntimeError for a transport that is
closed but not yet known to be, which ends the consumer's coordination for good (aiokafka#1038, open since 2024): a
broker killed at the wrong moment left a service without its events until the watchdog ended it, 35 s later.
"""

from __future__ import annotations

from typing import Any

from aiokafka import conn


class _Connection(conn.AIOKafkaConnection):  # type: ignore[misc]  # the library has no types
    """A connection whose broken transport is a broken connection, whichever loop it runs on."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """As in the base; raises KafkaConnectionError where the transport is closed."""
        if self._writer is not None and self._writer.is_closing():
            self.close(reason=conn.CloseReason.CONNECTION_BROKEN)
        return super().send(request, expect_response)


def take_closed_transports_for_broken_connections() -> None:
    """Let every Kafka client of this process open connections of the kind above; call it before the first one."""
    conn.AIOKafkaConnection = _Connection
