"""The coded export: every code of ours has its place, every national code exists."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.metrics.coded import mapping
from services.metrics.coded.files import FIELDS, dictionary_csv, nhs_codes
from services.metrics.coded.mapping import COLUMNS, coded
from services.metrics.counting.cases import Case, Item
from shared.events import GOES_ON, ClosureReason, DeclineReason, Tier, Urgency, WithdrawalReason
from tests.builders import a_policy

MONDAY = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 6, 19, 23, 30, tzinfo=UTC)


def a_case(**said: Any) -> Case:
    return Case(id=UUID(int=1), received_at=MONDAY, working_time=a_policy().working_time, **said)


@pytest.mark.parametrize(
    ("codes", "attribute"),
    [
        (mapping.COMMUNITY_SOURCES, "SOURCE_OF_REFERRAL_FOR_COMMUNITY"),
        (mapping.MENTAL_HEALTH_REASONS, "REASON_FOR_REFERRAL_TO_MENTAL_HEALTH"),
        (mapping.COMMUNITY_REASONS, "REASON_FOR_REFERRAL_TO_COMMUNITY_CARE"),
        (mapping.PRIORITIES, "CLINICAL_RESPONSE_PRIORITY_TYPE"),
        (mapping.REJECTIONS, "REFERRAL_REJECTION_REASON"),
        (mapping.CLOSURES, "REFERRAL_CLOSURE_REASON"),
        (mapping.WITHDRAWALS, "REFERRAL_CLOSURE_REASON"),
    ],
)
def test_every_national_code_exists(codes: mapping.Codes, attribute: str) -> None:
    assert set(codes.values()) <= set(nhs_codes()[attribute])


def test_every_reason_urgency_and_tier_of_ours_is_mapped() -> None:
    assert set(mapping.REJECTIONS) == set(DeclineReason)
    assert set(mapping.WITHDRAWALS) == set(WithdrawalReason)
    assert set(mapping.PRIORITIES) == set(Urgency)
    assert set(mapping.COMMUNITY_REASONS) == set(Tier)
    assert set(ClosureReason) - set(mapping.CLOSURES) == {ClosureReason.WITHDRAWN, *GOES_ON}


def test_every_source_is_a_national_one_and_those_without_a_community_code_are_known() -> None:
    sources = set(nhs_codes()["SOURCE_OF_REFERRAL_FOR_MENTAL_HEALTH"])
    assert set(mapping.COMMUNITY_SOURCES) <= sources
    assert sources - set(mapping.COMMUNITY_SOURCES) == {"C3", "E6", "M3", "M4", "M5", "M6", "M8"}


def test_the_dictionary_explains_every_column_in_their_order() -> None:
    assert tuple(field.column for field in FIELDS) == COLUMNS
    lines = list(csv.DictReader(dictionary_csv().decode().splitlines()))
    assert list(dict.fromkeys(line["column"] for line in lines)) == list(COLUMNS)
    assert {line["code"] for line in lines if line["column"] == "rejection_reason"} == {"01", "02", "03"}


def test_a_declined_referral_is_rejected_and_not_closed_as_well() -> None:
    item = Item(
        "review",
        opened_at=MONDAY,
        declined_at=FRIDAY,
        decline_reason="over_age",
        ended_at=FRIDAY,
        end_reason="completed",
    )
    line = coded(a_case(source="A2", declined_at=FRIDAY, items=(item,)))
    assert (line["rejection_date"], line["rejection_reason"]) == ("2026-06-20", "02")
    assert (line["closure_date"], line["closure_reason"]) == ("", "")
    assert (line["source_mental_health"], line["source_community"]) == ("A2", "07")


def test_the_last_of_its_work_closes_a_referral() -> None:
    first = Item("pir_short", ended_at=MONDAY, end_reason="decided_again")
    last = Item("pir_long", ended_at=FRIDAY, end_reason="moved_away")
    assert coded(a_case(items=(first, last)))["closure_reason"] == "03"
    assert coded(a_case(items=(first, Item("pir_long"))))["closure_date"] == ""


def test_a_withdrawal_has_a_reason_of_its_own() -> None:
    line = coded(a_case(withdrawn_at=FRIDAY, withdrawal_reason="family_declined"))
    assert (line["closure_date"], line["closure_reason"]) == ("2026-06-20", "09")


def test_not_stated_and_not_known_are_kept_apart() -> None:
    line = coded(a_case(mother_ethnicity="Z", baby_ethnicity="J"))
    assert [line[f"ethnic_category_{who}"] for who in ("baby", "mother", "father")] == ["J", "Z", "99"]
