"""What the watchdog does about a part that stands still although it could work, and how a loop begins anew."""

from __future__ import annotations

import asyncio
import os
from typing import Any, cast

import pytest

from shared.health import EXIT_STUCK, STUCK_SECONDS, Health
from shared.runtime import _forever

LONG = STUCK_SECONDS + 1


class ExitedError(Exception):
    pass


@pytest.fixture
def health(monkeypatch: pytest.MonkeyPatch) -> Health:
    def leave(code: int) -> None:
        assert code == EXIT_STUCK
        raise ExitedError

    monkeypatch.setattr(os, "_exit", leave)
    return Health("", cast("Any", None), consumer=None, relay=None, needs_partitions=False, has_outbox=False)


async def test_the_part_begins_anew_and_the_process_goes_on(health: Health) -> None:
    runs, again = 0, asyncio.Event()

    async def stands_still() -> None:
        nonlocal runs
        runs += 1
        if runs > 1:
            again.set()
        await asyncio.Event().wait()

    forever = asyncio.create_task(_forever(stands_still, "relay", health.running))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    health.judge({"relay": LONG}, now=100)
    async with asyncio.timeout(10):
        await again.wait()
    health.judge({"relay": LONG}, now=100 + STUCK_SECONDS)
    assert not forever.done()
    forever.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forever


async def test_what_stands_still_again_ends_the_process(health: Health) -> None:
    health.running["relay"] = asyncio.ensure_future(asyncio.sleep(60))
    health.judge({"relay": LONG}, now=100)
    with pytest.raises(ExitedError):
        health.judge({"relay": LONG}, now=100 + LONG)


async def test_what_has_moved_since_is_given_another_try(health: Health) -> None:
    for now in (100.0, 200.0):
        health.running["relay"] = run = asyncio.ensure_future(asyncio.sleep(60))
        health.judge({"relay": LONG}, now=now)
        await asyncio.sleep(0)
        assert run.cancelled()
        health.judge({}, now=now + LONG)


async def test_what_is_not_stuck_is_left_alone(health: Health) -> None:
    health.judge({"relay": STUCK_SECONDS, "consumer": 1.0}, now=100)
    assert health.begun_anew == {}
