"""What operators do by commands is in the audit trail, under the name that the kernel knows."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from services.referral import erasing
from services.referral.erasing import AskedFor
from shared.audit import Actor, operator
from shared.messaging.consumer import Consumer
from tests import programs
from tests.families import a_referral
from tests.integration.conftest import Behind
from tests.integration.support import a_record, count, fetch, history_of

AT = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)


@pytest.fixture
def consumer(triage: Behind) -> Consumer:
    assert triage.service.consumer
    return triage.service.consumer


def give(settings: dict[str, Any], service: str, *words: str, **more: str) -> tuple[int, str]:
    """A command as somebody gives it at the machine; its code, and what it said."""
    named = {name if name.isupper() else f"PIR_{name.upper()}": str(value) for name, value in settings.items()}
    done = programs.run(f"services.{service}", *words, environment=os.environ | named | more)
    return done.returncode, done.stdout + done.stderr


async def test_a_replay_and_a_discard_are_written_down_whatever_the_environment_says(
    triage: Behind, consumer: Consumer, settings: dict[str, Any]
) -> None:
    one, other = history_of(keys=2, events=1)
    await consumer.handle([a_record(each, value=b'{"reference": "Mallory Ashdown"}') for each in (one, other)])
    first, second = (row.id for row in await fetch(triage.engine, "SELECT id FROM parked ORDER BY id"))
    assert give(settings, "triage", "parked", "discard", str(first), "--reason", "test", LOGNAME="anna")[0] == 0
    assert give(settings, "triage", "parked", "replay", str(second), LOGNAME="anna")[0] == 1
    rows = await fetch(triage.engine, "SELECT actor_kind, actor_id, action, detail FROM audit ORDER BY id")
    by = ("operator", operator().id)
    assert [tuple(row) for row in rows] == [
        (*by, "command.given", "parked"),
        (*by, "parked.discarded", str(first)),
        (*by, "command.given", "parked"),
    ], "what still fails was not replayed"
    assert await count(triage.engine, "parked WHERE resolved_at IS NULL") == 1


async def test_what_only_shows_is_written_down_too(triage: Behind, settings: dict[str, Any]) -> None:
    assert give(settings, "triage", "parked", "list")[0] == 0
    [row] = await fetch(triage.engine, "SELECT action, detail FROM audit")
    assert tuple(row) == ("command.given", "parked")


@pytest.mark.parametrize(
    "names", [("anna", "anna", "anna as ben", "ben"), ("pir as anna", "pir", "pir as anna", "pir as ben")]
)
async def test_an_erasure_takes_a_second_person(intake: Behind, names: tuple[str, ...]) -> None:
    reference = (await intake.send(a_referral())).json()["reference"]
    done = []
    for name in names:
        async with intake.engine.begin() as tx:
            try:
                found = await erasing.erase(tx, reference, actor=Actor("operator", name), at=AT, needs_second=True)
            except AskedFor:
                found = None  # the request is kept
        done.append(found is not None)
    assert done == [False, False, False, True]
