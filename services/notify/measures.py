"""What is measured here, as Prometheus metrics; labels come from fixed lists."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import rows
from services.notify.content import UNSENT, State
from shared.database import sql
from shared.events import MessageKind
from shared.metrics import measured

MESSAGES: Final = Counter("pir_messages_total", "What came of each try to send a message", ["kind", "state"])
DUE: Final = Gauge("pir_messages_due", "Messages past their time to be sent (counted to 10,000)")
OLDEST_DUE: Final = Gauge("pir_messages_oldest_due_seconds", "For how long the oldest of them is past its time")
NOT_SENT: Final = Gauge(
    "pir_messages_unsent", "Messages not sent yet: due, collected for the mail of a day, or failed", ["kind", "state"]
)
OLDEST_UNSENT: Final = Gauge("pir_messages_oldest_unsent_seconds", "Age of the oldest of them", ["kind"])
SIGN_IN_CODES: Final = Counter(
    "pir_sign_in_codes_total", "Mails with a code to sign in with, by what came of it", ["state"]
)

NOTIFY_REFUSED: Final = Gauge(
    "pir_govuk_notify_refused", "1 while GOV.UK Notify refuses our key or our clock, so that nothing is sent by it"
)

for _kind in MessageKind:  # a counter that starts with its first message has no increase to see
    for _state in (State.SENT, State.FAILED, State.UNDELIVERABLE):
        MESSAGES.labels(_kind.value, _state.value)
for _state in (State.SENT, State.FAILED):
    SIGN_IN_CODES.labels(_state.value)


async def measure(tx: AsyncConnection) -> None:
    """Set the gauges from the rows.

    A message that failed has a time to come, however long it has been tried: its age is counted from its making. One
    that was collected counts from when its mail was to go; when nobody could take that, from the morning of its day.
    """
    due, oldest = await rows.waiting(tx)
    DUE.set(due)
    OLDEST_DUE.set(oldest)
    found = await tx.execute(
        sql("""
            SELECT kind, state, count(*) AS messages,
                greatest(0, extract(epoch FROM now() - min(
                    CASE WHEN collected_on IS NULL THEN created_at
                         WHEN last_error IS NULL THEN due_at ELSE coalesce(first_tried_at, collected_on) END
                ))) AS oldest
            FROM message
            WHERE state IN ('due', 'failed') OR (state IN ('collected', 'failed') AND collected_on IS NOT NULL)
            GROUP BY kind, state
        """)
    )
    unsent = {(row.kind, row.state): row for row in found}
    for kind in MessageKind:
        of_kind = [unsent.get((kind.value, state.value)) for state in UNSENT]
        for state, row in zip(UNSENT, of_kind, strict=True):
            NOT_SENT.labels(kind.value, state.value).set(row.messages if row else 0)
        OLDEST_UNSENT.labels(kind.value).set(max((float(row.oldest) for row in of_kind if row), default=0))
    measured("messages")
