"""The words on the page of parked messages: every event and cause has some, and a service says how it is."""

from __future__ import annotations

import httpx
import pytest

from services.triage.clients import AllServices, NoAnswerError
from services.triage.pages.parked import words as parked_words
from services.triage.pages.parked.words import (
    behind_in_words,
    cause_in_words,
    kind_in_words,
    reading_in_words,
    telling_in_words,
    wrong_with,
)
from shared.events import EVENTS
from shared.internal_client import Called
from shared.messaging.parked import BEHIND
from shared.parked_calls import Condition, Waiting
from tests.builders import TODAY, noon


def a_row(**changes: object) -> Waiting:
    known = {"id": 7, "topic": "pir.referral.v1", "type": None, "key": None, "cause": "value: x", "behind": 0}
    return Waiting.model_validate(known | {"parked_at": noon(TODAY)} | changes)


def a_service(**changes: object) -> Condition:
    known = {"is_ready": True, "checks": {}, "lag": 0, "outbox": 0, "outbox_oldest_seconds": 0}
    return Condition.model_validate(known | changes)


def test_every_event_has_words() -> None:
    assert set(parked_words.EVENTS) == set(EVENTS)
    assert len(set(parked_words.EVENTS.values())) == len(EVENTS)


def test_what_nobody_can_read_has_words_too() -> None:
    assert kind_in_words(a_row()) == "Something that can't be read"
    assert kind_in_words(a_row(type="referral.healed.v9")) == "referral.healed.v9"


@pytest.mark.parametrize("cause", ["type: unknown", "value: x", "attributes: KeyError", "handler: ValueError", BEHIND])
def test_every_cause_has_words_without_the_codes_of_programs(cause: str) -> None:
    assert cause_in_words(a_row(cause=cause)) == parked_words.CAUSES[cause.partition(":")[0]]


def test_what_waits_behind_is_counted() -> None:
    assert [behind_in_words(a_row(behind=number)) for number in (0, 1, 1200)] == [
        "Nothing",
        "1 later event about the same referral or agency",
        "1,200 later events about the same referral or agency",
    ]


@pytest.mark.parametrize(
    ("lag", "said"),
    [(None, "Reads no events now"), (0, "Up to date"), (1, "1 event behind"), (12000, "12,000 events behind")],
)
def test_a_service_says_how_far_behind_it_is(lag: int | None, said: str) -> None:
    assert reading_in_words(a_service(lag=lag)) == said


@pytest.mark.parametrize(
    ("outbox", "seconds", "said"),
    [
        (None, 0, "It tells nobody anything"),
        (0, 0, "Nothing waits"),
        (1, 2, "1 waits, the oldest for less than 1 minute"),
        (12, 3720, "12 wait, the oldest for 1 hour 2 minutes"),
        (10_000, 60, "10,000 or more wait, the oldest for 1 minute"),
    ],
)
def test_a_service_says_what_it_has_not_told_yet(outbox: int | None, seconds: float, said: str) -> None:
    assert telling_in_words(a_service(outbox=outbox, outbox_oldest_seconds=seconds)) == said


def test_what_keeps_a_service_from_being_ready_is_said() -> None:
    checks = {"serving": True, "postgresql": False, "partitions": False}
    assert wrong_with(a_service(checks=checks)) == "It can't reach its database. Kafka gives it no events to read"
    assert wrong_with(a_service(checks={"serving": True})) == ""


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"items": []}', b'{"items": 1, "total": 1, "health": {}}'])
async def test_an_answer_that_is_none_counts_as_no_answer(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    services = AllServices({"notify": Called("http://notify", "t")}, transport=transport)
    [seen] = await services.look()
    assert (seen.name, seen.found) == ("notify", None)
    with pytest.raises(NoAnswerError):
        await services.replay("notify", 1, actor="owen")


@pytest.mark.parametrize("status", [302, 401, 422, 500, 503])
async def test_a_refusal_counts_as_no_answer(status: int) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status))
    services = AllServices({"notify": Called("http://notify", "t")}, transport=transport)
    assert (await services.look_at("notify")).found is None
    with pytest.raises(NoAnswerError):
        await services.discard("notify", 1, reason="test", actor="owen")
