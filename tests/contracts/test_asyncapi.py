"""The AsyncAPI documents: each service says exactly what it speaks and hears."""

from __future__ import annotations

from typing import Any, Final

import pytest

from shared.events import EVENTS, TOPICS, speaker_of
from shared.runtime import Service
from tests.architecture.apps import NAMES, client_of

REFERRALS: Final = {
    *("referral.received.v1", "referral.amended.v1", "referral.informed.v1", "referral.withdrawn.v1"),
    *(
        "referral.challenged.v1",
        "referral.restricted.v1",
        "referral.erased.v1",
        "enquiry.received.v1",
        "agency.updated.v1",
    ),
}
ITEMS: Final = {
    f"work-item.{what}.v1"
    for what in (
        *("opened", "due-moved", "claimed", "waiting", "accepted", "declined", "first-contact", "closed"),
        "escalated",
    )
}
SPEAKS: Final[dict[str, set[str]]] = {
    "referral": {*REFERRALS, "referral.monitored.v1", "family.replied.v1"},
    "triage": {"referral.triaged.v1", "capacity.changed.v1", "family.judged.v1", *ITEMS},
    "notify": {"message.sent.v1", "message.delivered.v1", "message.undeliverable.v1"},
    "metrics": set(),
}
HEARS: Final[dict[str, set[str]]] = {
    "referral": {"referral.triaged.v1", "family.judged.v1", *ITEMS - {"work-item.escalated.v1"}},
    "triage": {*REFERRALS - {"agency.updated.v1"}, "family.replied.v1", "message.undeliverable.v1"},
    "notify": {
        *REFERRALS - {"referral.informed.v1"},
        *("referral.triaged.v1", "work-item.waiting.v1", "work-item.accepted.v1", "work-item.declined.v1"),
        *("work-item.opened.v1", "work-item.closed.v1", "work-item.escalated.v1"),
    },
    "metrics": {
        *REFERRALS - {"referral.challenged.v1"},
        *("referral.monitored.v1", "referral.triaged.v1", "capacity.changed.v1"),
        *ITEMS - {"work-item.escalated.v1", "work-item.due-moved.v1"},
        *("message.sent.v1", "message.undeliverable.v1"),
    },
}

each_service = pytest.mark.parametrize("name", NAMES)


async def document_of(service: Service) -> dict[str, Any]:
    async with client_of(service) as client:
        answer = await client.get("/asyncapi")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def named(document: dict[str, Any], action: str) -> set[str]:
    return {
        message["$ref"].rpartition("/")[2]
        for operation in document["operations"].values()
        if operation["action"] == action
        for message in operation["messages"]
    }


@each_service
async def test_a_service_says_what_it_speaks_and_hears(apps: dict[str, Service], name: str) -> None:
    document = await document_of(apps[name])
    assert named(document, "send") == SPEAKS[name]
    assert named(document, "receive") == HEARS[name]
    assert set(document["components"]["messages"]) == SPEAKS[name] | HEARS[name]


@each_service
async def test_every_reference_of_the_document_leads_somewhere(apps: dict[str, Service], name: str) -> None:
    document = await document_of(apps[name])
    for channel in document["channels"].values():
        assert channel["address"] in TOPICS
        for message, reference in channel["messages"].items():
            assert reference["$ref"] == f"#/components/messages/{message}"
            assert EVENTS[message].topic == channel["address"]
    for operation in document["operations"].values():
        topic = operation["channel"]["$ref"].removeprefix("#/channels/")
        assert {each["$ref"].rpartition("/")[2] for each in operation["messages"]} <= set(
            document["channels"][topic]["messages"]
        )


def test_every_event_is_spoken_by_exactly_one_service() -> None:
    spoken = [event for events in SPEAKS.values() for event in events]
    assert sorted(spoken) == sorted(EVENTS)


def test_every_event_but_a_delivery_is_heard_by_somebody() -> None:
    """Nobody acts on a delivery yet: it is for those who ask what became of a message."""
    assert set(EVENTS) - set().union(*HEARS.values()) == {"message.delivered.v1"}


@each_service
async def test_only_the_voice_of_a_service_is_on_its_topic(apps: dict[str, Service], name: str) -> None:
    document = await document_of(apps[name])
    assert {speaker_of(EVENTS[event].topic) for event in named(document, "send")} <= {name}
