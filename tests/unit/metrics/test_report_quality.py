"""What a report says is not known leans on published counts alone."""

from __future__ import annotations

from datetime import UTC, datetime

from services.metrics.reports.missing_facts import sentences
from services.metrics.reports.model import SMALL, Shown

FROZEN = datetime(2026, 10, 7, tzinfo=UTC)


def told(received: int, missing: Shown) -> tuple[str, ...]:
    return sentences(Shown(value=received), {"Ward": missing}, FROZEN)


def test_what_is_missing_is_a_share_of_what_was_received() -> None:
    assert told(200, Shown(value=50))[0] == "Ward: missing for about 25 per cent of the referrals."


def test_a_small_number_is_not_said() -> None:
    first = told(200, SMALL)[0]
    assert first == "Ward: missing for a few referrals, or too few to say."
    assert not any(character.isdigit() for character in first)


def test_nothing_missing_and_nothing_received_are_said_apart() -> None:
    assert told(200, Shown(value=0))[0] == "Ward: nothing is missing."
    assert told(0, Shown(value=0)) == ("Nothing was received in this period.",)


def test_it_says_that_it_is_frozen_only_when_it_is() -> None:
    assert told(200, SMALL)[-1].startswith("Frozen when it was published")
    assert len(sentences(Shown(value=200), {"Ward": SMALL}, None)) == 1
