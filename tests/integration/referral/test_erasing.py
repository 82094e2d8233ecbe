"""When a family is not erased: while somebody still has to look at a danger, decided or not; and what is owed is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.referral import erasing
from services.referral.erasing import NotErasedError
from shared.audit import Actor
from shared.database import sql
from shared.events import ReferralErased, WorkItemClosed
from shared.messaging import repair
from tests.integration.behind import Behind
from tests.integration.referral.test_referral_after_decision import Sent, a_sent
from tests.integration.support import fetch

AT = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
BY = Actor("operator", "anna")
DANGERS: dict[str, dict[str, Any]] = {
    "a tick": {"safety": ["significant_harm"]},
    "a red flag": {"mental_health": "self_harm_new"},
    "words": {"notes": "He hits me"},
    "a loss": {"circumstances": ["infant_died"]},
    "a birth that is long overdue": {"babies": [{"due_on": "2026-05-01"}]},
}


async def erase(sent: Sent) -> str:
    """Why it is not erased; empty when it is."""
    async with sent.intake.engine.begin() as tx:
        try:
            assert await erasing.erase(tx, sent.reference, actor=BY, at=AT)
        except NotErasedError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("danger", DANGERS)
async def test_a_danger_that_nobody_has_decided_about_is_not_erased(intake: Behind, danger: str) -> None:
    sent = await a_sent(intake, **DANGERS[danger])
    assert "triage has not decided" in await erase(sent)
    await sent.is_decided(after=1)
    assert await erase(sent) == ""


async def test_a_danger_told_after_the_decision_is_not_erased_before_the_next(intake: Behind) -> None:
    sent = await a_sent(intake)
    await sent.is_decided(after=1)
    assert (await sent.change(safety=["immediate_danger"]))["version"] == 2
    assert "triage has not decided" in await erase(sent)


async def test_a_danger_beside_a_persons_decision_is_no_reason_for_ever(intake: Behind) -> None:
    """The person's decision stands, and triage says nothing of the new version but the work that it opens."""
    sent = await a_sent(intake)
    await sent.is_decided(after=1)
    await sent.change(circumstances=["infant_died"])
    assert "triage has not decided" in await erase(sent)
    async with intake.admin.begin() as tx:
        await tx.execute(sql("UPDATE event SET occurred_at = :then"), {"then": AT - timedelta(days=2)})
    assert await erase(sent) == ""


@pytest.mark.parametrize(("days", "is_erased"), [(29, False), (31, True)])
async def test_what_triage_never_decides_about_can_be_erased_after_thirty_days(
    intake: Behind, days: int, is_erased: bool
) -> None:
    sent = await a_sent(intake, safety=["significant_harm"])
    async with intake.admin.begin() as tx:
        await tx.execute(sql("UPDATE referral SET received_at = :then"), {"then": AT - timedelta(days=days)})
    assert (await erase(sent) == "") is is_erased


async def test_an_ordinary_referral_is_erased_whether_it_is_decided_or_not(intake: Behind) -> None:
    assert await erase(await a_sent(intake)) == ""


@pytest.mark.parametrize("is_still_there", [True, False])
async def test_a_review_of_safety_words_is_safety_work(intake: Behind, is_still_there: bool) -> None:
    """Also after the words were changed: somebody still has to read what was written first."""
    sent, item = await a_sent(intake, notes="He hits me"), uuid4()
    await sent.is_decided(after=1)
    await sent.is_opened(after=2, item=item, route="review")
    if not is_still_there:
        await sent.change(notes="A mistake of mine")
        await sent.is_decided(after=3, version=2)
    assert "review" in await erase(sent)
    await sent.hears(WorkItemClosed, after=4, work_item_id=item, route="review", reason="passed_on")
    assert await erase(sent) == ""


async def test_any_other_review_keeps_nobody_from_erasing(intake: Behind) -> None:
    sent = await a_sent(intake)
    await sent.is_decided(after=1)
    await sent.is_opened(after=2, route="review")
    assert await erase(sent) == ""


async def test_an_erasure_that_is_parked_cannot_be_given_up(intake: Behind) -> None:
    """It is owed to the family: it is done, sooner or later."""
    async with intake.engine.begin() as tx:
        row_id = await tx.scalar(
            sql("""
                INSERT INTO parked (topic, partition, "offset", recorded_at, key, type, headers, value, cause)
                VALUES ('pir.referral.v1', 0, 7, now(), :key, :type, '{}', '{}', 'failed') RETURNING id
            """),
            {"key": uuid4(), "type": ReferralErased.type},
        )
    with pytest.raises(repair.CannotDiscardError):
        await repair.discard(intake.engine, row_id, reason="in the way", by=BY)
    assert [row.resolved_at for row in await fetch(intake.engine, "SELECT resolved_at FROM parked")] == [None]
