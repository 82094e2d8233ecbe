"""Whether a member of a group of consumers has no partitions although there are as many as members.

A member that comes back under its name (PIR_INSTANCE) within its session is given the share it had, and the group is
not asked. Where the topics were missing when that was shared out, it is none, and stays none: the broker gives it again
each time. Who joins without a name has the group share out anew. A spare copy, one more than there are partitions,
stands by.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.brokers import Brokers

log = structlog.get_logger(__name__)

LEFT_OUT_SECONDS: Final = 20.0
"""Longer than a group needs to share out what a member leaves: its session (6 s), and a broker's silence (10 s)."""
ASK_SECONDS: Final = 5.0


class LeftOut:
    """Asked time after time by the member itself."""

    def __init__(self, brokers: Brokers, group: str, topics: Sequence[str]) -> None:
        self._brokers, self._group, self._topics = brokers, group, list(topics)
        self.begin()

    def begin(self) -> None:
        """What was before does not count."""
        self._had_share_at = time.monotonic()

    async def look(self, instance: str | None, *, stands_by: bool) -> bool:
        """`stands_by`: it has joined and has no partitions. Asks the brokers when that has lasted LEFT_OUT_SECONDS."""
        if not stands_by:
            self.begin()
        if time.monotonic() - self._had_share_at < LEFT_OUT_SECONDS:
            return False
        self.begin()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                members, partitions = await self._counts()
        except (KafkaError, OSError, TimeoutError):
            return False
        if members > partitions:
            return False
        log.error("left out of the group: joining again", instance=instance, members=members, partitions=partitions)
        return True

    async def _counts(self) -> tuple[int, int]:
        """What the brokers say of the group and its topics. Raises KafkaError, OSError."""
        admin = AIOKafkaAdminClient(**self._brokers.for_client())
        try:
            await admin.start()
            [answer] = await admin.describe_consumer_groups([self._group])
            topics = await admin.describe_topics(self._topics)
        finally:
            await admin.close()
        return len(answer.groups[0][5]), sum(len(topic["partitions"]) for topic in topics)
