"""How a new referral is related to earlier ones of the same family."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.referral.kinship import Kin, relate
from shared.events import Infant, Link
from tests.builders import a_policy

AT = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
OURS, THEIRS = UUID(int=1), UUID(int=2)
BABY = Infant(born_on=date(2026, 1, 1))


def links(ended_at: datetime | None, agency: UUID = THEIRS) -> tuple[Link, ...]:
    """Of a referral received at AT, to an earlier one of the same baby."""
    earlier = Kin(
        id=UUID(int=3),
        reference="PIR-4K7-29M",
        agency_id=agency,
        family_id=UUID(int=3),
        infant=BABY,
        is_baby_named=True,
        shares_baby=True,
        ended_at=ended_at,
        received_at=AT - timedelta(days=90),
    )
    found = relate(
        [earlier], own_id=UUID(int=4), agency_id=OURS, infant=BABY, is_baby_named=True, at=AT, policy=a_policy()
    )
    assert found.family_id == earlier.family_id
    return found.links


@pytest.mark.parametrize(("days", "expected"), [(0, (Link.RE_REFERRAL,)), (182, (Link.RE_REFERRAL,)), (190, ())])
def test_a_baby_comes_back_within_the_months_after_the_earlier_referral_ended(
    days: int, expected: tuple[Link, ...]
) -> None:
    assert links(AT - timedelta(days=days)) == expected


def test_what_ended_only_after_the_new_one_came_did_not_bring_it_back() -> None:
    """As when ours is amended after the other agency's was closed."""
    assert links(AT + timedelta(days=5)) == ()


def test_an_open_one_is_a_repeat_or_a_duplicate() -> None:
    assert links(None, OURS) == (Link.REPEAT,)
    assert links(None, THEIRS) == (Link.DUPLICATE,)
