"""What the referral page is made of: rules that nearly fired, what comes next, the history in words, who a family is."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import ImmutableMultiDict

from services.triage.identity_access import LookReason
from services.triage.pages.labels import (
    FACTS,
    LOOKED,
    LOOKS,
    age_of_baby,
    fact_value,
    gap_in_words,
    loss_in_words,
    loss_of,
    message_name,
    rule_meaning,
    told_facts,
)
from services.triage.pages.referral import identity_view
from services.triage.pages.referral.decision_view import near, without_the_decline
from services.triage.pages.referral.item import open_beside
from services.triage.pages.referral.kinds import KINDS, RINGS
from services.triage.pages.referral.timeline import DID, TEXT_OF, contacts_in_words, timeline
from services.triage.pages.referral.what_to_do import DOUBTS, Held, ToDo, coming, what_to_do
from services.triage.pages.steps import birth_outcome
from services.triage.pages.steps.birth_outcome import BirthOutcome, Outcome
from services.triage.pages.steps.calls import contact_choices
from services.triage.pages.steps.step_forms import DECLINED_FOR, FORMS, ORDER, WORDS, offers
from services.triage.rules import CATALOGUE
from services.triage.staff_notes import StaffNote
from services.triage.work_items.item import AuditLine
from services.triage.work_items.places import Waiting
from services.triage.work_items.steps import STEPS
from shared.access import Permission, Role, Staff
from shared.events import (
    Circumstance,
    ComplexHistory,
    Consent,
    Domain,
    Eligibility,
    Facts,
    Kind,
    Mode,
    RiskFactor,
    Route,
    Safety,
    Severity,
    Tier,
    Urgency,
)
from shared.policy import Policy
from tests.builders import (
    SHERWOOD,
    TODAY,
    a_family,
    a_policy,
    a_work_item,
    an_enquiry,
    at_home,
    decided,
    elsewhere,
    noon,
    withheld,
)
from tests.unit.triage.test_whom_to_ring import rings_of

NOON = noon(TODAY)
DAY = timedelta(days=1)
MAYA = Staff("maya", "Maya Patel", Role.WORKER)
LENA = Staff("lena", "Lena Okafor", Role.LEAD)
MO = Staff("mo", "Mo Hall", Role.MANAGER)


def nearly(facts: Facts, policy: Policy | None = None) -> dict[str, str]:
    return near(facts, received_at=NOON, policy=policy or a_policy())


# Rules that nearly fired.


def test_one_more_area_of_concern_may_make_it_longer_term_work() -> None:
    two = nearly(a_family(severity=Severity.SEVERE, domains=[Domain.MAIN_CARER, Domain.EMOTIONAL]))
    assert two["N2"] == "One more area of concern would make this longer-term work."
    assert "N2" not in nearly(a_family(severity=Severity.SEVERE, domains=[Domain.MAIN_CARER]))


def test_one_more_risk_factor_may_make_it_targeted_help() -> None:
    one = a_family(severity=Severity.NONE, domains=(), risk_factors=[RiskFactor.ISOLATION])
    assert nearly(one)["N4"] == "One more risk factor would make this targeted help."
    assert "N4" in nearly(a_family(severity=Severity.NONE, domains=()))  # one step more severe


def test_a_step_in_severity_is_one_step() -> None:
    assert "N3" in nearly(a_family(severity=Severity.MILD, domains=()))
    assert "N3" not in nearly(a_family(severity=Severity.NONE, domains=()))
    assert nearly(a_family(severity=Severity.UNKNOWN, domains=())) == {}


@pytest.mark.parametrize(("days", "is_near"), [(1, True), (28, True), (29, False)])
def test_a_birthday_within_four_weeks_is_near(days: int, is_near: bool) -> None:
    birthday = TODAY + days * DAY
    found = nearly(a_family(born_on=birthday.replace(year=birthday.year - 2)))
    assert ("E5" in found) is is_near


@pytest.mark.parametrize(("days", "is_near"), [(1, True), (14, True), (15, False)])
def test_late_pregnancy_within_two_weeks_is_near(days: int, is_near: bool) -> None:
    found = nearly(a_family(due_on=TODAY + (280 - 196 + days) * DAY))
    assert ("M1" in found) is is_near


@pytest.mark.parametrize(("days", "is_near"), [(1, True), (60, True), (61, False)])
def test_a_ward_that_opens_within_two_months_is_near(days: int, is_near: bool) -> None:
    opens_on = TODAY + days * DAY
    wards = [each.model_dump() for each in a_policy().wards]
    opened = [each | {"opens_on": opens_on} if each["code"] == SHERWOOD else each for each in wards]
    policy = Policy.model_validate(a_policy().model_dump() | {"wards": opened})
    found = nearly(a_family(home=at_home(ward=SHERWOOD)), policy)
    assert ("E8" in found) is is_near


def test_nothing_is_near_for_an_enquiry() -> None:
    assert nearly(an_enquiry(Kind.TRAINING)) == {}


def test_a_nudge_names_no_rule_that_fired() -> None:
    facts = a_family(severity=Severity.MODERATE, complex_history=[ComplexHistory.COMPLEX_TRAUMA])
    assert nearly(facts)
    assert not set(nearly(facts)) & set(decided(facts).rules)


@given(
    severity=st.sampled_from(Severity),
    domains=st.lists(st.sampled_from(Domain), unique=True),
    factors=st.lists(st.sampled_from(RiskFactor), unique=True, max_size=3),
    days=st.integers(-300, 900),
)
def test_whatever_the_facts_every_near_rule_is_a_sentence_with_its_rule(
    severity: Severity, domains: list[Domain], factors: list[RiskFactor], days: int
) -> None:
    facts = a_family(severity=severity, domains=domains, risk_factors=factors, born_on=TODAY - days * DAY)
    for rule, text in nearly(facts).items():
        assert rule in CATALOGUE
        assert text.endswith(".")
        assert rule not in text.replace("(", " ").split()
        assert "_" not in text


@pytest.mark.parametrize(
    "facts",
    [
        a_family(severity=Severity.MODERATE, home=elsewhere()),
        a_family(severity=Severity.MODERATE, consent=Consent.REFUSED),
        a_family(severity=Severity.MODERATE, born_on=date(2020, 1, 1)),
        a_family(severity=Severity.MODERATE, home=elsewhere(), born_on=date(2020, 1, 1), consent=Consent.REFUSED),
    ],
)
def test_without_the_decline_the_need_alone_decides(facts: Facts) -> None:
    assert decided(facts).mode is Mode.PROPOSE_DECLINE
    found = without_the_decline(facts, received_at=NOON, policy=a_policy())
    assert (found.tier, found.routes) == (Tier.SPECIALIST_SHORT, (Route.PIR_SHORT,))
    assert found.eligibility is Eligibility.ELIGIBLE


def test_every_rule_that_proposes_a_decline_has_its_reason() -> None:
    assert set(DECLINED_FOR) == {"E6", "E10", "E13"}


# Words.


@pytest.mark.parametrize("rule", CATALOGUE)
def test_the_meaning_of_a_rule_has_the_numbers_of_its_policy(rule: str) -> None:
    meaning = rule_meaning(rule, a_policy())
    assert "`" not in meaning
    assert "_" not in meaning


def test_an_earlier_policy_that_is_not_known_lends_no_number() -> None:
    assert rule_meaning("M7", a_policy()) == "From 22 months old: urgent, before support ends."
    assert "22" not in rule_meaning("M7", None)


def test_every_fact_that_a_rule_uses_has_words() -> None:
    cases = [
        a_family(severity=Severity.SEVERE, complex_history=list(ComplexHistory), safety=list(Safety)),
        a_family(home=elsewhere(), carer_age=15, requested_tier=Tier.SPECIALIST_LONG),
        a_family(home=withheld()),
        a_family(due_on=TODAY + 20 * DAY),
        a_family(has_dates=False, full_routes=[Route.TARGETED]),
    ]
    used = {name: value for facts in cases for each in decided(facts).reasons for name, value in each.facts.items()}
    assert set(used) <= set(FACTS)
    for name, value in used.items():
        assert fact_value(name, value, a_policy())


def test_what_was_not_said_is_not_told() -> None:
    told = dict(told_facts(a_family(risk_factors=[RiskFactor.ISOLATION]), a_policy()))
    assert told["Risk factors"] == "On their own, with little support"
    assert "Complex history" not in told


def test_what_is_missing_is_said_without_signs_of_a_program() -> None:
    assert gap_in_words("/babies/0/date_of_birth") == "babies 1 date of birth"


def test_a_reason_to_look_is_offered_in_words_but_not_the_pages_own() -> None:
    assert set(LOOKS) == set(LookReason) - {LookReason.ASSIGNED}
    assert set(LOOKED) == set(LookReason)


# History.


def a_line(
    action: str, detail: str | None = None, *, actor: str = "maya", number: int = 1, kind: str = "staff"
) -> AuditLine:
    return AuditLine(number, NOON, kind, actor, action, detail)


def test_every_step_has_words_for_the_history() -> None:
    assert {f"item.{step}" for step in STEPS} <= set(DID)
    assert set(TEXT_OF) <= set(DID)


def test_the_history_says_who_did_what() -> None:
    lines = [
        a_line("referral.decided", "auto_route", actor="rules", kind="system"),
        a_line("item.escalated", "unopened_working_day", actor="clock", kind="system"),
        a_line("item.claim", "pir_short"),
        a_line("item.assign", "tom"),
        a_line("item.contact-attempt", "no_answer", actor="gone"),
        a_line("identity.viewed", "rang"),
        a_line("identity.viewed"),
        a_line("item.arrange", "2026-06-15T13:05+00:00"),
        a_line("referral.informed", actor="health-visiting", kind="agency"),
        a_line("something.new", "code"),
    ]
    told = [f"{each.who} {each.what}" for each in timeline(lines, {"maya": "Maya Patel", "tom": "Tom Reed"})]
    assert told == [
        "The rules decided where the family should go",
        "The clock brought this to attention: Nobody opened it within a working day",
        "Maya Patel took this on: Parent-infant team, short-term work",
        "Maya Patel gave this to Tom Reed",
        "gone tried to make contact: No answer",
        "Maya Patel looked at who the family is: the family or the referrer rang",
        "Maya Patel looked at who the family is",
        "Maya Patel arranged a date: Monday 15 June 2026, 14:05",
        "The referrer sent the information",
        "Maya Patel something: new",
    ]


def test_a_persons_decision_is_told_once() -> None:
    lines = [a_line("item.override", "pir_short"), a_line("referral.decided", "auto_route")]
    assert [each.what for each in timeline(lines, {})] == ["decided differently"]


def test_what_was_written_stands_with_the_step_it_was_written_in() -> None:
    lines = [a_line("item.note", number=1), a_line("item.note", number=2), a_line("item.note", number=3, actor="tom")]
    texts = [StaffNote("note", "maya", NOON, "one"), StaffNote("note", "maya", NOON, "two")]
    assert [each.text for each in timeline(lines, {}, texts)] == ["one", "two", None]
    assert [each.text for each in timeline(lines, {})] == [None, None, None]


# What comes next, and what can be done.


def now_of(item: Any, facts: Facts | None = None, *, staff: Staff = MAYA, **more: Any) -> ToDo:
    """What the page of an item says; decided by the rules when there are facts."""
    decision = decided(facts).model_dump(mode="json") if facts else None
    known = {"facts": facts, "decision": decision, "policy": a_policy(), "rings": rings_of(item, facts)}
    return what_to_do(item, offers(item, staff), **known | more)


def own(**changes: Any) -> Any:
    return a_work_item(**{"state": "claimed", "assignee": "maya"} | changes)


def test_every_route_says_what_to_do_and_has_a_first_step() -> None:
    assert set(KINDS) == set(Route)
    assert {step for kind in KINDS.values() for step in (*kind.first, *kind.also)} <= set(WORDS)
    for route in Route:
        for item in (a_work_item(route=route), own(route=route), own(route=route, assignee="tom")):
            told = now_of(item)
            assert told.words, route
            assert told.first, (route, item.assignee)


@pytest.mark.parametrize(
    ("item", "words", "first"),
    [
        (a_work_item(), "Accept the family for a place", "claim"),
        (own(), "Accept the family for a place", "accept"),
        (own(route="review_birth_outcome"), "Never ask the family first", "birth-outcome"),
        (own(route="review_duplicate"), "say whether they are of one family", "confirm-duplicate"),
        (own(route="review_call_back"), "Ring the family back", "contact-attempt"),
        (own(route="bereavement_review"), "Ask what the family knows and what they wish", "note"),
        (own(route="info_request", state="waiting_for_referrer"), "Ring the referrer", "answered"),
        (own(state="waiting_for_referrer", clock_stands=True), "The clock stands still until they answer", "answered"),
        (a_work_item(state="waiting_list", marks=["waiting_list"]), "Tell them how long it may take", "claim"),
        (a_work_item(state="claimed", marks=["waiting_list"]), "Tell them how long it may take", "contact-attempt"),
        (a_work_item(state="waiting_list", marks=["waiting_list", "place_free"]), "A place is free", "accept"),
        (a_work_item(route="training"), "arrange a date", "claim"),
        (own(route="training", arranged_for=NOON, state="accepted"), "write down who came", "deliver"),
        (own(state="accepted", accepted_at=NOON), "for the first time", "contact-attempt"),
        (own(state="accepted", accepted_at=NOON, first_contact_at=NOON), "when the work has ended", "contact-attempt"),
        (own(marks=["facts_changed"]), "The facts have changed", "take-proposal"),
        (own(marks=["undeliverable"]), "could not be delivered", "close"),
        (own(assignee="tom"), "Accept the family", "take-over"),
    ],
)
def test_one_sentence_says_what_to_do_and_one_step_comes_first(item: Any, words: str, first: str) -> None:
    told = now_of(item)
    assert words in told.words
    assert told.first
    assert told.first.step == first


@pytest.mark.parametrize("end", [("moved_away", "The family moved away."), ("over_age", "The child is past")])
def test_where_the_work_has_ended_nothing_more_is_to_be_done(end: tuple[str, str]) -> None:
    told = now_of(a_work_item(state="closed", ended_at=NOON, end_reason=end[0]))
    assert f"Nothing more here. {end[1]}" in told.words
    assert told.first is None


def test_what_is_open_beside_ended_work_is_a_press_away_and_what_somebody_rings_about_comes_first() -> None:
    every = [
        {"id": "1", "route": "emergency_call", "ended_at": NOON},
        {"id": "2", "route": "pir_short", "ended_at": None},
        {"id": "3", "route": "mash", "ended_at": None},
    ]
    told = now_of(a_work_item(state="closed", ended_at=NOON), onward=open_beside(every))
    assert [each.href for each in told.also] == ["/staff/items/3", "/staff/items/2"]
    assert told.words.endswith("There is more to do for this family.")
    assert told.also[0].text == "Go on: Children's social care (multi-agency safeguarding hub, MASH)"


@pytest.mark.parametrize(("marks", "how"), [((), "phone"), (("contact_hold_c2",), None)])
def test_under_domestic_abuse_nobody_has_chosen_how_the_family_was_reached(
    marks: tuple[str, ...], how: str | None
) -> None:
    assert contact_choices(own(marks=marks), TODAY)["suggested"].get("how") == how


def test_a_loss_is_said_before_anything_else_is_known() -> None:
    told = now_of(own(route="bereavement_review"), loss="The baby died")
    assert told.more[0] == "Go gently: the baby died."


def test_a_loss_that_a_person_was_told_of_is_not_said_to_be_a_guess() -> None:
    decided_by_a_person = {"decided_by": "person", "routes": ["bereavement_review"]}
    assert loss_of(a_family(), decided_by_a_person) == "The family has had a loss"
    assert loss_of(a_family(), {**decided_by_a_person, "decided_by": "machine"}) == "The baby may have died"
    assert loss_of(a_family(circumstances=["infant_died"]), decided_by_a_person) == "The baby died"


@pytest.mark.parametrize("route", sorted(RINGS))
@pytest.mark.parametrize("holder", ["maya", None])
def test_safety_work_says_whom_to_ring_and_that_the_system_does_not(route: str, holder: str | None) -> None:
    item = own(route=route, urgency="1wd") if holder else a_work_item(route=route, urgency="1wd")
    told = now_of(item, a_family(safety=[Safety.SIGNIFICANT_HARM]))
    assert "The system does not tell them." in told.then
    assert told.first
    assert (told.first.step, told.first.text) == ("rung", "I have rung")
    [on_call] = [call for call in told.rings if call.phone == a_policy().on_call.phone]
    assert on_call.who.endswith(a_policy().on_call.name)
    assert on_call.who.startswith("Safeguarding lead") == (route == "safeguarding_lead")
    hidden = {"accept", "wait", "offer-interim", "first-contact", "decline", "request-information"}
    assert not hidden & {*offered(item), *offered(item, LENA)}


@pytest.mark.parametrize(
    ("item", "facts", "more", "words"),
    [
        (a_work_item(), a_family(), {}, "Take this on to see whom to ring."),
        (
            own(assignee="tom"),
            a_family(),
            {"held": Held("Tom Reed")},
            "Tom Reed has it. Ask them first, or take it over.",
        ),
        (
            own(assignee="tom", urgency="1wd"),
            a_family(),
            {"held": Held("Tom Reed", "8 days over")},
            "Tom Reed has it, 8 days over. Ask them first, or take it over.",
        ),
        (
            own(assignee="tom", route="emergency_call", urgency="now"),
            a_family(),
            {"held": Held("Tom Reed", "8 days over")},
            "Tom Reed has it, 8 days over. Do not wait for them.",
        ),
        (own(route="mash", marks=["withdrawn"]), a_family(), {}, "Withdrawn, but the worry stays: go on."),
        (own(), a_family(babies=2), {}, "There are 2 babies: ask after each of them."),
        (
            own(),
            a_family(carer_age=15),
            {},
            "A parent is a child too: ring the safeguarding lead as well, 0115 496 0103.",
        ),
    ],
)
def test_what_changes_how_somebody_rings_is_said_beside_the_number(
    item: Any, facts: Facts, more: dict[str, Any], words: str
) -> None:
    assert words in now_of(item, facts, **more).more


def test_after_a_loss_no_page_counts_babies() -> None:
    lost = a_family(babies=2, circumstances=[Circumstance.INFANT_DIED])
    assert not [line for line in now_of(own(route="bereavement_review"), lost).more if "babies" in line]


@pytest.mark.parametrize("route", ["bereavement_review", "review_duplicate", "signpost_age", "signpost_area", "mash"])
def test_no_place_is_offered_where_nobody_is_taken_on(route: str) -> None:
    for staff in (MAYA, LENA):
        assert not {"accept", "wait", "offer-interim"} & set(offered(own(route=route), staff))


@pytest.mark.parametrize("urgency", ["now", "4h"])
def test_what_is_due_now_does_not_wait_for_an_answer(urgency: str) -> None:
    assert "request-information" not in offered(own(route="review", urgency=urgency))
    assert "request-information" in offered(own(route="review"))


def test_a_waiting_item_of_ones_own_is_not_offered_to_be_taken_on() -> None:
    item = own(state="waiting_for_referrer")
    assert {each.step: each.text for each in offers(item, MAYA)}["claim"] == "Go on without their answer"


def test_a_doubt_is_said_with_what_the_rules_suggest() -> None:
    facts = a_family(severity=Severity.MILD, domains=(), complex_history=[ComplexHistory.PREVIOUS_REMOVAL])
    told = now_of(own(route="review", decided_as_of=NOON), facts)
    assert "Why a person: what was told does not fit together. " in told.more[0]
    assert "How severe the concern is: Mild. Complex history: An earlier child was removed." in told.more[0]
    assert told.more[1] == "The rules suggest: Early Help."
    assert told.first
    assert told.first.text == "Agree: Early Help"
    assert told.first.href.endswith("/override?routes=targeted&urgency=routine&tier=targeted")
    assert [each.text for each in told.also] == ["Decide differently"]


def test_where_the_need_is_not_known_nothing_is_suggested() -> None:
    told = now_of(own(route="review", decided_as_of=NOON), a_family(severity=Severity.UNKNOWN, domains=()))
    assert "nobody has seen yet how the relationship is" in told.more[0]
    assert told.first
    assert told.first.text == "Decide differently"


def test_refusing_a_decline_leads_to_the_comparison_with_what_the_need_alone_gives() -> None:
    facts = a_family(home=elsewhere(), severity=Severity.MODERATE)
    [refuse] = now_of(own(route="signpost_area", decided_as_of=NOON), facts, staff=LENA).also
    assert refuse.href.endswith("/override?routes=pir_short&urgency=routine&tier=specialist_short")


def test_two_referrals_are_compared_before_anything_is_said_of_them() -> None:
    told = now_of(own(route="review_duplicate"))
    assert told.first
    assert (told.first.text, told.first.step) == ("Compare the two referrals", "confirm-duplicate")
    assert {"confirm-duplicate", "not-duplicate"} <= set(offered(own(route="review_duplicate")))


def test_every_doubt_is_about_a_rule() -> None:
    assert set(DOUBTS) <= set(CATALOGUE)


def test_under_domestic_abuse_contact_is_in_the_safe_way_only() -> None:
    told = now_of(own(), a_family(safety=[Safety.DOMESTIC_ABUSE]))
    assert "Contact the family only in the safe way. When none was given, ask the referrer first." in told.more


def test_a_waiting_list_says_the_place_and_the_wait() -> None:
    def line(position: int, weeks: int | None) -> str:
        waiting = Waiting(UUID(int=1), Route.PIR_SHORT, "PIR-4K7-29M", NOON, Urgency.ROUTINE, None, position, weeks)
        return now_of(a_work_item(state="waiting_list"), in_line=waiting).more[-1]

    assert line(3, 6) == "Number 3 on the waiting list. About 6 weeks, if it goes on as it did."
    assert line(1, 0).endswith("A place is free.")
    assert line(2, None).endswith("How long it takes is not known yet.")


def test_a_proposed_decline_waits_for_a_lead() -> None:
    worker, lead = (now_of(own(route="signpost_age"), staff=staff) for staff in (MAYA, LENA))
    assert "A lead confirms the decline" in worker.words
    assert lead.first
    assert lead.first.step == "decline"


def to_come(facts: Facts, item: Any = None) -> str:
    decision = decided(facts).model_dump(mode="json")
    return "; ".join(each.what for each in coming(item or a_work_item(), facts, decision, a_policy(), on=TODAY))


def test_the_end_of_support_is_said_for_a_baby_who_is_born_and_never_after_a_loss_or_in_the_past() -> None:
    assert "ends with the birthday" in to_come(a_family())
    assert "ends with the birthday" not in to_come(a_family(due_on=TODAY + 40 * DAY))
    assert "ends with the birthday" not in to_come(a_family(circumstances=[Circumstance.INFANT_DIED]))
    assert "ends with the birthday" not in to_come(a_family(born_on=TODAY - 800 * DAY))
    assert "the team is alerted" in to_come(a_family(), a_work_item(escalate_at=NOON))


def offered(item: Any, staff: Staff = MAYA) -> list[str]:
    return [each.step for each in offers(item, staff)]


def test_a_step_is_offered_where_it_is_possible_allowed_and_of_use() -> None:
    assert "claim" in offered(a_work_item())
    assert offered(a_work_item(state="claimed", assignee="tom")) == ["take-over", "note"]
    assert "release" not in offered(a_work_item(state="claimed", assignee="tom"))
    assert "release" in offered(a_work_item(state="claimed", assignee="maya"))
    assert "release" in offered(a_work_item(state="claimed", assignee="tom"), LENA)
    assert "contact-attempt" in offered(a_work_item(state="accepted"))
    assert "accept" not in offered(a_work_item(route="training"))
    assert "birth-outcome" in offered(a_work_item(route="review_birth_outcome"))
    assert "birth-outcome" not in offered(a_work_item())
    ended = a_work_item(state="closed", ended_at=NOON, end_reason="completed")
    assert (offered(ended), offered(ended, LENA)) == ([], ["reopen"])
    assert offered(a_work_item(state="closed", ended_at=NOON, end_reason="withdrawn"), LENA) == []
    assert "take-proposal" in offered(a_work_item(marks=["facts_changed"]))
    assert "take-proposal" not in offered(a_work_item())
    assert "hand-back" in offered(a_work_item(state="claimed", assignee="maya", held_before="tom"))


def test_what_is_a_leads_is_offered_to_leads_and_a_manager_is_offered_nothing() -> None:
    item = a_work_item()
    assert set(offered(item, LENA)) - set(offered(item)) == {"assign", "decline", "close"}
    own = a_work_item(state="claimed", assignee="maya")
    assert "close" in offered(own)
    assert "close" not in offered(a_work_item(state="claimed", assignee="maya", route="signpost_age"))
    assert offered(item, MO) == []
    assert FORMS["decline"].permission is Permission.CONFIRM_DECLINE


def test_every_step_has_a_place_and_a_form() -> None:
    assert set(STEPS) - {"first-contact"} | {"birth-outcome", "rung", "answered"} == set(ORDER)
    assert "first" in FORMS["contact-attempt"].fields  # the first contact is a tick of that form
    assert set(ORDER) - set(FORMS) == {"arrange", "deliver"}  # on the page of the enquiry


# Who a family is.


def headings(document: dict[str, Any], answers: list[dict[str, str]] | None = None) -> dict[str, dict[str, str]]:
    found = identity_view.sections({"document": document, "answers": answers or []}, a_policy(), on=TODAY)
    return {each.heading: dict(each.rows) for each in found}


def test_words_of_another_language_are_named_with_the_notes() -> None:
    shown = headings({"notes": "Znowu mnie", "written_in": "pl"})
    assert shown["Notes of the referrer"] == {"Notes": "Znowu mnie", "Written in": "Polish"}
    assert shown["Words to read with care"] == {"Found in the text": "words in another language"}
    assert "Words to read with care" not in headings({"notes": "Sara", "written_in": "en"})


def test_a_safe_way_to_make_contact_comes_first() -> None:
    carer = {"relationship": "mother", "given_name": "Sana", "phone": "07700 900123", "safe_contact": "Ring at noon"}
    [section] = identity_view.sections({"document": {"caregivers": [carer]}, "answers": []}, a_policy(), on=TODAY)
    assert [name for name, _ in section.rows] == [
        "Safe way to make contact",
        "Name",
        "Phone: only in the safe way",
    ]


def test_without_a_safe_way_under_domestic_abuse_the_referrer_is_asked_first() -> None:
    carer = {"relationship": "mother", "phone": "07700 900123"}
    found = {"document": {"caregivers": [carer]}, "answers": []}
    [held] = identity_view.sections(found, a_policy(), ["C2"], on=TODAY)
    assert dict(held.rows) == {
        "Safe way to make contact": "None was given: ask the referrer first",
        "Phone: only in the safe way": "07700 900123",
    }
    [free] = identity_view.sections(found, a_policy(), on=TODAY)
    assert free.rows == [("Phone", "07700 900123")]


def test_a_language_is_told_by_its_name_and_an_interpreter_is_asked_about() -> None:
    def spoken(**carer: Any) -> dict[str, str]:
        return headings({"caregivers": [{"relationship": "mother", **carer}]}).get("Mother", {})

    assert spoken(preferred_language="uk") == {"Language": "Ukrainian", "Interpreter": "Not said: ask"}
    assert spoken(preferred_language="ur", interpreter_needed=True)["Interpreter"] == "Needed"
    assert spoken(preferred_language="pt-BR", interpreter_needed=False) == {
        "Language": "Portuguese",
        "Interpreter": "Not needed",
    }
    assert spoken(preferred_language="en-GB") == {"Language": "English"}
    assert spoken(preferred_language="qqq")["Language"] == "Another language (tag qqq)"
    assert spoken() == {}


def test_a_baby_has_an_age_in_weeks_or_months_but_not_after_a_loss() -> None:
    def told(**changes: Any) -> str:
        return age_of_baby(a_family(**changes), a_policy(), on=TODAY)

    assert told(born_on=TODAY - 13 * DAY) == "13 days old"
    assert told(born_on=TODAY - 50 * DAY) == "7 weeks old"
    assert told(born_on=TODAY.replace(year=TODAY.year - 1)) == "12 months old"
    assert told(born_on=TODAY.replace(year=TODAY.year - 4)) == "4 years old"
    assert told(due_on=TODAY + 42 * DAY) == "34 weeks pregnant"
    assert told(due_on=TODAY - 21 * DAY) == "Due 3 weeks ago, no birth told"
    assert told(has_dates=False) == ""
    assert told(born_on=TODAY - 50 * DAY, circumstances=[Circumstance.INFANT_DIED]) == ""


def test_a_loss_is_said_in_the_words_of_the_referral() -> None:
    assert loss_in_words(a_family(circumstances=[Circumstance.INFANT_DIED])) == "The baby died"
    assert loss_in_words(a_family(circumstances=[Circumstance.PREGNANCY_ENDED])) == "The pregnancy ended"
    assert loss_in_words(a_family()) == loss_in_words(None) == "The baby may have died"


def test_councils_have_names() -> None:
    assert fact_value("authority", "E06000018", a_policy()) == "Nottingham"
    assert fact_value("authority", "E09000033", a_policy()) == "Westminster"
    assert fact_value("authority", "E09999999", a_policy()) == "another council"


def test_a_message_names_each_reader_once() -> None:
    assert message_name({"kind": "on-call", "audience": "on-call"}) == "Call to the person on call"
    assert message_name({"kind": "decision", "audience": "agency"}) == "Decision to the referrer's team"


def test_tries_are_counted_and_the_last_is_told() -> None:
    tries = [
        a_line("item.contact-attempt", "no_answer", number=1),
        a_line("item.contact-attempt", f"left_message phone {TODAY - DAY}", number=2),
        a_line("item.note", number=3),
    ]
    assert contacts_in_words(tries, on=TODAY) == "2 tries, the last today: no answer"
    assert contacts_in_words(tries[1:], on=TODAY) == "1 try, the last yesterday: left a message"
    assert contacts_in_words([], on=TODAY) == "Nobody has tried yet"
    assert timeline(tries[1:2], {})[0].what == "tried to make contact: Left a message, by phone, on Sunday 14 June 2026"


def test_each_part_of_what_was_sent_has_its_place() -> None:
    shown = headings(
        {
            "referrer": {"name": "Ada Okoro", "role": "Health visitor", "email": "ada@example.org"},
            "babies": [{"given_name": "Robin", "date_of_birth": "2026-01-16", "sex": "2"}, {}],
            "caregivers": [{"relationship": "father", "interpreter_needed": True, "communication_needs": ["bsl"]}],
            "home": {"address_lines": ["1 High Street", "Flat 2"], "postcode": "NG6 8GB"},
            "consent": {"status": "given", "given_by": "Sana", "recorded_at": "2026-06-15T11:00:00+01:00"},
            "strengths": ["warm_moments_seen"],
            "notes": "One\nTwo",
        },
        [{"at": "2026-06-16T09:00:00+00:00", "notes": "She said yes"}],
    )
    assert shown["Baby"]["Born on"] == "Friday 16 January 2026 (4 months old)"
    assert shown["Baby 2"] == {"Name": "not given"}
    assert shown["Father"] == {"Interpreter": "Needed", "Needs": "British Sign Language"}
    assert shown["Home"]["Address"] == "1 High Street\nFlat 2\nNG6 8GB"
    assert shown["Consent"]["Recorded"] == "Monday 15 June 2026, 11:00"
    assert shown["Notes of the referrer"] == {"Notes": "One\nTwo"}
    assert shown["Answer of the referrer"] == {"Tuesday 16 June 2026, 10:00": "She said yes"}
    assert shown["What goes well"] == {"Strengths": "Warm moments were seen"}


@pytest.mark.parametrize("document", [{}, {"babies": None, "caregivers": None, "home": None, "notes": None}])
def test_where_nothing_was_sent_nothing_is_shown(document: dict[str, Any]) -> None:
    assert headings(document) == {}


def test_a_kept_address_and_a_home_without_one_are_said() -> None:
    assert "Kept safe" in headings({"home": {"withheld": True}})["Home"]["Address"]
    assert headings({"home": {"no_fixed_abode": True}})["Home"]["Address"] == "No fixed address"


def test_a_time_that_cannot_be_read_is_shown_as_it_was_sent() -> None:
    assert headings({"consent": {"recorded_at": "noon"}})["Consent"]["Recorded"] == "noon"


# The birth.


def steps_after(answer: Outcome, state: str = "open", *, assignee: str | None = None, **more: Any) -> list[str]:
    body = BirthOutcome(answer=answer, **more)
    item = SimpleNamespace(route="review_birth_outcome", state=state, assignee=assignee)
    return [step for step, _ in birth_outcome.steps_of(body, item)]


def test_what_follows_from_how_the_birth_went() -> None:
    assert steps_after(Outcome.BORN, born_on=TODAY) == ["note", "request-information"]
    assert steps_after(Outcome.BORN, "waiting_for_referrer", born_on=TODAY) == ["note"]
    assert steps_after(Outcome.DIED) == steps_after(Outcome.ENDED) == ["note", "claim", "override"]
    assert steps_after(Outcome.DIED, "claimed", assignee="maya") == ["note", "override"]
    assert steps_after(Outcome.NOT_KNOWN) == ["note"]


@pytest.mark.parametrize(
    ("day", "is_fine"),
    [(("3", "5", "2026"), True), (("", "", ""), False), (("31", "2", "2026"), False), (("16", "6", "2026"), False)],
)
def test_a_birth_is_on_a_day_that_has_come(day: tuple[str, str, str], is_fine: bool) -> None:
    form = FORMS["birth-outcome"]
    parts = dict(zip(("born_on-day", "born_on-month", "born_on-year"), day, strict=True))
    typed = form.read(ImmutableMultiDict({"answer": "born", **parts}))
    body, mistakes = form.check(typed, today=TODAY)
    assert (body is not None) is is_fine
    assert set(mistakes) == (set() if is_fine else {"born_on"})


def test_what_somebody_adds_to_the_answer_is_a_note_of_its_own_as_long_as_any() -> None:
    assert steps_after(Outcome.NOT_KNOWN, note="x" * 10_000) == ["note", "note"]


def test_lists_and_line_ends_are_read_as_they_were_meant() -> None:
    form = ImmutableMultiDict([("routes", "mash"), ("routes", "mash"), ("routes", "review"), ("reason", " a\r\nb ")])
    assert FORMS["override"].read(form) == {"routes": ["mash", "review"], "reason": "a\nb"}
