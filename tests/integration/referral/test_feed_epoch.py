"""The feed after a dump was restored: all is listed again, and an old cursor says so."""

from __future__ import annotations

import base64
import struct
from typing import Any

import sqlalchemy as sa

from services.referral import feed_epoch
from services.referral.settings import Settings as ReferralSettings
from services.referral.submitting.prepare import identities_of
from tests.families import a_referral
from tests.integration.conftest import Behind
from tests.integration.support import eventually, fetch

AHEAD = 100_000_000


async def test_a_feed_in_the_same_cluster_is_left_alone(intake: Behind) -> None:
    await intake.send(a_referral())
    before = (await intake.look("/referrals")).json()
    for _ in range(2):
        async with intake.engine.begin() as tx:
            assert await feed_epoch.renew(tx) is None
    assert (await intake.look("/referrals", changed_since=before["next"])).json() == before | {"items": []}


async def test_a_feed_in_another_cluster_starts_anew(intake: Behind) -> None:
    references = {(await intake.send(a_referral())).json()["reference"] for _ in range(3)}
    cursor = (await intake.look("/referrals")).json()["next"]
    async with intake.engine.begin() as tx:
        await tx.execute(sa.text(f"UPDATE referral SET changed_in = changed_in + {AHEAD}"))
        await tx.execute(sa.text(f"UPDATE feed_epoch SET renewed_in = renewed_in + {AHEAD}"))
    assert (await intake.look("/referrals")).json()["items"] == []
    async with intake.engine.begin() as tx:
        assert await feed_epoch.renew(tx) == 3

    async def all_are_listed() -> bool:
        items = (await intake.look("/referrals")).json()["items"]
        return {item["reference"] for item in items} == references

    assert await eventually(all_are_listed, what="all referrals in the feed")
    ended = await intake.look("/referrals", changed_since=cursor)
    assert ended.status_code == 410
    assert ended.json()["type"] == "urn:pir:problem:cursor-ended"
    new = (await intake.look("/referrals")).json()["next"]
    assert (await intake.look("/referrals", changed_since=new)).status_code == 200
    assert (await fetch(intake.engine, "SELECT count(*) AS n FROM feed_epoch"))[0].n == 1


async def test_rows_with_numbers_ahead_of_the_cluster_are_listed_again_whoever_brought_them(intake: Behind) -> None:
    await intake.send(a_referral())
    async with intake.engine.begin() as tx:
        await tx.execute(sa.text(f"UPDATE referral SET changed_in = changed_in + {AHEAD}"))
    async with intake.engine.begin() as tx:
        assert await feed_epoch.renew(tx) == 1

    async def is_listed() -> bool:
        return bool((await intake.look("/referrals")).json()["items"])

    assert await eventually(is_listed, what="the referral in the feed")


async def test_a_cursor_of_before_there_were_epochs_goes_on(intake: Behind, settings: dict[str, Any]) -> None:
    """Of the first epoch: its numbers are those of the cluster still."""
    await intake.send(a_referral())
    [row] = await fetch(intake.engine, "SELECT id, changed_in FROM referral")
    body = struct.pack(">q16s", row.changed_in, row.id.bytes)
    digest = identities_of(ReferralSettings(**settings)).digest("cursor", body)[:8]
    cursor = base64.urlsafe_b64encode(body + digest).decode().rstrip("=")
    answer = await intake.look("/referrals", changed_since=cursor)
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    async with intake.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE feed_epoch SET renewed_in = renewed_in + 1000000"))
        assert await feed_epoch.renew(tx) is not None
    assert (await intake.look("/referrals", changed_since=cursor)).status_code == 410
