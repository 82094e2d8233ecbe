"""What is measured here, as Prometheus metrics; labels come from fixed lists."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

MESSAGES: Final = Counter("pir_messages_total", "What came of each try to send a message", ["kind", "state"])
DUE: Final = Gauge("pir_messages_due", "Messages past their time to be sent (counted to 10,000)")
OLDEST_DUE: Final = Gauge("pir_messages_oldest_due_seconds", "For how long the oldest of them is past its time")
