"""A copy of a family's records is whole or is not made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.referral.erasing import erase
from services.referral.records.gathering import GatheredRecord, NotGatheredError, gather_all
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.audit import Actor
from shared.subject_access import plain
from tests.integration.conftest import NOWHERE, Behind
from tests.integration.referral.test_referral_after_decision import Sent, a_sent
from tests.integration.support import count

ADA = Actor("operator", "ada")
AWAY = {f"{name}_url": f"http://{NOWHERE}" for name in ("triage", "notify", "metrics")}


@pytest.fixture
async def sent(intake: Behind) -> Sent:
    return await a_sent(intake)


async def gathered(sent: Sent, settings: dict[str, Any], *references: str) -> list[GatheredRecord]:
    known = Settings(**settings | AWAY)
    engine, identities = sent.intake.engine, identities_of(known)
    return await gather_all(engine, known, identities, references, by=ADA, reason="parent-asked", at=datetime.now(UTC))


async def test_nothing_is_given_while_a_service_does_not_answer(sent: Sent, settings: dict[str, Any]) -> None:
    with pytest.raises(NotGatheredError, match="triage does not answer"):
        await gathered(sent, settings, sent.reference)
    assert await count(sent.intake.engine, "audit WHERE action = 'subject-access.given'") == 0


async def test_what_was_erased_is_said_to_be_erased(sent: Sent, settings: dict[str, Any]) -> None:
    async with sent.intake.engine.begin() as tx:
        await erase(tx, sent.reference, actor=ADA, at=datetime.now(UTC))
    with pytest.raises(NotGatheredError, match="was erased"):
        await gathered(sent, settings, sent.reference)


def test_what_is_still_sealed_is_never_left_out_in_silence() -> None:
    with pytest.raises(TypeError, match="bytes"):
        plain({"identity": [b"sealed"]})
