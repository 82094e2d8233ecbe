"""The topics that events travel on. Each service that speaks has its own; docs/decisions/0004 says why."""

from __future__ import annotations

from typing import Final

REFERRAL_TOPIC: Final = "pir.referral.v1"
TRIAGE_TOPIC: Final = "pir.triage.v1"
NOTIFY_TOPIC: Final = "pir.notify.v1"
EQUALITY_TOPIC: Final = "pir.referral.equality.v1"
"""Ethnicity, language and deprivation: the metrics service alone may read it."""
TOPICS: Final = (REFERRAL_TOPIC, TRIAGE_TOPIC, NOTIFY_TOPIC, EQUALITY_TOPIC)
PARTITIONS: Final = 12


def speaker_of(topic: str) -> str:
    """The one service that may speak on a topic: `referral` on `pir.referral.v1`."""
    return topic.split(".")[1]


SPEAKERS: Final = tuple(dict.fromkeys(map(speaker_of, TOPICS)))
"""The services that say anything."""


def source_of(topic: str) -> str:
    """Its name as the source of a CloudEvent: `/pir/referral`."""
    return f"/pir/{speaker_of(topic)}"
