"""The scenarios of the rules, version 1: where text and scenario disagree, the scenario wins."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from services.triage.rules import decide
from shared.events import Facts
from tests.builders import a_policy

SCENARIOS = [
    json.loads(line) for line in (Path(__file__).parents[2] / "data" / "scenarios.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[f"{row['id']} {row['title']}" for row in SCENARIOS])
def test_a_scenario_is_decided_as_expected(scenario: dict[str, Any]) -> None:
    decision = decide(
        Facts.model_validate(scenario["facts"]),
        received_at=datetime.fromisoformat(scenario["received_at"]),
        policy=a_policy(scenario["policy"]),
    )
    found = json.loads(decision.model_dump_json())
    expected = scenario["expect"]
    for name in ("eligibility", "mode", "tier", "urgency"):
        assert found[name] == expected[name], name
    assert sorted(found["routes"]) == sorted(expected["routes"])
    assert sorted(found["rules"]) == sorted(expected["rules"])
    assert set(found["holds"]) == {"C1", "C2"} & set(expected["rules"])


def test_all_the_scenarios_are_read() -> None:
    assert len(SCENARIOS) == 89
