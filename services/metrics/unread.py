"""How many messages the service has not read yet, on all partitions of its topics, as the brokers know it.

A report has to know that nothing is missing; a consumer knows the partitions of its own copy
only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.brokers import Brokers
from shared.messaging.consumer import group_of

_ANSWER_MS: Final = 5_000
_PATIENCE_SECONDS: Final = 15


async def unread(brokers: Brokers, *, service: str, topics: Sequence[str]) -> int | None:
    """Messages behind what the copies of the service have committed, together; None when Kafka does not say.

    Offsets are committed after the transaction in the database, so that 0 is true of the database as well.
    """
    admin = AIOKafkaAdminClient(**brokers.for_client(), request_timeout_ms=_ANSWER_MS)
    looker = AIOKafkaConsumer(*topics, **brokers.for_client(), request_timeout_ms=_ANSWER_MS)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asyncio.gather(admin.start(), looker.start())
            partitions = looker.assignment()
            if {partition.topic for partition in partitions} != set(topics):
                return None
            # In this order: what is sent in between can only make it more
            committed = await admin.list_consumer_group_offsets(group_of(service))
            first, after_last = await looker.beginning_offsets(partitions), await looker.end_offsets(partitions)
            done = {partition: max(told.offset, first.get(partition, 0)) for partition, told in committed.items()}
            behind = (int(end) - int(done.get(each, first[each])) for each, end in after_last.items())
            return sum(max(0, count) for count in behind)
    except (OSError, KafkaError, TimeoutError):
        return None
    finally:
        await asyncio.gather(admin.close(), looker.stop())
