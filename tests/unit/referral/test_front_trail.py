"""The way through the form: what is still needed, what may be passed over, and where each page leads."""

from __future__ import annotations

from typing import Any, Final

import pytest

from services.referral.front import agreement, filling, trail
from services.referral.front.form_pages import SLUGS
from services.referral.front.trail import Standing
from shared.events import DANGERS, RED_FLAGS, Safety
from tests.front_documents import NOW, page

WHOLE: Final[dict[str, Any]] = {
    "safety": [],
    "mental_health": "none",
    "consent": {"status": "given"},
    "babies": [{"given_name": "Robin"}],
    "caregivers": [{"relationship": "mother", "given_name": "Sana"}],
    "concern": {"severity": "mild"},
    "referrer": {"name": "Ada", "role": "Nurse", "email": "ada@example.org"},
}


def after(slug: str, document: dict[str, Any], **more: bool) -> str:
    return trail.after(page(slug, document), document, NOW, **more)


def test_going_on_leads_through_all_pages_and_not_to_who_is_known() -> None:
    led = [after(slug, WHOLE) for slug in SLUGS]
    assert led == [*(f"/{slug}" for slug in SLUGS[1:-1]), "/check", "/check"]
    assert after("equality", WHOLE | {"referrer": {}}) == "/you"


def test_passing_over_leads_to_the_first_page_that_needs_something() -> None:
    assert {after(slug, WHOLE, passes_over=True) for slug in SLUGS} == {"/check"}
    assert after("home", WHOLE | {"consent": {}}, passes_over=True) == "/agreement"
    assert after("home", WHOLE | {"referrer": {}}, passes_over=True) == "/you"
    wrong = WHOLE | {"babies": [{"date_of_birth": "no day"}]}
    assert after("home", wrong, passes_over=True) == "/babies?checked"
    assert after("babies", wrong, passes_over=True) == "/babies?checked"


def test_nobody_passes_over_the_question_about_a_loss() -> None:
    offered = [slug for slug in SLUGS if trail.can_pass_over(page(slug, WHOLE), WHOLE, NOW)]
    assert offered == [slug for slug in SLUGS[3:] if slug not in ("equality", "you")]


def test_a_whole_form_needs_nothing_more() -> None:
    assert set(trail.standings(WHOLE, NOW).values()) == {Standing.DONE, Standing.EMPTY}


def test_a_page_has_a_mistake_just_where_its_boxes_show_one() -> None:
    mistaken = (
        {"home": {"postcode": "N", "withheld": True}},
        {"mental_health": "made up", "notes": 3},
        {"caregivers": [{"phone": "none"}, {"date_of_birth": "x"}], "babies": [{"nhs_number": "1"}]},
    )
    for more in ({}, *mistaken):
        document = WHOLE | more
        told = {slug for slug, state in trail.standings(document, NOW).items() if state is Standing.MISTAKE}
        assert told == {slug for slug in SLUGS if filling.errors_of(page(slug, document), document, now=NOW)}
        assert bool(told) == bool(more)


class TestAfterANo:
    SAID_NO: Final[dict[str, Any]] = WHOLE | {"consent": {"status": "refused"}}

    def test_two_pages_stay_open(self) -> None:
        assert [slug for slug in SLUGS if agreement.is_open(page(slug), self.SAID_NO)] == ["safety", "agreement"]
        assert after("agreement", self.SAID_NO) == after("words", self.SAID_NO, passes_over=True) == "/advice"
        [(_, tasks)] = trail.by_group(self.SAID_NO, NOW)
        assert [task["page"].slug for task in tasks] == ["safety", "agreement"]

    @pytest.mark.parametrize("harm", [*({"safety": [each]} for each in Safety), *({"mental_health": each} for each in RED_FLAGS)])  # fmt: skip
    def test_every_harm_goes_on(self, harm: dict[str, Any]) -> None:
        assert not agreement.is_refused(self.SAID_NO | harm)
        assert set(Safety) >= DANGERS

    @pytest.mark.parametrize("consent", [None, [], "refused", {}, {"status": ["refused"]}, {"status": "disputed"}, {"status": "not_sought"}])  # fmt: skip
    def test_only_a_no_is_a_no(self, consent: Any) -> None:
        assert not agreement.is_refused(WHOLE | {"consent": consent})

    @pytest.mark.parametrize("told", [None, "x", [1], ["none"], ["made up"]])
    def test_what_can_not_be_read_is_no_harm(self, told: Any) -> None:
        assert agreement.is_refused(self.SAID_NO | {"safety": told, "mental_health": told})
