"""Danger, loss and silence: what can't wait, and what must not reach a household."""

from __future__ import annotations

from typing import Any

import pytest

from tests.families import a_referral
from tests.journeys.people import Agency, Staff, a_mail, mails
from tests.system import System

REFERRER = {"name": "Ada Okoro", "role": "Nursery teacher", "email": "ada.okoro@example.org"}


def routes(seen: dict[str, Any]) -> set[str]:
    return {each["route"] for each in seen["decision"]["routes"]}


def test_danger_is_accepted_with_gaps_and_answered_at_once(
    system: System, health_visiting: Agency, worker: Staff
) -> None:
    bare = {"referrer": REFERRER, "babies": [{}], "safety": ["immediate_danger"]}
    reply = health_visiting.call("POST", "/referrals", bare)
    assert reply.status == 201
    assert any("999" in line for line in reply.body["act_now"])
    assert {"/consent", "/concern", "/caregivers"} <= set(reply.body["gaps"])
    reference = reply.body["reference"]

    seen = health_visiting.sees_decided(reference)
    assert (seen["status"], seen["decision"]["urgency"]) == ("being_reviewed", "now")
    assert {"emergency_call", "mash"} <= routes(seen)
    receipt = a_mail(system, reference, "receipt")
    assert "ring now" in receipt.subject
    assert "999" in receipt.text

    shown = worker.sees(worker.finds("emergency_call", reference))
    assert shown["tier"] == "statutory"
    assert "/consent" in shown["gaps"]
    assert "consent_overridden" in shown["marks"]


@pytest.mark.parametrize("flag", ["psychosis_suspected", "self_harm_new", "estrangement", "harm_baby_plan"])
def test_a_red_flag_is_for_the_emergency_team_within_hours(health_visiting: Agency, flag: str) -> None:
    reply = health_visiting.call("POST", "/referrals", a_referral(mental_health=flag))
    assert reply.body["act_now"]
    seen = health_visiting.sees_decided(reply.body["reference"])
    assert seen["decision"]["urgency"] == "4h"
    assert routes(seen) == {"pnmh_emergency"} | ({"mash"} if flag == "harm_baby_plan" else set())


def test_words_in_the_notes_bring_a_person_but_are_no_tick(system: System, health_visiting: Agency) -> None:
    reply = health_visiting.call("POST", "/referrals", a_referral(notes="She says there is no reason to live."))
    assert reply.body["act_now"] == []
    seen = health_visiting.sees_decided(reply.body["reference"])
    assert (seen["decision"]["mode"], seen["decision"]["urgency"]) == ("human_review", "1wd")
    assert "review" in routes(seen)
    for mail in (
        a_mail(system, reply.body["reference"], "decision"),
        a_mail(system, reply.body["reference"], "receipt"),
    ):
        assert "no reason" not in mail.text


def test_after_a_loss_the_words_are_neutral(system: System, health_visiting: Agency) -> None:
    reference = health_visiting.refers(circumstances=["infant_died"])
    seen = health_visiting.sees_decided(reference)
    assert routes(seen) == {"bereavement_review"}
    for kind in ("receipt", "decision"):
        mail = a_mail(system, reference, kind)
        assert mail.to == health_visiting.inbox
        assert "do not write to the family" in mail.text
        assert not {"baby", "congratulations", "group"} & set(mail.text.lower().split())


def test_an_enquiry_about_harm_is_safeguarding_and_is_counted_apart(
    system: System, social_care: Agency, worker: Staff
) -> None:
    before = system.totals_at_rest()
    enquiry = {
        "kind": "consultation",
        "referrer": REFERRER,
        "topic": "A family in our group",
        "people": 2,
        "safety": ["significant_harm"],
        "notes": "May we talk it through?",
    }
    reply = social_care.call("POST", "/enquiries", enquiry, key="enquiry-once")
    assert reply.status == 201
    reference = reply.body["reference"]
    again = social_care.call("POST", "/enquiries", enquiry, key="enquiry-once")
    assert (again.status, again.body["reference"]) == (201, reference)
    assert again.headers["idempotent-replayed"] == "true"

    seen = social_care.sees_decided(reference)
    assert routes(seen) >= {"mash", "consultation"}
    assert seen["decision"]["urgency"] == "1wd"
    shown = worker.sees(worker.finds("mash", reference), why="safeguarding")
    assert shown["kind"] == "consultation"
    assert shown["identity"]["document"]["topic"] == "A family in our group"
    assert "request for a consultation" in a_mail(system, reference, "receipt").text
    assert "topic" not in str(mails(system, reference))

    # It moves no total of the referrals
    after = system.totals_at_rest()
    unmoved = ("received", "triaged", "acknowledged", "routed", "declined_proposed", "declined")
    assert {name: after[name] for name in unmoved} == {name: before[name] for name in unmoved}


def test_an_enquiry_holds_no_child(social_care: Agency) -> None:
    enquiry = {"kind": "training", "referrer": REFERRER, "topic": "Attachment", "babies": [{}]}
    reply = social_care.call("POST", "/enquiries", enquiry)
    assert (reply.status, [error["code"] for error in reply.body["errors"]]) == (422, ["unknown-member"])


def test_consent_that_nobody_sought_is_asked_for(system: System, health_visiting: Agency, worker: Staff) -> None:
    reference = health_visiting.refers(consent={"status": "not_sought"})
    seen = health_visiting.sees_decided(reference)
    assert seen["decision"]["eligibility"] == "provisional"
    assert routes(seen) == {"info_request"}
    item = worker.finds("info_request", reference)

    # When the referrer has asked the family
    assert health_visiting.informs(reference, consent={"status": "given"}, notes="Sana agrees.").status == 200

    # Then the referral goes to the team, and nothing is asked any more
    seen = health_visiting.sees_status(reference, "with_team")
    assert seen["version"] == 2
    worker.finds("pir_short", reference)
    assert {each["route"]: each["end_reason"] for each in worker.sees(item)["items"]} == {
        "info_request": "decided_again",
        "pir_short": None,
    }


def test_an_answer_in_words_that_alarm_is_decided_again(health_visiting: Agency) -> None:
    reference = health_visiting.refers()
    health_visiting.sees_decided(reference)
    assert health_visiting.informs(reference, notes="Now she hears voices at night.").status == 200
    seen = health_visiting.sees_decided(reference, version=2)
    assert seen["decision"]["urgency"] == "1wd"
    assert "A1" in [reason["rule"] for reason in seen["decision"]["reasons"]]


def test_an_answer_needs_words_or_a_change(health_visiting: Agency) -> None:
    reference = health_visiting.refers()
    assert health_visiting.informs(reference).status == 422
    assert health_visiting.informs(reference, notes="  ").status == 422
    assert health_visiting.informs(reference, weather="fine").status == 422
