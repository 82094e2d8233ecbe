"""Which steps a route allows, whoever asks and by whichever door: the API, the pages and the demo all take these."""

from __future__ import annotations

import pytest

from services.triage.work_items.deadlines import ItemState
from services.triage.work_items.steps import STEPS, is_possible
from shared.events import FAMILY_WORK, Route

OF_A_TEAM = ("accept", "wait", "offer-interim", "first-contact")


@pytest.mark.parametrize("route", sorted(set(Route) - FAMILY_WORK))
def test_nobody_takes_a_family_on_but_a_team_that_works_with_families(route: Route) -> None:
    """Danger, a loss, a decision, a comparison, a decline or a wait is no place: it ends with words, or goes on."""
    possible = {step for step in OF_A_TEAM for state in ItemState if is_possible(step, route=route, state=state)}
    assert possible == set()


@pytest.mark.parametrize("step", OF_A_TEAM)
def test_a_team_that_works_with_families_does(step: str) -> None:
    [start, *_] = sorted(STEPS[step].start)
    assert all(is_possible(step, route=route, state=start) for route in FAMILY_WORK)
