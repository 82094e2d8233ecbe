"""One difference between two libraries, bridged: what a write to a connection does that has just been closed.

aiokafka takes OSError for a broken connection and asks again. uvloop raises RuntimeError for a transport that is
closed but not yet known to be, which ends the consumer's coordination for good (aiokafka#1038, open since 2024): a
broker killed at the wrong moment left a service without its events until the watchdog started it again, 35 s later.
"""

from __future__ import annotations

from typing import Any

from aiokafka import conn
from aiokafka.errors import KafkaConnectionError


class _Connection(conn.AIOKafkaConnection):  # type: ignore[misc]
    """A connection whose broken transport is a broken connection, whichever loop it runs on."""

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """As in the base; raises KafkaConnectionError where uvloop raises RuntimeError."""
        try:
            return super().send(request, expect_response)
        except RuntimeError as error:
            self.close(reason=conn.CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"connection at {self.host}:{self.port} was closed") from error


def take_closed_transports_for_broken_connections() -> None:
    """Let every Kafka client of this process open connections of the kind above; call it before the first one."""
    conn.AIOKafkaConnection = _Connection
